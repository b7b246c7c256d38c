"""Tells of IAM users that no Service has any more, whose access keys still work.

The deletion of a Service deletes its IAM user before the finalizer goes. If somebody removes the
finalizer by hand, the IAM user stays, and nothing in the cluster names it from then on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from setops.api.conditions import Reason
from setops.api.errors import enumerated
from setops.api.kinds import SERVICE, Object
from setops.aws.errors import AwsError, StalledError
from setops.aws.identity import Identity
from setops.aws.target import Account
from setops.kube.cluster import Cluster
from setops.reconcile.context import Context
from setops.reconcile.memory import Leftovers

_REST: Final = 10
"""Drift intervals between two looks, while nothing is left over."""

_SHOWN: Final = 10
"""How many users a message names."""


async def look(context: Context, organization: Object, account: Account) -> str:
    """A sentence about the users that are left over; empty if there are none. Looks when due."""
    metadata = organization["metadata"]
    before = context.memory.leftovers.get(metadata["uid"], Leftovers())
    now = context.now().timestamp()
    if now < before.due:
        return _sentence(before)
    after = await _looked(context, metadata["name"], account, before)
    rest = 1 if after.seen or after.refusal or after.others != before.others else _REST
    after = replace(after, due=now + rest * context.options.drift_interval)
    context.memory.leftovers[metadata["uid"]] = after
    message = _sentence(after)
    if after.told and after.told != before.told:
        reason = Reason.AWS_LEFT_OVER.value
        context.events.record(organization, "Warning", reason, message)
    return message


def forget(context: Context, uid: str) -> None:
    """Keep nothing of an Organization that is gone."""
    context.memory.leftovers.pop(uid, None)


async def _looked(context: Context, name: str, account: Account, before: Leftovers) -> Leftovers:
    known = _of_services(context.cluster) | before.others
    owner = Identity.of_organization(name)
    try:
        found = await context.aws.unknown_users(account, owner, known)
    except StalledError as error:
        return Leftovers(refusal=error.message)
    except AwsError:
        return before  # it is tried again
    known = _of_services(context.cluster)
    left = [user for user in found.own if user not in known]
    return Leftovers(
        seen=frozenset(left),
        told=tuple(user for user in left if user in before.seen),
        others=before.others.union(found.others),
    )


def _of_services(cluster: Cluster) -> frozenset[str]:
    """The names at AWS of all parts of all Services."""
    services = cluster.list(SERVICE)
    return frozenset(
        name
        for service in services
        for name in ((service.get("status") or {}).get("ids") or {}).values()
    )


def _sentence(found: Leftovers) -> str:
    users = found.told
    if users:
        shown = enumerated(users, _SHOWN)
        return (
            "no Service of this cluster has these IAM users of the Organization any more, and "
            f"their access keys still work: {shown}; delete them at AWS unless another cluster "
            "has them"
        )
    if found.refusal:
        return f"IAM users that are left over aren't found: {found.refusal}"
    return ""
