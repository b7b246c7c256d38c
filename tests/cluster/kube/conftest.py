"""The API server without an operator."""

from tests.cluster.bare import namespace, sandbox

__all__ = ["namespace", "sandbox"]
