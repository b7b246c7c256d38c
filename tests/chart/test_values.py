"""values.yaml and its schema say the same, and wrong values are refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from tests.chart.examples import ALL_VALUES
from tests.chart.helm import CHART, Helm, HelmError

Path = tuple[str, ...]
Schema = dict[str, Any]

SCHEMA: Final[Schema] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
TEXT: Final = (CHART / "values.yaml").read_text(encoding="utf-8")
VALUES: Final[dict[str, Any]] = yaml.safe_load(TEXT)


def _leaves(values: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each value that is not a group of values; an empty map is one that users fill."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _described(schema: Schema, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Each value of the chart that the schema knows; what lies in a shared definition is free."""
    for name, child in schema["properties"].items():
        if child.get("type") == "object" and "properties" in child:
            yield from _described(child, (*path, name))
        else:
            yield (*path, name), child


def _nodes(schema: object, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Every schema within the schema."""
    if isinstance(schema, dict):
        if "type" in schema and not isinstance(schema["type"], dict):
            yield path, schema
        for name, child in schema.items():
            yield from _nodes(child, (*path, name))


def _at(values: dict[str, Any], path: Path) -> Any:
    for name in path:
        values = values[name]
    return values


def test_values_and_schema_have_the_same_names() -> None:
    groups = {("affinity",), ("resources", "requests"), ("resources", "limits")}
    values = {next((g for g in groups if p[: len(g)] == g), p) for p, _ in _leaves(VALUES)}
    schema = {next((g for g in groups if p[: len(g)] == g), p) for p, _ in _described(SCHEMA)}
    assert values == schema


def test_every_name_in_the_schema_is_described() -> None:
    def undescribed(schema: Schema, path: Path = ()) -> Iterator[Path]:
        for name, child in schema.get("properties", {}).items():
            if not child.get("description", "").endswith("."):
                yield (*path, name)
            if name != "affinity":  # Kubernetes describes what is in there
                yield from undescribed(child, (*path, name))

    assert not list(undescribed(SCHEMA))


def test_every_node_of_the_schema_is_bounded() -> None:
    def bounded(node: Schema) -> bool:
        kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
        bounds = {
            "string": {"maxLength", "enum"} & node.keys(),
            "integer": "maximum" in node and {"minimum", "exclusiveMinimum"} & node.keys(),
            "number": "maximum" in node and {"minimum", "exclusiveMinimum"} & node.keys(),
            "array": "maxItems" in node,
            "object": node.get("additionalProperties") is False or "maxProperties" in node,
        }
        return all(bounds.get(kind, True) for kind in kinds)

    assert not [".".join(path) for path, node in _nodes(SCHEMA) if not bounded(node)]


def test_every_value_has_a_comment_above_it() -> None:
    def keys(node: yaml.MappingNode) -> Iterator[int]:
        for key, value in node.value:
            if isinstance(value, yaml.MappingNode) and value.value:
                yield from keys(value)
            else:
                yield key.start_mark.line

    root = yaml.compose(TEXT)
    assert isinstance(root, yaml.MappingNode)
    lines = TEXT.splitlines()
    bare = [lines[at] for at in keys(root) if not lines[at - 1].lstrip().startswith("# ")]
    assert not bare


def test_the_example_sets_every_value_to_another_than_the_default() -> None:
    for path, default in _leaves(VALUES):
        assert _at(ALL_VALUES, path) != default, ".".join(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        # A misspelt name would otherwise have no effect, silently.
        ({"replica": 2}, "additional properties 'replica' not allowed"),
        ({"lease": {"renewdeadline": 5}}, "at '/lease': additional properties 'renewdeadline'"),
        ({"replicas": -1}, "at '/replicas': minimum: got -1, want 0"),
        ({"replicas": 50}, "at '/replicas': maximum: got 50, want 5"),
        ({"replicas": "2"}, "at '/replicas': got string, want integer"),
        ({"image": {"repository": "Setops"}}, "at '/image/repository': 'Setops' does not match"),
        ({"image": {"digest": "sha256:12"}}, "at '/image/digest': 'sha256:12' does not match"),
        ({"image": {"tag": "a b"}}, "at '/image/tag': 'a b' does not match"),
        ({"image": {"pullPolicy": "Maybe"}}, "'Always', 'IfNotPresent', 'Never'"),
        ({"logLevel": "loud"}, "at '/logLevel': value must be one of 'debug', 'info'"),
        ({"logFormat": "xml"}, "at '/logFormat': value must be one of"),
        ({"workers": 0}, "at '/workers': minimum: got 0, want 1"),
        ({"aws": {"threads": 1000}}, "at '/aws/threads': maximum: got 1,000, want 128"),
        ({"namespacePrefix": "Team_"}, "at '/namespacePrefix': 'Team_' does not match"),
        ({"namespacePrefix": "a" * 31}, "at '/namespacePrefix': maxLength: got 31, want 30"),
        ({"ingressNamespaceLabels": {"a": "b c"}}, "at '/ingressNamespaceLabels/a': 'b c' does"),
        ({"driftInterval": 0}, "at '/driftInterval': minimum: got 0, want 1"),
        ({"listenAddress": "localhost"}, "at '/listenAddress': 'localhost' does not match"),
        ({"gitManagers": "argocd"}, "at '/gitManagers': got string, want array"),
        ({"trustedAccounts": ["a", "a"]}, "at '/trustedAccounts': items at 0 and 1 are equal"),
        ({"trustedAccounts": ["a,b"]}, "at '/trustedAccounts/0': 'a,b' does not match"),
        ({"ports": {"health": 80}}, "at '/ports/health': minimum: got 80, want 1,024"),
        ({"env": [{"value": "x"}]}, "at '/env/0': missing property 'name'"),
        ({"env": [{"name": "A", "value": 1}]}, "at '/env/0/value': got number, want string"),
        ({"resources": {"limits": {"memory": "1 GB"}}}, "at '/resources/limits/memory'"),
        ({"resources": {"requests": {"gpu": 1}}}, "additional properties 'gpu' not allowed"),
        ({"topologySpread": {"zones": "Never"}}, "at '/topologySpread/zones': value must be one"),
        ({"runAsUser": 0}, "at '/runAsUser': minimum: got 0, want 1"),
        ({"tolerations": [{"effect": "No"}]}, "at '/tolerations/0/effect': value must be one of"),
        ({"podAnnotations": {"a": 1}}, "at '/podAnnotations/a': got number, want string"),
        (
            {"lease": {"renewDeadline": 15}},
            "lease.renewDeadline is 15, but must be less than lease.duration, 15",
        ),
        (
            {"lease": {"retryPeriod": 10}},
            "lease.retryPeriod is 10, but must be less than lease.renewDeadline, 10",
        ),
        ({"namespacePrefix": "kube-"}, "namespaces that begin with kube- belong to Kubernetes"),
        (
            {"podLabels": {"app.kubernetes.io/name": "x"}},
            "podLabels has app.kubernetes.io/name, but the chart finds its pods by that label",
        ),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name is empty: name the existing"),
    ],
)
def test_a_bad_value_is_refused_by_name(helm: Helm, values: Schema, message: str) -> None:
    with pytest.raises(HelmError) as refused:
        helm.template(values)
    assert message in str(refused.value)
