"""The operator's process by itself, in a control plane without another operator."""

from tests.cluster.bare import namespace, sandbox

__all__ = ["namespace", "sandbox"]
