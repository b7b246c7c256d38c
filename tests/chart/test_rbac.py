"""The roles that the chart makes: the operator's and those of people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from setops.api import kinds
from setops.api.kinds import Object
from setops.kube.watched import WATCHED, WRITTEN_BY_USERS
from tests.chart.helm import Rendered


def _grants(role: Object) -> Iterator[tuple[str, str, str]]:
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield group, resource, verb


def _roles(default: Rendered) -> list[Object]:
    return [*default.all("ClusterRole"), *default.all("Role")]


def test_no_role_has_a_wildcard(default: Rendered) -> None:
    for role in _roles(default):
        assert not [grant for grant in _grants(role) if "*" in grant], role["metadata"]["name"]


def test_no_right_is_granted_twice(default: Rendered) -> None:
    for role in default.all("ClusterRole"):
        grants = list(_grants(role))
        assert len(grants) == len(set(grants)), role["metadata"]["name"]


def test_no_role_leads_to_more_rights(default: Rendered) -> None:
    for role in _roles(default):
        for group, resource, verb in _grants(role):
            assert verb not in {"escalate", "bind", "impersonate"}
            assert group != "rbac.authorization.k8s.io"
            assert resource not in {"pods/exec", "serviceaccounts/token", "nodes/proxy"}


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_the_operator_may_follow_the_watched_kinds_and_no_others(
    default: Rendered, verb: str
) -> None:
    grants = _grants(default.one("ClusterRole", "setops-operator"))
    followed = {(group, plural) for group, plural, granted in grants if granted == verb}
    assert followed == {(kind.group, kind.plural) for kind in WATCHED}


def test_the_operator_may_read_anew_what_it_missed(default: Rendered) -> None:
    granted = set(_grants(default.one("ClusterRole", "setops-operator")))
    for kind in WRITTEN_BY_USERS:
        assert (kind.group, kind.plural, "get") in granted, kind


def test_the_operator_reports_on_each_of_its_kinds(default: Rendered) -> None:
    granted = set(_grants(default.one("ClusterRole", "setops-operator")))
    for kind in kinds.OURS:
        assert (kind.group, f"{kind.plural}/status", "patch") in granted, kind


@pytest.mark.parametrize(
    ("role", "namespace", "lease"),
    [
        ("setops-leader", "setops-system", "setops"),
        ("setops-installation", "kube-system", "setops-installation"),
    ],
)
def test_leases_are_written_by_name_and_where_they_belong(
    default: Rendered, role: str, namespace: str, lease: str
) -> None:
    found = default.one("Role", role)
    creating, owning = found["rules"]
    assert found["metadata"]["namespace"] == namespace
    assert creating["verbs"] == ["create"]
    assert owning["resourceNames"] == [lease]
    everywhere = [_grants(each) for each in default.all("ClusterRole")]
    assert not [grant for grants in everywhere for grant in grants if grant[1] == "leases"]


def test_people_write_no_status(default: Rendered) -> None:
    for name in ("setops-view", "setops-edit", "setops-admin"):
        for _, resource, _ in _grants(default.one("ClusterRole", name)):
            assert not resource.endswith("/status"), name


@pytest.mark.parametrize(
    ("name", "target"),
    [("setops-view", "view"), ("setops-edit", "edit"), ("setops-admin", "admin")],
)
def test_roles_of_people_join_those_of_kubernetes(
    default: Rendered, name: str, target: str
) -> None:
    role = default.one("ClusterRole", name)
    assert role["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{target}"] == "true"
    assert {group for group, _, _ in _grants(role)} == {kinds.GROUP}
