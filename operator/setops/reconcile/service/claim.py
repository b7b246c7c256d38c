"""Whose an identity at AWS is: that Service's alone which stands where the identity says.

An identity is Organization, Project, Stage and name. `placement` makes that of a new Service from
the Stage around it. The one in a status may be another's: a backup that was restored with its
statuses into another namespace, or namespaces under another prefix.
"""

from __future__ import annotations

from setops.api import names
from setops.api.conditions import Reason
from setops.api.kinds import Object
from setops.api.service import ServiceTarget
from setops.reconcile.context import Context
from setops.reconcile.report import Stalled


def is_its_own(context: Context, service: Object, stored: ServiceTarget) -> bool:
    """Whether the identity that a Service has stored is the one of its place."""
    expected = names.stage_namespace(stored.project, stored.stage, context.options.namespace_prefix)
    return bool(service["metadata"]["namespace"] == expected)


def refuse_anothers(context: Context, service: Object) -> None:
    """Raise Stalled if the Service has the identity of another one stored."""
    known = (service.get("status") or {}).get("target")
    stored = ServiceTarget.model_validate(known) if known else None
    if stored is None or is_its_own(context, service, stored):
        return
    name = service["metadata"]["name"]
    raise Stalled(
        Reason.OBJECT_TAKEN,
        f"the resources at AWS that its status names belong to Service {name!r} of Stage "
        f"{stored.stage!r} of Project {stored.project!r}, so nothing is touched; delete this "
        "Service, which leaves them alone, and create it anew",
    )
