"""Hashes that recognise the same content."""

from __future__ import annotations

import re
from typing import Any

from setops.api.changeset import ChangesetSpec
from setops.changes.digest import content_hash, definition_hash
from tests.unit.changes.definitions import stage


def test_the_order_of_maps_does_not_count() -> None:
    one = stage(apps={"web": {}, "api": {}})
    other = stage(apps={"api": {"resources": {"cpu": 128}}, "web": {}})
    assert definition_hash(one) == definition_hash(other)
    assert re.fullmatch("[0-9a-f]{64}", definition_hash(one))


def test_content_is_commands_definition_and_prune() -> None:
    spec = ChangesetSpec(commands=["app:create web"], definition={"apps": {}})
    same = spec.model_copy(update={"user": "dev", "message": "why", "commit": True, "timeout": 5})
    assert content_hash(same) == content_hash(spec)
    updates: list[dict[str, Any]] = [{"commands": []}, {"definition": None}, {"prune": True}]
    for update in updates:
        assert content_hash(spec.model_copy(update=update)) != content_hash(spec)


def test_the_order_of_commands_counts() -> None:
    one = ChangesetSpec(commands=["app:create web", "app:create api"])
    other = ChangesetSpec(commands=["app:create api", "app:create web"])
    assert content_hash(one) != content_hash(other)
