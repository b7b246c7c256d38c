"""Commands whose operator side isn't built yet."""

from __future__ import annotations

from typing import NoReturn

from setops.api.errors import Code
from setops.cli.base.call import Call
from setops.cli.base.problems import failure


def run(call: Call) -> NoReturn:
    """Say that this version can't do it."""
    raise failure(
        Code.CURRENTLY_NOT_SUPPORTED,
        f"{call.declaration.key} is not supported by this version yet; what is: setops help",
    )
