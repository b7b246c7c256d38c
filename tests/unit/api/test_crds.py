"""The CustomResourceDefinitions as users of kubectl meet them, and as the API server needs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import pytest
import yaml

from setops.api import crds, names
from setops.api.kinds import OURS, Object
from setops.api.model import CEL
from tests.unit.api.schemas import CRDS, PARTS, WRITTEN, Node, at, root

KINDS: Final = [
    ("Organization", "Cluster", "sorg", "organizations"),
    ("Project", "Cluster", "sproj", "projects"),
    ("Stage", "Namespaced", "sstage", "stages"),
    ("App", "Namespaced", "sapp", "apps"),
    ("Service", "Namespaced", "ssvc", "services"),
    ("Notification", "Namespaced", "snotify", "notifications"),
    ("Changeset", "Namespaced", "scs", "changesets"),
]
RULES: Final = [
    (f"{node.path}[{index}]", rule)
    for node in [*PARTS, *(Node(kind, root(made)) for kind, made in CRDS.items())]
    for index, rule in enumerate(node.schema.get(CEL, ()))
]
PARTIAL: Final = "Changeset.spec.definition"
TYPES: Final = ("object", "array", "string", "integer", "boolean")


def places(nodes: Iterable[Node], offends: Callable[[Object], bool]) -> list[str]:
    """Where in the schemas something is so."""
    return [node.path for node in nodes if offends(node.schema)]


@pytest.mark.parametrize(("kind", "scope", "short", "plural"), KINDS)
def test_kind(kind: str, scope: str, short: str, plural: str) -> None:
    spec = CRDS[kind]["spec"]
    assert (spec["scope"], spec["names"]["shortNames"]) == (scope, [short])
    assert (spec["names"]["plural"], spec["names"]["singular"]) == (plural, kind.lower())
    assert spec["names"]["categories"] == ["setops"], "`kubectl get setops` lists it"
    assert spec["group"] == "setops.co"


def test_every_kind_of_ours_has_a_definition() -> None:
    assert list(CRDS) == [kind.kind for kind in OURS] == [row[0] for row in KINDS]


def test_no_short_name_is_taken_from_others() -> None:
    """Neither core's, nor Argo CD's, nor one that two of ours share."""
    shorts = [row[2] for row in KINDS]
    assert len(set(shorts)) == len(shorts)
    assert not {"svc", "app", "apps", "proj", "cs", "ns", "po", "deploy"} & set(shorts)


@pytest.mark.parametrize("kind", CRDS)
def test_status_is_written_apart_from_the_spec(kind: str) -> None:
    (version,) = CRDS[kind]["spec"]["versions"]
    assert version["subresources"]["status"] == {}
    assert ("scale" in version["subresources"]) is (kind == "App"), "`kubectl scale` works"
    scale = version["subresources"].get("scale", {})
    for path in scale.values():
        assert at(f"{kind}{path}")


@pytest.mark.parametrize("kind", CRDS)
def test_columns_show_what_is_there(kind: str) -> None:
    (version,) = CRDS[kind]["spec"]["versions"]
    columns = {column["name"]: column for column in version["additionalPrinterColumns"]}
    assert list(columns)[-1] == "Age"
    assert "Message" in columns
    assert {"Reason"} <= set(columns)
    assert ("Phase" if kind == "Changeset" else "Ready") in columns
    assert columns["Message"]["priority"] == 1, "a message breaks the table unless it is wide"
    for column in columns.values():
        path = re.sub(r"\[\?\(.*\)\]", ".*", column["jsonPath"])
        if path.startswith(".metadata"):
            continue
        assert at(f"{kind}{path}")["type"] == column["type"]


def test_schemas_are_structural() -> None:
    unknown = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "const", "title"}
    assert places(PARTS, lambda schema: bool(unknown & set(schema))) == []
    assert places(PARTS, lambda schema: schema.get("type") not in TYPES) == []
    assert places(PARTS, lambda schema: "None" in str(schema)) == [], "CRDs know no null"


def test_kubectl_explains_every_field() -> None:
    fields = [node for node in PARTS if not node.path.endswith(".*")]
    assert places(fields, lambda schema: schema.get("description", "")[-1:] not in (".", "…")) == []


def test_what_users_write_is_bounded() -> None:
    """Rules cost what the longest input would; without bounds they are refused."""
    assert places(WRITTEN, is_unbounded) == []


def is_unbounded(schema: Object) -> bool:
    match schema["type"]:
        case "string":
            return not {"enum", "maxLength"} & set(schema)
        case "array":
            return "maxItems" not in schema
        case "object":
            return not schema.get("properties") and "maxProperties" not in schema
        case _:
            return False


def test_no_user_is_shown_a_regular_expression() -> None:
    """But where texts are so many and so long that a rule in words would be too dear."""
    assert places(WRITTEN, lambda schema: "pattern" in schema) == ["App.spec.env.*.value"]


@pytest.mark.parametrize(("where", "rule"), RULES, ids=[where for where, _ in RULES])
def test_a_rule_says_what_is_wrong_in_words(where: str, rule: dict[str, str]) -> None:
    said = rule.get("message") or "".join(rule["messageExpression"].split('"')[1::2])
    assert len(said) > 20, where
    assert not re.search(r"[\^\\\n]|\[.-.\]", said), "neither a pattern nor a second line"


def test_a_default_is_whole() -> None:
    """Rules that read an object's children are evaluated on its default as it stands."""

    def is_partial(schema: Object) -> bool:
        children: Object = schema.get("properties", {})
        defaults = {
            name: child["default"] for name, child in children.items() if "default" in child
        }
        return isinstance(schema.get("default"), dict) and schema["default"] != defaults

    # A Stage without a spec gets an empty one, into which the API server fills the defaults.
    assert places(PARTS, is_partial) == ["Stage.spec"]


def test_a_partial_definition_stays_partial() -> None:
    """With defaults, what it doesn't name would be reset; with rules, half an App is refused."""
    within = [node for node in PARTS if node.path.startswith(f"{PARTIAL}.")]
    assert places(within, lambda schema: bool({"default", "required", CEL} & set(schema))) == []


def test_a_definition_in_a_changeset_knows_all_fields_of_its_resources() -> None:
    for section, kind in (
        ("apps", "App"),
        ("services", "Service"),
        ("notifications", "Notification"),
    ):
        of_changeset = {
            node.path.removeprefix(f"{PARTIAL}.{section}.*")
            for node in PARTS
            if node.path.startswith(f"{PARTIAL}.{section}.*")
        }
        own = {
            node.path.removeprefix(f"{kind}.spec")
            for node in PARTS
            if node.path.startswith(f"{kind}.spec")
        }
        assert of_changeset == own


@pytest.mark.parametrize(
    ("kind", "rule", "good", "bad"),
    [
        ("Organization", names.ORGANIZATION_NAME, ["a", "acme-1"], ["acme-", "1a", "a" * 41]),
        ("Project", names.PROJECT_NAME, ["abc", "a" * 20], ["ab", "a-b", "1ab", "a" * 21]),
        ("Stage", names.STAGE_NAME, ["abc", "a" * 12], ["ab", "a-b", "a" * 13]),
        ("App", names.APP_NAME, ["web", "a-b", "a" * 16], ["ab", "web-", "1web", "a" * 17]),
        ("Service", names.SERVICE_NAME, ["db1", "a" * 18], ["db", "db-", "a" * 19]),
        ("Notification", names.NOTIFICATION_NAME, ["o", "0-9", "a" * 63], ["a.b", "a-", "a" * 64]),
    ],
)
def test_names(kind: str, rule: names.NameRule, good: list[str], bad: list[str]) -> None:
    (cel,) = [each for each in root(CRDS[kind])[CEL] if each.get("fieldPath") == ".metadata.name"]
    assert (rule.pattern in cel["rule"], cel["message"]) == (True, rule.says)
    assert not any(rule.problem("NAME", name) for name in good)
    assert all(rule.problem("NAME", name) for name in bad)


def test_files_that_no_model_makes_any_more_go_and_others_stay(tmp_path: Path) -> None:
    stale, foreign = tmp_path / "teams.setops.co.yaml", tmp_path / "apps.example.com.yaml"
    stale.write_text("stale")
    foreign.write_text("foreign")
    crds.write(tmp_path)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert written.pop(foreign.name) == "foreign"
    assert written == dict(crds.documents())


@pytest.mark.parametrize(("name", "text"), list(crds.documents()), ids=lambda value: value[:24])
def test_a_document_reads_as_the_definition_it_was_made_from(name: str, text: str) -> None:
    read: Object = yaml.safe_load(text)
    assert read == CRDS[read["spec"]["names"]["kind"]]
    assert name == f"{read['metadata']['name']}.yaml"
