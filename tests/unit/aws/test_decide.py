"""The decision, as a table: what was found, what is wanted, what happens and why."""

from __future__ import annotations

from typing import Any

import pytest

from setops.api.service_type import DeletionPolicy
from setops.aws.decide import (
    Action,
    Create,
    Delete,
    Done,
    Failed,
    Foreign,
    IssueCredentials,
    Refuse,
    Relinquish,
    Update,
    Wait,
    decide_deletion,
    decide_keeping,
)
from setops.aws.observation import (
    Activity,
    Difference,
    Observation,
    PartStatus,
    Presence,
)

SNAPSHOT, RETAIN, DELETE = DeletionPolicy

DRIFT = Difference("class", "large", "small")
SHRINK = Difference("storage", "20", "50", refusal="storage can't shrink")
GROW = Difference("storage", "50", "20", later="storage is being optimized")


def seen(
    presence: Presence = Presence.PRESENT,
    activity: Activity = Activity.STEADY,
    *differences: Difference,
    pending: str = "",
    remedy: str = "",
    **more: Any,
) -> Observation:
    main = PartStatus(activity, "word of AWS", pending, remedy=remedy)
    fields = {"credentials_valid": True, **more}
    return Observation(presence, main, differences=differences, **fields)


ABSENT = seen(Presence.ABSENT, credentials_valid=False, released=True)

WANTED = {
    "nothing is there": (ABSENT, Create()),
    "a kill left half of it": (seen(Presence.PARTIAL), Create()),
    "Retain left the data": (seen(Presence.PARTIAL, released=True), Create()),
    "all is well": (seen(), Done()),
    "AWS is creating it": (seen(activity=Activity.BUSY), Wait("word of AWS")),
    "AWS was told of a change and has not begun": (
        seen(activity=Activity.BUSY, pending="a change is pending"),
        Wait("word of AWS, a change is pending"),
    ),
    "an earlier life is still being deleted": (
        seen(Presence.PARTIAL, Activity.DELETING),
        Wait("word of AWS"),
    ),
    "what is to be made needs a password first": (
        seen(Presence.ABSENT, credentials_valid=False, lacks_credentials=True),
        IssueCredentials(),
    ),
    "it is being backed up": (seen(activity=Activity.OCCUPIED), Done()),
    "it drifted, but is being backed up": (
        seen(Presence.PRESENT, Activity.OCCUPIED, DRIFT),
        Wait("word of AWS"),
    ),
    "what was there is gone, and must not be replaced by something empty": (
        seen(Presence.PARTIAL, Activity.FAILED, remedy="restore it"),
        Failed("word of AWS", "restore it"),
    ),
    "it is being changed, so a further change waits": (
        seen(Presence.PRESENT, Activity.BUSY, DRIFT),
        Wait("word of AWS"),
    ),
    "somebody else's has our name": (
        seen(Presence.ABSENT, conflicts=("bucket b",)),
        Foreign(("bucket b",)),
    ),
    "one part is somebody else's, so none is touched": (
        seen(Presence.PARTIAL, Activity.STEADY, DRIFT, conflicts=("user u",)),
        Foreign(("user u",)),
    ),
    "it drifted": (seen(Presence.PRESENT, Activity.STEADY, DRIFT), Update((DRIFT,))),
    "drift is put right before credentials are made": (
        seen(Presence.PRESENT, Activity.STEADY, DRIFT, credentials_valid=False),
        Update((DRIFT,)),
    ),
    "only what can be put right is": (
        seen(Presence.PRESENT, Activity.STEADY, SHRINK, DRIFT),
        Update((DRIFT,)),
    ),
    "the Secret holds no working key": (seen(credentials_valid=False), IssueCredentials()),
    "a wish that can't be met doesn't hold up the credentials": (
        seen(Presence.PRESENT, Activity.STEADY, SHRINK, credentials_valid=False),
        IssueCredentials(),
    ),
    "a wish that can't be met": (
        seen(Presence.PRESENT, Activity.STEADY, SHRINK),
        Refuse((SHRINK,)),
    ),
    "what AWS can't change yet holds up nothing else": (
        seen(Presence.PRESENT, Activity.STEADY, GROW, DRIFT),
        Update((DRIFT,)),
    ),
    "what AWS can't change yet is waited for": (
        seen(Presence.PRESENT, Activity.STEADY, GROW),
        Wait("storage is being optimized"),
    ),
    "who waits for the one would wait in vain for the other": (
        seen(Presence.PRESENT, Activity.STEADY, GROW, SHRINK),
        Refuse((SHRINK,)),
    ),
    "AWS gave it up": (seen(activity=Activity.FAILED), Failed("word of AWS")),
}


@pytest.mark.parametrize(("observation", "action"), WANTED.values(), ids=WANTED)
def test_what_is_wanted(observation: Observation, action: Action) -> None:
    assert decide_keeping(observation) == action


LEAVING = {
    "nothing is there": (ABSENT, dict.fromkeys(DeletionPolicy, Done())),
    "only somebody else's is there": (
        seen(Presence.ABSENT, conflicts=("bucket b",)),
        dict.fromkeys(DeletionPolicy, Done()),
    ),
    "it is there": (seen(), {SNAPSHOT: Delete(), RETAIN: Relinquish(), DELETE: Delete()}),
    "a kill left half of it": (
        seen(Presence.PARTIAL),
        {SNAPSHOT: Delete(), RETAIN: Relinquish(), DELETE: Delete()},
    ),
    "only the data is left": (
        seen(Presence.PARTIAL, released=True),
        {SNAPSHOT: Delete(), RETAIN: Done(), DELETE: Delete()},
    ),
    "AWS is at work: it says itself what has to wait": (
        seen(activity=Activity.BUSY),
        {SNAPSHOT: Delete(), RETAIN: Relinquish(), DELETE: Delete()},
    ),
    "AWS is at work on the deletion": (
        seen(activity=Activity.DELETING),
        {SNAPSHOT: Wait("word of AWS"), RETAIN: Relinquish(), DELETE: Wait("word of AWS")},
    ),
    "AWS gave it up": (
        seen(activity=Activity.FAILED),
        {SNAPSHOT: Delete(), RETAIN: Relinquish(), DELETE: Delete()},
    ),
}


@pytest.mark.parametrize(("observation", "actions"), LEAVING.values(), ids=LEAVING)
@pytest.mark.parametrize("policy", DeletionPolicy)
def test_what_is_on_its_way_out(
    observation: Observation, actions: dict[DeletionPolicy, Action], policy: DeletionPolicy
) -> None:
    assert decide_deletion(observation, policy) == actions[policy]


def test_only_what_can_be_used_is_ready() -> None:
    assert seen().ready
    assert not seen(credentials_valid=False).ready
    assert seen(activity=Activity.OCCUPIED).ready
    assert not seen(activity=Activity.BUSY).ready
    assert not seen(Presence.PARTIAL).ready
    assert not seen(conflicts=("bucket b",)).ready
