"""The platform's units as Kubernetes quantities, in the API server's canonical form.

Requests and limits of containers are set in `pod`, quotas in `stage`.
"""

from __future__ import annotations


def cpu(units: int) -> str:
    """CPU units (1024 for one vCPU) as cores: `128` -> `125m`, `1024` -> `1`."""
    milli = units * 1000 // 1024
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def memory(megabytes: int) -> str:
    """MB (MiB, as on ECS) as bytes: `256` -> `256Mi`, `1024` -> `1Gi`, `1048576` -> `1Ti`."""
    amount = megabytes
    for unit in ("Mi", "Gi"):
        if amount % 1024:
            return f"{amount}{unit}"
        amount //= 1024
    return f"{amount}Ti"
