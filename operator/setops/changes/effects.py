"""What a change does to the people who run or use a resource: restarts, loss of data, downtime.

Whether containers restart isn't decided here: the pods of both definitions are compared, as
`desired.pod` makes them.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from setops.api import catalogue
from setops.api.app import AppSpec
from setops.api.definition import StageDefinition
from setops.api.engine_version import EngineVersion
from setops.api.kinds import Object
from setops.api.service import ServiceSpec
from setops.api.service_type import DeletionPolicy
from setops.changes.diff import Action, Change
from setops.desired.metadata import StageNames
from setops.desired.pod import AppPod, LinkSecret, pod_template

RESTARTS: Final = "restarts its containers, without downtime"
STARTS_OR_RESTARTS: Final = "starts its containers, or restarts them without downtime"
"""Said of an App that has waited for a Service: whether it ran before that isn't known."""
STARTS: Final = "starts its containers"
STOPS: Final = "stops its containers"
REPLACES: Final = "is destroyed and created again, since the protocol can't be changed in place"

_SOME_STAGE: Final = StageNames("project", "stage", "namespace")
"""Stands for the Stage, which is the same before and after a change."""


def missing_services(definition: StageDefinition) -> frozenset[str]:
    """The Services that Apps link and that aren't there. Those Apps wait."""
    linked = (name for app in definition.apps.values() for name in app.links or ())
    return frozenset(name for name in linked if name not in definition.services)


def effect(change: Change, missing: Set[str] = frozenset()) -> str | None:
    """One sentence without a full stop; None when there is nothing to say.

    `missing` are the `missing_services` before the change.
    """
    match change.before, change.after:
        case AppSpec() as before, AppSpec() as after if missing & (before.links or {}).keys():
            return _effect_on_waiting(change, before, after)
        case (AppSpec(), _) | (None, AppSpec()):
            return _app_effect(change)
        case ServiceSpec() as before, after if change.action in (Action.REPLACE, Action.DESTROY):
            again = ", then creates it anew, empty" if after is not None else ""
            return f"{data_loss(before)}{again}"
        case ServiceSpec() as before, ServiceSpec() as after:
            return _upgrade(before, after)
        case _:
            return None


def restarts(name: str, before: AppSpec, after: AppSpec) -> bool:
    """Whether new containers replace the running ones, since the App's pods change."""
    return runs(before) and runs(after) and _pods(name, before) != _pods(name, after)


def _app_effect(change: Change) -> str | None:
    match change.before, change.after:
        case AppSpec() as before, None:
            return STOPS if runs(before) else None
        case None, AppSpec() as after:
            return _not_running(after)
        case AppSpec() as before, AppSpec() as after if change.action is Action.REPLACE:
            return f"{REPLACES}{_in_between(before, after)}"
        case AppSpec() as before, AppSpec() as after:
            return _update_effect(change.name, before, after)
        case _:
            return None


def _effect_on_waiting(change: Change, before: AppSpec, after: AppSpec) -> str | None:
    if change.action is Action.REPLACE or not (runs(before) and runs(after)):
        return _app_effect(change)
    return STARTS_OR_RESTARTS


def _update_effect(name: str, before: AppSpec, after: AppSpec) -> str | None:
    if runs(before) and not runs(after):
        return STOPS
    if runs(after) and not runs(before):
        return STARTS
    return RESTARTS if restarts(name, before, after) else None


def _not_running(app: AppSpec) -> str | None:
    """Why a new App runs nothing; None if it runs."""
    if app.running_image is None:
        return "runs nothing until a release is activated"
    return None if runs(app) else "runs nothing while its scale is 0"


def _in_between(before: AppSpec, after: AppSpec) -> str:
    match runs(before), runs(after):
        case True, True:
            return "; it is down in between"
        case True, False:
            return f"; {STOPS}"
        case False, True:
            return f"; {STARTS}"
        case _:
            return ""


def _upgrade(before: ServiceSpec, after: ServiceSpec) -> str | None:
    """Source: what the product does on a new major version; newer minor ones go unnoticed."""
    if before.version is None or after.version is None:
        return None
    old, new = (EngineVersion.parse(each).major for each in (before.version, after.version))
    if new <= old:
        return None
    return (
        f"is down while it is upgraded to version {new}, which can't be undone: if this Changeset "
        f"fails later, the version stays {new}"
    )


def data_loss(service: ServiceSpec) -> str:
    """What happens to the data when the Service is destroyed; the rule is in `api.service_type`."""
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


def runs(app: AppSpec) -> bool:
    """Whether the App has containers, once what it links is there."""
    return app.running_image is not None and app.resources.scale > 0


def _pods(name: str, app: AppSpec) -> Object | None:
    """The App's pods in some Stage, as if every linked Service had its Secret."""
    secrets = {service: LinkSecret(service, "") for service in app.links or ()}
    return pod_template(AppPod(name=name, spec=app, stage=_SOME_STAGE, link_secrets=secrets))
