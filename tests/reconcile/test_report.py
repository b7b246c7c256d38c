"""What an interruption leaves of a status."""

from __future__ import annotations

import pytest

from setops.api.conditions import Reason
from setops.reconcile.report import Interruption, Stalled, Waiting, interrupted
from tests.reconcile.samples import app, reported


@pytest.mark.parametrize(
    ("interruption", "shape"),
    [
        pytest.param(Waiting(Reason.AWS_WAITING, "comes"), "reconciling", id="it comes by itself"),
        pytest.param(Stalled(Reason.AWS_REFUSED, "act"), "stalled", id="a user has to act"),
    ],
)
def test_who_has_to_act(interruption: Interruption, shape: str) -> None:
    report = interrupted(app(), interruption)
    assert (report.shape, report.reason) == (shape, interruption.reason)
    assert report.message == interruption.message
    assert report.again is None, "nothing but an event starts the next look"


def test_what_is_known_stays_and_what_is_new_is_added() -> None:
    obj = app(status={**reported(), "arn": "old", "secret": "service-store"})
    found = interrupted(obj, Waiting(Reason.AWS_WAITING, "", again=5, status={"arn": "new"}))
    assert found.status == {"arn": "new", "secret": "service-store"}
    assert found.again == 5


def test_conditions_of_its_own_stay_what_they_were() -> None:
    told = {"type": "Reachable", "status": "True", "reason": "AwsReachable", "message": "there"}
    status = reported()
    status["conditions"] = [*status["conditions"], told]
    assert interrupted(app(status=status), Waiting(Reason.DELETING, "")).extra == (told,)


def test_an_object_without_a_status_gets_one() -> None:
    obj = app()
    del obj["status"]
    assert interrupted(obj, Waiting(Reason.PROGRESSING, "")).status == {}
