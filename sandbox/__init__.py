"""A real Kubernetes control plane on one machine, without containers.

etcd, kube-apiserver, kube-controller-manager and kube-scheduler are the real ones, built from
source once; kwok stands in for nodes and kubelets, ministack for AWS. Everything listens on
loopback and keeps its files in one directory. For tests, the demo and `make sandbox`; nothing of
it is part of the distribution, and nothing of `setops` is imported here, but for the name of a
bucket in the demo.
"""

from sandbox.control_plane import Sandbox
from sandbox.errors import SandboxError
from sandbox.processes import Lifetime

__all__ = ["Lifetime", "Sandbox", "SandboxError"]
