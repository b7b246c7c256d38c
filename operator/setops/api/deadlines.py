"""How long things may take, where more than one layer has to know."""

from __future__ import annotations

from typing import Final

READY_SECONDS: Final = 300
"""How long an App may take to become ready, and a Service whose product is made quickly.

Kubernetes reports a rollout without progress after that time, and a commit gives up then, unless
the Changeset sets `spec.timeout`.
"""
