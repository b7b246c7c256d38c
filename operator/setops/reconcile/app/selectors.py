"""Which labels find an App's pods, also those of Deployments that an earlier version made. Pure.

The label `app.kubernetes.io/component` distinguishes an App's long-running pods from those of its
tasks, which must not count as its containers. An earlier version selected by the App's name alone,
and a Deployment's selector can't be changed. Such an App is moved without downtime and without a
second Deployment:

1. Its Deployment keeps the selector. That harms nothing, since its ReplicaSets also select by the
   hash of their template.
2. The pod template gets the label, which is an ordinary rollout. Until it is complete, Service,
   disruption budget, network policy and scale subresource go on selecting by name, so they find
   old and new pods.
3. Once the rollout is complete, every pod carries the label, and all later ones will. Now they
   select by name and component. The Service's own selector remembers that this has happened.
"""

from __future__ import annotations

from setops.api import names
from setops.api.kinds import Object
from setops.desired.app import Selectors
from setops.desired.pod import app_pods
from setops.reconcile.rollout import is_complete


def selectors(app: str, deployment: Object | None, service: Object | None) -> Selectors:
    """The selectors for an App's objects, given its live Deployment and core Service."""
    narrow, by_name = app_pods(app), {names.LABEL_APP: app}
    if deployment is None or deployment["spec"]["selector"].get("matchLabels") != by_name:
        return Selectors(narrow, narrow)
    moved = service is not None and service["spec"].get("selector") == narrow
    return Selectors(by_name, narrow if moved or _all_labelled(deployment) else by_name)


def _all_labelled(deployment: Object) -> bool:
    """Whether every pod of the Deployment carries its component."""
    template = deployment["spec"]["template"]["metadata"].get("labels") or {}
    return names.LABEL_COMPONENT in template and is_complete(deployment)
