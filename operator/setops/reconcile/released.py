"""Objects that go because somebody deletes their whole kind, which nobody does to delete data.

The API server deletes all objects of a CRD that is deleted. Those are released: the operator lets
them go, and leaves alone what stands behind them, in the cluster and at AWS. Once the CRD and the
object are there again, it is taken up again.
"""

from __future__ import annotations

from typing import Final

from setops.api.conditions import Reason
from setops.api.kinds import CUSTOM_RESOURCE_DEFINITION, Key, Object, kind_of
from setops.reconcile.context import Context
from setops.reconcile.stage_around import is_deleting

_MOST: Final = 10_000
"""How many deletions are remembered as meant."""


async def is_released(context: Context, obj: Object) -> bool:
    """Whether an object that is being deleted goes with its kind.

    The API server marks a CRD before it deletes the first object, so one look at each is enough.
    """
    uid, meant = obj["metadata"]["uid"], context.memory.meant
    if uid in meant:
        return False
    kind = kind_of(obj)
    definition = Key(CUSTOM_RESOURCE_DEFINITION, "", f"{kind.plural}.{kind.group}")
    found = await context.cluster.fetch(definition)
    if found is not None and not is_deleting(found):
        if len(meant) >= _MOST:
            meant.clear()
        meant.add(uid)
        return False
    message = (
        f"let go, since CustomResourceDefinition {definition.name} is being deleted; what stands "
        "behind it is left as it is"
    )
    context.events.record(obj, "Warning", Reason.DELETING.value, message)
    return True
