"""Reading a line: the grammar, and that nothing but ProblemsError ever comes out of it."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setops.api.errors import ProblemsError
from setops.language.command import SHORT_FLAGS, Command, Invocation, Level, Scope, Type
from setops.language.parse import parse, render
from setops.language.table import COMMANDS
from tests.unit.language.lines import LINES, TEXT, WORDS, invocations_of

MAX_LINE = 65536
"""Most characters of a command, as the Changeset's schema has it."""
MAX_PROBLEMS = 30
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
        ("-a web resource:set scale 2", Invocation("resource:set scale", WEB, ("2",))),
        ("resource:set scale 2 -a=web", Invocation("resource:set scale", WEB, ("2",))),
        (
            "setops -p=shop -s=production -a=web resource:set -- scale 2",
            Invocation("resource:set scale", Scope("shop", "production", "web"), ("2",)),
        ),
        ("--app web resource:set scale -1.5", Invocation("resource:set scale", WEB, ("-1.5",))),
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
        (
            "--app web container:set command -- \\\n  bundle exec \\\n  puma\n",
            Invocation("container:set command", WEB, ("bundle", "exec", "puma")),
        ),
        ("--app web env:set A='' -", Invocation("env:set", WEB, ("A=", "-"))),
    ],
)
def test_a_line_is_read_as(line: str, read: Invocation) -> None:
    assert parse(line) == read
    assert parse(render(read)) == read


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@given(data=st.data())
@settings(max_examples=20)
def test_print_and_parse_are_inverse(command: Command, data: st.DataObject) -> None:
    invocation = data.draw(invocations_of(command))
    assert parse(render(invocation)) == invocation


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@given(data=st.data())
@settings(max_examples=20)
def test_flags_may_stand_anywhere(command: Command, data: st.DataObject) -> None:
    words = st.text("ab=/.", min_size=1, max_size=3)
    invocation = data.draw(invocations_of(command, words))
    line = [[word] for word in (*command.key.split(), *invocation.arguments)]
    for level in Level:
        value = invocation.scope.get(level)
        if value is not None:
            flag = data.draw(st.sampled_from(_spellings(level)))
            _insert(data, line, 0, data.draw(st.sampled_from([[flag, value], [f"{flag}={value}"]])))
    after = line.index([command.name]) + 1
    for name, value in invocation.flags.items():
        flag_of = command.flag(name)
        assert flag_of is not None
        switch = flag_of.type is Type.SWITCH
        _insert(data, line, after, [f"--{name}"] if switch else [f"--{name}={value}"])
    assert parse(shlex.join(word for words in line for word in words)) == invocation


def _spellings(level: Level) -> list[str]:
    shorts = [f"-{short}" for short, known in SHORT_FLAGS.items() if known is level]
    return [f"--{level}", *shorts]


def _insert(data: st.DataObject, line: list[list[str]], after: int, words: list[str]) -> None:
    line.insert(data.draw(st.integers(after, len(line))), words)


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
        assert outcome.problems
        assert all(problem.message for problem in outcome.problems)


@given(st.one_of(LINES, WORDS, TEXT).filter(bool), st.integers(1, 5))
def test_any_text_again_and_again_up_to_the_size_limit(text: str, spaces: int) -> None:
    piece = text + " " * spaces
    outcome = _read((piece * (MAX_LINE // len(piece) + 1))[:MAX_LINE])
    if isinstance(outcome, ProblemsError):
        assert len(outcome.problems) <= MAX_PROBLEMS
        assert len(str(outcome)) < 20_000


@pytest.mark.parametrize(
    "line",
    [
        "x" * MAX_LINE,
        "'" + "x " * (MAX_LINE // 2 - 1),
        '"' * (MAX_LINE - 1),
        '"' + "\\" * (MAX_LINE - 1),
        "'x'" * (MAX_LINE // 3),
        "\\x" * (MAX_LINE // 2),
        "--" * (MAX_LINE // 2),
        "-" * MAX_LINE,
        "app:create " * (MAX_LINE // 11),
        "--app a " * (MAX_LINE // 8),
        "--app " * (MAX_LINE // 6),
        "-a= -p= -s= " * (MAX_LINE // 12),
        "service:create a " + "--type s3 " * (MAX_LINE // 11),
        "service:create " + "--typ " * (MAX_LINE // 7),
        "--app web domain:create a " + "--primary=x " * (MAX_LINE // 13),
        "--app web resource:set " + "scal" * (MAX_LINE // 5),
        "--app web resource:set " + "aB_" * (MAX_LINE // 4),
    ],
    ids=lambda line: line[:40],
)
def test_a_line_at_the_size_limit_is_refused_in_a_short_message(line: str) -> None:
    assert len(line) <= MAX_LINE
    with pytest.raises(ProblemsError) as refused:
        parse(line)
    assert len(str(refused.value)) < 1000


def test_a_line_at_the_size_limit_is_read() -> None:
    words = ["A=1"] * 16_000
    assert parse(f"--app web env:set {' '.join(words)}").arguments == tuple(words)
    assert parse(f"--app web env:set A={'x' * 65_000}").arguments == (f"A={'x' * 65_000}",)


def test_each_mistake_is_told_once_and_nothing_that_only_follows() -> None:
    with pytest.raises(ProblemsError) as refused:
        parse("--app= --app= service:create --type --type s3 --plan --plan")
    assert [problem.message for problem in refused.value.problems] == [
        "--app is empty; write a name after it",
        "--app is given twice; write it once",
        "--type needs a value; one that begins with a dash is written --type=VALUE",
        "--type is given twice; write it once",
        "--plan needs a value; one that begins with a dash is written --plan=VALUE",
        "--plan is given twice; write it once",
        "service:create takes no --app; write: service:create --type postgresql|s3 [--plan PLAN] "
        "[--version VERSION] [--deletion-policy Snapshot|Retain|Delete] NAME",
        "service:create needs NAME, as in: service:create store --type s3",
    ]
