"""Apps: their child objects on Kubernetes, and what runs of them.

reconciler  writes the child objects that differ
inputs      what the child objects are made from: Stage, linked Secrets, selectors
selectors   which labels find the pods, also those that an earlier version made
verdict     what the App's conditions say about its rollout
"""

from setops.reconcile.app.reconciler import children, reconcile

__all__ = ["children", "reconcile"]
