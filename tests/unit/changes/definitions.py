"""Random Stage definitions and Changeset lines, small enough that things meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from setops.api.app import AppSpec
from setops.api.definition import StageDefinition, load
from setops.api.notification import NotificationSpec
from setops.api.service import ServiceSpec
from setops.language.command import CommandContext

CONTEXT = CommandContext("acme", "shop", "production", "registry.example.com")
DIGEST = "sha256:" + "ab" * 32

APP_NAMES = st.sampled_from(["web", "worker", "api"])
SERVICE_NAMES = st.sampled_from(["store", "files", "cache"])
KEYS = st.sampled_from(["A", "B_C", "URL"])
WORDS = st.lists(st.sampled_from(["sh", "-c", "a b", "", "--"]), max_size=3)
IMAGES = st.sampled_from(["nginx", "nginx:1", f"r.example.com:5000/a/b@{DIGEST}"])
SECRETS = st.fixed_dictionaries({"name": st.just("creds"), "key": st.sampled_from(["a", "b"])})


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A map with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


ENV = st.one_of(
    st.fixed_dictionaries(
        {"value": st.text("xy$'é\n", max_size=3)}, optional={"description": st.text(max_size=2)}
    ),
    st.fixed_dictionaries({"secretRef": SECRETS}, optional={"description": st.just("d")}),
)
LINKS = st.one_of(
    st.fixed_dictionaries({"envKey": st.sampled_from(["L1", "L2"])}),
    st.fixed_dictionaries({"path": st.just("/data")}, optional={"readOnly": st.booleans()}),
)
HTTP = some(
    public=st.booleans(),
    port=st.integers(1, 65535),
    healthCheck=some(path=st.just("/up"), status=st.sampled_from(["200-299,301", "200-399"])),
)
TCP = st.builds(lambda raw: {"protocol": "tcp", **raw}, some(public=st.booleans()))


@st.composite
def apps(draw: st.DrawFn) -> AppSpec:
    """Any valid App."""
    raw = draw(
        some(
            container=some(
                command=WORDS,
                entrypoint=WORDS,
                healthCheck=st.fixed_dictionaries(
                    {"command": st.just(["true"])},
                    optional={"interval": st.integers(1, 30), "startPeriod": st.integers(0, 60)},
                ),
            ),
            network=st.one_of(HTTP, TCP),
            resources=some(
                cpu=st.sampled_from([128, 1024]),
                memory=st.sampled_from([128, 512]),
                scale=st.integers(0, 16),
            ),
            env=st.dictionaries(KEYS, ENV, max_size=3),
            links=st.dictionaries(SERVICE_NAMES, LINKS, max_size=2),
            releases=st.dictionaries(
                st.sampled_from(["1", "2", "7"]), st.fixed_dictionaries({"image": IMAGES})
            ),
            domains=st.one_of(
                st.dictionaries(st.sampled_from(["a.example.com", "b.example.com"]), some()),
                st.just({"a.example.com": {"primary": True}, "*.example.com": {}}),
            ),
            schedule=st.dictionaries(
                st.sampled_from(["night", "day"]),
                st.fixed_dictionaries(
                    {"at": st.just("07:30"), "scale": st.integers(0, 16)},
                    optional={"weekdays": st.just(["Mon", "Sun"])},
                ),
            ),
        )
    )
    running = draw(st.sampled_from(["", "image", *(raw.get("releases") or ())]))
    if running == "image":
        raw["image"] = draw(IMAGES)
    elif running:
        raw["activeRelease"] = int(running)
    return AppSpec.model_validate(raw)


SERVICES: st.SearchStrategy[ServiceSpec] = st.builds(
    ServiceSpec.model_validate,
    st.fixed_dictionaries(
        {"type": st.sampled_from(["s3", "redis", "volume"])},
        optional={
            "deletionPolicy": st.sampled_from(["Retain", "Delete"]),
            "options": some(
                blockPublicAccess=st.booleans(),
                minStorage=st.just(20),
                extensions=st.lists(st.sampled_from(["pg_trgm", "uuid-ossp"]), max_size=2),
            ),
            "version": st.just("7.x"),
            "plan": st.just("cache.t3.micro"),
            "backupRetentionDays": st.integers(0, 35),
        },
    ),
)
NOTIFICATIONS: st.SearchStrategy[NotificationSpec] = st.sampled_from(
    [
        NotificationSpec(type="email", target="ops@example.com"),
        NotificationSpec(type="webhook", target="https://example.com/hook"),
    ]
)
DEFINITIONS: st.SearchStrategy[StageDefinition] = st.builds(
    StageDefinition,
    apps=st.dictionaries(APP_NAMES, apps(), max_size=3),
    services=st.dictionaries(SERVICE_NAMES, SERVICES, max_size=3),
    notifications=st.dictionaries(st.sampled_from(["ops", "dev"]), NOTIFICATIONS, max_size=2),
)


def lines(min_size: int = 0) -> st.SearchStrategy[list[str]]:
    """Commands, most of them right and some of them not."""
    app = st.builds("--app {} {}".format, APP_NAMES, st.sampled_from(_APP_LINES))
    stage = st.builds("{}".format, st.sampled_from(_STAGE_LINES))
    return st.lists(st.one_of(app, app, stage), min_size=min_size, max_size=12)


_APP_LINES = [
    "container:set command -- sh -c 'a b'",
    "container:set entrypoint -- sh",
    "container:unset command",
    "container:set health-check --interval 5 -- true",
    "container:set port 3000",
    "container:unset health-check",
    "network:set protocol tcp",
    "network:set health-check-path /up",
    "network:unset health-check-path",
    "resource:set scale 3",
    "resource:set memory 100",
    "resource:unset scale",
    "env:set A=1 B_C",
    "env:set URL --secret creds/a",
    "env:set URL=x",
    "env:unset A",
    "env:unset URL",
    "link:create store --env-key L1",
    "link:create cache --env-key A",
    "link:destroy store",
    f"release:create {DIGEST}",
    "release:create nope@sha256:1",
    "release:activate 1",
    "domain:create a.example.com --primary",
    "domain:destroy a.example.com",
]
_STAGE_LINES = [
    "app:create web",
    "app:create api",
    "app:create No",
    "app:destroy web",
    "service:create store --type s3",
    "service:create cache --type redis",
    "service:destroy store",
    "--service store option:set blockPublicAccess false",
    "notification:create ops --type email --target ops@example.com",
    "notification:destroy ops",
    "'",
]


def stage(**sections: Any) -> StageDefinition:
    """A definition from JSON in the resources' spelling."""
    return load(sections)
