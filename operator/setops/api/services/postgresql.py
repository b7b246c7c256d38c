"""The `postgresql` type: a database instance at Amazon RDS."""

from __future__ import annotations

from typing import Final

from setops.api.deadlines import SLOW
from setops.api.errors import Problem, Validator
from setops.api.service_option import ItemForm, OptionKind, Options, OptionSpec
from setops.api.service_type import SNAPSHOT_FIRST, LinkBy, PlanSpec, ServiceType, Wish

_STORAGE_MIN: Final = 20
_STORAGE_MAX: Final = 65536


def _room_to_grow(options: Options) -> list[Problem]:
    """Source: RDS accepts a maximum that equals the storage or exceeds it by at least 10 %."""
    low, high = options.get("minStorage"), options.get("maxStorage")
    if not (isinstance(low, int) and isinstance(high, int)):
        return []
    least = -(-low * 11 // 10)
    if high == low or high >= least:
        return []
    message = (
        f"maxStorage is {high} GB, less than minStorage ({low} GB)"
        if high < low
        else f"maxStorage is {high} GB; to let the storage grow, AWS needs 10 % more than "
        f"minStorage, so at least {least} GB"
    )
    return [Problem("options.maxStorage", Validator.GREATER_THAN_OR_EQUAL, message)]


def _never_shrinks(before: Wish, after: Wish) -> list[Problem]:
    old, new = before.options.get("minStorage"), after.options.get("minStorage")
    if not (isinstance(old, int) and isinstance(new, int) and new < old):
        return []
    message = (
        f"minStorage is {old} GB and can't shrink to {new} GB: AWS makes no storage smaller; "
        "create another Service and move the data"
    )
    return [Problem("options.minStorage", Validator.GREATER_THAN_OR_EQUAL, message)]


TYPE: Final = ServiceType(
    name="postgresql",
    product="Amazon RDS for PostgreSQL",
    supported=True,
    link_by=LinkBy.ENV_KEY,
    holds_data=True,
    policies=SNAPSHOT_FIRST,
    deadlines=SLOW,
    versions=("13", "14", "15", "16"),
    default_version="16",
    plan=PlanSpec(
        r"db\.[a-z0-9]+\.[a-z0-9]+(\.ha)?",
        "db.t3.micro",
        "an RDS node type such as db.t3.micro, with .ha for Multi-AZ",
        later=("shared",),
    ),
    options=(
        OptionSpec(
            "extensions",
            OptionKind.LIST,
            "PostgreSQL extensions; on a command line, separated by commas.",
            item=ItemForm(
                "[a-z][a-z0-9_-]*", 63, "the name of a PostgreSQL extension such as pg_trgm"
            ),
            later="run CREATE EXTENSION with the user of the link, which may",
        ),
        OptionSpec(
            "minStorage",
            OptionKind.INTEGER,
            "Storage in GB; it can grow, never shrink.",
            default=_STORAGE_MIN,
            minimum=_STORAGE_MIN,
            maximum=_STORAGE_MAX,
        ),
        OptionSpec(
            "maxStorage",
            OptionKind.INTEGER,
            "Storage in GB up to which it grows by itself; more than minStorage.",
            minimum=_STORAGE_MIN,
            maximum=_STORAGE_MAX,
        ),
    ),
    check_options=_room_to_grow,
    check_change=_never_shrinks,
)
