"""The CustomResourceDefinitions of the chart are those that the models make."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from setops.api import crds
from tests.chart.helm import CHART, ROOT


@pytest.mark.parametrize("directory", [ROOT / "crds", CHART / "crds"], ids=["crds", "chart"])
def test_files_are_what_the_models_make(directory: Path) -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in directory.iterdir()}
    assert found == dict(crds.documents()), "stale: run `make crds`"


@pytest.mark.parametrize("path", sorted((CHART / "crds").iterdir()), ids=lambda path: path.stem)
def test_removing_the_chart_keeps_every_resource(path: Path) -> None:
    annotations = yaml.safe_load(path.read_text(encoding="utf-8"))["metadata"]["annotations"]
    assert annotations["helm.sh/resource-policy"] == "keep"
