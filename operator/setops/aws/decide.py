"""What to do next about a Service, from what was observed. Pure; the order of the rules matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from setops.api.service_type import DeletionPolicy
from setops.aws.product import Difference, Observation, Phase, Presence


@dataclass(frozen=True, slots=True)
class Create:
    """Make what is missing; also adopts what an earlier life or a killed attempt left."""


@dataclass(frozen=True, slots=True)
class Update:
    """Put these differences right."""

    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class IssueCredentials:
    """The Secret holds no working credentials: make some, and store them at once."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete, by the Target's policy Snapshot or Delete."""


@dataclass(frozen=True, slots=True)
class Release:
    """Take away access and leave the data: the policy Retain."""


@dataclass(frozen=True, slots=True)
class Wait:
    """AWS is at work; observe again later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Resources of our name that aren't ours stand in the way: stalled, nothing is touched."""

    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """What is wanted can't be reached without losing data: stalled."""

    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """AWS holds the resource in a state that it doesn't leave by itself: stalled."""

    state: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """As wanted; for a deletion: nothing is left that has to go."""


Action = (
    Create | Update | IssueCredentials | Delete | Release | Wait | Conflict | Refuse | Failed | Done
)


def decide(observation: Observation, policy: DeletionPolicy, *, deleting: bool) -> Action:
    """The next action for a Service that is wanted or, if `deleting`, on its way out."""
    return _deletion(observation, policy) if deleting else _existence(observation)


def _existence(observation: Observation) -> Action:
    if observation.conflicts:
        return Conflict(observation.conflicts)
    if observation.phase in (Phase.BUSY, Phase.DELETING):
        return _wait(observation)
    if observation.phase is Phase.FAILED:
        return Failed(observation.state, observation.remedy)
    if observation.presence is not Presence.PRESENT:
        return IssueCredentials() if observation.lacks_credentials else Create()
    fixable = tuple(each for each in observation.differences if each.fixable)
    if fixable and observation.phase is Phase.OCCUPIED:
        return _wait(observation)
    if fixable:
        return Update(fixable)
    if not observation.credentials_valid:
        return IssueCredentials()
    # Only now: a Service that is usable stays so while a wish of its user can't be met.
    refused = tuple(each for each in observation.differences if each.refusal)
    if refused:
        return Refuse(refused)
    if observation.differences:
        return Wait(observation.differences[0].later)
    return Done()


def _wait(observation: Observation) -> Wait:
    return Wait(", ".join(filter(None, (observation.state, observation.pending))))


def _deletion(observation: Observation, policy: DeletionPolicy) -> Action:
    # What isn't ours doesn't hold up a deletion: the verbs don't touch it, and it isn't counted.
    if observation.presence is Presence.ABSENT:
        return Done()
    match policy:
        case DeletionPolicy.RETAIN:
            # Even while AWS is at work: access is taken away at once, the data isn't touched.
            return Done() if observation.released else Release()
        case DeletionPolicy.SNAPSHOT | DeletionPolicy.DELETE:
            # What AWS is still making may go as well; AWS says so if it has to be ready first.
            if observation.phase is Phase.DELETING:
                return _wait(observation)
            return Delete()
        case _:
            assert_never(policy)
