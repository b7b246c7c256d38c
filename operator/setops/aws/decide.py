"""What to do next about a Service, from what was observed. Pure; the order of the rules matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from setops.api.service_type import DeletionPolicy
from setops.aws.observation import Activity, Difference, Observation, PartStatus, Presence


@dataclass(frozen=True, slots=True)
class _Deed:
    """What can be done at once."""

    @property
    def drift(self) -> str:
        """What has changed at AWS, if it is done for a Service that was as wanted; else empty."""
        return ""


@dataclass(frozen=True, slots=True)
class Create(_Deed):
    """Make what is missing; also adopts what an earlier life or a killed attempt left."""

    @property
    def drift(self) -> str:
        return "something of it is gone"


@dataclass(frozen=True, slots=True)
class Update(_Deed):
    """Put these differences right."""

    differences: tuple[Difference, ...]

    @property
    def drift(self) -> str:
        return "; ".join(
            f"{one.path} is {one.actual}, not {one.wanted}" for one in self.differences
        )


@dataclass(frozen=True, slots=True)
class IssueCredentials(_Deed):
    """The Secret holds no working credentials: make some, and store them at once."""


@dataclass(frozen=True, slots=True)
class Delete(_Deed):
    """Delete, by the Target's policy Snapshot or Delete."""


@dataclass(frozen=True, slots=True)
class Relinquish(_Deed):
    """Take away access and leave the data: the policy Retain."""


Act = Create | Update | IssueCredentials | Delete | Relinquish
"""What can be done at once; afterwards it is observed and decided anew."""


@dataclass(frozen=True, slots=True)
class Wait:
    """AWS is at work; observe again later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Foreign:
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


End = Wait | Foreign | Refuse | Failed | Done
"""There is nothing to be done now."""

Action = Act | End


def decide_keeping(observation: Observation) -> Act | End:
    """The next action for a Service that is wanted."""
    main = observation.main
    if observation.conflicts:
        return Foreign(observation.conflicts)
    if main.activity in (Activity.BUSY, Activity.DELETING):
        return _wait(main)
    if main.activity is Activity.FAILED:
        return Failed(main.state, main.remedy)
    if observation.presence is not Presence.PRESENT:
        return IssueCredentials() if observation.lacks_credentials else Create()
    fixable = tuple(each for each in observation.differences if each.fixable)
    if fixable:
        return _wait(main) if main.activity is Activity.OCCUPIED else Update(fixable)
    if not observation.credentials_valid:
        return IssueCredentials()
    # Only now: a Service that is usable stays so while a wish of its user can't be met.
    refused = tuple(each for each in observation.differences if each.refusal)
    if refused:
        return Refuse(refused)
    if observation.differences:
        return Wait(observation.differences[0].later)
    return Done()


def decide_deletion(observation: Observation, policy: DeletionPolicy) -> Act | End:
    """The next action for a Service that is on its way out."""
    # What isn't ours doesn't hold up a deletion: it isn't touched, and isn't counted.
    if observation.presence is Presence.ABSENT:
        return Done()
    match policy:
        case DeletionPolicy.RETAIN:
            # Even while AWS is at work: access is taken away at once, the data isn't touched.
            return Done() if observation.released else Relinquish()
        case DeletionPolicy.SNAPSHOT | DeletionPolicy.DELETE:
            # What AWS is still making may go as well; AWS says so if it has to be ready first.
            if observation.main.activity is Activity.DELETING:
                return _wait(observation.main)
            return Delete()
        case _:
            assert_never(policy)


def _wait(main: PartStatus) -> Wait:
    return Wait(", ".join(filter(None, (main.state, main.pending))))
