"""Scope flags are taken out of a line wherever they stand, and nothing behind `--` is touched."""

from __future__ import annotations

import pytest

from setops.api.errors import ProblemsError, Validator
from setops.cli.shell.line import take_apart, take_what_is_there
from setops.language.command import Level

P, S, A = Level.PROJECT, Level.STAGE, Level.APP

PLACES = {
    "before": ("-p shop -s live app:create web", {P: "shop", S: "live"}, "app:create web"),
    "after": ("app:create web --project shop --stage live", {P: "shop", S: "live"},
              "app:create web"),
    "between": ("app:create -p shop web -s live", {P: "shop", S: "live"}, "app:create web"),
    "with an equals sign": ("app:create web --project=shop -s=live", {P: "shop", S: "live"},
                            "app:create web"),
    "a value's own dashes stay": ("-a web container:set command -- puma -p 3000", {A: "web"},
                                  "container:set command -- puma -p 3000"),
    "nothing to take": ("help resource:set", {}, "help resource:set"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "scope", "rest"), PLACES.values(), ids=PLACES)
def test_scope_flags_may_stand_anywhere(line: str, scope: dict[Level, str], rest: str) -> None:
    taken = take_apart(line.split())
    assert (taken.scope, taken.words) == (scope, rest.split())


@pytest.mark.parametrize(
    ("line", "validator", "message"),
    [
        ("app --project", Validator.REQUIRED, "--project needs a value; write a name after it"),
        ("app -p -s live", Validator.REQUIRED, "-p needs a value; write a name after it"),
        ("app --app=", Validator.REQUIRED, "--app is empty; write a name after it"),
        ("app -p shop --project shop", Validator.TAKEN, "--project is given twice; write it once"),
    ],
)
def test_a_scope_flag_needs_one_value(line: str, validator: Validator, message: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        take_apart(line.split())
    (problem,) = caught.value.problems
    assert (problem.validator, problem.message) == (validator, message)


def test_completion_takes_what_it_can() -> None:
    assert take_what_is_there(["app", "--project"]).words == ["app"]


def test_debug_and_context_are_for_every_command() -> None:
    taken = take_apart(["app", "--debug", "--context", "live"])
    assert (taken.debug, taken.context, taken.words) == (True, "live", ["app"])


def test_debug_behind_dashes_belongs_to_the_command_that_is_run() -> None:
    taken = take_apart(["task:run", "--", "rake", "--debug"])
    assert (taken.debug, taken.words) == (False, ["task:run", "--", "rake", "--debug"])
