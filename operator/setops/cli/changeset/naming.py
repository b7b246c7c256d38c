"""How the command line names Changesets. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Final

_READABLE: Final = 30
_HASH: Final = 8


def prefix(user: str, namespace: str) -> str:
    """The prefix of the names of all Changesets of a user on a Stage.

    It has a readable part of the user's name, and a hash in case the readable parts of two users
    are the same: `dev-example-com-1f0a39c2`.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-")[:_READABLE].strip("-")
    digest = hashlib.sha256(f"{user}\n{namespace}".encode()).hexdigest()[:_HASH]
    return f"{readable}-{digest}" if readable else f"u-{digest}"


def changeset_name(user: str, namespace: str, revision: int, taken: set[str]) -> str:
    """The name of a user's next Changeset on a Stage that is at this revision: a DNS label.

    The revision is part of the name, so a name that was committed is never used again. A Changeset
    of the same name and content would count as committed already. `taken` are the names in use. Two
    terminals that ask at the same moment get the same name, and then one of them has to try again.
    """
    first = f"{prefix(user, namespace)}-{revision}"
    name, attempt = first, 1
    while name in taken:
        attempt += 1
        name = f"{first}-{attempt}"
    return name
