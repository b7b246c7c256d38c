"""Conditions: what each type and each reason means, and how conditions change.

Conditions follow kstatus. `Ready` is True when the object does what its spec says. `Reconciling` is
True while the operator is working, or waiting for something that will happen by itself. `Stalled`
is True only when a user must act. On an Organization, `Reachable` is True while its AWS account
answers and the credentials belong to it. On a Changeset, `Complete` or `Failed` marks the end, as
on a Job.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from setops.api.model import Model

MAX_MESSAGE: Final = 4096


class Condition(Model):
    """One observation of an object, in the form of Kubernetes' own conditions."""

    type: Annotated[str, StringConstraints(max_length=64)] = Field(
        description="Ready, Reconciling, Stalled; Reachable on an Organization; "
        "Complete and Failed on a Changeset."
    )
    status: Literal["True", "False", "Unknown"] = Field(description="True, False or Unknown.")
    reason: Annotated[str, StringConstraints(max_length=128)] = Field(
        description="Why, in one word."
    )
    message: Annotated[str, StringConstraints(max_length=MAX_MESSAGE)] = Field(
        description="What is the case, where, and what to do."
    )
    observed_generation: int = Field(description="Generation of the spec this was observed for.")
    last_transition_time: str = Field(
        description="When the status last changed, RFC 3339.",
        json_schema_extra={"format": "date-time"},
    )

    @staticmethod
    def list_map() -> dict[str, Any]:
        """Tells server-side apply to treat a list of conditions as a map by type."""
        return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


class ConditionType(StrEnum):
    """The types of conditions that the operator sets."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    REACHABLE = "Reachable"
    COMPLETE = "Complete"
    FAILED = "Failed"


class Reason(StrEnum):
    """Every reason that a condition or an Event carries.

    A member is called as its value: `RolloutFailed` is `ROLLOUT_FAILED`.
    """

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Reason:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    READY = "Ready", "Everything the spec asks for is there."
    PROGRESSING = "Progressing", "The operator works on it or waits for Kubernetes or AWS."
    PAUSED = "Paused", "The annotation setops.co/paused holds the operator off."
    SERVER_FAILURE = "ServerFailure", "The operator itself can't go on; it tries again."
    DELETING = "Deleting", "It is being deleted; the message names what it waits for."

    ORGANIZATION_DOES_NOT_EXIST = (
        "OrganizationDoesNotExist",
        "The Organization that the Project names isn't there, or is being deleted.",
    )
    PROJECT_DOES_NOT_EXIST = "ProjectDoesNotExist", "The Stage isn't in a Project's namespace."
    STAGE_DOES_NOT_EXIST = "StageDoesNotExist", "The object isn't in a Stage's namespace."
    NAMESPACE_TAKEN = "NamespaceTaken", "The namespace exists and isn't ours."
    OBJECT_TAKEN = (
        "ObjectTaken",
        "An object that it has to make exists, and isn't ours or can't be changed.",
    )
    RECORD_IGNORED = (
        "RecordIgnored",
        "Something that looks like a revision or the ledger of the Stage isn't, or can't be read.",
    )
    NAMESPACE_RESERVED = (
        "NamespaceReserved",
        "The namespace belongs to the cluster or to the operator.",
    )
    NAMESPACE_TERMINATING = "NamespaceTerminating", "The namespace is being deleted."

    REVISION_NOT_RECORDED = (
        "RevisionNotRecorded",
        "The Stage's resources can't become a revision; the message says why.",
    )

    APP_HAS_NO_ACTIVE_RELEASE = (
        "AppHasNoActiveRelease",
        "Neither an image nor an active release is set.",
    )
    SCALED_TO_ZERO = "ScaledToZero", "Scale is 0, so no container runs."
    ROUTE_NOT_SUPPORTED = (
        "RouteNotSupported",
        "It runs; this version doesn't build its public route, custom domains or schedule yet.",
    )
    WAITING_FOR_SERVICE = "WaitingForService", "A linked Service has no Secret yet."
    ROLLING_OUT = "RollingOut", "New containers are starting or old ones are ending."
    ROLLOUT_FAILED = "RolloutFailed", "The containers can't start; the message says why."
    QUOTA_EXCEEDED = "QuotaExceeded", "The Stage's quota allows no further container."

    SERVICE_LINKED = "ServiceLinked", "Apps still link the Service, so it isn't deleted."
    CURRENTLY_NOT_SUPPORTED = (
        "CurrentlyNotSupported",
        "This version doesn't support it; the message says what it does support.",
    )
    AWS_REACHABLE = "AwsReachable", "The AWS account answers and the credentials belong to it."
    AWS_WAITING = "AwsWaiting", "AWS works on it."
    AWS_REFUSED = (
        "AwsRefused",
        "AWS refused, or a resource there has failed; the message says which. It is tried again "
        "at every check for drift.",
    )
    AWS_UNREACHABLE = "AwsUnreachable", "AWS does not answer; it is tried again."
    AWS_DRIFTED = "AwsDrifted", "Something at AWS wasn't as it should be; it is put right."
    AWS_LEFT_OVER = "AwsLeftOver", "There are IAM users at AWS that no Service has any more."
    AWS_RESOURCE_TAKEN = "AwsResourceTaken", "A resource of that name exists without our tags."
    VALIDATION_FAILED = (
        "ValidationFailed",
        "The spec asks for something impossible; the message names it.",
    )

    OPEN = "Open", "It waits for commit or discard."
    CHANGESET_INVALID = "ChangesetInvalid", "Commands or definition have errors."
    CHANGESET_LOCKED = "ChangesetLocked", "Its user has an older open Changeset on the Stage."
    QUEUED = "Queued", "Another Changeset holds the Stage's lock."
    APPLYING = "Applying", "The plan is being carried out."
    ROLLING_BACK = "RollingBack", "What was done is being undone."
    COMMITTED = "Committed", "The plan was carried out."
    COMMIT_FAILED = "CommitFailed", "It failed; the message says whether everything was put back."
    DISCARDED = "Discarded", "It was thrown away; nothing was changed."
    PLANNED = "Planned", "A dry run: the plan was made and nothing else."


def condition(
    type_: ConditionType, status: bool, reason: Reason, message: str, generation: int
) -> dict[str, Any]:
    """A condition without its transition time, which `merge` adds."""
    return {
        "type": type_.value,
        "status": "True" if status else "False",
        "reason": reason.value,
        "message": message[:MAX_MESSAGE],
        "observedGeneration": generation,
    }


def ready(reason: Reason, message: str, generation: int) -> list[dict[str, Any]]:
    """The three conditions of an object that is ready."""
    return [
        condition(ConditionType.READY, True, reason, message, generation),
        condition(ConditionType.RECONCILING, False, reason, message, generation),
        condition(ConditionType.STALLED, False, reason, message, generation),
    ]


def reconciling(reason: Reason, message: str, generation: int) -> list[dict[str, Any]]:
    """The three conditions of an object that the operator is working on or waiting for."""
    return [
        condition(ConditionType.READY, False, reason, message, generation),
        condition(ConditionType.RECONCILING, True, reason, message, generation),
        condition(ConditionType.STALLED, False, reason, message, generation),
    ]


def stalled(reason: Reason, message: str, generation: int) -> list[dict[str, Any]]:
    """The three conditions of an object that needs a user to act."""
    return [
        condition(ConditionType.READY, False, reason, message, generation),
        condition(ConditionType.RECONCILING, False, reason, message, generation),
        condition(ConditionType.STALLED, True, reason, message, generation),
    ]


def open_(reason: Reason, message: str, generation: int) -> list[dict[str, Any]]:
    """The three conditions of an object that waits for its user to go on with it."""
    return [
        condition(ConditionType.READY, False, reason, message, generation),
        condition(ConditionType.RECONCILING, False, reason, message, generation),
        condition(ConditionType.STALLED, False, reason, message, generation),
    ]


def merge(
    old: Iterable[Mapping[str, Any]] | None, new: Iterable[Mapping[str, Any]], now: str
) -> list[dict[str, Any]]:
    """The new conditions with their transition times.

    A time changes only when the condition's status does. `now` is RFC 3339 in UTC. Types that `new`
    doesn't name are dropped.
    """
    before = {item["type"]: item for item in old or ()}
    merged = []
    for item in new:
        last = before.get(item["type"])
        same = last is not None and last["status"] == item["status"]
        time = last["lastTransitionTime"] if last is not None and same else now
        merged.append({**item, "lastTransitionTime": time})
    return merged


def find(status: Mapping[str, Any] | None, type_: ConditionType) -> Mapping[str, Any] | None:
    """The condition of a type in a status, or None."""
    for item in (status or {}).get("conditions") or ():
        if item["type"] == type_:
            return dict(item)
    return None


def is_true(status: Mapping[str, Any] | None, type_: ConditionType, generation: int) -> bool:
    """Whether a condition is True for this generation of the spec, or for a later one."""
    found = find(status, type_)
    return (
        found is not None
        and found["status"] == "True"
        and found.get("observedGeneration", 0) >= generation
    )
