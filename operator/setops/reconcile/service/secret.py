"""The Secret of a Service: read for its credentials, written for linked Apps.

Credentials aren't made here. `aws/decide` says when new ones are needed, and `aws/composite` gets
them: we generate those that AWS accepts from us (`generate_credentials` of `aws/products`), and AWS
issues the others (`issue` of an Issuer in `aws/parts`). `aws/converge` has them stored at once.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from setops.api.kinds import Object, key_of
from setops.desired.metadata import StageNames
from setops.desired.service import service_secret
from setops.reconcile.children import apply_own, refuse_foreign
from setops.reconcile.context import Context


async def held_credentials(context: Context, service: Object, stage: StageNames) -> dict[str, str]:
    """What the Secret holds, read from the API server and not the cache.

    Raises Stalled if a Secret of that name is somebody else's, and Waiting while that of an earlier
    Service is being deleted.
    """
    desired = service_secret(service, stage, {})
    secret = await context.cluster.fetch(key_of(desired))
    if secret is None:
        return {}
    refuse_foreign(secret, desired)
    data: Mapping[str, str] = secret.get("data") or {}
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


async def publish(
    context: Context, service: Object, stage: StageNames, connection: Mapping[str, str]
) -> None:
    """Write the Secret. Raises as `apply_own` does."""
    await apply_own(context.cluster, service_secret(service, stage, connection))
