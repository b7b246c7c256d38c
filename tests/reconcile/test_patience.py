"""How long a step that fails is tried again, and what is said of errors."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from setops.api.changeset import ChangesetSpec
from setops.api.errors import Problem, Validator
from setops.api.kinds import APP, CONTROLLER_REVISION, ORGANIZATION, Key, Object
from setops.kube.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unavailable,
)
from setops.reconcile.changeset import patience
from setops.reconcile.changeset.job import Job
from setops.reconcile.changeset.reporting import rendered
from setops.reconcile.stage_around import stage_around
from tests.reconcile.samples import SPACE, World, changeset, context_of, reported, surroundings

BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
REVISION: Final = Key(CONTROLLER_REVISION, "shop", "production-2")


class Case:
    """A Changeset at a step, and a clock."""

    def __init__(self, phase: str = "Applying", timeout: int | None = None, step_age: float = 0):
        since = (BEGAN - timedelta(seconds=step_age)).isoformat()
        status: Object = {**reported(), "phase": phase, "stepSince": since}
        made = changeset("one", status=status)
        around = [obj for obj in surroundings() if obj["kind"] != ORGANIZATION.kind]
        self.now = BEGAN
        self.context = context_of(World(*around, made).cluster, now=lambda: self.now)
        self.job = Job(made, ChangesetSpec(timeout=timeout), stage_around(self.context, SPACE))

    def over_after(self, error: Exception, seconds: float) -> bool:
        """Whether it is over when the same error has come for so many seconds."""
        patience.is_over(self.context, self.job, error)
        self.now += timedelta(seconds=seconds)
        return patience.is_over(self.context, self.job, error)


@pytest.mark.parametrize(
    ("phase", "timeout", "step_age", "seconds", "over"),
    [
        pytest.param("Applying", None, 0, 300, False, id="within the time of an App"),
        pytest.param("Applying", None, 0, 301, True, id="past it"),
        pytest.param("Applying", None, 9000, 1, False, id="a long wait before doesn't count"),
        pytest.param("Applying", 5, 0, 5, False, id="within the user's limit"),
        pytest.param("Applying", 5, 0, 6, True, id="past the user's limit"),
        pytest.param("Applying", 900, 0, 900, False, id="within a longer limit"),
        pytest.param("Open", 5, 0, 6, True, id="before it begins, too"),
        pytest.param("RollingBack", 5, 0, 299, False, id="nobody hurries a rollback"),
        pytest.param("RollingBack", None, 0, 301, True, id="which ends as well"),
        pytest.param("RollingBack", None, 301, 1, False, id="a restart gives it another chance"),
        pytest.param("RollingBack", None, 301, 11, True, id="but not its whole time again"),
        pytest.param("RollingBack", None, 100, 11, False, id="restarted within its time"),
    ],
)
def test_what_may_pass_is_tried_for_a_while(
    phase: str, timeout: int | None, step_age: float, seconds: float, over: bool
) -> None:
    errors: list[Exception] = [
        Unavailable("no answer"),
        TooManyRequests("later"),
        Conflict("changed"),
        Forbidden("not yet"),
        NotFound("not yet"),
        ApiError("I'm a teapot"),
        patience.HeldUpError("App 'web': held"),
        KeyError("plan"),
    ]
    for error in errors:
        case = Case(phase, timeout, step_age)
        assert case.over_after(error, seconds) is over, error


@pytest.mark.parametrize("error", [BadRequest("x"), Invalid("x"), TooLarge("x")])
@pytest.mark.parametrize("phase", ["Open", "Applying", "RollingBack"])
def test_what_is_never_taken_is_not_tried_again(phase: str, error: Exception) -> None:
    assert patience.is_over(Case(phase).context, Case(phase).job, error)


def test_progress_gives_the_whole_time_again() -> None:
    case, error = Case(), Unavailable("no answer")
    assert not case.over_after(error, 200)
    patience.progressed(case.context, case.job)
    assert not case.over_after(error, 200)
    assert case.over_after(error, 101)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unavailable("no answer", target=REVISION), f"{REVISION}: no answer"),
        (Forbidden("no", target=APP), f"{APP}: no"),
        (patience.HeldUpError("App 'web': held"), "App 'web': held"),
        (
            KeyError("from a Secret"),
            "an unexpected KeyError; the operator's log says more: please report it",
        ),
    ],
)
def test_the_reason_names_the_object(error: Exception, said: str) -> None:
    assert patience.cause(error) == said


ONE: Final = Problem("apps.web.env.A", Validator.INVALID, "no")


@pytest.mark.parametrize(
    ("problems", "shown"),
    [
        pytest.param([ONE] * 3, 3, id="few"),
        pytest.param([ONE] * 20_000, 2000, id="more than a status lists"),
        pytest.param([replace(ONE, message="x" * 900_000)] * 50, 50, id="long ones"),
        pytest.param([replace(ONE, message="\U0001f600" * 2000)] * 500, 500, id="not in ASCII"),
        pytest.param([replace(ONE, field="a" * 70_000)] * 1000, 1000, id="of long names"),
    ],
)
def test_any_number_of_errors_fits_into_a_status(problems: list[Problem], shown: int) -> None:
    found = rendered(problems)
    assert len(json.dumps(found)) < 250_000
    assert len(found) <= min(shown, 2000)
    if len(found) < len(problems):
        assert found[-1]["message"].endswith("more errors; correct these first")
        assert int(found[-1]["message"].split()[0]) == len(problems) - len(found) + 1
    else:
        assert [item["message"][:100] for item in found] == [p.message[:100] for p in problems]
