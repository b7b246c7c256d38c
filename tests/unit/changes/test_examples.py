"""The example of every command folds, and does exactly what the command is there for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from setops.api.changeset import ChangesetSpec
from setops.changes.diff import diff
from setops.changes.fold import fold
from setops.language.command import Command
from setops.language.table import COMMANDS
from tests.unit.changes.definitions import CONTEXT, stage

STORE = {"store": {"type": "s3"}}
MAIL = {"ops": {"type": "email", "target": "ops@example.com"}}
# Each command finds what it changes: the plain App for what is set and created, the one where all
# is set for what is unset and destroyed.
PLAIN = stage(apps={"web": {"releases": {"3": {"image": "nginx:3"}}}}, services=STORE)
FULL = stage(
    apps={
        "web": {
            "container": {
                "command": ["a"],
                "entrypoint": ["b"],
                "healthCheck": {"command": ["true"]},
            },
            "network": {
                "public": True,
                "port": 80,
                "healthCheck": {"path": "/up", "status": "200"},
            },
            "resources": {"cpu": 1024, "memory": 1024, "scale": 9},
            "env": {"RAILS_ENV": {"value": "test"}},
            "links": {"store": {"envKey": "STORE_URL"}},
            "domains": {"www.example.com": {}},
        }
    },
    services={"store": {"type": "s3", "options": {"blockPublicAccess": False}}},
    notifications=MAIL,
)
BASES: dict[str, Any] = {
    "app:create": stage(),
    "app:destroy": FULL,
    "network:unset protocol": stage(apps={"web": {"network": {"protocol": "tcp"}}}),
    "service:create": stage(),
    "service:destroy": stage(services=STORE),
    "notification:create": stage(),
}


Fields = Mapping[str, tuple[Any, Any]]
EFFECTS: dict[str, tuple[str, Fields]] = {
    "app:create": ("create App web", {}),
    "app:destroy": ("destroy App web", {}),
    "container:set command": (
        "update App web",
        {"container.command": (None, ["bundle", "exec", "puma", "-b", "tcp://0.0.0.0:9292"])},
    ),
    "container:set entrypoint": (
        "update App web",
        {"container.entrypoint": (None, ["bundle", "exec", "puma", "-b", "tcp://0.0.0.0:9292"])},
    ),
    "container:set health-check": (
        "update App web",
        {
            "container.healthCheck.command": (None, ["curl", "-f", "localhost:3000"]),
            "container.healthCheck.interval": (None, 5),
            "container.healthCheck.retries": (None, 5),
            "container.healthCheck.startPeriod": (None, 15),
            "container.healthCheck.timeout": (None, 10),
        },
    ),
    "container:unset command": ("update App web", {"container.command": (["a"], None)}),
    "container:unset entrypoint": ("update App web", {"container.entrypoint": (["b"], None)}),
    "container:unset health-check": (
        "update App web",
        {
            "container.healthCheck.command": (["true"], None),
            "container.healthCheck.interval": (10, None),
            "container.healthCheck.retries": (5, None),
            "container.healthCheck.startPeriod": (15, None),
            "container.healthCheck.timeout": (10, None),
        },
    ),
    "container:set port": ("update App web", {"network.port": (5000, 3000)}),
    "container:unset port": ("update App web", {"network.port": (80, 5000)}),
    "network:set protocol": ("replace App web", {"network.protocol": ("http", "tcp")}),
    "network:set public": ("update App web", {"network.public": (False, True)}),
    "network:set port": ("update App web", {"network.port": (5000, 3000)}),
    "network:set health-check-path": (
        "update App web",
        {"network.healthCheck.path": (None, "/healthz")},
    ),
    "network:set health-check-status": (
        "update App web",
        {"network.healthCheck.status": (None, "200-299,301")},
    ),
    "network:unset protocol": ("replace App web", {"network.protocol": ("tcp", "http")}),
    "network:unset public": ("update App web", {"network.public": (True, False)}),
    "network:unset port": ("update App web", {"network.port": (80, 5000)}),
    "network:unset health-check-path": (
        "update App web",
        {"network.healthCheck.path": ("/up", None)},
    ),
    "network:unset health-check-status": (
        "update App web",
        {"network.healthCheck.status": ("200", None)},
    ),
    "resource:set cpu": ("update App web", {"resources.cpu": (128, 256)}),
    "resource:set memory": ("update App web", {"resources.memory": (256, 512)}),
    "resource:set scale": ("update App web", {"resources.scale": (1, 2)}),
    "resource:unset cpu": ("update App web", {"resources.cpu": (1024, 128)}),
    "resource:unset memory": ("update App web", {"resources.memory": (1024, 256)}),
    "resource:unset scale": ("update App web", {"resources.scale": (9, 1)}),
    "env:set": (
        "update App web",
        {
            "env.RAILS_ENV.description": (None, "Mode of the framework"),
            "env.RAILS_ENV.value": (None, "production"),
        },
    ),
    "env:unset": ("update App web", {"env.RAILS_ENV.value": ("test", None)}),
    "domain:create": ("update App web", {"domains.www.example.com.primary": (None, True)}),
    "domain:destroy": ("update App web", {"domains.www.example.com.primary": (False, None)}),
    "link:create": ("update App web", {"links.store.envKey": (None, "STORE_URL")}),
    "link:destroy": ("update App web", {"links.store.envKey": ("STORE_URL", None)}),
    "release:create": (
        "update App web",
        {"releases.4.image": (None, "registry.example.com/web:1.4.2")},
    ),
    "release:activate": ("update App web", {"activeRelease": (None, 3)}),
    "service:create": ("create Service store", {"type": (None, "s3")}),
    "service:destroy": ("destroy Service store", {}),
    "option:set": ("update Service store", {"options.blockPublicAccess": (None, False)}),
    "option:unset": ("update Service store", {"options.blockPublicAccess": (False, None)}),
    "notification:create": (
        "create Notification ops",
        {"target": (None, "ops@example.com"), "type": (None, "email")},
    ),
    "notification:destroy": ("destroy Notification ops", {}),
}


def test_every_command_has_an_example_that_is_followed() -> None:
    assert EFFECTS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_example_does_what_it_says_and_nothing_else(command: Command) -> None:
    undoes = command.name.endswith((":unset", ":destroy"))
    base = BASES.get(command.key, FULL if undoes else PLAIN)
    folded = fold(base, ChangesetSpec(commands=[command.example]), CONTEXT)
    assert folded.problems == ()
    (change,) = diff(base, folded.definition)
    fields = {".".join(delta.path): (delta.before, delta.after) for delta in change.fields}
    assert (f"{change.action} {change.kind} {change.name}", fields) == EFFECTS[command.key]


HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("written", "image"),
    [
        (f"sha256:{HASH}", f"registry.example.com/acme/shop/production/web@sha256:{HASH}"),
        (f"nginx@sha256:{HASH}", f"nginx@sha256:{HASH}"),
        (
            f"other.example.com:5000/a/b:1@sha256:{HASH}",
            f"other.example.com:5000/a/b:1@sha256:{HASH}",
        ),
        ("nginx", "nginx"),
        ("nginx:1.27", "nginx:1.27"),
        ("other.example.com/a/b", "other.example.com/a/b"),
    ],
)
def test_a_release_is_of_the_organizations_image_or_of_the_one_named(
    written: str, image: str
) -> None:
    spec = ChangesetSpec(commands=[f"--app web release:create {written}"])
    folded = fold(stage(apps={"web": {}}), spec, CONTEXT)
    assert folded.problems == ()
    releases = folded.definition.apps["web"].releases or {}
    assert {number: release.image for number, release in releases.items()} == {"1": image}
