"""The Secret of a Service, which linked Apps read. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from setops.api import names
from setops.api.kinds import SECRET, SERVICE, Object
from setops.desired.metadata import Owner, StageNames, manifest


def secret_name(service: str) -> str:
    """The name of the Secret. Prefixed, so that it doesn't take a name a user would choose."""
    return f"service-{service}"


def service_secret(service: Object, stage: StageNames, connection: Mapping[str, str]) -> Object:
    """The Secret with these entries."""
    metadata = service["metadata"]
    return manifest(
        SECRET,
        secret_name(metadata["name"]),
        stage,
        Owner.of(SERVICE, service),
        {names.LABEL_SERVICE: metadata["name"]},
        type="Opaque",
        data={
            name: base64.b64encode(value.encode()).decode() for name, value in connection.items()
        },
    )
