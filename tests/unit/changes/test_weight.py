"""What is too heavy to be stored is told in the plan, with the object and the remedy."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition, load
from setops.changes.fold import fold
from setops.changes.weight import MOST, MOST_OF_A_VARIABLE, stored_size, too_heavy
from tests.unit.changes.definitions import CONTEXT

EMPTY: Final = StageDefinition()


def variables(text: str, times: int, each: int = 30_000) -> dict[str, Any]:
    """Variables that hold a text so many times together."""
    return {
        f"K{place:06}": {"value": text * min(each, times - place)}
        for place in range(0, times, each)
    }


def problems(app: dict[str, Any]) -> list[tuple[str, str]]:
    """Field and message of what is too heavy about an App."""
    after = load({"apps": {"web": {"image": "a", **app}}})
    return [(problem.field, problem.message) for problem in too_heavy(EMPTY, after)]


@pytest.mark.parametrize(
    ("app", "says"),
    [
        pytest.param({"env": variables("x", 1_500_000)}, "", id="as much as fits"),
        pytest.param({"env": variables("x", 1_560_000)}, "it would have", id="more"),
        pytest.param(
            {"env": variables("$", 800_000)}, "its Deployment would", id="doubled dollars"
        ),
        pytest.param({"env": variables("$", 700_000)}, "", id="doubled dollars that fit"),
        pytest.param({"env": variables("$ ", 700_000, 15_000)}, "", id="dollars that stay alone"),
        pytest.param({"env": variables("<", 300_000)}, "it would have", id="escaped in JSON"),
        pytest.param({"env": variables("&", 240_000)}, "", id="escaped in JSON, and fits"),
        pytest.param({"env": variables('"', 800_000)}, "it would have", id="quotes"),
        pytest.param({"env": variables("\n", 800_000)}, "it would have", id="line breaks"),
        pytest.param({"env": variables("\x01", 300_000)}, "it would have", id="control characters"),
        pytest.param({"env": variables("é", 800_000)}, "it would have", id="two bytes each"),
        pytest.param({"env": variables("\u2028", 300_000)}, "it would have", id="six bytes each"),
        pytest.param({"env": variables("\U0001f600", 400_000)}, "it would have", id="four each"),
        pytest.param({"env": variables("\U0001f600", 370_000)}, "", id="four each, and fits"),
        pytest.param(
            {"env": variables("x", 1_450_000, 1450)}, "its Deployment", id="bookkeeping of many"
        ),
        pytest.param(
            {"env": {f"K{n:0255}": {"value": "x" * 1200} for n in range(1000)}},
            "its Deployment",
            id="bookkeeping of long keys",
        ),
        pytest.param(
            {"container": {"command": ["$$" * 4096] * 100, "entrypoint": ["x"] * 256}},
            "its Deployment",
            id="a command",
        ),
        pytest.param(
            {"container": {"healthCheck": {"command": ["x" * 8192] * 100}}},
            "its Deployment",
            id="a check is there twice",
        ),
        pytest.param(
            {"container": {"healthCheck": {"command": ["x" * 8192] * 80}}}, "", id="twice, and fits"
        ),
    ],
)
def test_what_an_app_weighs(app: dict[str, Any], says: str) -> None:
    found = problems(app)
    if not says:
        assert found == []
        return
    ((field, message),) = found
    assert field == "apps.web"
    assert message.startswith("App 'web' is too large for Kubernetes: " + says)
    assert f"the limit is {MOST}; move large values into Secrets" in message


def test_an_app_that_runs_nothing_has_no_pods() -> None:
    after = load({"apps": {"web": {"env": variables("$", 800_000)}}})
    assert list(too_heavy(EMPTY, after)) == []


@pytest.mark.parametrize(
    ("key", "value", "fits"),
    [
        ("K", "x" * 32_768, True),
        ("K", "\U0001f600" * 32_767, True),
        ("KEY", "\U0001f600" * 32_768, False),
        ("K" * 255, "\U0001f600" * 32_700, True),
        ("K" * 255, "\U0001f600" * 32_750, False),
    ],
)
def test_no_program_is_started_with_a_longer_variable(key: str, value: str, fits: bool) -> None:
    found = problems({"env": {key: {"value": value}}})
    assert (len(key) + 1 + len(value.encode()) <= MOST_OF_A_VARIABLE) is fits
    assert [field for field, _ in found] == ([] if fits else [f"apps.web.env.{key}.value"])


def test_only_what_changes_is_weighed() -> None:
    heavy = load({"apps": {"web": {"image": "a", "env": variables("$", 800_000)}}})
    assert list(too_heavy(heavy, heavy)) == []
    spec = ChangesetSpec(commands=["app:create other"])
    assert fold(heavy, spec, CONTEXT).problems == ()


def test_the_command_is_blamed_that_makes_it_too_heavy() -> None:
    light = load({"apps": {"web": {"image": "a", "env": variables("$", 740_000)}}})
    commands = ["app:create other", f"--app web env:set MORE='{'$' * 30_000}'"]
    (problem,) = fold(light, ChangesetSpec(commands=commands), CONTEXT).problems
    assert (problem.command, problem.field) == (1, "apps.web")
    way_out = [*commands, "--app web env:unset K000000"]
    assert fold(light, ChangesetSpec(commands=way_out), CONTEXT).problems == ()


@given(st.text())
def test_sizes_are_those_of_gos_json(text: str) -> None:
    """Go escapes what a browser could take for HTML, and two line breaks of JavaScript."""
    written = json.dumps(text, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        written = written.replace(char, f"\\u{ord(char):04x}")
    assert stored_size(text) == len(written.encode())
