"""The `s3` type: a bucket at Amazon S3."""

from __future__ import annotations

from typing import Final

from setops.api.deadlines import QUICK
from setops.api.service_option import OptionKind, OptionSpec
from setops.api.service_type import RETAIN_FIRST, LinkBy, ServiceType

TYPE: Final = ServiceType(
    name="s3",
    product="Amazon S3",
    supported=True,
    link_by=LinkBy.ENV_KEY,
    holds_data=True,
    policies=RETAIN_FIRST,
    deadlines=QUICK,
    options=(
        OptionSpec(
            "blockPublicAccess",
            OptionKind.BOOLEAN,
            "Whether objects can never be made public.",
            default=True,
        ),
    ),
)
