"""IAM users of ours that no Service has any more. Their access keys still work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from setops.aws.clients import AccountClients
from setops.aws.errors import tolerate
from setops.aws.identity import MANAGED_BY, TAG_CLUSTER, TAG_MANAGED_BY, TAG_ORGANIZATION, Identity
from setops.aws.ownership import tags_by_key
from setops.aws.parts.user import PATH

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


MOST: Final = 25


@dataclass(frozen=True, slots=True)
class Unknown:
    """Names of users in an account: the Organization's, and those of anybody else."""

    own: Sequence[str]
    others: Sequence[str]


def unknown_users(
    clients: AccountClients, organization: Identity, known: Collection[str]
) -> Unknown:
    """The users in the account that aren't `known`, `MOST` of them, as each takes a call.

    Those of Organizations of this name in other clusters are others', unless the installation has
    no name for its own cluster. Users of another name aren't ours to look at.
    """
    iam: IAMClient = clients.client("iam")
    pages = iam.get_paginator("list_users").paginate(PathPrefix=PATH)
    listed = (user["UserName"] for page in pages for user in page["Users"])
    names = {name for name in listed if name.startswith(f"{MANAGED_BY}-")}
    looked = sorted(names.difference(known))[:MOST]
    own = [name for name in looked if _is_of(iam, name, organization)]
    return Unknown(own, [name for name in looked if name not in own])


def _is_of(iam: IAMClient, name: str, organization: Identity) -> bool:
    wanted = organization.tags()
    with tolerate("NoSuchEntity"):
        tags = tags_by_key(iam.get_user(UserName=name)["User"].get("Tags", []))
        keys = (TAG_ORGANIZATION, TAG_MANAGED_BY)
        return tags.get(TAG_CLUSTER, "") in ("", organization.cluster) and all(
            tags.get(key) == wanted[key] for key in keys
        )
    return False
