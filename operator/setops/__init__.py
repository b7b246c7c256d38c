"""SetOps on Kubernetes: one distribution with the operator and the `setops` command line.

The packages are layers; each imports only from those before it:
api, language, changes, desired, aws and kube, reconcile, runtime and cli.
"""
