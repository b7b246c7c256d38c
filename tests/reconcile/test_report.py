"""What an interruption leaves of a status."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from setops.api.conditions import Reason
from setops.api.kinds import CHANGESET, SERVICE, Object, key_of
from setops.api.service import ServiceSpec
from setops.kube.client import Client
from setops.kube.cluster import Cluster
from setops.reconcile.changeset.marks import mark_rolled_back, note_version
from setops.reconcile.report import Interruption, Report, Stalled, Waiting, interrupted, publish
from setops.reconcile.service.reconciler import KEPT
from tests.reconcile.samples import Events, World, app, context_of, make, reported
from tests.reconcile.server import Server


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
    obj = app(status={"arn": "old", "secret": "service-store"})
    found = interrupted(obj, Waiting(Reason.AWS_WAITING, "", again=5, status={"arn": "new"}))
    assert found.status == {"arn": "new", "secret": "service-store"}
    assert found.again == 5


def test_conditions_of_its_own_stay_what_they_were() -> None:
    told = {"type": "Reachable", "status": "True", "reason": "AwsReachable", "message": "there"}
    status = reported()
    status["conditions"] = [*status["conditions"], told]
    assert interrupted(app(status=status), Waiting(Reason.DELETING, "")).extra == (told,)


def published(obj: Object, report: Report) -> Object:
    """The status after a report on an object as it is now."""
    world = World(obj)
    live = world.cluster.get(key_of(obj))
    assert live is not None
    context = context_of(Cluster(Client(Server(live)), world.cluster.cache), events=Events())
    written: Object = asyncio.run(publish(context, live, report))["status"]
    return written


def test_what_others_wrote_in_the_meantime_stays() -> None:
    """A rollback marks a Service while its reconciler waits for AWS."""
    mark = {"changeset": "one", "uid": "1"}
    obj = app(status={"arn": "old", "rolledBack": mark, "gone": "x"})
    keeps = ("rolledBack", "adopted")
    status = published(obj, Report("ready", Reason.READY, "there", {"arn": "new"}, keeps=keeps))
    assert (status["arn"], status["rolledBack"]) == ("new", mark)
    assert not {"gone", "adopted"} & {*status}


def test_a_report_on_a_service_keeps_every_mark_of_a_rollback() -> None:
    marked: set[str] = set()

    class Written:
        async def swap_status(self, obj: Object, status: Object) -> Object:
            marked.update(status)
            return obj

    async def mark(cluster: Cluster) -> None:
        service = make(SERVICE, "store", spec={"type": "postgresql", "version": "15"})
        changeset = make(CHANGESET, "one")
        taken = ServiceSpec.model_validate({"type": "postgresql", "version": "16"})
        await mark_rolled_back(cluster, service, changeset)
        await note_version(cluster, service, taken, changeset)

    asyncio.run(mark(cast(Cluster, Written())))
    assert marked == {"rolledBack", "versionPutBack"}
    assert marked <= {*KEPT}


def test_an_object_without_a_status_gets_one() -> None:
    obj = app()
    del obj["status"]
    assert interrupted(obj, Waiting(Reason.PROGRESSING, "")).status == {}
