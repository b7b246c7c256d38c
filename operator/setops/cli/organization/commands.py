"""The commands for Organizations."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import Own, named_argument, show
from setops.language.command import Type

COMMANDS: Final = (
    show(
        "organization:info",
        (),
        "Shows the Organization: account, region, domain, registry.",
        run="organization.info",
    ),
    Own(
        name="organization:switch",
        scopes=(),
        help="Makes an Organization the one that new Projects are created in.",
        example="organization:switch acme",
        arguments=named_argument("Organization", Type.ORGANIZATION),
        run="organization.switch",
    ),
)
