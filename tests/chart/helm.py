"""Renders the chart with the real helm, which works without a cluster for this."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from setops.api.kinds import Object

ROOT: Final = Path(__file__).resolve().parents[2]
CHART: Final = ROOT / "charts" / "setops"
RELEASE: Final = "setops"
NAMESPACE: Final = "setops-system"

Values = Mapping[str, Any]


class HelmError(Exception):
    """What helm said when it refused."""


@dataclass(frozen=True)
class Helm:
    """The helm binary, with a home of its own, so that nobody's settings matter."""

    binary: Path
    home: Path

    def run(self, *arguments: str, values: Values | None = None) -> str:
        """What helm prints; `values` go to its standard input. Raises HelmError."""
        environment = {
            **os.environ,
            "HELM_CACHE_HOME": str(self.home / "cache"),
            "HELM_CONFIG_HOME": str(self.home / "config"),
            "HELM_DATA_HOME": str(self.home / "data"),
        }
        done = subprocess.run(
            [self.binary, *arguments],
            input=json.dumps(values or {}),
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise HelmError(done.stderr)
        return done.stdout

    def template(
        self, values: Values | None = None, *, chart: Path = CHART, release: str = RELEASE
    ) -> Rendered:
        """The objects that an installation with these values consists of."""
        text = self.run("template", release, str(chart), "-n", NAMESPACE, "-f", "-", values=values)
        return Rendered([document for document in yaml.safe_load_all(text) if document])


@dataclass(frozen=True)
class Rendered:
    """The objects of one rendering."""

    objects: Sequence[Object]

    def all(self, kind: str) -> list[Object]:
        """Every object of a kind."""
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str = "") -> Object:
        """The one object of a kind, or of a kind and name."""
        [found] = [o for o in self.all(kind) if not name or o["metadata"]["name"] == name]
        return found

    @property
    def pod(self) -> Object:
        """The operator's pod template."""
        template: Object = self.one("Deployment")["spec"]["template"]
        return template

    @property
    def container(self) -> Object:
        """The operator's container."""
        [container] = self.pod["spec"]["containers"]
        found: Object = container
        return found
