"""Files of the user: written whole or not at all, and whose word a file is.

A file that was found by searching, or that holds secrets, is followed only if nobody but the user
and the administrator can have written it. The rule is that of git's safe.directory, and of ssh for
the permissions: a group counts as nobody else only if it is the user's own.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from setops.api.errors import Code, ProblemsError
from setops.cli.base.problems import failure

_ADMINISTRATOR: Final = 0
_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
"""How a file is begun: never through a link that somebody else has put there before."""


def store(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises ProblemsError."""
    try:
        path = Path(os.path.realpath(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.urandom(4).hex()}.new")
        try:
            with open(os.open(new, _NEW, 0o666), "w", encoding="utf-8") as file:
                file.write(text)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> ProblemsError:
    """The error for a file that can't be written."""
    return failure(
        Code.VALIDATION_FAILED,
        f"{path} can't be written: {error.strerror}; mend that and retry",
    )


def other_writer(name: bytes, opened: int) -> str | None:
    """Who else may write an open file, as the end of a sentence, or None if nobody may.

    `name` is how it was named. A link counts as well as what it leads to, and so do the directories
    of both: who may write there can put another file in place. Raises OSError.
    """
    file = os.fstat(opened)
    if not stat.S_ISREG(file.st_mode):
        # A pipe has no name by which it could be changed. What stands open to all is a named one.
        is_open = stat.S_ISFIFO(file.st_mode) and file.st_mode & stat.S_IWOTH
        return "can be written by everybody" if is_open else None
    owner = _foreign_owner(os.lstat(name)) or _foreign_owner(file)
    if owner:
        return f"belongs to {owner}"
    found = _writers(file)
    if found:
        return f"can be written by {found}"
    for each in dict.fromkeys((os.path.abspath(name), os.path.realpath(name))):
        found = other_replacer(os.path.dirname(each))
        if found:
            return f"is in a directory that can be written by {found}"
    return None


def other_replacer(folder: bytes) -> str | None:
    """Who else may replace the user's files in a directory, or None if nobody may.

    With the sticky bit, as in /tmp, nobody replaces what another one owns. Raises OSError.
    """
    status = os.stat(folder)
    return None if status.st_mode & stat.S_ISVTX else _writers(status)


def other_reader(name: bytes, opened: int) -> str | None:
    """Who else may read an open file, or None if nobody may. Raises OSError."""
    file = os.fstat(opened)
    if not stat.S_ISREG(file.st_mode):
        return None
    if file.st_mode & stat.S_IROTH and all(
        os.stat(folder).st_mode & stat.S_IXOTH for folder in _folders(os.path.realpath(name))
    ):
        return "everybody"
    return _foreign_group(file) if file.st_mode & stat.S_IRGRP else None


def _folders(name: bytes) -> Iterator[bytes]:
    while (folder := os.path.dirname(name)) != name:
        yield folder
        name = folder


def _foreign_owner(status: os.stat_result) -> str | None:
    """The owner, if that is neither the user nor the administrator."""
    owner = status.st_uid
    if owner in (_ADMINISTRATOR, os.geteuid(), _before_sudo()):
        return None
    import pwd

    with contextlib.suppress(KeyError):
        return f"the user {pwd.getpwuid(owner).pw_name}"
    return f"the user {owner}"


def _before_sudo() -> int | None:
    """Who became the administrator by sudo. Source: git, which follows their files as well."""
    given = os.environ.get("SUDO_UID", "")
    return int(given) if os.geteuid() == _ADMINISTRATOR and given.isdecimal() else None


def _writers(status: os.stat_result) -> str | None:
    if status.st_mode & stat.S_IWOTH:
        return "everybody"
    return _foreign_group(status) if status.st_mode & stat.S_IWGRP else None


def _foreign_group(status: os.stat_result) -> str | None:
    """The group, unless it is the user's own: with the user's name and nobody else in it."""
    import grp
    import pwd

    try:
        group = grp.getgrgid(status.st_gid)
    except KeyError:
        return f"the group {status.st_gid}"
    with contextlib.suppress(KeyError):
        name = pwd.getpwuid(os.geteuid()).pw_name
        if group.gr_name == name and set(group.gr_mem) <= {name}:
            return None
    return f"the group {group.gr_name}"
