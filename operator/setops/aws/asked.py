"""What AWS was asked for and has accepted. It isn't asked for the same again without a pause. Pure.

AWS may accept a call and do nothing, or begin and give it up, and each attempt may take a database
down. So what AWS accepts is remembered until it shows. Whatever still differs in the same way is
waited for, then told, and asked for again only after `PAUSE`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from setops.aws.asked_again import BEGINS, PAUSE, time_of_day
from setops.aws.decide import Act, Create, Delete, IssueCredentials, Relinquish, Update, Wait
from setops.aws.observation import Difference, Observation
from setops.aws.target import Asking


@dataclass(frozen=True, slots=True)
class Moment:
    """The same moment by two clocks: one that never goes back, and the one on the wall."""

    seconds: float
    said: datetime

    def after(self, then: Moment) -> timedelta:
        """How long after another moment this is."""
        return timedelta(seconds=self.seconds - then.seconds)

    def recalled(self, said: datetime) -> Moment:
        """An earlier moment, by what the clock on the wall showed then."""
        return Moment(self.seconds - max((self.said - said).total_seconds(), 0.0), said)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of an action that AWS has accepted.

    `issued` are new credentials, which the Secret is to hold from now on. `whole` is false if more
    is to be done at once.
    """

    issued: Mapping[str, str] = field(default_factory=dict, repr=False)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Change:
    """A change that AWS has accepted: when, and when it was last seen at work since."""

    wanted: str
    actual: str
    at: Moment
    last: Moment


@dataclass(frozen=True, slots=True)
class _Done:
    """An action that AWS has accepted: when, and when it was last seen at work since."""

    at: Moment
    last: Moment
    issued: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Asked:
    """What AWS has accepted for one Service and doesn't show yet.

    `changes` are by the path of a difference. `acts` has what was done last of each other action.
    """

    changes: dict[str, _Change] = field(default_factory=dict)
    acts: dict[type[Act], _Done] = field(default_factory=dict, repr=False)

    @classmethod
    def recalled(cls, kept: Sequence[Asking], now: Moment) -> Asked:
        """What was known before a restart."""
        asked = cls()
        for each in kept:
            at, last = now.recalled(each.at), now.recalled(each.last)
            if each.path:
                asked.changes[each.path] = _Change(each.wanted, each.actual, at, last)
            else:
                asked.acts[Delete] = _Done(at, last)
        return asked

    def kept(self) -> tuple[Asking, ...]:
        """What a restart must not forget, as each of these may take a database down again."""
        changes = [
            Asking(path, change.wanted, change.actual, change.at.said, _kept(change))
            for path, change in sorted(self.changes.items())
        ]
        deletion = self.acts.get(Delete)
        if deletion is None:
            return tuple(changes)
        return (*changes, Asking("", "", "", deletion.at.said, _kept(deletion)))

    def note(self, act: Act, accepted: Accepted, now: Moment) -> None:
        """Note an action that AWS has accepted. Of an Update, `note_changes` notes each change."""
        if isinstance(act, Create | Update | IssueCredentials):
            # It is wanted again: what was asked for before that says nothing of its end.
            self.acts.pop(Delete, None)
            self.acts.pop(Relinquish, None)
        if accepted.whole and not isinstance(act, Update):
            self.acts[type(act)] = _Done(now, now, dict(accepted.issued))

    def note_changes(self, act: Update, accepted: Collection[str], now: Moment) -> None:
        """Note the differences that AWS has accepted, also of an Update that failed then."""
        self.changes |= {
            each.path: _Change(each.wanted, each.actual, now, now)
            for each in act.differences
            if each.path in accepted
        }

    def seen(self, observation: Observation, now: Moment) -> Observation:
        """Forget what shows by now.

        What AWS has accepted and doesn't show isn't fixable before the pause is over.
        """
        if not observation.main.activity.is_calm:
            # It has begun, and may still give up. The pause begins when it is over.
            self.changes = {
                path: replace(change, last=now) for path, change in self.changes.items()
            }
            if deletion := self.acts.get(Delete):
                self.acts[Delete] = replace(deletion, last=now)
            return observation
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
        done = self.acts[type(act)]
        asked = f"AWS was asked at {time_of_day(done.at.said)} to"
        age = now.after(done.last)
        match act:
            case Create() if age < BEGINS:
                return Wait(f"{asked} create it, and doesn't show all of it yet")
            case IssueCredentials() if age < BEGINS and done.issued.items() <= credentials.items():
                return Wait(f"{asked} issue its credentials, and doesn't accept them yet")
            case Relinquish() if age < BEGINS:
                return Wait(f"{asked} take its credentials back, and still shows them")
            case Delete() if observation.main.arn and age < PAUSE:
                if age < BEGINS:
                    return Wait(f"{asked} delete it, and has yet to begin")
                again = time_of_day(done.last.said + PAUSE)
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
        age = now.after(change.last)
        asked = (
            f"AWS was asked at {time_of_day(change.at.said)} to change it from {change.actual} to "
            f"{change.wanted}"
        )
        if age < BEGINS:
            later = f"{difference.path}: {asked}, and has yet to begin"
            return replace(difference, later=later)
        if age < PAUSE:
            again = time_of_day(change.last.said + PAUSE)
            given_up = f"{asked}, and hasn't done it; its events at AWS say why. It is asked again"
            return replace(difference, refusal=f"{given_up} at {again}")
        return difference


def _kept(ask: _Change | _Done) -> datetime:
    """When AWS was last at work, rounded up: each new time is written to the cluster."""
    return ask.at.said - BEGINS * ((ask.at.said - ask.last.said) // BEGINS)


def _is_same(difference: Difference, change: _Change) -> bool:
    return (difference.wanted, difference.actual) == (change.wanted, change.actual)
