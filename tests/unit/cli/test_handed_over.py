"""What the command line takes unasked: nothing that another user may have written, and of the
environment nothing that the user hasn't handed over."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from setops.api.errors import ProblemsError
from setops.cli.base.call import Call
from setops.cli.base.scope import LineScope
from setops.cli.base.session import Session
from setops.cli.base.settings import settings
from setops.cli.main import run
from setops.cli.shell.table import forms
from setops.cli.stage import given_secrets

_STRANGER = 65534
_GROUP = 65533

Prepare = Callable[[Path], None]


class Stranger:
    """Gives files to another user: by chown, or by seeming to be another one who runs the line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        monkeypatch.delenv("SUDO_UID", raising=False)

    def owns(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.lchown(path, _STRANGER, _STRANGER)
        else:
            other = os.geteuid() + 1
            self._monkeypatch.setattr(os, "geteuid", lambda: other)

    def became_the_administrator(self) -> None:
        """The user is the administrator by sudo, and the stranger the one who called it."""
        self._monkeypatch.setenv("SUDO_UID", str(_STRANGER))


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Stranger:
    return Stranger(monkeypatch)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, in which `work/below` is the working directory, and no variables of ours."""
    for name in list(os.environ):
        if name.startswith("SETOPS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    below = tmp_path / "work" / "below"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    return tmp_path


def _written(path: Path, mode: int = 0o644, text: str = "project: shop\nstage: live\n") -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@dataclass(frozen=True)
class Found:
    """A `.setops` file that a search finds, and what is said of it; nothing if it is followed."""

    why: str
    prepare: Callable[[Path, Stranger], object]
    said: str = ""


def _in(folder: str, mode: int = 0o644, folder_mode: int = 0o755) -> Callable[..., None]:
    def prepare(home: Path, stranger: Stranger) -> None:
        del stranger
        _written(home / folder / ".setops", mode)
        (home / folder).chmod(folder_mode)

    return prepare


def _foreign(folder: str) -> Callable[..., None]:
    return lambda home, stranger: stranger.owns(_written(home / folder / ".setops"))


def _link(home: Path, stranger: Stranger) -> None:
    """A stranger's link to a file of the user."""
    path = home / "work" / ".setops"
    path.symlink_to(_written(home / "mine"))
    stranger.owns(path)


def _linked_to_a_stranger(home: Path, stranger: Stranger) -> None:
    target = _written(home / "theirs")
    (home / "work" / ".setops").symlink_to(target)
    stranger.owns(target)


def _linked_into_an_open_folder(home: Path, _: Stranger) -> None:
    folder = home / "open"
    folder.mkdir()
    (home / "work" / ".setops").symlink_to(_written(folder / "defaults"))
    folder.chmod(0o777)


def _of_a_group(mode: int, group: int) -> Callable[..., None]:
    def prepare(home: Path, stranger: Stranger) -> None:
        del stranger
        path = _written(home / "work" / ".setops")
        if os.geteuid() == 0:
            os.chown(path, -1, group)
        path.chmod(mode)

    return prepare


def _after_sudo(home: Path, stranger: Stranger) -> None:
    path = _written(home / "work" / ".setops")
    if os.geteuid() == 0:
        stranger.owns(path)
        stranger.became_the_administrator()


FOUND = [
    Found("one's own, here", _in("work/below")),
    Found("one's own, in a parent", _in("work")),
    Found("one's own, in the farthest parent", _in(".")),
    Found("readable by oneself alone", _in("work", 0o600)),
    Found("in a directory like /tmp", _in("work", 0o644, 0o1777)),
    Found("the user's who became the administrator by sudo", _after_sudo),
    Found("another user's, here", _foreign("work/below"), "belongs to the user"),
    Found("another user's, in a parent", _foreign("work"), "belongs to the user"),
    Found("another user's, in the farthest parent", _foreign("."), "belongs to the user"),
    Found("another user's link", _link, "belongs to the user"),
    Found("a link to what another user owns", _linked_to_a_stranger, "belongs to the user"),
    Found(
        "a link into a directory of everybody",
        _linked_into_an_open_folder,
        "is in a directory that can be written by everybody",
    ),
    Found("writable by everybody", _in("work", 0o666), "can be written by everybody"),
    Found("writable by others", _in("work", 0o602), "can be written by everybody"),
    Found(
        "in a directory of everybody",
        _in("work", 0o644, 0o777),
        "is in a directory that can be written by everybody",
    ),
    Found("readable by a group", _of_a_group(0o640, _GROUP)),
]
AS_ROOT = [
    Found("writable by a group", _of_a_group(0o664, _GROUP), "can be written by the group 65533"),
    Found("writable by the user's own group", _of_a_group(0o664, 0)),
]
"""Cases for which a file must be given to another group, which only the administrator can do."""


@pytest.mark.parametrize("case", [*FOUND, *(AS_ROOT if os.geteuid() == 0 else ())],
                         ids=lambda case: case.why)  # fmt: skip
def test_a_default_is_followed_only_if_nobody_else_may_have_written_it(
    case: Found, home: Path, stranger: Stranger, capsys: pytest.CaptureFixture[str]
) -> None:
    case.prepare(home, stranger)
    code = run(["use"])
    out, err = capsys.readouterr()
    if not case.said:
        assert (code, err) == (0, "")
        assert "shop" in out
        return
    assert code == 1
    assert "shop" not in out
    for words in (case.said, "isn't followed", "(-p, -s)", "setops use --trust", ".setops"):
        assert words in err
    for line in (["app"], ["app:create", "web"], ["changeset:commit"], ["-s", "live", "app"]):
        assert run(line) == 1
        assert "isn't followed" in capsys.readouterr().err, line


def test_a_line_that_names_all_needs_no_default(
    home: Path, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from setops.language.command import Level

    _foreign("work")(home, stranger)
    scope = LineScope({Level.PROJECT: "a", Level.STAGE: "b"})
    assert [scope.get(Level.PROJECT), scope.get(Level.STAGE)] == ["a", "b"]
    monkeypatch.setenv("SETOPS_PROJECT", "a")
    monkeypatch.setenv("SETOPS_STAGE", "b")
    assert [LineScope().get(Level.PROJECT), LineScope().get(Level.STAGE)] == ["a", "b"]


def test_completion_is_silent_of_a_default_that_is_not_followed(
    home: Path, stranger: Stranger, capsys: pytest.CaptureFixture[str]
) -> None:
    from setops.cli.shell.completion.answer import answer

    _foreign("work")(home, stranger)
    assert answer(["--app", ""]) == 0
    assert capsys.readouterr() == ("", "")


def test_who_trusts_a_directory_follows_its_default(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _written(home / "work" / ".setops", 0o666)
    assert run(["use"]) == 1
    assert run(["use", "--trust"]) == 0
    capsys.readouterr()
    assert run(["use"]) == 0
    assert "shop" in capsys.readouterr().out
    assert settings().trusted == (str(home / "work" / ".setops"),)
    _written(home / "work" / "below" / ".setops", 0o666)
    assert run(["use"]) == 1, "a nearer one isn't trusted with it"


def test_trust_needs_something_to_trust(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["use", "--trust"]) == 1
    assert "no default here" in capsys.readouterr().err
    assert not (home / ".config").exists()


def test_no_default_is_written_where_it_would_not_be_followed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "work" / "below"
    folder.chmod(0o777)
    assert run(["-p", "a", "-s", "b", "use"]) == 1
    assert "its directory can be written by everybody" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_nothing_is_written_through_a_strangers_link(
    home: Path, stranger: Stranger, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = _written(home / ".bashrc", text="# mine\n")
    link = home / "work" / "below" / ".setops"
    link.symlink_to(mine)
    stranger.owns(link)
    assert run(["-p", "a", "-s", "b", "use"]) == 1
    assert "belongs to the user" in capsys.readouterr().err
    assert mine.read_text() == "# mine\n"


def test_a_default_that_is_cut_off_is_none(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _written(home / "work" / ".setops", text="# " + "x" * 4080 + "\nproject: production\n")
    assert run(["use"]) == 1
    assert "is longer than 4096 bytes" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["another user's", "of everybody", "in a folder of everybody"])
def test_settings_that_another_may_write_choose_no_cluster(
    how: str, home: Path, stranger: Stranger, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / ".config" / "setops"
    folder.mkdir(parents=True)
    path = _written(folder / "settings.json", text=json.dumps({"context": "theirs"}))
    if how == "another user's":
        stranger.owns(path)
    elif how == "of everybody":
        path.chmod(0o666)
    else:
        folder.chmod(0o777)
    for line in (["login"], ["-p", "a", "-s", "b", "app"], ["logout"]):
        assert run(line) == 1
        err = capsys.readouterr().err
        assert "isn't followed: it says to which cluster lines go" in err or "kubeconfig" in err
    with pytest.raises(ProblemsError, match="make it yours alone"):
        settings()


@dataclass(frozen=True)
class Given:
    """What a line hands over, and the values that come of it, or what is said."""

    why: str
    flags: Mapping[str, object] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None
    mode: int = 0o600
    values: Mapping[str, str] | None = None
    said: str = ""
    note: str = ""


OTHERS = {"AWS_SECRET_ACCESS_KEY": "hush", "KEY": "hush", "SETOPS_PROJECT": "a", "SECRET_KEY": "x"}
GIVEN = [
    Given("nothing", variables=OTHERS, values={}),
    Given("a prefix", variables={**OTHERS, "SETOPS_SECRET_KEY": "v"}, values={"KEY": "v"}),
    Given("another case", variables={"setops_secret_KEY": "v"}, values={}),
    Given("a variable by name", {"secret": ["KEY"]}, OTHERS, values={"KEY": "hush"}),
    Given("two", {"secret": ["A", "B"]}, {"A": "1", "B": "2"}, values={"A": "1", "B": "2"}),
    Given("two in one", {"secret": ["A,B"]}, {"A": "1", "B": ""}, values={"A": "1", "B": ""}),
    Given("one that isn't set", {"secret": ["NONE"]}, said="variable NONE isn't set; export it"),
    Given("one that isn't UTF-8", {"secret": ["B"]}, {"B": "\udcff"}, said="B isn't UTF-8"),
    Given("a value on the line", {"secret": ["KEY=hush"]}, said="every process can read"),
    Given("no name", {"secret": [""]}, said="write the name of a variable"),
    Given("a path", {"secret": ["../x"]}, said="write the name of a variable"),
    Given("a file", file="# c\n\nA=1=2\nB = x\n", values={"A": "1=2", "B": " x"}),
    Given("lines of Windows", file="A=1\r\nB=2\r\n", values={"A": "1", "B": "2"}),
    Given("a line separator in a value", file="A=1\u2028B=2\n", values={"A": "1\u2028B=2"}),
    Given("a form feed in a value", file="A=1\x0cB=2\n", values={"A": "1\x0cB=2"}),
    Given("no lines", file="A=1\nnonsense\n", said="line 2 of the secrets is not NAME=VALUE"),
    Given("a file that the line tops", {"secret": ["A"]}, {"A": "line"}, "A=file\nB=file\n",
          values={"A": "line", "B": "file"}),
    Given("a file that tops a prefix", {}, {"SETOPS_SECRET_A": "prefix"}, "A=file\n",
          values={"A": "file"}),
    Given("a file of everybody", file="A=1\n", mode=0o666, said="can be written by everybody"),
    Given("a file of others", file="A=1\n", mode=0o622, said="can be written by everybody"),
    Given("a file that others read", file="A=1\n", mode=0o644, values={"A": "1"},
          note="chmod go-r"),
    Given("a file too large", file="A=" + "x" * given_secrets._LIMIT, said="are larger than"),
]  # fmt: skip


@pytest.mark.parametrize("case", GIVEN, ids=[case.why for case in GIVEN])
def test_secrets_are_what_is_handed_over(
    case: Given,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del home
    for name, value in case.variables.items():
        monkeypatch.setenv(name, value)
    flags = dict(case.flags)
    if case.file is not None:
        path = Path("secrets")
        path.write_bytes(case.file.encode())
        path.chmod(case.mode)
        flags["secrets"] = str(path)
    if case.said:
        with pytest.raises(ProblemsError) as raised:
            given_secrets.of(_call(flags))
        assert case.said in str(raised.value)
        assert "hush" not in str(raised.value)
        return
    # A folder of the tests' own can't be reached by others, so theirs is no file that they read.
    _reachable(Path.cwd())
    assert given_secrets.of(_call(flags)) == case.values
    assert case.note in capsys.readouterr().err


def test_a_file_of_secrets_of_another_user_is_refused(home: Path, stranger: Stranger) -> None:
    path = _written(home / "secrets", 0o600, "A=1\n")
    stranger.owns(path)
    with pytest.raises(ProblemsError, match=r"belongs to the user .* --secrets - <"):
        given_secrets.of(_call({"secrets": str(path)}))


def test_a_pipe_is_read_once(home: Path) -> None:
    del home
    reader, writer = os.pipe()
    os.write(writer, b"A=1\n")
    os.close(writer)
    assert given_secrets.of(_call({"secrets": f"/dev/fd/{reader}"})) == {"A": "1"}
    os.close(reader)


def test_a_variable_of_an_app_is_not_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`env:set KEY` means KEY=true, not what KEY is for the one who writes it."""
    from setops.api.definition import StageDefinition
    from setops.changes.fold import fold
    from setops.cli.changeset import preview
    from setops.language.command import CommandContext

    monkeypatch.setenv("KEY", "hush")
    spec = preview.spec_of({"commands": ["app:create web", "-a web env:set KEY"]})
    folded = fold(StageDefinition(), spec, CommandContext("acme", "shop", "live"))
    assert folded.problems == ()
    assert "hush" not in str(folded.definition)
    assert (folded.definition.apps["web"].env or {})["KEY"].value == "true"


def _call(flags: Mapping[str, object]) -> Call:
    (declaration,) = forms()["stage:apply"]
    return Call(declaration, Session(LineScope()), (), flags)


def _reachable(folder: Path) -> None:
    for each in (folder, *folder.parents):
        status = each.stat()
        if status.st_uid == os.getuid() and not status.st_mode & stat.S_IXOTH:
            each.chmod(status.st_mode | stat.S_IXOTH)
