"""Conditions: when their times move, and that every reason means something to somebody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import setops
from setops.api import conditions
from setops.api.conditions import MAX_MESSAGE, ConditionType, Reason, condition, merge
from setops.api.kinds import Object

EARLIER: Final = "2026-01-01T00:00:00Z"
NOW: Final = "2026-01-02T00:00:00Z"


def ready(status: bool = True, reason: Reason = Reason.READY, generation: int = 1) -> Object:
    return condition(ConditionType.READY, status, reason, "all is well", generation)


@pytest.mark.parametrize(
    ("before", "after", "time"),
    [
        pytest.param(ready(), ready(), EARLIER, id="nothing new"),
        pytest.param(ready(), ready(False), NOW, id="it was ready and no longer is"),
        pytest.param(ready(False), ready(), NOW, id="it is ready at last"),
        pytest.param(ready(), ready(reason=Reason.SCALED_TO_ZERO), EARLIER, id="another reason"),
        pytest.param(ready(), {**ready(), "message": "x"}, EARLIER, id="another message"),
        pytest.param(ready(), ready(generation=2), EARLIER, id="the same for a newer spec"),
        pytest.param(None, ready(), NOW, id="there was none"),
    ],
)
def test_time_moves_only_on_a_transition(before: Object | None, after: Object, time: str) -> None:
    old = [{**before, "lastTransitionTime": EARLIER}] if before else None
    assert merge(old, [after], NOW) == [{**after, "lastTransitionTime": time}]


def test_a_condition_is_found_by_its_type_not_by_its_place() -> None:
    first = conditions.ready(Reason.READY, "", 1)
    old = [{**item, "lastTransitionTime": EARLIER} for item in reversed(first)]
    assert {item["lastTransitionTime"] for item in merge(old, first, NOW)} == {EARLIER}


def test_conditions_that_are_said_no_more_go() -> None:
    old = [{**ready(), "type": "Complete", "lastTransitionTime": EARLIER}]
    assert [item["type"] for item in merge(old, [ready()], NOW)] == ["Ready"]


SHAPES: Final = st.sampled_from([conditions.ready, conditions.reconciling, conditions.stalled])


@given(st.lists(SHAPES, min_size=1, max_size=6))
def test_a_time_is_that_of_the_last_transition(shapes: list[Any]) -> None:
    status: list[Object] = []
    expected: dict[str, tuple[str, str]] = {}
    for hour, shape in enumerate(shapes):
        now = f"2026-01-01T{hour:02}:00:00Z"
        status = merge(status, shape(Reason.READY, "", hour), now)
        for item in status:
            if expected.get(item["type"], ("", ""))[0] != item["status"]:
                expected[item["type"]] = (item["status"], now)
    assert {
        item["type"]: (item["status"], item["lastTransitionTime"]) for item in status
    } == expected


@pytest.mark.parametrize(
    ("shape", "true"),
    [
        (conditions.ready, "Ready"),
        (conditions.reconciling, "Reconciling"),
        (conditions.stalled, "Stalled"),
    ],
)
def test_one_of_the_three_is_true(shape: Any, true: str) -> None:
    made = shape(Reason.READY, "why", 7)
    assert [item["type"] for item in made] == ["Ready", "Reconciling", "Stalled"]
    assert [item["type"] for item in made if item["status"] == "True"] == [true]
    assert {item["observedGeneration"] for item in made} == {7}


def test_a_message_fits_into_the_schema() -> None:
    assert len(condition(ConditionType.READY, True, Reason.READY, "x" * 9999, 1)["message"]) == (
        MAX_MESSAGE
    )


@pytest.mark.parametrize(
    ("status", "generation", "holds"),
    [
        pytest.param({"conditions": [ready()]}, 1, True, id="so it is"),
        pytest.param({"conditions": [ready(generation=2)]}, 1, True, id="for a newer spec"),
        pytest.param({"conditions": [ready()]}, 2, False, id="for an older spec"),
        pytest.param({"conditions": [ready(False)]}, 1, False, id="it is not"),
        pytest.param({"conditions": []}, 1, False, id="nobody said so"),
        pytest.param({}, 1, False, id="no conditions"),
        pytest.param(None, 1, False, id="no status"),
    ],
)
def test_is_true(status: Object | None, generation: int, holds: bool) -> None:
    assert conditions.is_true(status, ConditionType.READY, generation) is holds


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_is_one_word_with_a_meaning(reason: Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]{2,40}", reason.value)
    assert reason.meaning.endswith(".")


def test_no_two_reasons_look_alike() -> None:
    assert len({reason.meaning for reason in Reason}) == len(Reason)


def test_every_reason_is_given_somewhere() -> None:
    """A reason that nobody gives is a promise that documentation makes and the operator breaks."""
    package = Path(setops.__path__[0])
    sources = [
        path.read_text(encoding="utf-8")
        for path in package.rglob("*.py")
        if path.name != "conditions.py"
    ]
    given_ = set(re.findall(r"\bReason\.([A-Z_]+)\b", "\n".join(sources)))
    assert {reason.name for reason in Reason} == given_


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_is_called_as_its_value(reason: Reason) -> None:
    """A reason copied from `kubectl` leads to where it is given."""
    assert reason.name == re.sub(r"(?<!^)(?=[A-Z])", "_", reason.value).upper()
