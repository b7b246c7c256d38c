"""Odd surroundings: closed streams, full disks, no home. Each is a plain sentence."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(sys.executable).with_name("setops")
CONFIG = {
    "current-context": "here",
    "contexts": [
        {"name": "here", "context": {"cluster": "here"}},
        {"name": "far", "context": {"cluster": "far", "user": "far"}},
    ],
    "users": [{"name": "far", "user": {"token": "a"}}],
    "clusters": [
        {"name": "here", "cluster": {"server": "https://127.0.0.1:1"}},
        {"name": "far", "cluster": {"server": "https://far.invalid"}},
    ],
}


def _closed(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


def _full(number: int) -> Callable[[], None]:
    def fill() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), number)

    return fill


def _both_full() -> None:
    _full(1)()
    _full(2)()


@dataclass(frozen=True)
class Case:
    """A line, what surrounds it, and what must come of it."""

    why: str
    line: Sequence[str | bytes]
    before: Callable[[], None] | None = None
    variables: Mapping[str, str | None] = field(default_factory=dict)
    code: int = 1
    said: str = ""
    out: str = ""
    prepare: Callable[[Path], Path] = lambda folder: folder
    """Makes the working directory."""


def _deleted(folder: Path) -> Path:
    gone = folder / "gone"
    gone.mkdir()
    return gone


def _dead_link(folder: Path) -> Path:
    (folder / ".setops").symlink_to(folder / ".setops")
    return folder


def _byte_order_mark(folder: Path) -> Path:
    (folder / ".setops").write_bytes(b"\xef\xbb\xbfproject: shop\n")
    return folder


def _no_utf_8(folder: Path) -> Path:
    (folder / ".setops").write_bytes(b"project: \xff\n")
    return folder


def _settings_are_a_folder(folder: Path) -> Path:
    (folder / "settings" / "setops" / "settings.json").mkdir(parents=True)
    return folder


def _settings_lead_to_themselves(folder: Path) -> Path:
    (folder / "settings" / "setops").mkdir(parents=True)
    link = folder / "settings" / "setops" / "settings.json"
    link.symlink_to(link)
    return folder


def _broken_settings(folder: Path) -> Path:
    (folder / "settings" / "setops").mkdir(parents=True)
    (folder / "settings" / "setops" / "settings.json").write_text("[" * 9000)
    return folder


HELP, LIST = ["--help"], ["login"]

CASES = [
    Case("closed output", LIST, _closed(1), said="Bad file descriptor), so nothing was done"),
    Case("closed output of help", HELP, _closed(1), said="so nothing was done"),
    Case("closed input", LIST, _closed(0), code=0, out="here"),
    Case("closed errors", LIST, _closed(2), code=0, out="here"),
    Case("closed errors and a mistake", ["logni"], _closed(2)),
    Case("all closed", LIST, _closed(0, 1, 2)),
    Case("input and output closed", LIST, _closed(0, 1), said="so nothing was done"),
    Case("a full output", LIST, _full(1), said="No space left on device), so nothing was done"),
    Case("a full output of help", HELP, _full(1), said="so nothing was done"),
    Case("a full output of a page", ["app:create", "-h"], _full(1), said="so nothing was done"),
    Case("a full output of JSON", ["version", "-o", "json"], _full(1), said="so nothing was done"),
    Case("a full output of a schema", ["stage:schema"], _full(1), said="so nothing was done"),
    Case("full errors", ["logni"], _full(2)),
    Case("all full", LIST, _both_full),
    Case(
        "closed input that is to be read",
        ["stage:apply", "-f", "-"],
        _closed(0),
        said="standard input can't be read: Bad file descriptor",
    ),
    Case("a folder that is to be read", ["stage:apply", "-f", "."], said="can't be read: Is a dir"),
    Case("a name that is a byte order mark", ["stage:apply", "-f", "\ufeff"], said="can't be read"),
    Case("a deleted directory", LIST, prepare=_deleted, code=0, out="here"),
    Case("help in a deleted directory", HELP, prepare=_deleted, code=0, out="setops"),
    Case("a deleted directory and no scope", ["app"], prepare=_deleted, said="no project is named"),
    Case(
        "a default for a deleted directory",
        ["use", "-p", "a"],
        prepare=_deleted,
        said="doesn't exist any more",
    ),
    Case(
        "no default of a deleted directory",
        ["use", "--unset"],
        prepare=_deleted,
        said="doesn't exist any more",
    ),
    Case("a show of a deleted directory", ["use"], prepare=_deleted, code=0, out="no default"),
    Case(
        "a relative kubeconfig in a deleted directory",
        LIST,
        variables={"KUBECONFIG": "config"},
        prepare=_deleted,
        said="there is no kubeconfig at config",
    ),
    Case("a default that leads to itself", ["use"], prepare=_dead_link, code=0, out="no default"),
    Case("a byte order mark in the default", ["use"], prepare=_byte_order_mark, code=0, out="shop"),
    Case("a default that isn't UTF-8", ["use"], prepare=_no_utf_8, said="isn't UTF-8"),
    Case("no home", LIST, variables={"HOME": None, "XDG_CONFIG_HOME": None}, code=0, out="here"),
    Case(
        "no home, nothing to remember in",
        ["logout"],
        variables={"HOME": None, "XDG_CONFIG_HOME": None},
        said="no place to remember",
    ),
    Case(
        "no home and no kubeconfig",
        LIST,
        variables={"HOME": None, "XDG_CONFIG_HOME": None, "KUBECONFIG": None},
        said="no kubeconfig at",
    ),
    Case(
        "settings in no folder",
        ["logout"],
        variables={"XDG_CONFIG_HOME": "/dev/null"},
        said="can't be written: Not a directory",
    ),
    Case(
        "settings on a read-only file system",
        ["logout"],
        variables={"XDG_CONFIG_HOME": "/proc/sys"},
        said="can't be written",
    ),
    Case(
        "settings that are a folder",
        ["logout"],
        prepare=_settings_are_a_folder,
        said="can't be written: Is a directory",
    ),
    Case(
        "settings that lead to themselves",
        ["logout"],
        prepare=_settings_lead_to_themselves,
        code=0,
    ),
    Case(
        "a default that leads to itself is replaced",
        ["use", "-p", "a"],
        prepare=_dead_link,
        code=0,
    ),
    Case("full errors and where", ["--debug", "logni"], _full(2)),
    Case(
        "a password with a number sign in a proxy",
        ["login:info"],
        variables={"HTTPS_PROXY": "http://me:pa#ss@proxy:3128", "SETOPS_CONTEXT": "far"},
        said="'http://…@proxy:3128' can't be used",
    ),
    *(
        Case(
            f"a timeout of {seconds}",
            [*line, "--timeout", seconds],
            said="it must be from 1 to 86400 seconds",
        )
        for seconds in ("-1", "0", "86401")
        for line in (
            ["-p", "a", "-s", "b", "changeset:commit"],
            ["stage:apply", "-f", "no-such-file"],
        )
    ),
    Case("settings that nobody can read", LIST, prepare=_settings_are_a_folder, code=0, out="here"),
    Case("settings without an end", LIST, prepare=_broken_settings, code=0, out="here"),
    Case(
        "no folder for temporary files", LIST, variables={"TMPDIR": "/no/such"}, code=0, out="here"
    ),
    Case(
        "an argument that isn't UTF-8",
        [b"app:create", b"Z\xfcrich"],
        said=r"argument 2 (Z\xfcrich) isn't text in UTF-8",
    ),
    Case("a command that isn't UTF-8", [b"\xff"], said="argument 1"),
    Case("a flag that isn't UTF-8", [b"login", b"--context=\xff"], said="argument 2"),
    Case("an unfinished word that isn't UTF-8", [b"__complete", b"\xff"], code=0),
    Case("a variable that isn't UTF-8", ["app"], variables={"SETOPS_PROJECT": "\udcff"}),
    Case(
        "a terminal of no width", LIST, variables={"COLUMNS": "0", "TERM": ""}, code=0, out="here"
    ),
    Case("a width that is no number", LIST, variables={"COLUMNS": "wide"}, code=0, out="here"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.why for case in CASES])
def test_it_is_a_plain_sentence(case: Case, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(json.dumps(CONFIG))
    directory = case.prepare(tmp_path)
    kept: dict[str, Any] = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    kept |= {"KUBECONFIG": str(config), "HOME": str(tmp_path)}
    kept |= {"XDG_CONFIG_HOME": str(tmp_path / "settings"), **case.variables}

    def before() -> None:
        if directory.name == "gone":
            directory.rmdir()
        if case.before:
            case.before()

    done = subprocess.run(
        [PROGRAM, *case.line],
        env={name: value for name, value in kept.items() if value is not None},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        preexec_fn=before,
        check=False,
        timeout=60,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == case.code, err
    assert case.said in err
    assert case.out in out
    for word in ("Traceback", "bug", "Exception ignored"):
        assert word not in err


def test_a_user_whom_the_system_does_not_know_needs_no_name(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(json.dumps(CONFIG))
    code = "import pwd, sys\ndef unknown(*_): raise KeyError\npwd.getpwuid = unknown\n"
    code += "from setops.cli.main import main\nsys.argv = ['setops', 'login']\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"KUBECONFIG": str(tmp_path / "config")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "here" in done.stdout


def test_a_disk_that_fills_up_is_a_plain_sentence(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(
            [PROGRAM, "stage:schema"],
            stdout=out,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
            check=False,
        )
    assert done.returncode == 1
    assert b"standard output can't be written: File too large" in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [PROGRAM, "stage:schema"], stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_input_that_comes_late_is_read_whole(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    process = subprocess.Popen(
        [PROGRAM, "stage:apply", "-f", "-"], stdin=reader, stderr=subprocess.PIPE, cwd=tmp_path
    )
    # It waits, or has it read nothing yet: the file must be read to its end in either case.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
    os.write(writer, b"schema_version: 2\n")
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
    os.write(writer, b"late: 1\n")
    os.close(writer)
    _, errors = process.communicate()
    os.close(reader)
    assert process.returncode == 1
    assert b"line 2, column 1" in errors, errors


def test_errors_that_must_wait_arrive_whole(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    process = subprocess.Popen([PROGRAM, "logni"], stderr=writer, cwd=tmp_path)
    os.close(writer)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
    with open(reader, "rb") as stream:
        said = stream.read()
    assert process.wait() == 1
    assert b"logni" in said


def test_output_that_must_wait_arrives_whole(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = subprocess.Popen(
        [PROGRAM, "stage:schema"], stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path
    )
    os.close(writer)
    with open(reader, "rb") as stream:
        document = json.loads(stream.read())
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert document["type"] == "object"
    with contextlib.suppress(OSError):
        os.close(reader)
