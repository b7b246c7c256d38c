"""Text goes in and out of the command line unchanged, whatever locale and terminal are."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from sandbox import Sandbox
from setops.cli.changeset.naming import changeset_name
from tests.cluster import terminal
from tests.cluster.terminal import PROGRAM, Terminal
from tests.cluster.world import manifest

TEXTS: Final = {
    "A_PLAIN": "plain",
    "B_UMLAUT": "Z\xfcrich",
    "C_COMBINING": "Zu\N{COMBINING DIAERESIS}rich",
    "D_NO_BREAK": "10\N{NO-BREAK SPACE}000\N{NARROW NO-BREAK SPACE}x",
    "E_JOINERS": "\N{MAN}\N{ZERO WIDTH JOINER}\N{BOY} a\N{ZERO WIDTH NON-JOINER}b",
    "F_MARK": "\N{ZERO WIDTH NO-BREAK SPACE}first and \N{ZERO WIDTH NO-BREAK SPACE} within",
    "G_ASTRAL": "\N{GRINNING FACE} \U00020000 \U0010ffff",
    "H_PRIVATE": "\ue000 \ufffd",
    "I_DIRECTION": "a\N{RIGHT-TO-LEFT OVERRIDE}b\N{LEFT-TO-RIGHT MARK}",
    "J_LINES": "a\nb\n\n  c\n",
    "K_RARE_LINES": "a\u0085b\u2028c\u2029d",
    "L_TABS": "\ta\tb ",
    "M_RETURNS": "a\r\nb\rc",
    "N_STEERING": "\x1b[31mred\x1b[0m \x07\x08",
    "O_DELETE": "a\x7fb\x80c\x9fd",
    "P_BLANKS": "  a  ",
    "Q_EMPTY": "",
    "R_SOFT": "co\N{SOFT HYPHEN}operate",
    "S_SWITCH": "y",
    "T_NUMBER": "1e5",
    "U_OCTAL": "0o17",
    "V_UNDERSCORE": "1_000",
    "W_TIME": "190:20:30",
    "X_DATE": "2026-11-26",
    "Y_QUOTES": "'\"`$\\ # : - {a: b} [c] & * ! | > % @",
    **{
        f"NUMBER_{place}": word
        for place, word in enumerate(
            ("0X1F", "0B1", "0O7", "+_1", "-_1", "+0X1", "-0B1", "0b_", "1e400", "1__", "+.5", "<<")
        )
    },
    "Z_LONG": "word " * 60,
}

LOCALES: Final = {
    "UTF-8": {"LC_ALL": "C.UTF-8"},
    "none": {"LC_ALL": "C"},
    "ASCII": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "streams in Latin-1": {"PYTHONIOENCODING": "latin-1"},
    "streams in ASCII, strictly": {"PYTHONIOENCODING": "ascii:strict"},
    "streams in UTF-16": {"PYTHONIOENCODING": "utf-16"},
}


@pytest.fixture(scope="module")
def dev(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A Stage without an operator, with an App that holds every kind of text."""
    with terminal.alone(sandbox, tmp_path_factory.mktemp("terminals"), "texts") as found:
        env = {name: {"value": text, "description": text} for name, text in TEXTS.items()}
        app = manifest("App", "web", {"image": "example.com/web:1", "env": env}, "texts-production")
        # kubectl can't send all of it.
        path = "/apis/setops.co/v1alpha1/namespaces/texts-production/apps"
        sandbox.api().request("POST", path, app)
        # kubectl waits until the kinds can be used.
        sandbox.kubectl("get", "changesets.setops.co", "-n", "texts-production")
        yield found
        sandbox.kubectl("delete", "apps.setops.co", "--all", "-n", "texts-production")


def ran(dev: Terminal, line: list[str | bytes], given: bytes = b"") -> tuple[int, bytes, str]:
    done = subprocess.run(
        [PROGRAM, *line],
        env=dict(dev.environment),
        cwd=dev.directory,
        input=given,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


def among(dev: Terminal, variables: Mapping[str, str]) -> Terminal:
    return replace(dev, variables={**dev.variables, **variables})


def stored(sandbox: Sandbox) -> Any:
    said = sandbox.kubectl("get", "apps.setops.co", "web", "-n", "texts-production", "-o", "json")
    return json.loads(said.stdout)["spec"]


@pytest.mark.parametrize("locale", LOCALES)
def test_json_is_what_the_api_server_has(dev: Terminal, sandbox: Sandbox, locale: str) -> None:
    code, out, err = ran(among(dev, LOCALES[locale]), ["app:info", "web", "-o", "json"])
    assert code == 0, err
    assert json.loads(out)["spec"] == stored(sandbox)
    assert not set(out) & {0x1B, 0x7F}, "what steers a terminal is escaped"


@pytest.mark.parametrize("locale", LOCALES)
def test_yaml_is_what_the_api_server_has(dev: Terminal, sandbox: Sandbox, locale: str) -> None:
    code, out, err = ran(among(dev, LOCALES[locale]), ["app:info", "web", "-o", "yaml"])
    assert code == 0, err
    wanted = stored(sandbox)
    assert yaml.safe_load(out)["spec"] == wanted
    # kubectl reads YAML with Go's library.
    again = sandbox.kubectl(
        "create", "--dry-run=client", "-f", "-", "-o", "json", input=out.decode()
    )
    assert json.loads(again.stdout)["spec"] == wanted


@pytest.mark.parametrize("locale", LOCALES)
def test_a_dump_holds_every_text(dev: Terminal, locale: str) -> None:
    code, out, err = ran(among(dev, LOCALES[locale]), ["stage:dump"])
    assert code == 0, err
    env = yaml.safe_load(out)["apps"]["web"]["env"]
    assert {name: each.get("value", "") for name, each in env.items()} == TEXTS


TYPED: Final = ("B_UMLAUT", "C_COMBINING", "D_NO_BREAK", "E_JOINERS", "F_MARK", "G_ASTRAL")


@pytest.mark.parametrize("locale", LOCALES)
def test_an_argument_is_stored_as_it_was_typed(
    dev: Terminal, sandbox: Sandbox, locale: str
) -> None:
    here = among(dev, LOCALES[locale])
    pairs = [f"{name}={TEXTS[name]} {locale}" for name in TYPED]
    code, _, err = ran(here, ["-a", "web", "env:set", *(pair.encode() for pair in pairs)])
    assert code == 0, err
    code, out, err = ran(here, ["changeset:info", "-o", "json"])
    assert code == 0, err
    line = shlex.split(json.loads(out)["spec"]["commands"][-1])
    assert set(pairs) <= set(line)
    sandbox.kubectl("delete", "changesets.setops.co", "--all", "-n", "texts-production")


FILE: Final = "schema_version: 2\napps:\n  web:\n    Zürich: 1\n"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("mark", ["", "\N{ZERO WIDTH NO-BREAK SPACE}"])
def test_a_file_is_utf_8_with_or_without_a_mark(dev: Terminal, locale: str, mark: str) -> None:
    here = among(dev, LOCALES[locale])
    content = (mark + FILE).encode()
    path = Path(dev.directory, "Zürich.yaml")
    path.write_bytes(content)
    for line, given in (([f"{path}".encode()], b""), ([b"-"], content)):
        code, out, err = ran(here, ["stage:apply", "-f", *line], given)
        assert (code, out) == (1, b"")
        assert "Zürich" in err, "it is read, and the mistake in it is shown"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (FILE.encode("latin-1"), f"byte {FILE.index('ü') + 1} isn't UTF-8"),
        (FILE.encode("utf-16"), "byte 1 isn't UTF-8"),
        (b"\xc3", "byte 1 isn't UTF-8"),
        ("a: \ud800".encode("utf-8", "surrogatepass"), "byte 4 isn't UTF-8"),
    ],
)
@pytest.mark.parametrize("locale", ["UTF-8", "streams in Latin-1"])
def test_a_file_in_anything_else_is_refused(
    dev: Terminal, content: bytes, said: str, locale: str
) -> None:
    here = among(dev, LOCALES[locale])
    Path(dev.directory, "other").write_bytes(content)
    for name, given in (("other", b""), ("-", content)):
        code, out, err = ran(here, ["stage:apply", "-f", name], given)
        assert (code, out) == (1, b""), err
        assert said in err


def test_a_secret_of_the_environment_is_utf_8(dev: Terminal) -> None:
    text = "schema_version: 2\napps:\n  web:\n    env: {A: {value: '{{ .Secrets.ZURICH }}'}}\n"
    for value, wanted in (("Zürich".encode(), "Zürich"), (b"Z\xfcrich", "no value for the secret")):
        variables = {**dev.environment, **LOCALES["ASCII"]}
        done = subprocess.run(
            [
                b"env",
                b"SETOPS_SECRET_ZURICH=" + value,
                str(PROGRAM).encode(),
                b"stage:apply",
                b"-f",
                b"-",
            ],
            env=variables,
            cwd=dev.directory,
            input=text.encode(),
            capture_output=True,
            check=False,
        )
        said = (done.stdout + done.stderr).decode()
        assert ("no value for the secret" in said) is (wanted != "Zürich"), said


HOSTILE: Final = "".join(
    (
        "a\x1b[2J\x1b]0;title\x07\x1b]8;;http://e\x1b\\link\r\x08\x9b31m\x7f\x0b\x85",
        "\N{RIGHT-TO-LEFT OVERRIDE}b\N{POP DIRECTIONAL ISOLATE}\N{RIGHT-TO-LEFT MARK}z",
    )
)
STEERING: Final = {
    *map(chr, set(range(32)) - {ord("\n")}), *map(chr, range(0x7F, 0xA0)),
    *"\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
}  # fmt: skip
SPACE: Final = "texts-production"


@pytest.fixture
def hostile(dev: Terminal, sandbox: Sandbox) -> Terminal:
    """Whatever a member, an App or another program may write is hostile text."""
    api = sandbox.api()
    ours = f"/apis/setops.co/v1alpha1/namespaces/{SPACE}"
    marks = {"annotations": {"example.com/x": HOSTILE}}
    condition = {"status": "False", "reason": "Bad", "message": HOSTILE, "observedGeneration": 1,
                 "lastTransitionTime": "2026-11-27T08:00:00Z"}  # fmt: skip
    bad = {"conditions": [{**condition, "type": "Ready"},
                          {**condition, "type": "Stalled", "status": "True"}]}  # fmt: skip
    app: dict[str, Any] = {
        "image": "example.com/bad:1",
        "env": {"A": {"value": HOSTILE, "description": HOSTILE}},
        "container": {"command": [HOSTILE], "entrypoint": [HOSTILE],
                      "healthCheck": {"command": [HOSTILE]}},
    }  # fmt: skip
    made = manifest("App", "bad", app, SPACE)
    made["metadata"].update(marks)
    api.request("POST", f"{ours}/apps", made)
    api.request("PUT", f"{ours}/apps/bad/status",
                {**api.request("GET", f"{ours}/apps/bad"), "status": bad})  # fmt: skip
    spec = {"user": dev.user, "message": HOSTILE,
            "commands": [f"-a bad env:set 'B={HOSTILE}'", f"app:create '{HOSTILE}'"]}  # fmt: skip
    sandbox.kubectl("delete", "changesets.setops.co", "--all", "-n", SPACE)
    name = changeset_name(dev.user, SPACE, 0, set())
    api.request("POST", f"{ours}/changesets", manifest("Changeset", name, spec, SPACE))
    event = {
        "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": HOSTILE,
        "message": HOSTILE, "metadata": {"name": "bad.1", "namespace": SPACE},
        "involvedObject": {"apiVersion": "setops.co/v1alpha1", "kind": "App", "name": "bad",
                           "namespace": SPACE},
        "source": {"component": HOSTILE}, "lastTimestamp": "2026-11-27T08:00:00Z", "count": 1,
    }  # fmt: skip
    api.request("POST", f"/api/v1/namespaces/{SPACE}/events", event)
    return dev


def test_nothing_from_the_cluster_steers_the_terminal(hostile: Terminal) -> None:
    shows = (
        "app", "app:info bad", "app:ps -a bad", "env -a bad", "container -a bad", "release -a bad",
        "resource -a bad", "network -a bad", "link -a bad", "domain -a bad", "changeset",
        "changeset:info", "changeset:list", "why", "why app bad", "stage", "stage:info production",
        "service", "notification", "project:info texts",
    )  # fmt: skip
    formats = ("table", "json", "yaml")
    lines = [f"{line} -o {form}" for line in shows for form in formats]
    lines += [
        "stage:dump",
        "changeset:log",
        "-a bad app:info --debug",
        "__complete -a bad env:set",
        "app:info --debug",
    ]
    seen = 0
    for line, said in zip(lines, hostile.runs(lines), strict=True):
        found = STEERING.intersection(said.out + said.err)
        assert found <= ({"\t"} if "__complete" in line else set()), (line, found)
        assert "setops has a bug" not in said.err, said.err
        seen += "http://e" in said.out
    assert seen > 10, "the texts are shown"
