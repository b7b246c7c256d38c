"""How objects are addressed, and how namespaces are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.api import kinds, names
from setops.api.kinds import (
    APP,
    BY_NAME,
    CORE_SERVICE,
    NAMESPACE,
    OURS,
    PROJECT,
    SERVICE,
    Key,
    Kind,
    key_of,
    kind_of,
)
from setops.kube.watched import WATCHED

PROJECTS = st.from_regex(names.PROJECT_NAME.pattern, fullmatch=True)
STAGES = st.from_regex(names.STAGE_NAME.pattern, fullmatch=True)
PREFIXES = st.sampled_from(["", "team-", "a-b-"])


@pytest.mark.parametrize(
    ("kind", "place", "path"),
    [
        (CORE_SERVICE, ("ns", "web"), "/api/v1/namespaces/ns/services/web"),
        (SERVICE, ("ns", "store"), "/apis/setops.co/v1alpha1/namespaces/ns/services/store"),
        (APP, ("ns", "web", "status"), "/apis/setops.co/v1alpha1/namespaces/ns/apps/web/status"),
        (APP, ("ns",), "/apis/setops.co/v1alpha1/namespaces/ns/apps"),
        (APP, (), "/apis/setops.co/v1alpha1/apps"),
        (PROJECT, ("ignored", "shop"), "/apis/setops.co/v1alpha1/projects/shop"),
        (NAMESPACE, (None, "shop"), "/api/v1/namespaces/shop"),
    ],
)
def test_path(kind: Kind, place: tuple[str, ...], path: str) -> None:
    assert kind.path(*place) == path


def test_a_service_of_ours_is_none_of_the_core() -> None:
    assert kind_of({"apiVersion": "v1", "kind": "Service"}) is CORE_SERVICE
    assert kind_of({"apiVersion": "setops.co/v1alpha1", "kind": "Service"}) is SERVICE


def test_no_two_kinds_are_taken_for_each_other() -> None:
    assert set(BY_NAME.values()) >= {*OURS, *WATCHED}
    assert len(BY_NAME) == len(set(BY_NAME.values()))
    declared = {kind for kind in vars(kinds).values() if isinstance(kind, Kind)}
    assert set(BY_NAME.values()) == declared, "none is left out"


def test_a_kind_that_is_not_ours_to_touch_is_no_kind() -> None:
    with pytest.raises(KeyError):
        kind_of({"apiVersion": "batch/v1", "kind": "Job"})


def test_the_key_of_a_cluster_scoped_object_has_no_namespace() -> None:
    project = {
        "apiVersion": PROJECT.api_version,
        "kind": "Project",
        "metadata": {"name": "shop"},
    }
    assert key_of(project) == Key(PROJECT, "", "shop")
    assert str(key_of(project)) == "Project shop"
    assert str(Key(APP, "shop-production", "web")) == "App shop-production/web"


@given(PREFIXES, st.lists(st.tuples(PROJECTS, STAGES), unique=True, min_size=2, max_size=6))
def test_no_two_stages_and_no_project_share_a_namespace(
    prefix: str, places: list[tuple[str, str]]
) -> None:
    stages = [names.stage_namespace(project, stage, prefix) for project, stage in places]
    projects = {names.project_namespace(project, prefix) for project, _ in places}
    assert len(set(stages)) == len(stages)
    assert not projects & set(stages)


@given(PREFIXES, PROJECTS, STAGES)
def test_namespaces_have_names_that_kubernetes_takes(prefix: str, project: str, stage: str) -> None:
    assert len(names.stage_namespace(project, stage, prefix)) <= 63


@pytest.mark.parametrize(
    ("namespace", "reserved"),
    [
        ("default", True),
        ("kube-system", True),
        ("kube-anything", True),
        ("kubernetes", False),
        ("default-production", False),
    ],
)
def test_namespaces_of_the_cluster_are_reserved(namespace: str, reserved: bool) -> None:
    assert names.is_reserved_namespace(namespace) is reserved
