"""Bad input is refused in words that name the field, the rule and the remedy, at the first door
that can know: the API server where a schema or a rule says it, else a condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.cluster.world import Object, World, changeset, manifest, organization

IMAGE = "registry.example.com/web:1"
ORGANIZATION_RULE = "an Organization's name has 1 to 40 lowercase letters, digits and dashes"
PROJECT_RULE = "a Project's name has 3 to 20 lowercase letters and digits, and begins with a letter"
STAGE_RULE = "a Stage's name has 3 to 12 lowercase letters and digits, and begins with a letter"
APP_RULE = (
    "an App's name has 3 to 16 lowercase letters, digits and dashes, begins with a letter "
    "and ends with a letter or digit"
)
SERVICE_RULE = (
    "a Service's name has 3 to 18 lowercase letters, digits and dashes, begins with a letter "
    "and ends with a letter or digit"
)


def complaints(world: World, wrong: Object) -> list[str]:
    """What kubectl says is wrong, item by item."""
    said = world.refusal(wrong)
    kind, name = wrong["kind"], wrong["metadata"]["name"]
    start = f'The {kind} "{name}" is invalid: '
    assert said.startswith(start), said
    return [line.removeprefix("* ") for line in said.removeprefix(start).strip().splitlines()]


@pytest.mark.parametrize(
    ("kind", "name", "rule"),
    [
        ("Organization", "1acme", ORGANIZATION_RULE),
        ("Organization", "a" * 41, ORGANIZATION_RULE),
        ("Project", "ab", PROJECT_RULE),
        ("Project", "1web", PROJECT_RULE),
        ("Project", "a" * 21, PROJECT_RULE),
        pytest.param("Project", "my-project", PROJECT_RULE, id="a dash would end its name"),
        pytest.param("Project", "kube-system", PROJECT_RULE, id="a namespace of Kubernetes"),
        pytest.param("Project", "setops-system", PROJECT_RULE, id="the operator's namespace"),
        ("Stage", "ab", STAGE_RULE),
        ("Stage", "pre-prod", STAGE_RULE),
        ("Stage", "a" * 13, STAGE_RULE),
        ("App", "ab", APP_RULE),
        ("App", "1web", APP_RULE),
        ("App", "web-", APP_RULE),
        ("App", "my.app", APP_RULE),
        ("App", "a" * 17, APP_RULE),
        ("Service", "db", SERVICE_RULE),
        ("Service", "store-", SERVICE_RULE),
        ("Service", "a" * 19, SERVICE_RULE),
    ],
)
def test_names_keep_the_platforms_rules(world: World, kind: str, name: str, rule: str) -> None:
    specs: Mapping[str, Mapping[str, Any]] = {
        "Organization": organization()["spec"],
        "Project": {"organization": "acme"},
        "Service": {"type": "s3"},
    }
    namespace = "" if kind in ("Organization", "Project") else "default"
    wrong = manifest(kind, name, specs.get(kind, {}), namespace)
    assert f"metadata.name: Invalid value: {rule}" in complaints(world, wrong)


NUMBERS = [
    ("resources.cpu", 0, "greater than or equal to 128"),
    ("resources.cpu", 192, "a multiple of 128"),
    ("resources.cpu", 196736, "less than or equal to 196608"),
    ("resources.memory", 0, "greater than or equal to 128"),
    ("resources.memory", 200, "a multiple of 128"),
    ("resources.memory", 3145856, "less than or equal to 3145728"),
    ("resources.scale", -1, "greater than or equal to 0"),
    ("resources.scale", 17, "less than or equal to 16"),
    ("network.port", 0, "greater than or equal to 1"),
    ("network.port", 65536, "less than or equal to 65535"),
]


@pytest.mark.parametrize(("path", "value", "bound"), NUMBERS)
def test_numbers_have_bounds_and_steps(world: World, path: str, value: int, bound: str) -> None:
    section, field = path.split(".")
    wrong = manifest("App", "web", {section: {field: value}}, "default")
    expected = f"spec.{path}: Invalid value: {value}: spec.{path} in body should be {bound}"
    assert expected in complaints(world, wrong)


@pytest.mark.parametrize(("path", "value", "bound"), NUMBERS[1::3])
def test_a_changeset_has_the_same_bounds(world: World, path: str, value: int, bound: str) -> None:
    section, field = path.split(".")
    definition = {"apps": {"web": {section: {field: value}}}}
    whole = f"spec.definition.apps.web.{path}"
    wrong = changeset("default", "numbers", definition=definition)
    expected = f"{whole}: Invalid value: {value}: {whole} in body should be {bound}"
    assert expected in complaints(world, wrong)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        pytest.param(
            {"resources": {"scale": "two"}},
            'spec.resources.scale: Invalid value: "string": spec.resources.scale in body must be '
            'of type integer: "string"',
            id="a word for a number",
        ),
        pytest.param(
            {"image": IMAGE, "activeRelease": 1, "releases": {"1": {"image": IMAGE}}},
            "spec: Invalid value: an App has either image or activeRelease",
            id="image and release",
        ),
        pytest.param(
            {"activeRelease": 2, "releases": {"1": {"image": IMAGE}}},
            "spec: Invalid value: activeRelease names a release that doesn't exist in releases",
            id="a release that isn't there",
        ),
        pytest.param(
            {"releases": {"01": {"image": IMAGE}}},
            "spec.releases: Invalid value: release '01' is not valid: releases are numbered "
            "1, 2, 3 and so on",
            id="a release that is no number",
        ),
        pytest.param(
            {"env": {"1KEY": {"value": "x"}}},
            "spec.env: Invalid value: env key '1KEY' is not valid: it begins with a letter or "
            "underscore, then letters, digits and underscores, at most 256",
            id="an env key that shells refuse",
        ),
        pytest.param(
            {"env": {"KEY": {}}},
            "spec.env[KEY]: Invalid value: an environment variable has either value or secretRef",
            id="a variable without a value",
        ),
        pytest.param(
            {"env": {"KEY": {"value": "x", "secretRef": {"name": "a", "key": "b"}}}},
            "spec.env[KEY]: Invalid value: an environment variable has either value or secretRef",
            id="a variable with two values",
        ),
        pytest.param(
            {"links": {"store": {}}},
            "spec.links[store]: Invalid value: a link has either envKey or, for a volume, path",
            id="a link that gives nothing",
        ),
        pytest.param(
            {"links": {"store": {"envKey": "PORT"}}},
            "spec.links[store]: Invalid value: envKey is one of the reserved keys "
            "APP_ENV_ID, PORT, PORTS, PROTOCOL",
            id="a link to a reserved key",
        ),
        pytest.param(
            {"network": {"protocol": "udp"}},
            'spec.network.protocol: Unsupported value: "udp": supported values: "http", "tcp"',
            id="a protocol that isn't there",
        ),
        pytest.param(
            {"network": {"protocol": "tcp", "healthCheck": {"path": "/"}}},
            "spec.network: Invalid value: network.healthCheck needs protocol http; "
            "with tcp the port itself is checked",
            id="an http check of a tcp App",
        ),
        pytest.param(
            {"domains": {"nodot": {}}},
            "spec.domains: Invalid value: domain 'nodot' is not valid: "
            "write a host name such as www.example.com",
            id="a domain that is none",
        ),
    ],
)
def test_an_app_that_makes_no_sense(world: World, spec: Object, complaint: str) -> None:
    assert complaint in complaints(world, manifest("App", "web", spec, "default"))


@pytest.mark.parametrize("key", ["APP_ENV_ID", "PORT", "PORTS", "PROTOCOL"])
def test_reserved_keys_are_the_platforms(world: World, key: str) -> None:
    wrong = manifest("App", "web", {"env": {key: {"value": "x"}}}, "default")
    expected = f"env key '{key}' is reserved by the platform; choose another name"
    assert complaints(world, wrong) == [f"spec.env: Invalid value: {expected}"]


@pytest.mark.parametrize(
    ("kind", "spec", "complaint"),
    [
        pytest.param(
            "Service",
            {"type": "mysql"},
            'spec.type: Unsupported value: "mysql": supported values: "postgresql", "redis", '
            '"s3", "volume", "elasticsearch", "mongodb", "documentdb"',
            id="a type that nobody knows",
        ),
        pytest.param(
            "Stage",
            {"podSecurity": "privileged"},
            'spec.podSecurity: Unsupported value: "privileged": '
            'supported values: "baseline", "restricted"',
            id="a Stage without Pod Security",
        ),
        pytest.param(
            "Notification",
            {"type": "email", "target": "nobody"},
            "spec: Invalid value: target must be an email address for type email",
            id="an address that is none",
        ),
        pytest.param(
            "Changeset",
            {"prune": True},
            "spec: Invalid value: prune needs a definition: "
            "it removes what the definition doesn't name",
            id="prune to nothing",
        ),
    ],
)
def test_other_kinds_that_make_no_sense(
    world: World, kind: str, spec: Object, complaint: str
) -> None:
    assert complaint in complaints(world, manifest(kind, "wrong", spec, "default"))


@pytest.mark.parametrize(
    ("kind", "spec", "field"),
    [
        ("App", {"colour": "red"}, "spec.colour"),
        ("App", {"resources": {"gpu": 1}}, "spec.resources.gpu"),
        ("Stage", {"quota": {"gpu": 1}}, "spec.quota.gpu"),
        ("Service", {"type": "s3", "options": {"colour": "red"}}, "spec.options.colour"),
        (
            "Changeset",
            {"definition": {"apps": {"web": {"colour": "red"}}}},
            "spec.definition.apps.web.colour",
        ),
    ],
)
def test_unknown_fields_are_refused_and_not_dropped(
    world: World, kind: str, spec: Object, field: str
) -> None:
    said = world.refusal(manifest(kind, "unknown", spec, "default"))
    assert said.endswith(f'strict decoding error: unknown field "{field}"'), said


@pytest.fixture(scope="module")
def stage(world: World) -> str:
    """The namespace of a Stage that all tests share which need one."""
    return world.stage("badinput")


def test_what_cannot_change_stays(world: World, stage: str) -> None:
    world.apply(manifest("App", "fixed", {"network": {"protocol": "tcp"}}, stage))
    world.apply(manifest("Service", "fixed", {"type": "redis"}, stage))
    changed = manifest("App", "fixed", {"network": {"protocol": "http"}}, stage)
    assert complaints(world, changed) == [
        'spec.network.protocol: Invalid value: "http": '
        "network.protocol can't be changed after the first commit; "
        "destroy the App and create it again"
    ]
    assert complaints(world, manifest("Service", "fixed", {"type": "s3"}, stage)) == [
        'spec.type: Invalid value: "s3": '
        "type can't be changed; create a Service under another name"
    ]


def test_all_errors_of_a_changeset_are_told(world: World, stage: str) -> None:
    world.apply(manifest("App", "fixed", {"network": {"protocol": "tcp"}}, stage))
    ended = world.commit(
        stage,
        "app:create web",
        "--app web resource:set cpu 100",
        "app:create web",
        "--app nope resource:set scale 2",
        "app:create 1x",
        "frobnicate",
        "--app web release:activate 7",
        "--app web link:create store --env-key STORE_URL",
        "--app web env:set PORT=1",
        "--app web resource:set scale two",
        name="errors",
    )
    assert ended["status"]["phase"] == "Failed"
    told = [
        (error["command"], error["validator"], error["code"], error.get("field"))
        for error in ended["status"]["errors"]
    ]
    assert told == [
        (1, "multiple_of_invalid", "ValidationFailed", "apps.web.resources.cpu"),
        (2, "taken", "AppAlreadyExists", "apps.web"),
        (3, "not_found", "AppDoesNotExist", "apps.nope"),
        (4, "invalid_format", "AppNameInvalid", "apps.1x"),
        (5, "not_included", "ValidationFailed", None),
        (6, "not_found", "ReleaseDoesNotExist", "apps.web.releases.7"),
        (7, "not_found", "ServiceDoesNotExist", "apps.web.links.store"),
        (8, "included", "ValidationFailed", "apps.web.env.PORT"),
        (9, "not_an_integer", "ValidationFailed", "apps.web.resources.scale"),
    ]
    messages = [error["message"] for error in ended["status"]["errors"]]
    assert messages[:4] == [
        "apps.web.resources.cpu is 100; it must be a multiple of 128: use 128 or more",
        "App 'web' exists already; choose another name or change the one there is",
        "App 'nope' doesn't exist; there are: fixed, web",
        f"'1x' is not a valid name: {APP_RULE}",
    ]
    said = world.says("scs", "errors", stage, "Failed", "ChangesetInvalid")
    assert said.startswith("9 errors: commands[1]: apps.web.resources.cpu is 100;"), said
    assert said.endswith("; …; nothing was changed"), said
    assert [item["metadata"]["name"] for item in world.list("sapp", stage)] == ["fixed"]


UNSUPPORTED = "services of type redis are currently not supported; supported: postgresql, s3"


def test_an_unsupported_service_through_a_changeset(world: World, stage: str) -> None:
    ended = world.commit(stage, "service:create base --type redis")
    assert ended["status"]["phase"] == "Failed"
    assert ended["status"]["errors"] == [
        {
            "category": "ValidationError",
            "code": "CurrentlyNotSupported",
            "command": 0,
            "field": "services.base.type",
            "message": f"Service 'base': {UNSUPPORTED}",
            "validator": "not_included",
        }
    ]
    assert world.get("ssvc", "base", stage) is None


def test_an_unsupported_service_by_kubectl(world: World, stage: str) -> None:
    world.apply(manifest("Service", "base", {"type": "redis"}, stage))
    assert world.says("ssvc", "base", stage, "Stalled", "CurrentlyNotSupported") == UNSUPPORTED


def test_a_namespace_of_somebody_else_is_not_touched(world: World) -> None:
    theirs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "badinput-taken"}}
    world.apply(theirs)
    before = world.get("namespace", "badinput-taken")
    world.stage("badinput")
    world.apply(manifest("Stage", "taken", {}, "badinput"))
    assert world.says("sstage", "taken", "badinput", "Stalled", "NamespaceTaken") == (
        "namespace 'badinput-taken' exists and isn't ours; remove it, or label it "
        "setops.co/project=badinput and setops.co/stage=taken to hand it over, "
        "for which you need the verb adopt on stages.setops.co"
    )
    assert world.get("namespace", "badinput-taken") == before
    assert not world.list("networkpolicies", "badinput-taken")

    labels = ("setops.co/project=badinput", "setops.co/stage=taken")
    world.sandbox.kubectl("label", "namespace", "badinput-taken", *labels)
    world.wait("sstage", "taken", "badinput")
    assert world.list("networkpolicies", "badinput-taken")


def test_a_namespace_of_somebody_else_that_goes_makes_room(world: World) -> None:
    theirs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "badinputtwo"}}
    world.apply(organization(), theirs)
    world.apply(manifest("Project", "badinputtwo", {"organization": "acme"}))
    said = world.says("project.setops.co", "badinputtwo", "", "Stalled", "NamespaceTaken")
    assert said == (
        "namespace 'badinputtwo' exists and isn't ours; remove it, or label it "
        "setops.co/project=badinputtwo to hand it over, "
        "for which you need the verb adopt on stages.setops.co"
    )
    world.delete("namespace", "badinputtwo")
    world.wait("project.setops.co", "badinputtwo")


def test_the_clusters_own_namespaces_are_refused(world: World) -> None:
    """No name rule can know them all: a Project and a Stage together may spell one."""
    world.apply(organization(), manifest("Project", "default", {"organization": "acme"}))
    said = world.says("project.setops.co", "default", "", "Stalled", "NamespaceReserved")
    assert said == "namespace 'default' is reserved; choose another name"
    spelled = {"kube": "kube-system", "setops": "setops-system"}
    before = {name: world.get("namespace", name) for name in spelled.values()}
    for project, namespace in spelled.items():
        world.apply(manifest("Project", project, {"organization": "acme"}))
        world.wait("project.setops.co", project)
        world.apply(manifest("Stage", "system", {}, project))
        said = world.says("sstage", "system", project, "Stalled", "NamespaceReserved")
        assert said == f"namespace {namespace!r} is reserved; choose another name"
    world.delete("project.setops.co", "default", *spelled)
    for project in ("default", *spelled):
        world.gone("project.setops.co", project)
    assert before == {name: world.get("namespace", name) for name in spelled.values()}
    assert world.get("namespace", "default") is not None


def test_an_organization_may_come_later(world: World) -> None:
    world.apply(manifest("Project", "orphan", {"organization": "later"}))
    said = world.says("project.setops.co", "orphan", "", "Reconciling", "OrganizationDoesNotExist")
    assert said == (
        "Organization 'later' doesn't exist; create it, or name one that does in spec.organization"
    )
    assert world.get("namespace", "orphan") is None
    world.apply(organization("later"))
    world.wait("project.setops.co", "orphan")


def test_a_stage_needs_a_project(world: World) -> None:
    world.apply(manifest("Stage", "lost", {}, "default"))
    assert world.says("sstage", "lost", "default", "Stalled", "ProjectDoesNotExist") == (
        "namespace 'default' belongs to no Project; "
        "put the Stage into the namespace that the Project names in its status"
    )
    world.delete("sstage", "lost", namespace="default")
    world.gone("sstage", "lost", "default")


@pytest.mark.parametrize(
    ("kind", "what", "spec"),
    [
        ("App", "sapp", {}),
        ("Service", "ssvc", {"type": "s3"}),
        ("Notification", "snotify", {"type": "email", "target": "dev@example.com"}),
    ],
)
def test_what_a_stage_consists_of_needs_a_stage(
    world: World, kind: str, what: str, spec: Object
) -> None:
    world.apply(manifest(kind, "lost", spec, "default"))
    assert world.says(what, "lost", "default", "Stalled", "StageDoesNotExist") == (
        "namespace 'default' belongs to no Stage; "
        "put the object into the namespace that the Stage names in its status"
    )
    world.delete(what, "lost", namespace="default")
    world.gone(what, "lost", "default")


def test_a_changeset_needs_a_stage(world: World) -> None:
    world.apply(changeset("default", "lost", "app:create web"))
    assert world.says("scs", "lost", "default", "!Ready", "StageDoesNotExist") == (
        "namespace 'default' belongs to no Stage; "
        "put the object into the namespace that the Stage names in its status"
    )
    world.delete("scs", "lost", namespace="default")
    world.gone("scs", "lost", "default")
