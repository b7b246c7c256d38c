"""The chart tells the operator every setting, in words that the operator understands."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import pytest

from setops.runtime.settings import Settings, parse
from tests.chart.examples import ALL_VALUES
from tests.chart.helm import NAMESPACE, RELEASE, Helm, Rendered

FROM_ELSEWHERE: Final = {"kubeconfig", "identity"}
"""In a pod, the ServiceAccount and the pod's name are the right ones."""


def _settings(rendered: Rendered) -> dict[str, Any]:
    found = dataclasses.asdict(_parsed(rendered))
    return {name: value for name, value in found.items() if name not in FROM_ELSEWHERE}


def _parsed(rendered: Rendered) -> Settings:
    container = rendered.container
    environment = {entry["name"]: entry.get("value", "") for entry in container.get("env", [])}
    return parse(container["args"], environment)


def test_every_setting_is_an_argument(default: Rendered) -> None:
    given = [argument.partition("=")[0] for argument in default.container["args"]]
    known = {f"--{field.name.replace('_', '-')}" for field in dataclasses.fields(Settings)}
    assert len(given) == len(set(given))
    assert set(given) == known - {f"--{name}" for name in FROM_ELSEWHERE}


def test_the_defaults_of_chart_and_operator_are_the_same(default: Rendered) -> None:
    own = dataclasses.asdict(parse([], {}))
    told = _settings(default)
    assert told.pop("namespace") == NAMESPACE
    assert told.pop("lease_name") == RELEASE
    assert told == {name: own[name] for name in told}


def test_the_lease_is_the_one_that_may_be_written(default: Rendered) -> None:
    settings = _parsed(default)
    role = default.one("Role", "setops-leader")
    assert role["metadata"]["namespace"] == settings.namespace
    assert role["rules"][1]["resourceNames"] == [settings.lease_name]


def test_every_value_arrives(helm: Helm) -> None:
    assert _settings(helm.template(ALL_VALUES)) == {
        "namespace": NAMESPACE,
        "lease_name": "platform",
        "lease_duration": 4.0,
        "lease_renew_deadline": 2.5,
        "lease_retry_period": 0.5,
        "listen": "::",
        "health_port": 9080,
        "metrics_port": 9081,
        "log_level": "debug",
        "log_format": "text",
        "workers": 4,
        "aws_threads": 3,
        "cluster_name": "eu-1",
        "changesets_kept": 7,
        "changeset_days": 1.5,
        "plan_seconds": 3.5,
        "plan_memory": 128,
        "retry_cap": 30.0,
        "resync": 0.0,
        "drift_interval": 5.5,
        "shutdown_grace": 3.5,
        "namespace_prefix": "so-",
        "git_managers": ("flux", "argocd-controller"),
        "ingress_namespace_labels": {"team": "network", "tier": "edge"},
    }


def test_an_empty_list_is_empty_and_not_the_default(helm: Helm) -> None:
    assert _parsed(helm.template({"gitManagers": []})).git_managers == ()


@pytest.mark.parametrize(("grace", "seconds"), [(20, 30), (3.5, 14), (0, 10)])
def test_a_pod_has_more_time_than_the_operator_takes(
    helm: Helm, grace: float, seconds: int
) -> None:
    rendered = helm.template({"shutdownGrace": grace})
    assert rendered.pod["spec"]["terminationGracePeriodSeconds"] == seconds


def test_the_largest_numbers_are_understood(helm: Helm) -> None:
    settings = _parsed(helm.template({"resync": 86400, "ports": {"metrics": 65535}}))
    assert (settings.resync, settings.metrics_port) == (86400.0, 65535)
