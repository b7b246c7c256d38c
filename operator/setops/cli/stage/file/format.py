"""Where the file format differs from the models' field names. Pure."""

from __future__ import annotations

from typing import Final

from setops.api.section import APPS, NOTIFICATIONS, SERVICES

SCHEMA_VERSION: Final = 2
HEADER: Final = ("schema_version", "project", "stage", "log_retention")
SECTIONS: Final = (APPS, SERVICES, NOTIFICATIONS)
"""In the order of the file."""

DOMAINS: Final = "custom_domains"
"""An App's `domains`: a map by name, or a list of names."""
PORTS: Final = "ports"
"""A list with the one `port` of a network."""
IMAGE_TAG: Final = "image_tag"
"""A tag in the Organization's registry, below the App's own path."""

RENAMED: Final = {("AppSpec", "domains"): DOMAINS, ("Network", "port"): PORTS}
"""The file's keys, by model and field, where they differ."""


def repository(registry: str, organization: str, project: str, stage: str, app: str) -> str:
    """The path of an App's images in the registry. Source: the platform's releases."""
    return f"{registry}/{organization}/{project}/{stage}/{app}"
