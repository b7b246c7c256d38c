"""What to do next about a Service, from what was observed. Pure. The order of the rules matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from setops.api.service_type import DeletionPolicy
from setops.aws.observation import Activity, Difference, Observation, PartStatus, Presence


@dataclass(frozen=True, slots=True)
class _Deed:
    """An action that can be taken now."""

    @property
    def drift(self) -> str:
        """What has changed at AWS, if the Service was as wanted before. Empty if nothing has."""
        return ""


@dataclass(frozen=True, slots=True)
class Create(_Deed):
    """Create what is missing. Adopts what an earlier Service or a killed attempt has left."""

    @property
    def drift(self) -> str:
        return "something of it is gone"


@dataclass(frozen=True, slots=True)
class Update(_Deed):
    """Correct these differences."""

    differences: tuple[Difference, ...]

    @property
    def drift(self) -> str:
        return "; ".join(
            f"{one.path} is {one.actual}, not {one.wanted}" for one in self.differences
        )


@dataclass(frozen=True, slots=True)
class IssueCredentials(_Deed):
    """The Secret holds no working credentials: get some, and store them at once."""


@dataclass(frozen=True, slots=True)
class Delete(_Deed):
    """Delete, by the Target's policy Snapshot or Delete."""


@dataclass(frozen=True, slots=True)
class Relinquish(_Deed):
    """Take away access and keep the data: the policy Retain."""


Act = Create | Update | IssueCredentials | Delete | Relinquish
"""An action that can be taken now. Afterwards the Service is observed again."""


@dataclass(frozen=True, slots=True)
class Wait:
    """AWS is working on it; observe again later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Resources that aren't ours have our names: stalled, nothing is touched."""

    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """AWS can't make these differences right, or only by losing data: stalled."""

    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """AWS holds the resource in a state that it doesn't leave by itself: stalled."""

    state: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """As wanted; for a deletion: nothing is left to delete."""


End = Wait | Foreign | Refuse | Failed | Done
"""Nothing can be done now."""

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
    # Last, because a Service stays usable even if a change to it is refused.
    refused = tuple(each for each in observation.differences if each.refusal)
    if refused:
        return Refuse(refused)
    if observation.differences:
        return Wait(observation.differences[0].later)
    return Done()


def decide_deletion(observation: Observation, policy: DeletionPolicy) -> Act | End:
    """The next action for a Service that is being deleted."""
    # Resources that aren't ours count as absent, so they don't hold up a deletion.
    if observation.presence is Presence.ABSENT:
        return Done()
    match policy:
        case DeletionPolicy.RETAIN:
            # Even while AWS is working on it: access is taken away at once, the data stays.
            return Done() if observation.released else Relinquish()
        case DeletionPolicy.SNAPSHOT | DeletionPolicy.DELETE:
            # Also while AWS is creating it. If it has to be ready first, AWS refuses, and we wait.
            if observation.main.activity is Activity.DELETING:
                return _wait(observation.main)
            return Delete()
        case _:
            assert_never(policy)


def _wait(main: PartStatus) -> Wait:
    return Wait(", ".join(filter(None, (main.state, main.pending))))
