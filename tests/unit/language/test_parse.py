"""Reading a line: the grammar, and that nothing but ProblemsError ever comes out of it."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.api.errors import ProblemsError
from setops.language.command import Arity, Command, Invocation, Level, Scope, Type
from setops.language.parse import parse, render
from setops.language.table import COMMANDS

WEB = Scope(app="web")


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("app:create web", Invocation("app:create", arguments=("web",))),
        ("setops app:create web", Invocation("app:create", arguments=("web",))),
        ("  app:create\tweb\n", Invocation("app:create", arguments=("web",))),
        (
            "--app worker resource:set scale 2",
            Invocation("resource:set scale", Scope(app="worker"), ("2",)),
        ),
        ("resource:set --app web scale 2", Invocation("resource:set scale", WEB, ("2",))),
        ("resource:set scale 2 --app=web", Invocation("resource:set scale", WEB, ("2",))),
        (
            "-p shop resource:set -s production scale --app web 2",
            Invocation("resource:set scale", Scope("shop", "production", "web"), ("2",)),
        ),
        ("--app web resource:set scale -1", Invocation("resource:set scale", WEB, ("-1",))),
        (
            "--app web container:set command -- bundle exec puma -b tcp://0.0.0.0:9292",
            Invocation(
                "container:set command",
                WEB,
                ("bundle", "exec", "puma", "-b", "tcp://0.0.0.0:9292"),
            ),
        ),
        (
            "--app web container:set command -- sh -c 'echo \"a b\"' --",
            Invocation("container:set command", WEB, ("sh", "-c", 'echo "a b"', "--")),
        ),
        (
            "--app web container:set --interval 5 health-check --timeout=3 -- curl -f x",
            Invocation(
                "container:set health-check",
                WEB,
                ("curl", "-f", "x"),
                {"interval": "5", "timeout": "3"},
            ),
        ),
        (
            "--app web container:set healthCheck --start-period 9",
            Invocation("container:set health-check", WEB, (), {"start-period": "9"}),
        ),
        (
            "--app web network:set health_check_path /up",
            Invocation("network:set health-check-path", WEB, ("/up",)),
        ),
        (
            "--app web link:create files --path /data --read-only",
            Invocation("link:create", WEB, ("files",), {"path": "/data", "read-only": "true"}),
        ),
        (
            "--app web env:set A=1 'B=x y' C= --description=--odd",
            Invocation("env:set", WEB, ("A=1", "B=x y", "C="), {"description": "--odd"}),
        ),
        ("--app web env:set A='' -", Invocation("env:set", WEB, ("A=", "-"))),
    ],
)
def test_a_line_is_read_as(line: str, read: Invocation) -> None:
    assert parse(line) == read
    assert parse(render(read)) == read


# Without surrogates, which no JSON and no terminal carries.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORDS = st.sampled_from(
    [
        *(word for key in COMMANDS for word in key.split()),
        *(f"--{level}" for level in Level),
        *(f"--{flag.name}" for command in COMMANDS.values() for flag in command.flags),
        *("--", "-", "---", "-p", "-s", "--=", "--app=", "=", "web", "-1", "'", '"', "\\", "\0"),
    ]
)


@st.composite
def invocations(draw: st.DrawFn) -> Invocation:
    """Any invocation that some line can mean."""
    command: Command = draw(st.sampled_from(list(COMMANDS.values())))
    scope = {
        level.value: draw(TEXT.filter(bool))
        for level in command.scopes
        if level in (Level.APP, Level.SERVICE, Level.DOMAIN) or draw(st.booleans())
    }
    flags = {
        flag.name: "true" if flag.type is Type.SWITCH else draw(TEXT)
        for flag in command.flags
        if flag.required or draw(st.booleans())
    }
    arguments = [draw(TEXT) for _ in command.arguments]
    if command.arguments and command.arguments[-1].arity is not Arity.ONE:
        arguments += draw(st.lists(TEXT, max_size=4))
    return Invocation(command.key, Scope(**scope), tuple(arguments), flags)


@given(invocations())
def test_print_and_parse_are_inverse(invocation: Invocation) -> None:
    assert parse(render(invocation)) == invocation


LINES = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(WORDS, TEXT), max_size=12).map(" ".join),
    st.lists(st.one_of(WORDS, TEXT), max_size=12).map(shlex.join),
)


def _read(line: str) -> Invocation | ProblemsError:
    try:
        return parse(line)
    except ProblemsError as error:
        return error


@given(LINES)
def test_any_text_is_read_or_refused(line: str) -> None:
    outcome = _read(line)
    if isinstance(outcome, Invocation):
        assert parse(render(outcome)) == outcome
    else:
        assert all(problem.message for problem in outcome.problems)
        assert outcome.problems


@pytest.mark.parametrize(
    "line", ["x" * 65536, "'" + "x " * 32768, "--" * 32768, "app:create " * 6000]
)
def test_a_line_at_the_size_limit_is_refused_in_a_short_message(line: str) -> None:
    with pytest.raises(ProblemsError) as refused:
        parse(line)
    assert len(str(refused.value)) < 1000
