"""The `elasticsearch` type: an Amazon OpenSearch Service domain."""

from __future__ import annotations

from typing import Final

from setops.api.deadlines import SLOW
from setops.api.service_option import OptionKind, OptionSpec
from setops.api.service_type import RETAIN_FIRST, LinkBy, PlanSpec, ServiceType

TYPE: Final = ServiceType(
    name="elasticsearch",
    product="Amazon OpenSearch Service",
    supported=False,
    link_by=LinkBy.ENV_KEY,
    holds_data=True,
    policies=RETAIN_FIRST,
    deadlines=SLOW,
    versions=("7",),
    default_version="7",
    plan=PlanSpec(
        r"[a-z0-9]+\.[a-z0-9]+\.elasticsearch(\.sharded|\.ha)?",
        "t3.medium.elasticsearch",
        "an OpenSearch node type such as t3.medium.elasticsearch, with .sharded or .ha",
    ),
    options=(
        OptionSpec(
            "storage",
            OptionKind.INTEGER,
            "Storage in GB of each node.",
            default=10,
            minimum=1,
            maximum=1024,
        ),
    ),
)
