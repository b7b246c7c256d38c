"""What the chart renders to, by default and with every value set."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.chart.examples import ALL_VALUES, DIGEST
from tests.chart.helm import CHART, NAMESPACE, Helm, HelmError, Rendered


@pytest.fixture(scope="module")
def full(helm: Helm) -> Rendered:
    """The chart with another value than the default for everything."""
    return helm.template(ALL_VALUES)


def test_lint_has_nothing_to_say(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm.run("lint", "--strict", str(CHART))


def test_lint_has_nothing_to_say_about_all_values(helm: Helm) -> None:
    helm.run("lint", "--strict", str(CHART), "-f", "-", values=ALL_VALUES)


def test_every_object_has_the_common_labels(default: Rendered) -> None:
    for found in default.objects:
        labels = found["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "setops", found["kind"]
        assert labels["app.kubernetes.io/instance"] == "setops", found["kind"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm", found["kind"]
        assert labels["app.kubernetes.io/version"] == "0.1.0", found["kind"]


def test_names_begin_with_the_release(helm: Helm) -> None:
    for found in helm.template(release="blue").objects:
        assert found["metadata"]["name"].startswith("blue-setops"), found["kind"]


def test_names_stay_within_the_limit_of_every_kind(helm: Helm) -> None:
    for found in helm.template(release="r" * 53).objects:
        assert len(found["metadata"]["name"]) <= 63, found["kind"]


def test_a_pod_passes_the_restricted_standard(default: Rendered) -> None:
    assert default.pod["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert default.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_platform_may_choose_the_user(helm: Helm) -> None:
    context = helm.template({"runAsUser": None}).pod["spec"]["securityContext"]
    assert context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_probes_reach_the_health_port(default: Rendered) -> None:
    container = default.container
    assert container["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}
    assert container["ports"] == [{"name": "health", "containerPort": 8080}]


def test_two_replicas_spread_and_bounded(default: Rendered) -> None:
    spec = default.one("Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["type"] == "RollingUpdate"
    spread = default.pod["spec"]["topologySpreadConstraints"]
    assert {constraint["topologyKey"] for constraint in spread} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    assert set(default.container["resources"]) == {"requests", "limits"}
    assert "cpu" not in default.container["resources"]["limits"]


def test_selectors_find_the_pods(default: Rendered) -> None:
    labels = default.pod["metadata"]["labels"].items()
    assert default.one("Deployment")["spec"]["selector"]["matchLabels"].items() <= labels
    assert default.one("Service")["spec"]["selector"].items() <= labels
    assert default.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels


@pytest.mark.parametrize("replicas", [0, 1])
def test_a_budget_is_for_several_replicas(helm: Helm, replicas: int) -> None:
    rendered = helm.template({"replicas": replicas})
    assert rendered.one("Deployment")["spec"]["replicas"] == replicas
    assert not rendered.all("PodDisruptionBudget")


def test_the_operator_is_bound_to_its_roles(default: Rendered) -> None:
    account = default.one("ServiceAccount")["metadata"]
    assert default.pod["spec"]["serviceAccountName"] == account["name"]
    bindings = [*default.all("ClusterRoleBinding"), *default.all("RoleBinding")]
    assert {each["metadata"].get("namespace") for each in bindings} == {
        None,
        NAMESPACE,
        "kube-system",
    }
    for binding in bindings:
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": account["name"], "namespace": NAMESPACE}
        ]


def test_all_values_reach_the_pod(full: Rendered) -> None:
    spec = full.pod["spec"]
    container = full.container
    assert full.one("Deployment")["metadata"]["name"] == "platform"
    assert full.one("Deployment")["spec"]["replicas"] == 3
    assert container["image"] == f"registry.example.com:5000/platform/setops:1.2.3@{DIGEST}"
    assert container["imagePullPolicy"] == "Always"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert container["resources"] == ALL_VALUES["resources"]
    assert spec["securityContext"]["runAsUser"] == 1234
    assert spec["securityContext"]["fsGroup"] == 1234
    assert {
        constraint["whenUnsatisfiable"] for constraint in spec["topologySpreadConstraints"]
    } == {"DoNotSchedule"}
    for name in ("priorityClassName", "nodeSelector", "tolerations", "affinity"):
        assert spec[name] == ALL_VALUES[name]
    assert full.pod["metadata"]["annotations"] == ALL_VALUES["podAnnotations"]
    assert full.pod["metadata"]["labels"]["team"] == "platform"
    assert all(entry in container["env"] for entry in ALL_VALUES["env"])
    assert [port["containerPort"] for port in container["ports"]] == [9080, 9081]
    assert full.one("Service")["spec"]["ports"][0]["port"] == 9081
    assert full.one("Service")["metadata"]["annotations"] == {"prometheus.io/scrape": "true"}


def test_an_existing_service_account_is_used(full: Rendered) -> None:
    assert not full.all("ServiceAccount")
    assert full.pod["spec"]["serviceAccountName"] == "operator"
    assert full.one("ClusterRoleBinding")["subjects"][0]["name"] == "operator"


def test_the_service_account_carries_its_annotations(helm: Helm) -> None:
    annotations = ALL_VALUES["serviceAccount"]["annotations"]
    rendered = helm.template({"serviceAccount": {"annotations": annotations}})
    assert rendered.one("ServiceAccount")["metadata"]["annotations"] == annotations


def test_the_roles_of_people_can_be_left_out(full: Rendered) -> None:
    assert [role["metadata"]["name"] for role in full.all("ClusterRole")] == ["platform-operator"]


@pytest.mark.parametrize("version", ["1.31.0", "v1.31.4-eks-2d5f260", "1.36.3"])
def test_supported_versions_of_kubernetes(helm: Helm, version: str) -> None:
    helm.run("template", "setops", str(CHART), "--kube-version", version)


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"requires kubeVersion: >=1\.31"):
        helm.run("template", "setops", str(CHART), "--kube-version", "1.30.9")


def test_the_chart_works_as_part_of_another(helm: Helm, tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text(
        yaml.safe_dump({"apiVersion": "v2", "name": "platform", "version": "1.0.0"})
    )
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "setops").symlink_to(CHART)
    rendered = helm.template(
        {"global": {"region": "eu"}, "setops": {"replicas": 3}}, chart=tmp_path
    )
    assert rendered.one("Deployment")["spec"]["replicas"] == 3
