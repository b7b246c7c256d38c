"""The real helm, for all tests of the chart."""

from __future__ import annotations

import pytest

from sandbox import build
from tests.chart.helm import Helm, Rendered


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """The sandbox's helm, built at the first use."""
    return Helm(build.tools().path("helm"), tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def default(helm: Helm) -> Rendered:
    """The chart as it is without any values."""
    return helm.template()
