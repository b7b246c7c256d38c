"""The `documentdb` type: an Amazon DocumentDB cluster. `mongodb` is another name for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from setops.api.deadlines import SLOW
from setops.api.service_option import OptionKind, OptionSpec
from setops.api.service_type import SNAPSHOT_FIRST, LinkBy, PlanSpec, ServiceType

TYPE: Final = ServiceType(
    name="documentdb",
    product="Amazon DocumentDB",
    supported=False,
    link_by=LinkBy.ENV_KEY,
    holds_data=True,
    policies=SNAPSHOT_FIRST,
    deadlines=SLOW,
    versions=("4",),
    default_version="4",
    plan=PlanSpec(r"db\.[a-z0-9]+\.[a-z0-9]+", "db.t3.medium", "db.t3.medium or db.r5.large"),
    options=(
        OptionSpec(
            "scale",
            OptionKind.INTEGER,
            "Number of instances.",
            default=1,
            minimum=0,
            maximum=14,
        ),
    ),
)
MONGODB: Final = replace(TYPE, name="mongodb")
