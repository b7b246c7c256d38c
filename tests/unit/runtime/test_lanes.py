"""Whose turn it is: Stages by turns, and what waits for AWS in a lane of its own."""

from __future__ import annotations

import pytest

from setops.api.kinds import (
    APP,
    CHANGESET,
    NOTIFICATION,
    ORGANIZATION,
    PROJECT,
    SERVICE,
    STAGE,
    Key,
)
from setops.runtime.lanes import Lane
from setops.runtime.work import lane_group_of


def taken(lane: Lane[str]) -> list[str]:
    return [key for key, _ in lane.take(0.0)]


def test_a_group_of_many_gives_way_after_each_of_its_keys() -> None:
    lane: Lane[str] = Lane(1)
    for number in range(800):
        lane.add(f"hostile{number}", "hostile", 0.0)
    lane.add("good", "good", 1.0)
    order = []
    for _ in range(3):
        [key] = taken(lane)
        order.append(key)
        lane.leave("hostile" if key.startswith("hostile") else "good", 0.0)
    assert order == ["hostile0", "good", "hostile1"]


@pytest.mark.parametrize(("places", "most"), [(1, 1), (2, 1), (4, 3), (16, 12), (64, 48)])
def test_no_group_takes_all_places(places: int, most: int) -> None:
    lane: Lane[str] = Lane(places)
    for number in range(100):
        lane.add(f"hanging{number}", "hanging", 0.0)
    assert len(taken(lane)) == most
    lane.add("good", "good", 0.0)
    assert taken(lane) == (["good"] if places > 1 else [])


def test_within_a_group_keys_come_in_their_order_and_once() -> None:
    lane: Lane[str] = Lane(8)
    for key in "abab":
        lane.add(key, "one", 0.0)
    assert (len(lane), lane.holds("a", "one"), lane.holds("c", "one")) == (2, True, False)
    assert taken(lane) == ["a", "b"]
    assert (len(lane), lane.running) == (0, 2)


def test_it_tells_since_when_the_first_waits_in_whatever_group() -> None:
    lane: Lane[str] = Lane(1)
    assert lane.since is None
    lane.add("a", "one", 5.0)
    lane.add("b", "two", 3.0)
    assert lane.since == 3.0
    lane.clear()
    assert lane.since is None


def test_a_group_at_its_own_bound_makes_no_lane_stuck() -> None:
    lane: Lane[str] = Lane(4)
    for number in range(100):
        lane.add(f"hanging{number}", "hanging", 1.0)
    assert len(taken(lane)) == 3
    assert (lane.since, lane.stuck_since) == (1.0, None)


def test_a_lane_is_stuck_since_its_last_place_was_taken_or_left() -> None:
    lane: Lane[str] = Lane(4)
    for name in "abcdefg":
        lane.add(name, name, 2.0)
    assert lane.stuck_since == 2.0, "places are free"
    assert [key for key, _ in lane.take(5.0)] == ["a", "b", "c", "d"]
    assert (lane.since, lane.stuck_since) == (2.0, 5.0)
    lane.leave("a", 300.0)
    assert [key for key, _ in lane.take(300.0)] == ["e"]
    assert lane.stuck_since == 300.0, "many keys aren't a fault"


STAGE_KEY = Key(STAGE, "shop", "live")


@pytest.mark.parametrize(
    ("key", "lane", "with_the_stage"),
    [
        (STAGE_KEY, "main", True),
        (Key(APP, "shop-live", "web"), "main", True),
        (Key(CHANGESET, "shop-live", "one"), "main", True),
        (Key(NOTIFICATION, "shop-live", "ops"), "main", True),
        (Key(SERVICE, "shop-live", "db"), "aws", True),
        (Key(APP, "shop-other", "web"), "main", False),
        (Key(STAGE, "shop", "other"), "main", False),
        (Key(PROJECT, "", "shop"), "main", False),
        (Key(ORGANIZATION, "", "acme"), "aws", False),
    ],
)
def test_where_each_kind_queues(key: Key, lane: str, *, with_the_stage: bool) -> None:
    found = lane_group_of(key)
    assert found.lane == lane
    assert (found.group == lane_group_of(STAGE_KEY).group) is with_the_stage
