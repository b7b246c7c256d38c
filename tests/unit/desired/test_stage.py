"""What isolates a Stage and what bounds it."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from setops.api.kinds import NETWORK_POLICY, RESOURCE_QUOTA, Object, key_of
from setops.api.stage import Quota
from setops.desired.stage import StageObjects, stage_objects
from tests.unit.desired.samples import PLACE, STAGE_OWNER


def made(quota: Quota | None = None) -> list[Object]:
    return stage_objects(StageObjects(PLACE, STAGE_OWNER, quota))


def policies() -> list[Object]:
    return [obj["spec"] for obj in made() if key_of(obj).kind is NETWORK_POLICY]


def rules(direction: str) -> list[Object]:
    return [rule for spec in policies() for rule in spec.get(direction, ())]


def test_all_traffic_of_all_pods_is_refused_but_for_what_is_allowed() -> None:
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies()
    assert all(spec["podSelector"] == {} for spec in policies())


def test_only_the_stage_itself_gets_in() -> None:
    assert rules("ingress") == [{"from": [{"podSelector": {}}]}]


def reaches(address: str) -> bool:
    """Whether a rule for address blocks lets a pod reach an address outside the cluster."""
    blocks = [
        peer["ipBlock"]
        for rule in rules("egress")
        if "ports" not in rule
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    target = ipaddress.ip_address(address)
    return any(
        target in ipaddress.ip_network(block["cidr"])
        and not any(target in ipaddress.ip_network(hole) for hole in block.get("except", ()))
        for block in blocks
    )


@pytest.mark.parametrize(
    ("address", "open_"),
    [
        pytest.param("1.1.1.1", True, id="the internet"),
        pytest.param("2606:4700::1111", True, id="the internet by IPv6"),
        pytest.param("10.0.3.7", True, id="a database in the VPC"),
        pytest.param("169.254.169.254", False, id="the node's credentials"),
        pytest.param("fd00:ec2::254", False, id="the node's credentials by IPv6"),
    ],
)
def test_egress(address: str, open_: bool) -> None:
    assert reaches(address) is open_


def test_names_can_be_looked_up() -> None:
    (dns,) = [rule for rule in rules("egress") if "ports" in rule]
    assert {(port["protocol"], port["port"]) for port in dns["ports"]} == {("UDP", 53), ("TCP", 53)}


@pytest.mark.parametrize(
    ("quota", "hard"),
    [
        pytest.param(None, None, id="no quota asked for"),
        pytest.param(Quota(), None, id="a quota of nothing bounds nothing"),
        pytest.param(Quota(cpu=2048), {"requests.cpu": "2"}, id="cpu may burst: no limit on it"),
        pytest.param(
            Quota(memory=4096),
            {"requests.memory": "4Gi", "limits.memory": "4Gi"},
            id="memory is both reserved and limited",
        ),
        pytest.param(Quota(containers=7), {"pods": "7"}, id="containers are pods"),
    ],
)
def test_quota(quota: Quota | None, hard: dict[str, Any] | None) -> None:
    found = [obj["spec"]["hard"] for obj in made(quota) if key_of(obj).kind is RESOURCE_QUOTA]
    assert found == ([hard] if hard else [])


def test_all_of_it_goes_away_with_the_namespace() -> None:
    for obj in made(Quota(cpu=1024)):
        assert obj["metadata"]["namespace"] == PLACE.namespace
        (owner,) = obj["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Namespace", "uid-of-namespace")


def test_the_same_stage_gives_the_same_objects() -> None:
    assert made(Quota(cpu=1024)) == made(Quota(cpu=1024))
