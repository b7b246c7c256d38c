"""What Kubernetes makes of a change of an App, judged by the Deployments before and after."""

from __future__ import annotations

from setops.api.app import AppSpec
from setops.api.kinds import APP, Object
from setops.changes.effects import RESTARTS, STARTS, STOPS
from setops.desired.app import AppObjects, app_objects
from setops.desired.metadata import Owner, StageNames
from setops.desired.pod import LinkSecret
from setops.kube.compare import differences


def what_happens(before: AppSpec, after: AppSpec) -> str | None:
    """The words of a plan: Kubernetes replaces the pods of a Deployment whose template differs."""
    old, new = _deployment(before), _deployment(after)
    replicas = [obj["spec"]["replicas"] if obj else 0 for obj in (old, new)]
    if not any(replicas):
        return None
    if not all(replicas):
        return STARTS if replicas[1] else STOPS
    assert old is not None
    assert new is not None
    # As the API server tells it: what one of them doesn't set is no difference.
    pods = [{**obj, "spec": {"template": obj["spec"]["template"]}} for obj in (old, new)]
    return RESTARTS if differences(pods[0], pods[1]) or differences(pods[1], pods[0]) else None


def _deployment(app: AppSpec) -> Object | None:
    """The Deployment of an App in a Stage where every linked Service has its Secret."""
    secrets = {name: LinkSecret(f"secret-{name}", "digest") for name in app.links or ()}
    made = app_objects(
        AppObjects(
            name="web",
            spec=app,
            stage=StageNames("shop", "production", "shop-production"),
            owner=Owner(APP, "web", "uid"),
            link_secrets=secrets,
        )
    )
    return next((obj for obj in made if obj["kind"] == "Deployment"), None)
