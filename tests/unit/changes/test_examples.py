"""The example of every command folds, and does what it is there for."""

from __future__ import annotations

from typing import Any

import pytest

from setops.api.changeset import ChangesetSpec
from setops.changes.diff import Action, diff
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


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_example_changes_what_it_names_and_nothing_else(command: Command) -> None:
    undoes = command.name.endswith((":unset", ":destroy"))
    base = BASES.get(command.key, FULL if undoes else PLAIN)
    folded = fold(base, ChangesetSpec(commands=[command.example]), CONTEXT)
    assert folded.problems == ()
    (change,) = diff(base, folded.definition)
    kind, name = _subject(command)
    assert (change.kind, change.name) == (kind, name)
    if change.action is Action.UPDATE:
        places = {_place(delta.path) for delta in change.fields}
        assert len(places) == 1, "an example shows one thing"


def _subject(command: Command) -> tuple[str, str]:
    family = command.name.split(":")[0]
    return {
        "service": ("Service", "store"),
        "option": ("Service", "store"),
        "notification": ("Notification", "ops"),
    }.get(family, ("App", "web"))


def _place(path: tuple[str, ...]) -> tuple[str, ...]:
    """Without the fields of one thing, such as a domain or a health check."""
    return path[:2]
