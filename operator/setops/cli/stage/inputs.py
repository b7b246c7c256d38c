"""Text that a line names: a file, or standard input for `-`."""

from __future__ import annotations

from collections.abc import Callable

from setops.api.errors import Code, Validator
from setops.cli.base.problems import failure
from setops.cli.base.streams import read_text


def text(name: str, limit: int, check: Callable[[int], None] | None = None) -> str:
    """Up to about `limit` bytes. `check` is called with the descriptor of a file before it is read.

    Raises ProblemsError for what can't be read.
    """
    shown = "standard input" if name == "-" else name
    try:
        return read_text(name, limit, check)
    except UnicodeDecodeError as error:
        reason = f"byte {error.start + 1} isn't UTF-8; store it as UTF-8"
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:
        reason = str(error)
    raise failure(
        Code.VALIDATION_FAILED, f"{shown} can't be read: {reason}", Validator.INVALID, name
    )
