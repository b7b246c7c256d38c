"""What a Stage's namespace holds for the Stage itself: network policies and the quota."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from setops.api.kinds import NETWORK_POLICY, RESOURCE_QUOTA, Object
from setops.api.stage import Quota
from setops.desired.metadata import Owner, StageNames, manifest
from setops.desired.quantities import cpu, memory

INSTANCE_METADATA: Final = ("169.254.169.254/32", "fd00:ec2::254/128")
"""Where a node's credentials are served; source: AWS' instance metadata service."""
DENY_ALL: Final = "stage-deny-all"
ALLOW_STAGE: Final = "stage-allow-within"
ALLOW_EGRESS: Final = "stage-allow-egress"
QUOTA: Final = "stage"


@dataclass(frozen=True, slots=True)
class StageObjects:
    """What the objects of a Stage are made from; the namespace object owns them."""

    names: StageNames
    owner: Owner
    quota: Quota | None


def stage_objects(stage: StageObjects) -> list[Object]:
    """The objects that isolate a Stage and bound it."""
    objects = [_deny_all(stage), _allow_within(stage), _allow_egress(stage)]
    quota = _quota(stage)
    return [*objects, quota] if quota else objects


def _policy(stage: StageObjects, name: str, spec: Object) -> Object:
    return manifest(
        NETWORK_POLICY, name, stage.names, stage.owner, {}, spec={"podSelector": {}, **spec}
    )


def _deny_all(stage: StageObjects) -> Object:
    return _policy(stage, DENY_ALL, {"policyTypes": ["Ingress", "Egress"]})


def _allow_within(stage: StageObjects) -> Object:
    same_stage: list[Object] = [{"podSelector": {}}]
    return _policy(
        stage,
        ALLOW_STAGE,
        {
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": same_stage}],
            "egress": [{"to": same_stage}],
        },
    )


def _allow_egress(stage: StageObjects) -> Object:
    v4, v6 = INSTANCE_METADATA
    everywhere = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": [v4]}},
        {"ipBlock": {"cidr": "::/0", "except": [v6]}},
    ]
    # Some network plugins match address blocks only outside the cluster, so DNS is named.
    dns = {
        "to": [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
        ],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }
    return _policy(
        stage, ALLOW_EGRESS, {"policyTypes": ["Egress"], "egress": [{"to": everywhere}, dns]}
    )


def _quota(stage: StageObjects) -> Object | None:
    """No limit on cpu: Apps may burst above what they reserve."""
    quota = stage.quota
    if quota is None:
        return None
    hard: dict[str, str] = {}
    if quota.cpu is not None:
        hard["requests.cpu"] = cpu(quota.cpu)
    if quota.memory is not None:
        hard["requests.memory"] = memory(quota.memory)
        hard["limits.memory"] = memory(quota.memory)
    if quota.containers is not None:
        hard["pods"] = str(quota.containers)
    if not hard:
        return None
    return manifest(RESOURCE_QUOTA, QUOTA, stage.names, stage.owner, {}, spec={"hard": hard})
