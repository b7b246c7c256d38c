"""Which Stage a namespace is: whatever somebody puts into the cluster, no other Stage's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

import pytest

from setops.api import names
from setops.api.conditions import Reason
from setops.api.kinds import APP, NAMESPACE, ORGANIZATION, PROJECT, STAGE, Key, Kind, Object
from setops.api.service import ServiceTarget
from setops.aws.gateway import Gateway
from setops.kube.events import EventRecorder
from setops.reconcile.context import Context, Options
from setops.reconcile.report import Interruption, Stalled
from setops.reconcile.service.claim import is_its_own, refuse_anothers
from setops.reconcile.stage import reconcile as reconcile_stage
from setops.reconcile.stage_around import stage_around
from tests.reconcile.samples import (
    HOME,
    LABELS,
    SPACE,
    World,
    make,
    reported,
    service,
    stage,
    surroundings,
)

EVIL: Final = "evil"
EVIL_LABELS: Final = {names.LABEL_PROJECT: "evil", names.LABEL_STAGE: "production"}


def context(world: World, prefix: str = "") -> Context:
    """What a reconciler is given; nothing here writes."""
    return Context(
        cluster=world.cluster,
        events=cast(EventRecorder, None),
        aws=cast(Gateway, None),
        options=Options(prefix, "setops-system", {}, 60),
    )


def a_stage(home: str, namespace: str | None, name: str = "production") -> Object:
    status = {**reported(), **({"namespace": namespace} if namespace else {})}
    return make(STAGE, name, home, spec={}, status=status)


def test_a_stages_own_namespace_is_its() -> None:
    place = stage_around(context(World(*without(ORGANIZATION))), SPACE)
    assert (place.key, place.names.project) == (Key(STAGE, HOME, "production"), "shop")


@pytest.mark.parametrize(
    ("namespace", "objects"),
    [
        pytest.param(
            EVIL, [make(NAMESPACE, EVIL, labels=LABELS), a_stage(EVIL, EVIL)],
            id="labels of another Stage, and a Stage in it",
        ),
        pytest.param(
            EVIL, [make(NAMESPACE, EVIL, labels=EVIL_LABELS), a_stage(EVIL, EVIL)],
            id="labels of its own name",
        ),
        pytest.param(
            f"{EVIL}-production",
            [
                make(NAMESPACE, f"{EVIL}-production", labels=EVIL_LABELS),
                a_stage(EVIL, f"{EVIL}-production"),
            ],
            id="a Stage of a Project that isn't there",
        ),
        pytest.param(
            f"{SPACE}-production",
            [
                make(NAMESPACE, f"{SPACE}-production", labels=LABELS),
                a_stage(SPACE, f"{SPACE}-production"),
            ],
            id="a Stage in another Stage's namespace",
        ),
        pytest.param(
            HOME, [make(NAMESPACE, HOME, labels=LABELS)], id="the Project's namespace labelled"
        ),
        pytest.param(
            "shop-staging", [make(NAMESPACE, "shop-staging", labels=LABELS)],
            id="the right Project's, and no Stage",
        ),
        pytest.param(
            "shop-staging",
            [make(NAMESPACE, "shop-staging", labels=LABELS), a_stage(HOME, SPACE, "staging")],
            id="labels of another Stage of the Project",
        ),
        pytest.param(
            "shop-staging",
            [
                make(
                    NAMESPACE,
                    "shop-staging",
                    labels={names.LABEL_PROJECT: "shop", names.LABEL_STAGE: "staging"},
                ),
                a_stage(HOME, None, "staging"),
            ],
            id="made beforehand, before the Stage has taken it",
        ),
        pytest.param(
            "shop-staging",
            [make(NAMESPACE, "shop-staging"), a_stage(HOME, "shop-staging", "staging")],
            id="made anew by somebody, under a Stage that named an earlier one",
        ),
        pytest.param(
            "kube-system",
            [
                make(PROJECT, "kube", spec={"organization": "acme"}),
                make(
                    NAMESPACE,
                    "kube-system",
                    labels={names.LABEL_PROJECT: "kube", names.LABEL_STAGE: "system"},
                ),
                a_stage("kube", "kube-system", "system"),
            ],
            id="the cluster's own",
        ),
        pytest.param("shop-", [make(NAMESPACE, "shop-", labels=LABELS)], id="no Stage's name"),
    ],
)  # fmt: skip
def test_no_other_namespace_is_a_stages(namespace: str, objects: list[Object]) -> None:
    with pytest.raises(Interruption) as told:
        stage_around(context(World(*surroundings(), *objects)), namespace)
    assert told.value.reason in (Reason.STAGE_DOES_NOT_EXIST, Reason.PROJECT_DOES_NOT_EXIST)


def without(kind: Kind) -> list[Object]:
    return [obj for obj in surroundings() if obj["kind"] != kind.kind]


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        pytest.param(without(PROJECT), Reason.PROJECT_DOES_NOT_EXIST, id="the Project"),
        pytest.param(without(STAGE), Reason.STAGE_DOES_NOT_EXIST, id="the Stage"),
        pytest.param(without(NAMESPACE), Reason.STAGE_DOES_NOT_EXIST, id="the namespace"),
        pytest.param(
            [*without(STAGE), stage(status=reported())], Reason.STAGE_DOES_NOT_EXIST,
            id="the status, as after a restore",
        ),
    ],
)  # fmt: skip
def test_a_namespace_is_none_while_something_is_missing(
    objects: list[Object], reason: Reason
) -> None:
    with pytest.raises(Interruption) as told:
        stage_around(context(World(*objects)), SPACE)
    assert told.value.reason is reason


@pytest.mark.parametrize(
    ("namespace", "prefix", "found"),
    [
        ("shop-production", "", ("shop", "production")),
        ("team-shop-production", "team-", ("shop", "production")),
        ("soshop-production", "so", ("shop", "production")),
        ("shop-production", "team-", None),
        ("team-shop-production", "", None),
        ("shop", "", None),
        ("shop-", "", None),
        ("-production", "", None),
        ("shop-production-two", "", None),
        ("shop--production", "", None),
        ("kube-system", "", None),
        ("kube-shop-production", "kube-", None),
        ("default", "", None),
        ("1shop-production", "", None),
        ("", "", None),
    ],
)
def test_a_name_says_which_stage_it_is_for(
    namespace: str, prefix: str, found: tuple[str, str] | None
) -> None:
    assert names.stage_of_namespace(namespace, prefix) == found


@pytest.mark.parametrize("prefix", ["", "team-", "so"])
def test_every_stages_name_leads_back_to_it(prefix: str) -> None:
    namespace = names.stage_namespace("shop", "production", prefix)
    assert names.stage_of_namespace(namespace, prefix) == ("shop", "production")
    assert names.project_of_namespace(names.project_namespace("shop", prefix), prefix) == "shop"


def target(project: str, stage_name: str) -> ServiceTarget:
    where = {"accountId": "1", "region": "r", "organization": "acme"}
    return ServiceTarget.model_validate({**where, "project": project, "stage": stage_name})


@pytest.mark.parametrize(
    ("project", "stage_name", "prefix", "own"),
    [
        ("shop", "production", "", True),
        ("shop", "staging", "", False),
        ("other", "production", "", False),
        ("shop", "production", "team-", False),
    ],
)
def test_an_identity_belongs_to_the_service_that_stands_where_it_says(
    project: str, stage_name: str, prefix: str, own: bool
) -> None:
    here: Callable[[], Context] = lambda: context(World(*surroundings()), prefix)  # noqa: E731
    stored = target(project, stage_name)
    claimed = service(status={"target": stored.to_json()})
    assert is_its_own(here(), claimed, stored) is own
    if own:
        refuse_anothers(here(), claimed)
    else:
        with pytest.raises(Stalled, match="nothing is touched"):
            refuse_anothers(here(), claimed)


def test_a_stage_outside_of_its_projects_namespace_ends_nothing_of_others() -> None:
    """With a prefix, `shop` is anybody's namespace, and `team-shop-production` a Stage's."""
    home, space = f"team-{HOME}", f"team-{SPACE}"
    deleting = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    impostor = make(STAGE, "production", HOME, spec={}, **deleting)
    here = World(
        *without(ORGANIZATION),
        make(NAMESPACE, space, labels=LABELS),
        a_stage(home, space),
        make(APP, "web", space, spec={}),
        impostor,
    )
    # Nothing may be asked of the API server, and there is no finalizer to remove.
    offline = context(here, "team-")
    offline.memory.meant.add(impostor["metadata"]["uid"])
    assert asyncio.run(reconcile_stage(offline, impostor)) is None
