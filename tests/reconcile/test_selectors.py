"""By which labels an App's pods are found while an earlier version's Deployment is carried over."""

from __future__ import annotations

from typing import Any, Final

import pytest

from setops.api.kinds import CORE_SERVICE, DEPLOYMENT, POD, Object
from setops.desired.app import Selectors
from setops.reconcile.app.selectors import selectors
from tests.reconcile.samples import SPACE, make

BY_NAME: Final = {"setops.co/app": "web"}
NARROW: Final = {**BY_NAME, "app.kubernetes.io/component": "app"}
NEW: Final = Selectors(NARROW, NARROW)
MOVING: Final = Selectors(BY_NAME, BY_NAME)
MOVED: Final = Selectors(BY_NAME, NARROW)


def deployment(selector: Object, labels: Object, counts: str = "2/2/2") -> Object:
    """A Deployment of two pods; `counts` are the updated ones, all, and the available ones."""
    updated, total, available = map(int, counts.split("/"))
    template: dict[str, Any] = {"metadata": {"labels": labels}}
    return make(
        DEPLOYMENT,
        "web",
        SPACE,
        spec={"replicas": 2, "selector": {"matchLabels": selector}, "template": template},
        status={
            "observedGeneration": 1,
            "updatedReplicas": updated,
            "replicas": total,
            "availableReplicas": available,
        },
    )


def service(selector: Object) -> Object:
    return make(CORE_SERVICE, "web", SPACE, spec={"selector": selector})


@pytest.mark.parametrize(
    ("live", "core", "expected"),
    [
        pytest.param(None, None, NEW, id="a new App"),
        pytest.param(None, service(BY_NAME), NEW, id="nothing runs, so nothing is lost"),
        pytest.param(deployment(NARROW, NARROW), service(NARROW), NEW, id="one of this version"),
        pytest.param(
            deployment(NARROW, NARROW, "1/2/1"), None, NEW, id="all pods of it carry the label"
        ),
        pytest.param(
            deployment(BY_NAME, BY_NAME), service(BY_NAME), MOVING, id="an earlier version's"
        ),
        pytest.param(
            deployment(BY_NAME, NARROW, "1/3/2"), service(BY_NAME), MOVING, id="old pods are left"
        ),
        pytest.param(
            deployment(BY_NAME, NARROW, "2/2/1"), service(BY_NAME), MOVING, id="one isn't ready"
        ),
        pytest.param(
            deployment(BY_NAME, NARROW), service(BY_NAME), MOVED, id="every pod carries the label"
        ),
        pytest.param(
            deployment(BY_NAME, NARROW, "1/3/2"), service(NARROW), MOVED, id="a later rollout"
        ),
        pytest.param(
            deployment(BY_NAME, NARROW, "1/3/2"),
            service({"setops.co/app": "other"}),
            MOVING,
            id="somebody has changed the Service",
        ),
    ],
)
def test_selectors(live: Object | None, core: Object | None, expected: Selectors) -> None:
    assert selectors("web", live, core, list) == expected


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(make(POD, "web-1", SPACE, labels=BY_NAME), MOVING, id="an old one terminates"),
        pytest.param(make(POD, "web-2", SPACE, labels=NARROW), MOVED, id="a new one"),
        pytest.param(
            make(POD, "api-1", SPACE, labels={"setops.co/app": "api"}), MOVED, id="another App's"
        ),
    ],
)
def test_a_pod_that_still_terminates_is_not_left_out(pod: Object, expected: Selectors) -> None:
    live, core = deployment(BY_NAME, NARROW), service(BY_NAME)
    assert selectors("web", live, core, lambda: [pod]) == expected
