"""What AWS was asked for and has accepted. It isn't asked for the same again without a pause. Pure.

AWS may accept a call and do nothing, or begin and give it up, and each attempt may take a database
down. So what AWS accepts is remembered until it shows. Whatever still differs in the same way is
waited for, then told, and asked for again only after `PAUSE`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from setops.aws.decide import Act, Create, Delete, IssueCredentials, Relinquish, Update, Wait
from setops.aws.observation import Difference, Observation
from setops.aws.pause import BEGINS, PAUSE, time_of_day


@dataclass(frozen=True, slots=True)
class Moment:
    """The same moment by two clocks: one that never goes back, and the one on the wall."""

    seconds: float
    said: datetime

    def after(self, then: Moment) -> timedelta:
        """How long after another moment this is."""
        return timedelta(seconds=self.seconds - then.seconds)


@dataclass(frozen=True, slots=True)
class _Change:
    wanted: str
    actual: str
    at: Moment


@dataclass(slots=True)
class Asked:
    """What AWS has accepted for one Service and doesn't show yet.

    `changes` are by the path of a difference. `acts` has the other actions: when each was done
    last, and the credentials that it brought.
    """

    changes: dict[str, _Change] = field(default_factory=dict)
    acts: dict[type[Act], tuple[Moment, Mapping[str, str]]] = field(
        default_factory=dict, repr=False
    )

    def note(self, act: Act, left: Collection[str], issued: Mapping[str, str], now: Moment) -> None:
        """Note an action that AWS has accepted, apart from what was `left` for another time.

        That is the paths of differences, or a part of which more is to be deleted. `issued` are
        new credentials, which the Secret is to hold from now on.
        """
        if isinstance(act, Create | Update | IssueCredentials):
            # It is wanted again: what was asked for before that says nothing of its end.
            self.acts.pop(Delete, None)
            self.acts.pop(Relinquish, None)
        if isinstance(act, Update):
            self.changes |= {
                each.path: _Change(each.wanted, each.actual, now)
                for each in act.differences
                if each.path not in left
            }
        elif not left:
            self.acts[type(act)] = now, dict(issued)

    def seen(self, observation: Observation, now: Moment) -> Observation:
        """Forget what shows by now.

        What AWS has accepted and doesn't show isn't fixable before the pause is over.
        """
        if not observation.main.activity.is_calm:
            return observation  # it has begun, and may still give up
        self._forget(observation)
        held = tuple(self._held(each, now) for each in observation.differences)
        return replace(observation, differences=held)

    def instead(
        self, act: Act, observation: Observation, credentials: Mapping[str, str], now: Moment
    ) -> Wait | None:
        """What to do instead of an action that AWS has accepted a moment ago; None: do it.

        `credentials` are those in the Secret. If they aren't those that were issued, these are
        lost.
        """
        if type(act) not in self.acts:
            return None
        at, issued = self.acts[type(act)]
        asked = f"AWS was asked at {time_of_day(at.said)} to"
        age = now.after(at)
        match act:
            case Create() if age < BEGINS:
                return Wait(f"{asked} create it, and doesn't show all of it yet")
            case IssueCredentials() if age < BEGINS and issued.items() <= credentials.items():
                return Wait(f"{asked} issue its credentials, and doesn't accept them yet")
            case Relinquish() if age < BEGINS:
                return Wait(f"{asked} take its credentials back, and still shows them")
            case Delete() if observation.main.arn and age < PAUSE:
                if age < BEGINS:
                    return Wait(f"{asked} delete it, and has yet to begin")
                again = time_of_day(at.said + PAUSE)
                return Wait(
                    f"{asked} delete it, and has given that up; its events at AWS say why. It is "
                    f"asked again at {again}"
                )
            case _:
                return None

    def _forget(self, observation: Observation) -> None:
        there = {each.path: each for each in observation.differences}
        self.changes = {
            path: change
            for path, change in self.changes.items()
            if path in there and _is_same(there[path], change)
        }
        if observation.ready:
            self.acts.pop(Create, None)
            self.acts.pop(IssueCredentials, None)

    def _held(self, difference: Difference, now: Moment) -> Difference:
        change = self.changes.get(difference.path)
        if change is None or not difference.fixable:
            return difference
        age = now.after(change.at)
        asked = (
            f"AWS was asked at {time_of_day(change.at.said)} to change it from {change.actual} to "
            f"{change.wanted}"
        )
        if age < BEGINS:
            later = f"{difference.path}: {asked}, and has yet to begin"
            return replace(difference, later=later)
        if age < PAUSE:
            again = time_of_day(change.at.said + PAUSE)
            given_up = f"{asked}, and hasn't done it; its events at AWS say why. It is asked again"
            return replace(difference, refusal=f"{given_up} at {again}")
        return difference


def _is_same(difference: Difference, change: _Change) -> bool:
    return (difference.wanted, difference.actual) == (change.wanted, change.actual)
