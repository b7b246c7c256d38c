"""What is due with a Changeset: every phase, whatever the flags."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Final

import pytest

from setops.api.changeset import ChangesetSpec, Phase
from setops.reconcile.changeset.due import Due, Situation, what_is_due

FLAGS: Final = ("commit", "discard", "dry_run")
COMBINATIONS: Final = tuple(itertools.product([False, True], repeat=len(FLAGS)))
ENDS: Final = tuple(itertools.product([False, True], repeat=2))


def situation(
    phase: Phase, flags: tuple[bool, ...], *, deleting: bool = False, stage_deleting: bool = False
) -> Situation:
    spec = ChangesetSpec(**dict(zip(FLAGS, flags, strict=True)))
    return Situation(phase, spec, deleting, stage_deleting)


@pytest.mark.parametrize("flags", COMBINATIONS, ids=str)
@pytest.mark.parametrize(("deleting", "stage_deleting"), ENDS, ids=str)
@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.finished], ids=str)
def test_what_has_ended_does_nothing_more(
    phase: Phase, deleting: bool, stage_deleting: bool, flags: tuple[bool, ...]
) -> None:
    here = situation(phase, flags, deleting=deleting, stage_deleting=stage_deleting)
    assert what_is_due(here) is Due.CLEAN_UP


@pytest.mark.parametrize("flags", COMBINATIONS, ids=str)
@pytest.mark.parametrize(("deleting", "stage_deleting"), ENDS, ids=str)
def test_what_rolls_back_rolls_back_to_the_end(
    deleting: bool, stage_deleting: bool, flags: tuple[bool, ...]
) -> None:
    here = situation(Phase.ROLLING_BACK, flags, deleting=deleting, stage_deleting=stage_deleting)
    assert what_is_due(here) is Due.ROLL_BACK


@pytest.mark.parametrize(
    ("discard", "deleting", "stage_deleting", "due"),
    [
        pytest.param(False, False, False, Due.COMMIT, id="it goes on"),
        pytest.param(False, True, False, Due.COMMIT, id="deleted: it runs to its end first"),
        pytest.param(True, False, False, Due.ROLL_BACK, id="cancelled"),
        pytest.param(True, True, False, Due.ROLL_BACK, id="cancelled and deleted"),
        pytest.param(False, False, True, Due.ROLL_BACK, id="the Stage goes"),
        pytest.param(False, True, True, Due.ROLL_BACK, id="both go"),
        pytest.param(True, True, True, Due.ROLL_BACK, id="everything at once"),
    ],
)
@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("dry_run", [True, False])
def test_applying(
    commit: bool, dry_run: bool, discard: bool, deleting: bool, stage_deleting: bool, due: Due
) -> None:
    flags = (commit, discard, dry_run)
    here = situation(Phase.APPLYING, flags, deleting=deleting, stage_deleting=stage_deleting)
    assert what_is_due(here) is due


@pytest.mark.parametrize(
    ("stage_deleting", "due"),
    [
        pytest.param(False, Due.COMMIT, id="data is being deleted: too late to cancel"),
        pytest.param(True, Due.ROLL_BACK, id="the Stage goes"),
    ],
)
def test_past_the_point_of_no_return(stage_deleting: bool, due: Due) -> None:
    here = situation(Phase.APPLYING, (True, True, False), stage_deleting=stage_deleting)
    assert what_is_due(replace(here, irrevocable=True)) is due


@pytest.mark.parametrize(
    ("flags", "due"),
    [
        pytest.param((True, False, False), Due.PLAN, id="commit: the older one comes first"),
        pytest.param((True, True, False), Due.DISCARD, id="discard"),
        pytest.param((False, False, True), Due.DRY_RUN, id="a dry run disturbs nobody"),
    ],
)
def test_with_an_older_open_one_of_the_same_user(flags: tuple[bool, ...], due: Due) -> None:
    assert what_is_due(replace(situation(Phase.OPEN, flags), locked=True)) is due


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.QUEUED], ids=str)
@pytest.mark.parametrize("stage_deleting", [True, False])
@pytest.mark.parametrize(
    ("flags", "due"),
    [
        pytest.param((False, False, False), Due.PLAN, id="a draft shows its plan"),
        pytest.param((True, False, False), Due.START, id="commit"),
        pytest.param((False, True, False), Due.DISCARD, id="discard"),
        pytest.param((True, True, False), Due.DISCARD, id="discard beats commit"),
        pytest.param((False, False, True), Due.DRY_RUN, id="dry run"),
        pytest.param((True, False, True), Due.DRY_RUN, id="a dry run never commits"),
        pytest.param((False, True, True), Due.DISCARD, id="nothing is left to try"),
        pytest.param((True, True, True), Due.DISCARD, id="everything at once"),
    ],
)
def test_not_started(flags: tuple[bool, ...], due: Due, stage_deleting: bool, phase: Phase) -> None:
    here = situation(phase, flags, stage_deleting=stage_deleting)
    assert what_is_due(here) is due


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.QUEUED], ids=str)
@pytest.mark.parametrize("flags", COMBINATIONS, ids=str)
def test_a_draft_that_is_deleted_leaves_no_trace(flags: tuple[bool, ...], phase: Phase) -> None:
    assert what_is_due(situation(phase, flags, deleting=True)) is Due.CLEAN_UP


def test_every_phase_either_runs_or_is_finished_or_waits_for_the_user() -> None:
    open_ = [phase for phase in Phase if not phase.finished and not phase.running]
    assert open_ == [Phase.OPEN]
    assert not any(phase.finished and phase.running for phase in Phase)
