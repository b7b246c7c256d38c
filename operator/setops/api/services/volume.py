"""The `volume` type: a file system at Amazon EFS that Apps mount at a path."""

from __future__ import annotations

from typing import Final

from setops.api.deadlines import MEDIUM
from setops.api.service_type import RETAIN_FIRST, LinkBy, ServiceType

TYPE: Final = ServiceType(
    name="volume",
    product="Amazon EFS",
    supported=False,
    link_by=LinkBy.PATH,
    holds_data=True,
    policies=RETAIN_FIRST,
    deadlines=MEDIUM,
)
