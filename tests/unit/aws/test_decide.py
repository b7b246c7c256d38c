"""The decision, as a table: what was found, what is wanted, what happens and why."""

from __future__ import annotations

import pytest

from setops.api.service_type import DeletionPolicy
from setops.aws.decide import (
    Action,
    Conflict,
    Create,
    Delete,
    Done,
    Failed,
    IssueCredentials,
    Refuse,
    Release,
    Update,
    Wait,
    decide,
)
from setops.aws.product import Difference, Observation, Phase, Presence

SNAPSHOT, RETAIN, DELETE = DeletionPolicy

DRIFT = Difference("class", "large", "small")
SHRINK = Difference("storage", "20", "50", refusal="storage can't shrink")
GROW = Difference("storage", "50", "20", later="storage is being optimized")


def seen(
    presence: Presence = Presence.PRESENT,
    phase: Phase = Phase.STEADY,
    *differences: Difference,
    **more: object,
) -> Observation:
    fields = {"credentials_valid": True, "state": "word of AWS", **more}
    return Observation(presence, phase, differences=differences, **fields)  # type: ignore[arg-type]


ABSENT = seen(Presence.ABSENT, credentials_valid=False, released=True)

WANTED = {
    "nothing is there": (ABSENT, Create()),
    "a kill left half of it": (seen(Presence.PARTIAL), Create()),
    "Retain left the data": (seen(Presence.PARTIAL, released=True), Create()),
    "all is well": (seen(), Done()),
    "AWS is creating it": (seen(phase=Phase.BUSY), Wait("word of AWS")),
    "AWS was told of a change and has not begun": (
        seen(phase=Phase.BUSY, pending="a change is pending"),
        Wait("word of AWS, a change is pending"),
    ),
    "an earlier life is still being deleted": (
        seen(Presence.PARTIAL, Phase.DELETING),
        Wait("word of AWS"),
    ),
    "what is to be made needs a password first": (
        seen(Presence.ABSENT, credentials_valid=False, lacks_credentials=True),
        IssueCredentials(),
    ),
    "it is being backed up": (seen(phase=Phase.OCCUPIED), Done()),
    "it drifted, but is being backed up": (
        seen(Presence.PRESENT, Phase.OCCUPIED, DRIFT),
        Wait("word of AWS"),
    ),
    "what was there is gone, and must not be replaced by something empty": (
        seen(Presence.PARTIAL, Phase.FAILED, remedy="restore it"),
        Failed("word of AWS", "restore it"),
    ),
    "it is being changed, so a further change waits": (
        seen(Presence.PRESENT, Phase.BUSY, DRIFT),
        Wait("word of AWS"),
    ),
    "somebody else's has our name": (
        seen(Presence.ABSENT, conflicts=("bucket b",)),
        Conflict(("bucket b",)),
    ),
    "one part is somebody else's, so none is touched": (
        seen(Presence.PARTIAL, Phase.STEADY, DRIFT, conflicts=("user u",)),
        Conflict(("user u",)),
    ),
    "it drifted": (seen(Presence.PRESENT, Phase.STEADY, DRIFT), Update((DRIFT,))),
    "drift is put right before credentials are made": (
        seen(Presence.PRESENT, Phase.STEADY, DRIFT, credentials_valid=False),
        Update((DRIFT,)),
    ),
    "only what can be put right is": (
        seen(Presence.PRESENT, Phase.STEADY, SHRINK, DRIFT),
        Update((DRIFT,)),
    ),
    "the Secret holds no working key": (seen(credentials_valid=False), IssueCredentials()),
    "a wish that can't be met doesn't hold up the credentials": (
        seen(Presence.PRESENT, Phase.STEADY, SHRINK, credentials_valid=False),
        IssueCredentials(),
    ),
    "a wish that can't be met": (
        seen(Presence.PRESENT, Phase.STEADY, SHRINK),
        Refuse((SHRINK,)),
    ),
    "what AWS can't change yet holds up nothing else": (
        seen(Presence.PRESENT, Phase.STEADY, GROW, DRIFT),
        Update((DRIFT,)),
    ),
    "what AWS can't change yet is waited for": (
        seen(Presence.PRESENT, Phase.STEADY, GROW),
        Wait("storage is being optimized"),
    ),
    "who waits for the one would wait in vain for the other": (
        seen(Presence.PRESENT, Phase.STEADY, GROW, SHRINK),
        Refuse((SHRINK,)),
    ),
    "AWS gave it up": (seen(phase=Phase.FAILED), Failed("word of AWS")),
}


@pytest.mark.parametrize(("observation", "action"), WANTED.values(), ids=WANTED)
@pytest.mark.parametrize("policy", DeletionPolicy)
def test_what_is_wanted(observation: Observation, action: Action, policy: DeletionPolicy) -> None:
    assert decide(observation, policy, deleting=False) == action


LEAVING = {
    "nothing is there": (ABSENT, dict.fromkeys(DeletionPolicy, Done())),
    "only somebody else's is there": (
        seen(Presence.ABSENT, conflicts=("bucket b",)),
        dict.fromkeys(DeletionPolicy, Done()),
    ),
    "it is there": (seen(), {SNAPSHOT: Delete(), RETAIN: Release(), DELETE: Delete()}),
    "a kill left half of it": (
        seen(Presence.PARTIAL),
        {SNAPSHOT: Delete(), RETAIN: Release(), DELETE: Delete()},
    ),
    "only the data is left": (
        seen(Presence.PARTIAL, released=True),
        {SNAPSHOT: Delete(), RETAIN: Done(), DELETE: Delete()},
    ),
    "AWS is at work: it says itself what has to wait": (
        seen(phase=Phase.BUSY),
        {SNAPSHOT: Delete(), RETAIN: Release(), DELETE: Delete()},
    ),
    "AWS is at work on the deletion": (
        seen(phase=Phase.DELETING),
        {SNAPSHOT: Wait("word of AWS"), RETAIN: Release(), DELETE: Wait("word of AWS")},
    ),
    "AWS gave it up": (
        seen(phase=Phase.FAILED),
        {SNAPSHOT: Delete(), RETAIN: Release(), DELETE: Delete()},
    ),
}


@pytest.mark.parametrize(("observation", "actions"), LEAVING.values(), ids=LEAVING)
@pytest.mark.parametrize("policy", DeletionPolicy)
def test_what_is_on_its_way_out(
    observation: Observation, actions: dict[DeletionPolicy, Action], policy: DeletionPolicy
) -> None:
    assert decide(observation, policy, deleting=True) == actions[policy]


def test_only_what_can_be_used_is_ready() -> None:
    assert seen().ready
    assert not seen(credentials_valid=False).ready
    assert seen(phase=Phase.OCCUPIED).ready
    assert not seen(phase=Phase.BUSY).ready
    assert not seen(Presence.PARTIAL).ready
    assert not seen(conflicts=("bucket b",)).ready
