"""What an App says while a commit with a limit of its own waits for it."""

from __future__ import annotations

from typing import Any, Final

import pytest

from setops.api.app import AppSpec
from setops.api.kinds import APP, DEPLOYMENT, ORGANIZATION, Key, Object
from setops.desired.metadata import Owner
from setops.reconcile.app.inputs import inputs_of
from setops.reconcile.app.verdict import verdict
from setops.reconcile.stage_around import stage_around
from tests.reconcile.samples import (
    SPACE,
    World,
    app,
    changeset,
    context_of,
    make,
    stage,
    surroundings,
)

SPEC: Final = {"image": "registry.example.com/slow:1"}
TEMPLATE: Final[Object] = {"metadata": {"labels": {}}}
SELECTOR: Final = {"matchLabels": {"setops.co/app": "web"}}
DEADLINE: Final = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
LATE: Final = make(
    DEPLOYMENT,
    "web",
    SPACE,
    spec={"replicas": 1, "selector": SELECTOR, "template": TEMPLATE},
    status={"observedGeneration": 1, "conditions": [DEADLINE]},
)


def commit(spec: Object, phase: str = "Applying", changes: Any = ()) -> list[Object]:
    """A Stage whose lock a Changeset holds, and the Changeset."""
    running = changeset("slow", phase, spec=spec)
    running["status"]["plan"] = {"changes": list(changes)}
    held = stage()
    held["status"]["currentChangeset"] = {"changeset": "slow", "uid": running["metadata"]["uid"]}
    return [held, running]


OURS: Final = [{"action": "update", "kind": "App", "name": "web"}]

OTHERS: Final = [
    {"action": "update", "kind": "App", "name": "api"},
    {"action": "update", "kind": "Service", "name": "web"},
]


@pytest.mark.parametrize(
    ("objects", "shape"),
    [
        pytest.param([], "stalled", id="no commit"),
        pytest.param(commit({"timeout": 600}, changes=OURS), "reconciling", id="600 seconds"),
        pytest.param(
            commit({"timeout": 86400}, changes=[*OTHERS, {**OURS[0], "action": "create"}]),
            "reconciling",
            id="a day, for a new App among others",
        ),
        pytest.param(
            commit({"timeout": 600}, changes=[{**OURS[0], "action": "replace"}]),
            "reconciling",
            id="an App that is made anew",
        ),
        pytest.param(commit({"timeout": 600}, changes=OTHERS), "stalled", id="it changes others"),
        pytest.param(
            commit({"timeout": 600}, "Queued", OURS), "stalled", id="its turn hasn't come yet"
        ),
        pytest.param(commit({}, changes=OURS), "stalled", id="no limit of the user's"),
        pytest.param(commit({"timeout": 600}), "stalled", id="it doesn't change this App"),
        pytest.param(
            commit({"timeout": 600}, "RollingBack", OURS), "stalled", id="it is rolled back"
        ),
        pytest.param(commit({"timeout": 600}, "Committed", OURS), "stalled", id="it has ended"),
    ],
)
def test_no_progress_until_the_deadline(objects: list[Object], shape: str) -> None:
    """The limit of the Changeset counts in place of the Deployment's deadline of 300 seconds."""
    here = [obj for obj in surroundings() if obj["kind"] != ORGANIZATION.kind]
    world = World(*here, app(spec=SPEC), LATE, *objects)
    context = context_of(world.cluster)
    around = stage_around(context, SPACE)
    inputs = inputs_of(context, around, Owner(APP, "web", "uid-of-web"), AppSpec(**SPEC))
    deployment = world.cluster.get(Key(DEPLOYMENT, SPACE, "web"))
    report = verdict(context, around, inputs.objects, deployment)
    assert report.shape == shape
    assert "no progress in time" in report.message
    assert (report.again is not None) is (shape == "reconciling"), "nobody tells when it ends"
