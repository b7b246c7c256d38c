"""The Secret of a Service: read for its credentials, written for linked Apps.

Credentials aren't made here. `aws/decide` says when new ones are needed, and `aws/composite` gets
them: we generate those that AWS accepts from us (`generate_credentials` of `aws/products`), and AWS
issues the others (`issue` of an Issuer in `aws/parts`). `aws/converge` has them stored at once.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from setops.api.conditions import Reason
from setops.api.kinds import Object, key_of
from setops.desired.metadata import StageNames
from setops.desired.service import secret_name, service_secret
from setops.reconcile.children import apply_own, refuse_foreign
from setops.reconcile.context import Context
from setops.reconcile.report import Stalled


@dataclass(frozen=True, slots=True)
class Held:
    """What the Secret holds. `immutable`: the API server refuses every change of it."""

    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    immutable: bool = False


async def held_credentials(context: Context, service: Object, stage: StageNames) -> Held:
    """What the Secret holds, read from the API server and not the cache.

    Entries that aren't text are left out, since somebody else wrote them. Raises Stalled if a
    Secret of that name is somebody else's, and Waiting while that of an earlier Service is being
    deleted.
    """
    desired = service_secret(service, stage, {})
    secret = await context.cluster.fetch(key_of(desired))
    if secret is None:
        return Held()
    refuse_foreign(secret, desired)
    return Held(_text_of(secret.get("data") or {}), secret.get("immutable") is True)


def refuse_immutable(service: Object, held: Held) -> None:
    """Raise Stalled if new credentials couldn't be stored, before any are made."""
    if held.immutable:
        name = secret_name(service["metadata"]["name"])
        raise Stalled(
            Reason.OBJECT_TAKEN,
            f"Secret {name!r} was marked immutable, so the new credentials that the Service needs "
            "can't be stored; delete the Secret, and the operator makes it anew",
        )


def _text_of(data: Mapping[str, str | None]) -> dict[str, str]:
    found = {}
    for name, value in data.items():
        try:
            found[name] = base64.b64decode(value or "").decode()
        except ValueError:
            continue
    return found


async def publish(
    context: Context, service: Object, stage: StageNames, connection: Mapping[str, str]
) -> None:
    """Write the Secret. Raises as `apply_own` does."""
    await apply_own(context.cluster, service_secret(service, stage, connection))
