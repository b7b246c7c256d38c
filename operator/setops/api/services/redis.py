"""The `redis` type: a cache at Amazon ElastiCache."""

from __future__ import annotations

from typing import Final

from setops.api.deadlines import SLOW
from setops.api.service_type import SNAPSHOT_FIRST, LinkBy, PlanSpec, ServiceType

TYPE: Final = ServiceType(
    name="redis",
    product="Amazon ElastiCache",
    supported=False,
    link_by=LinkBy.ENV_KEY,
    holds_data=True,
    policies=SNAPSHOT_FIRST,
    deadlines=SLOW,
    versions=("6", "7"),
    default_version="7",
    plan=PlanSpec(
        r"cache\.[a-z0-9]+\.[a-z0-9]+",
        "cache.t3.micro",
        "an ElastiCache node type such as cache.t3.micro",
    ),
)
