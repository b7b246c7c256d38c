"""At which pace the open Changesets of a Stage are planned."""

from __future__ import annotations

import pytest

from setops.api.kinds import CHANGESET, Key
from setops.reconcile.pace import SHARE, PlanPace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def key(name: str, namespace: str = "shop-live") -> Key:
    return Key(CHANGESET, namespace, name)


def test_the_first_is_planned_at_once() -> None:
    assert PlanPace(Clock()).wait(key("a"), 1) == 0


def test_what_a_plan_took_is_paid_for_by_its_stage_alone() -> None:
    clock = Clock()
    pace = PlanPace(clock)
    pace.wait(key("a"), 1)
    clock.now += 1.0
    pace.planned(key("a"), 1.0)
    assert pace.wait(key("a"), 2) == 1.0 / SHARE - 1.0
    assert pace.wait(key("a", "other-live"), 1) == 0


def test_together_they_take_their_share_whatever_is_edited() -> None:
    """Twelve of a second each, and all are asked for again every second."""
    clock, busy, planned = Clock(), 0.0, dict.fromkeys("abcdefghijkl", 0)
    pace = PlanPace(clock)
    due = dict.fromkeys(planned, clock.now)
    end = clock.now + 600
    while clock.now < end:
        for name in planned:
            if due[name] > clock.now:
                continue
            left = pace.wait(key(name), 1)
            due[name] = clock.now + max(left, 1.0)
            if not left:
                busy += 1.0
                planned[name] += 1
                clock.now += 1.0
                pace.planned(key(name), 1.0)
        clock.now += 0.25
    assert 0.5 * SHARE <= busy / 600 <= SHARE * 1.1
    assert min(planned.values()) > 0, "none is forgotten"


def test_what_was_edited_last_comes_first() -> None:
    clock = Clock()
    pace = PlanPace(clock)
    pace.wait(key("old"), 1)
    pace.planned(key("old"), 0.1)
    waits = {name: pace.wait(key(name), 1) for name in ("old", "new")}
    assert waits["new"] == waits["old"], "while nobody else waited"
    assert pace.wait(key("old"), 1) > pace.wait(key("new"), 1)
    assert pace.wait(key("old"), 2) < pace.wait(key("new"), 1), "edited once more"


def test_one_that_is_to_be_refused_comes_after_all_others() -> None:
    clock = Clock()
    pace = PlanPace(clock)
    for name in ("planned", "older", "newest"):
        pace.wait(key(name), 1)
    pace.planned(key("planned"), 0.1)
    names = ("newest", "older", "planned")
    waits = {name: pace.wait(key(name), 1) for name in names}
    assert waits["newest"] < waits["older"] < waits["planned"]
    assert pace.wait_last(key("newest"), 1) > max(pace.wait(key(name), 1) for name in names[1:])
    assert pace.wait_last(key("newest"), 1) == pace.wait(key("newest"), 1)


def test_what_a_stage_owes_has_a_bound() -> None:
    clock = Clock()
    pace = PlanPace(clock)
    for _ in range(1000):
        pace.charge("shop-live", 5.0)
    assert pace.wait(key("a"), 1) == 120
    pace.charge("other-live", 20.0)
    assert pace.wait(key("a", "other-live"), 1) == 120


def test_even_where_nothing_was_planned_yet_each_waits_for_those_before_it() -> None:
    pace = PlanPace(Clock())
    pace.charge("shop-live", 0.01)
    waits = [pace.wait_last(key(str(number)), 1) for number in range(3)]
    assert waits == sorted(set(waits))


def test_one_that_never_comes_back_keeps_nobody_waiting() -> None:
    clock = Clock()
    pace = PlanPace(clock)
    pace.wait(key("a"), 1)
    pace.planned(key("a"), 0.1)
    pace.wait(key("a"), 1)
    pace.wait(key("gone"), 1)
    clock.now += 60
    assert pace.wait(key("a"), 1) == 0


def test_a_forgotten_one_leaves_nothing() -> None:
    clock = Clock()
    pace = PlanPace(clock)
    pace.wait(key("a"), 1)
    pace.planned(key("a"), 0.1)
    pace.wait(key("b"), 1)
    pace.forget(key("b"))
    clock.now += 10
    assert pace.wait(key("a"), 1) == 0


def test_one_that_had_to_come_back_keeps_its_place_but_pays_for_what_it_took() -> None:
    clock = Clock()
    pace = PlanPace(clock)
    pace.wait(key("other"), 1)
    assert pace.wait(key("a"), 1) == 0
    pace.charge("shop-live", 0.1)
    assert pace.wait(key("a"), 1) == pytest.approx(0.1 / SHARE - 0.1)
    pace.planned(key("another"), 0.1)
    assert pace.wait(key("a"), 1) < pace.wait(key("other"), 1), "edited last, and not planned yet"


def test_one_that_has_to_come_back_is_put_off_for_longer_each_time() -> None:
    pace = PlanPace(Clock())
    assert [pace.put_off(key("a")) for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert pace.put_off(key("b")) == 0.5
    pace.planned(key("a"), 0.1)
    assert pace.put_off(key("a")) == 0.5
    pace.forget(key("b"))
    assert pace.put_off(key("b")) == 0.5
