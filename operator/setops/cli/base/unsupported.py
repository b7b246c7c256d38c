"""Commands that the operator doesn't support yet."""

from __future__ import annotations

from typing import NoReturn

from setops.api.errors import Code
from setops.cli.base.call import Call
from setops.cli.base.problems import failure


def run(call: Call) -> NoReturn:
    """Say that this version doesn't support the command."""
    raise failure(
        Code.CURRENTLY_NOT_SUPPORTED,
        f"{call.declaration.key} is not supported by this version yet; what is: setops help",
    )
