"""Shows a Changeset: its commands, its plan, its errors."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from setops.api.changeset import ChangesetError, Phase, Plan, phase_of
from setops.api.conditions import ConditionType, find
from setops.api.errors import Code, Problem, Validator
from setops.api.kinds import CHANGESET, Object
from setops.changes.plan import plan_text
from setops.cli.base.problems import place
from setops.cli.base.session import Session
from setops.cli.base.terminal import block, bold, coloured_plan, echo, one_line, yellow
from setops.cli.changeset import preview

_PATIENCE: Final = 5.0
"""Seconds to wait for the operator's plan before one is made locally."""
_POLL: Final = 0.1


@dataclass(frozen=True, slots=True)
class Shown:
    """A Changeset with the plan for its current spec. `by_operator` is False if it was made
    locally."""

    changeset: Object
    plan: Plan | None
    problems: Sequence[Problem]
    by_operator: bool

    @property
    def status(self) -> Mapping[str, Any]:
        return self.changeset.get("status") or {}

    @property
    def message(self) -> str:
        """The operator's message about it."""
        return message_of(self.changeset)


def message_of(changeset: Object) -> str:
    """The message of the Ready condition, or an empty text."""
    found = find(changeset.get("status"), ConditionType.READY)
    return str(found["message"]) if found else ""


def of(session: Session, changeset: Object) -> Shown:
    """The Changeset with the operator's plan, or with one made locally if the operator doesn't
    answer."""
    metadata = changeset["metadata"]
    deadline = time.monotonic() + _PATIENCE
    while not _is_current(changeset) and time.monotonic() < deadline:
        time.sleep(_POLL)
        changeset = session.cluster.get(CHANGESET, metadata["namespace"], metadata["name"])
    if _is_current(changeset):
        status = changeset["status"]
        plan = Plan.model_validate(status["plan"]) if status.get("plan") else None
        return Shown(changeset, plan, problems_of(changeset), by_operator=True)
    made, problems = preview.plan(preview.basis(session, changeset), changeset)
    return Shown(changeset, made, problems, by_operator=False)


def problems_of(changeset: Object) -> Sequence[Problem]:
    """The errors in a Changeset's status."""
    raw = (changeset.get("status") or {}).get("errors") or ()
    return [_problem(ChangesetError.model_validate(each)) for each in raw]


def tell(session: Session, one: Shown) -> None:
    """Write a Changeset for people."""
    here, spec, status = session.place(), one.changeset["spec"], one.status
    rows: list[tuple[str, object]] = [
        ("Changeset", one.changeset["metadata"]["name"]),
        ("Stage", f"{here.project}/{here.stage}"),
        ("User", spec.get("user", "")),
        ("Phase", phase_text(one.changeset)),
        ("Based on", f"revision {status['baseRevision']}" if "baseRevision" in status else ""),
        ("Message", spec.get("message", "")),
    ]
    echo(block((name, value) for name, value in rows if value))
    commands = spec.get("commands") or ()
    if spec.get("definition") is not None:
        what = "of the whole Stage" if spec.get("prune") else "of part of the Stage"
        echo(f"\n{bold('Definition:')} {what}")
    if commands:
        echo(f"\n{bold('Commands:')}")
        for number, line in enumerate(commands):
            echo(f"  {number + 1:>4}  {one_line(line)}")
            for problem in one.problems:
                if problem.command == number:
                    echo(f"        {yellow('! ' + problem.message)}")
                    echo(f"          {place(problem)}")
    tell_plan(one)
    others = [problem for problem in one.problems if problem.command is None]
    for problem in others:
        echo(f"{yellow('! ' + problem.message)}\n    {place(problem)}")


def tell_plan(one: Shown) -> None:
    """Write the plan."""
    if one.plan is None:
        return
    by = "" if one.by_operator else " (made here: the operator doesn't answer)"
    echo(f"\n{bold('Plan' + by + ':')}")
    echo(coloured_plan(plan_text(one.plan)))


def phase_text(changeset: Object) -> str:
    """The phase, with the progress while it is being applied."""
    phase = phase_of(changeset)
    progress = (changeset.get("status") or {}).get("progress")
    if phase is Phase.APPLYING and progress:
        return f"{phase} ({progress['done']}/{progress['total']})"
    return phase.value


def _is_current(changeset: Object) -> bool:
    """Whether the status is that of the spec as it is, with its plan while the Changeset is open.

    An operator that can't plan reports the fault, and no plan.
    """
    status, generation = changeset.get("status") or {}, changeset["metadata"].get("generation", 1)
    if status.get("observedGeneration") != generation:
        return False
    is_planned = (status.get("plan") or {}).get("generation") == generation
    return is_planned or phase_of(changeset) is not Phase.OPEN


def _problem(error: ChangesetError) -> Problem:
    known = {code.value for code in Code}
    checks = {check.value for check in Validator}
    return Problem(
        error.field or "",
        Validator(error.validator) if error.validator in checks else Validator.INVALID,
        error.message,
        Code(error.code) if error.code in known else Code.VALIDATION_FAILED,
        error.command,
    )
