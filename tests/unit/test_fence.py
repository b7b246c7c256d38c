"""The fence: open while every Lease is ours, by a clock of which the tests tell the time."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence

import pytest

from setops import fence
from setops.aws.api_use import is_read
from setops.aws.clients import STS
from setops.aws.products import PRODUCTS
from setops.fence import CLOSED, Fence, FencedError, Tenure


@pytest.mark.parametrize(
    ("why", "until", "now", "is_open"),
    [
        ("both last", (10.0, 12.0), 9.9, True),
        ("the first has ended this moment", (10.0, 12.0), 10.0, False),
        ("the second has ended", (12.0, 10.0), 11.0, False),
        ("one was never ours", (10.0, CLOSED), 0.0, False),
        ("neither was ever ours", (CLOSED, CLOSED), 0.0, False),
        ("long after", (10.0, 12.0), 9e9, False),
    ],
)
def test_it_is_open_while_all_tenures_last(
    why: str, until: Sequence[float], now: float, is_open: bool
) -> None:
    tenures = [Tenure(f"Lease {number}") for number in range(len(until))]
    for tenure, end in zip(tenures, until, strict=True):
        tenure.until = end
    asked = Fence(*tenures, clock=lambda: now)
    assert (asked.left > 0) is is_open, why
    if is_open:
        asked.check()
    else:
        with pytest.raises(FencedError, match="Lease"):
            asked.check()


def test_a_tenure_that_is_ended_closes_it_at_once() -> None:
    tenure = Tenure("Lease")
    tenure.until = 10.0
    asked = Fence(tenure, clock=lambda: 0.0)
    asked.check()
    tenure.end()
    with pytest.raises(FencedError):
        asked.check()


def test_the_wall_clock_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def jumped() -> float:
        raise AssertionError("the wall clock may jump")

    monkeypatch.setattr(time, "time", jumped)
    assert fence.now() <= fence.now()
    assert "BOOTTIME" in inspect.getsource(fence)


EVERY_OPERATION = sorted(
    {
        operation
        for use in (*PRODUCTS.uses, STS)
        for operation in (*use.operations, *use.by_botocore)
    }
)
CHANGING = (
    *("Abort", "Add", "Attach", "Authorize", "Create", "Delete", "Detach", "Modify", "Put"),
    *("Remove", "Revoke", "Tag", "Untag", "Update"),
)


@pytest.mark.parametrize("operation", EVERY_OPERATION)
def test_every_operation_is_known_to_read_or_to_change(operation: str) -> None:
    assert is_read(operation) is not operation.startswith(CHANGING), (
        f"does {operation} change anything? then the fence must be asked before it"
    )
