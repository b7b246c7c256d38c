"""Which labels find an App's pods, also those of Deployments that an earlier version made. Pure.

The label `app.kubernetes.io/component` distinguishes an App's long-running pods from those of its
tasks, which must not count as its containers. An earlier version selected by the App's name alone,
and a Deployment's selector can't be changed. Such an App is moved without downtime and without a
second Deployment:

1. Its Deployment keeps the selector. That harms nothing, since its ReplicaSets also select by the
   hash of their template.
2. The pod template gets the label, which is an ordinary rollout. Until it is complete and the last
   old pod is gone, Service, disruption budget, network policy and scale subresource go on selecting
   by name, so they find old and new pods. An old pod still answers requests while it terminates.
3. Then every pod carries the label, and all later ones will. Now they select by name and component.
   The Service's own selector remembers that this has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from setops.api import names
from setops.api.kinds import Object
from setops.desired.app import Selectors
from setops.desired.pod import app_pods
from setops.reconcile.rollout import is_complete

Pods = Callable[[], Iterable[Object]]
"""Reads the pods of a Stage, of all its Apps."""


def selectors(app: str, deployment: Object | None, service: Object | None, pods: Pods) -> Selectors:
    """The selectors for an App's objects, given its live Deployment and core Service.

    The pods are read only where an earlier version made the Deployment.
    """
    narrow, by_name = app_pods(app), {names.LABEL_APP: app}
    if deployment is None or deployment["spec"]["selector"].get("matchLabels") != by_name:
        return Selectors(narrow, narrow)
    if service is not None and service["spec"].get("selector") == narrow:
        return Selectors(by_name, narrow)
    all_labelled = is_complete(deployment) and not any(_is_old(pod, app) for pod in pods())
    return Selectors(by_name, narrow if _is_labelled(deployment) and all_labelled else by_name)


def _is_old(pod: Object, app: str) -> bool:
    """Whether a pod of the App was made by an earlier version, without its component."""
    labels = pod["metadata"].get("labels") or {}
    return labels.get(names.LABEL_APP) == app and names.LABEL_COMPONENT not in labels


def _is_labelled(deployment: Object) -> bool:
    """Whether the pods that the Deployment makes now carry their component."""
    return names.LABEL_COMPONENT in (deployment["spec"]["template"]["metadata"].get("labels") or {})
