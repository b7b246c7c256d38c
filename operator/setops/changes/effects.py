"""What a change does to those who run or use the thing: restarts, loss of data, downtime."""

from __future__ import annotations

from setops.api import catalogue
from setops.api.app import AppSpec
from setops.api.section import Entry
from setops.api.service import ServiceSpec
from setops.api.service_type import DeletionPolicy
from setops.changes.diff import Action, Change


def effect(change: Change) -> str | None:
    """One sentence without a full stop; None when there is nothing to say."""
    match change.before, change.after:
        case (AppSpec(), _) | (None, AppSpec()):
            return _app_effect(change.action, change.before, change.after)
        case ServiceSpec() as before, after if change.action in (Action.REPLACE, Action.DESTROY):
            again = ", then creates it anew, empty" if after is not None else ""
            return f"{loss(before)}{again}"
        case ServiceSpec() as before, ServiceSpec() as after:
            return _upgrade(before, after)
        case _:
            return None


def restarts(before: AppSpec, after: AppSpec) -> bool:
    """Whether running containers are replaced by new ones: all but scale, descriptions, domains,
    schedule, inactive releases and what only the load balancer looks at."""
    return _runs(before) and _runs(after) and _pod(before) != _pod(after)


def _app_effect(action: Action, before: Entry | None, after: Entry | None) -> str | None:
    match action, before, after:
        case Action.DESTROY, _, _:
            return "stops its containers"
        case Action.REPLACE, _, _:
            return (
                "is destroyed and created again, since the protocol can't be changed in place; "
                "it is down in between"
            )
        case Action.CREATE, _, AppSpec():
            return None if after.running_image else "runs nothing until a release is activated"
        case _, AppSpec(), AppSpec():
            return _update_effect(before, after)
        case _:
            return None


def _update_effect(before: AppSpec, after: AppSpec) -> str | None:
    if _runs(before) and not _runs(after):
        return "stops its containers"
    if _runs(after) and not _runs(before):
        return "starts its containers"
    return "restarts its containers, without downtime" if restarts(before, after) else None


def _upgrade(before: ServiceSpec, after: ServiceSpec) -> str | None:
    """Source: what the product does on a new major version; newer minor ones go unnoticed."""
    if before.version is None or after.version is None:
        return None
    old, new = (catalogue.version_numbers(spec.version or "")[0] for spec in (before, after))
    if new <= old:
        return None
    return (
        f"is down while it is upgraded to version {new}, which can't be undone: if this Changeset "
        f"fails later, the version stays {new}"
    )


def loss(service: ServiceSpec) -> str:
    """What becomes of the data of a Service that is destroyed."""
    kind = catalogue.TYPES[service.type]
    if not kind.holds_data:
        return "takes it away; it holds no data"
    match service.deletion_policy or kind.default_policy:
        case DeletionPolicy.DELETE:
            return "destroys the data for good"
        case DeletionPolicy.RETAIN:
            return "keeps the data at AWS"
        case _:
            return "keeps a final snapshot of the data"


def _runs(app: AppSpec) -> bool:
    return app.running_image is not None and app.resources.scale > 0


def _pod(app: AppSpec) -> tuple[object, ...]:
    """All of an App that its pods are made from."""
    network, check = app.network, app.network.health_check
    # Public Apps and those with a check have a readiness probe; codes are the load balancer's.
    probed = network.protocol == "http" and (network.public or check is not None)
    return (
        app.running_image,
        app.container,
        (network.protocol, network.port),
        (check and check.path) if probed else network.public,
        probed,
        (app.resources.cpu, app.resources.memory),
        {key: (var.value, var.secret_ref) for key, var in (app.env or {}).items()},
        app.links or {},
    )
