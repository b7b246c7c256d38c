"""Changeset: an ordered set of commands that changes one Stage, completely or not at all."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from setops.api.conditions import Condition
from setops.api.deadlines import MAX_TIMEOUT_SECONDS, ROLLOUT_SECONDS
from setops.api.kinds import Object
from setops.api.model import Model, rules

MAX_COMMANDS: Final = 1000
MAX_TEXT: Final = 1_000_000
"""The limit for all commands together, in characters. A Changeset and its plan must fit into 1.5
MiB."""


class Phase(StrEnum):
    """The phase of a Changeset."""

    OPEN = "Open"
    QUEUED = "Queued"
    APPLYING = "Applying"
    ROLLING_BACK = "RollingBack"
    COMMITTED = "Committed"
    FAILED = "Failed"
    DISCARDED = "Discarded"

    @property
    def finished(self) -> bool:
        """Whether this phase is final."""
        return self in _FINISHED

    @property
    def running(self) -> bool:
        """Whether the Changeset holds the Stage's lock or is waiting for it."""
        return self in _RUNNING


_FINISHED: Final = frozenset({Phase.COMMITTED, Phase.FAILED, Phase.DISCARDED})
_RUNNING: Final = frozenset({Phase.QUEUED, Phase.APPLYING, Phase.ROLLING_BACK})


def phase_of(changeset: Object) -> Phase:
    """The phase in the status. Without a status, a Changeset is Open."""
    return Phase((changeset.get("status") or {}).get("phase", Phase.OPEN))


def age_of(changeset: Object) -> tuple[str, str]:
    """What sorts Changesets by their age: when it was created, then its name."""
    metadata = changeset["metadata"]
    return metadata.get("creationTimestamp", ""), metadata["name"]


class Step(StrEnum):
    """The step of a commit or of its rollback."""

    DRY_RUN = "DryRun"
    """Ask the API server whether it would take every write."""
    WRITE = "Write"
    """Write the Apps, Services and Notifications of the plan."""
    WAIT = "Wait"
    """Wait until they are ready."""
    POINT_OF_NO_RETURN = "PointOfNoReturn"
    """Refuse every cancel from here on, since data is about to be deleted."""
    DELETE = "Delete"
    """Delete the Services that hold data."""
    RECORD = "Record"
    """Store the definition as the Stage's next revision."""
    REVERT = "Revert"
    """Put back what the commit has changed."""
    FINISH = "Finish"
    """Say how it ended, and free the Stage."""


class ChangesetSpec(Model):
    """What to change, and whether to commit it."""

    user: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        None, description="Whose Changeset it is: the user name the API server knows."
    )
    message: Annotated[str, StringConstraints(max_length=4096)] | None = Field(
        None, description="Why, for the history."
    )
    commands: (
        Annotated[
            list[Annotated[str, StringConstraints(min_length=1, max_length=65536)]],
            Field(max_length=MAX_COMMANDS),
        ]
        | None
    ) = Field(
        None,
        description="Command lines without `setops` and without project and stage, in order: "
        "`--app web resource:set scale 2`.",
    )
    definition: dict[str, Any] | None = Field(
        None,
        description="Part of a Stage definition, merged over the current one; with prune, all "
        "of it. Applied before the commands.",
    )
    prune: bool = Field(
        False, description="Whether what definition doesn't name is removed from the Stage."
    )
    keep_images: bool = Field(
        False,
        description="Whether an App for which definition names neither image nor activeRelease "
        "keeps what it runs; with prune alone it would stop.",
    )
    commit: bool = Field(False, description="Commits the Changeset.")
    discard: bool = Field(
        False, description="Discards it, or cancels its commit. Takes precedence over commit."
    )
    dry_run: bool = Field(False, description="Only makes the plan.")
    timeout: int | None = Field(
        None,
        ge=1,
        le=MAX_TIMEOUT_SECONDS,
        description="Seconds until the commit is given up and rolled back. Unset: "
        f"{ROLLOUT_SECONDS} for Apps, the product's own deadline for Services.",
    )


_OPTIONAL: Final = ("user", "message", "commands", "definition", "timeout")
_DEFAULTED: Final = ("prune", "keepImages", "commit", "dryRun")
_FROZEN_WHILE_RUNNING: Final = " && ".join(
    [
        f"has(self.spec.{name}) == has(oldSelf.spec.{name}) && "
        f"(!has(self.spec.{name}) || self.spec.{name} == oldSelf.spec.{name})"
        for name in _OPTIONAL
    ]
    + [f"self.spec.{name} == oldSelf.spec.{name}" for name in _DEFAULTED]
)
CHANGESET_RULES: Final = rules(
    (
        "!has(oldSelf.status) || !has(oldSelf.status.phase) || "
        "!(oldSelf.status.phase in ['Queued', 'Applying', 'RollingBack']) || "
        f"({_FROZEN_WHILE_RUNNING})",
        "ChangesetLocked: the commit has begun, so nothing but discard can be changed; "
        "set spec.discard to cancel it",
    ),
    (
        "!has(oldSelf.status) || !has(oldSelf.status.phase) || "
        "!(oldSelf.status.phase in ['Committed', 'Failed', 'Discarded']) || "
        "self.spec == oldSelf.spec",
        "the Changeset has ended and can't be edited; make a new one under another name",
    ),
)
CHANGESET_SPEC_RULES: Final = rules(
    (
        f"!has(self.commands) || self.commands.map(c, size(c)).sum() <= {MAX_TEXT}",
        f"the commands have more than {MAX_TEXT} characters together; split them into several "
        "Changesets, or move large values into Secrets",
    ),
    (
        "!self.prune || has(self.definition)",
        "prune needs a definition: it removes what the definition doesn't name",
    ),
)


class FieldChange(Model):
    """One field that changes, with its values as text. A side that is unset is left out."""

    path: str = Field(description="Field in the resource's spec, such as resources.scale.")
    from_: str | None = Field(None, alias="from", description="Value before; absent: unset.")
    to: str | None = Field(None, description="Value after; absent: unset.")


class PlannedChange(Model):
    """One resource that a commit creates, updates or destroys."""

    action: str = Field(description="create, update, replace or destroy.")
    kind: str = Field(description="App, Service or Notification.")
    name: str = Field(description="Name of the resource.")
    fields: Annotated[list[FieldChange], Field(max_length=2000)] | None = Field(
        None, description="Fields that change."
    )
    effect: str | None = Field(
        None, description="What a user should know: restarts, loss of data, no effect on it."
    )


class Plan(Model):
    """Exactly the changes that a commit makes."""

    summary: str = Field(description="1 to create, 2 to change, 0 to destroy.")
    generation: int = Field(description="Generation of the Changeset the plan was made from.")
    content_hash: str = Field(description="Hash of the commands and the definition.")
    target_hash: str = Field(description="Hash of the Stage definition that the plan leads to.")
    registry: str | None = Field(
        None, description="Registry of the Organization, which bare digests stand for."
    )
    changes: Annotated[list[PlannedChange], Field(max_length=600)] = Field(
        default_factory=list, description="Resource by resource, in the order of the writes."
    )
    notes: Annotated[list[str], Field(max_length=100)] | None = Field(
        None, description="What stays as it is, where the definition could be read otherwise."
    )


class Progress(Model):
    """How far a commit has got."""

    done: int = Field(description="Steps done.")
    total: int = Field(description="Steps in all.")
    waiting_for: str | None = Field(None, description="What it waits for.")


class ChangesetError(Model):
    """One error of a command or of the definition."""

    category: str = Field(description="Fault, AuthenticationError, ValidationError, StateError.")
    code: str = Field(description="What is wrong, in one word.")
    validator: str | None = Field(None, description="Check that failed.")
    field: str | None = Field(None, description="Field of the Stage definition.")
    command: int | None = Field(None, description="Index in spec.commands.")
    message: str = Field(description="What is wrong, where, and what to do.")


class ChangesetStatus(Model):
    """What has become of a Changeset so far."""

    observed_generation: int | None = Field(None, description="Generation this status is of.")
    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None,
        description="Ready, Reconciling, Stalled, Complete, Failed.",
        json_schema_extra=Condition.list_map(),
    )
    phase: Phase | None = Field(
        None, description="Open, Queued, Applying, RollingBack, Committed, Failed, Discarded."
    )
    step: Step | None = Field(
        None,
        description="Step of a running commit: DryRun, Write, Wait, PointOfNoReturn, Delete, "
        "Record, Finish; of its rollback: Revert, Finish.",
    )
    step_since: str | None = Field(
        None,
        description="Since when that is the step, RFC 3339.",
        json_schema_extra={"format": "date-time"},
    )
    plan: Plan | None = Field(None, description="What a commit does.")
    progress: Progress | None = Field(None, description="How far the commit is.")
    errors: Annotated[list[ChangesetError], Field(max_length=2000)] | None = Field(
        None, description="All errors, command by command."
    )
    planned_revision: int | None = Field(
        None,
        description="Newest revision of the Stage when the plan of an open Changeset was made. It "
        "is made again some time after an edit of the Stage, and when the commit begins.",
    )
    base_revision: int | None = Field(
        None, description="Revision of the Stage when the Changeset was first seen."
    )
    previous_revision: int | None = Field(
        None, description="Revision the commit started from, and goes back to when it fails."
    )
    revision: int | None = Field(None, description="Revision the commit made.")
    turn: int | None = Field(
        None,
        description="Place in the Stage's queue: the resourceVersion at which the commit was "
        "asked for. The lowest comes first.",
    )
    irrevocable: bool | None = Field(
        None,
        description="Whether the point of no return is passed: data is being deleted, and the "
        "commit can't be cancelled any more.",
    )
    started_at: str | None = Field(
        None,
        description="When the commit began, RFC 3339.",
        json_schema_extra={"format": "date-time"},
    )
    finished_at: str | None = Field(
        None, description="When it ended, RFC 3339.", json_schema_extra={"format": "date-time"}
    )
