"""Which step of a commit or of its rollback is next."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Final

import pytest

from setops.api.changeset import Phase, Step
from setops.reconcile.changeset.machine import Awaited, CommitView, next_step

BEGUN: Final = CommitView(Phase.APPLYING, Step.DRY_RUN)
TRIED: Final = CommitView(Phase.APPLYING, Step.WRITE)
BACK: Final = CommitView(Phase.ROLLING_BACK, Step.REVERT)
APP: Final = Awaited("App 'web': 0 of 1 containers run")


@pytest.mark.parametrize(
    ("view", "step"),
    [
        pytest.param(replace(BEGUN, writable=True), Step.DRY_RUN, id="nothing is written untried"),
        pytest.param(
            replace(BEGUN, writable=True, begun=True), Step.WRITE, id="a part of it is there"
        ),
        pytest.param(replace(TRIED, writable=True), Step.WRITE, id="the dry run has passed"),
        pytest.param(
            replace(TRIED, awaited=Awaited("waits for the App 'web' that is being deleted")),
            Step.WAIT,
            id="an object of an earlier life has to go first",
        ),
        pytest.param(replace(TRIED, begun=True, awaited=APP), Step.WAIT, id="all is written"),
        pytest.param(
            replace(TRIED, begun=True, awaited=APP, failure="App 'web': no"),
            Step.REVERT,
            id="it can't become ready",
        ),
        pytest.param(
            replace(BEGUN, failure="another version", lost=True), Step.REVERT, id="without a plan"
        ),
        pytest.param(
            replace(TRIED, failure="another version", lost=True, irrevocable=True),
            Step.REVERT,
            id="without a plan nothing can be recorded",
        ),
        pytest.param(
            replace(TRIED, begun=True, awaited=APP, deletable=True),
            Step.WAIT,
            id="data is deleted only when all else is ready",
        ),
        pytest.param(
            replace(TRIED, begun=True, deletable=True), Step.POINT_OF_NO_RETURN, id="all is ready"
        ),
        pytest.param(
            replace(TRIED, begun=True, deletable=True, irrevocable=True),
            Step.DELETE,
            id="the point of no return is passed",
        ),
        pytest.param(
            replace(TRIED, begun=True, irrevocable=True), Step.RECORD, id="all data is deleted"
        ),
        pytest.param(
            replace(TRIED, begun=True, irrevocable=True, awaited=APP, failure="App 'web': no"),
            Step.RECORD,
            id="after that nothing fails any more",
        ),
        pytest.param(replace(TRIED, begun=True), Step.RECORD, id="nothing is left to do"),
        pytest.param(replace(TRIED, recorded=True), Step.FINISH, id="recorded"),
        pytest.param(replace(BEGUN, recorded=True), Step.FINISH, id="it changes nothing"),
        pytest.param(replace(BEGUN, cancelled=True), Step.REVERT, id="cancelled at once"),
        pytest.param(
            replace(TRIED, begun=True, irrevocable=True, recorded=True, cancelled=True),
            Step.REVERT,
            id="the Stage goes",
        ),
        pytest.param(BACK, Step.REVERT, id="the rollback has begun"),
        pytest.param(replace(BACK, step=Step.FINISH), Step.FINISH, id="all is put back"),
        pytest.param(replace(BACK, cancelled=True), Step.REVERT, id="cancelled while rolling back"),
    ],
)
def test_next_step(view: CommitView, step: Step) -> None:
    assert next_step(view) is step


FLAGS: Final = ("recorded", "irrevocable", "begun", "writable", "deletable")


@pytest.mark.parametrize("phase", [Phase.APPLYING, Phase.ROLLING_BACK], ids=str)
def test_a_commit_of_an_earlier_version_goes_on(phase: Phase) -> None:
    """It has no step in its status; only whether the dry run has passed is lost with it."""
    for values in itertools.product([False, True], repeat=len(FLAGS)):
        flags = dict(zip(FLAGS, values, strict=True))
        view = replace(CommitView(phase), **flags)  # type: ignore[arg-type]
        known = replace(view, step=Step.WRITE)
        untried = phase is Phase.APPLYING and not (view.begun or view.irrevocable or view.recorded)
        assert next_step(view) is (Step.DRY_RUN if untried else next_step(known))


def test_a_step_never_leads_to_the_one_that_it_has_done() -> None:
    """What a step changes is seen, so a commit always comes to an end."""
    done = {
        Step.DRY_RUN: {"step": Step.WRITE},
        Step.WRITE: {"begun": True, "writable": False},
        Step.WAIT: {"awaited": None},
        Step.POINT_OF_NO_RETURN: {"irrevocable": True},
        Step.DELETE: {"deletable": False},
        Step.RECORD: {"recorded": True},
    }
    view, steps = replace(BEGUN, writable=True, awaited=APP, deletable=True), []
    while (step := next_step(view)) is not Step.FINISH:
        steps.append(step)
        view = replace(view, **done[step])  # type: ignore[arg-type]
    assert steps == list(done)
