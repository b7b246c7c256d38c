"""The program `setops-operator`. Says what to install if only the command line is there."""

from __future__ import annotations

import sys

_NEEDED = ("aiohttp", "boto3", "botocore", "kopf", "kubernetes", "prometheus_client")


def main() -> None:
    """Run the operator, or exit with a message if its dependencies are missing."""
    try:
        from setops.runtime.main import main as run
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _NEEDED:
            raise
        sys.exit(
            f"setops-operator: {error.name} is missing; install the operator with its "
            "dependencies: pip install 'setops[operator]'"
        )
    run()
