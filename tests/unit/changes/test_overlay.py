"""The definition part of a Changeset: merged by field, or taken as the whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition
from setops.api.section import APPS
from setops.changes.fold import Folded, fold
from tests.unit.changes.definitions import CONTEXT, DEFINITIONS, stage

BASE = stage(
    apps={
        "web": {
            "image": "nginx:1",
            "container": {"command": ["a", "b"]},
            "resources": {"memory": 512, "scale": 3},
            "env": {
                "A": {"value": "1", "description": "one"},
                "B": {"secretRef": {"name": "creds", "key": "b"}},
            },
            "links": {"files": {"path": "/files", "readOnly": True}},
        },
        "worker": {},
    },
    services={"files": {"type": "volume"}, "store": {"type": "s3"}},
)


def merged(definition: dict[str, Any], base: StageDefinition = BASE) -> Folded:
    return fold(base, ChangesetSpec(definition=definition), CONTEXT)


def pruned(definition: dict[str, Any], base: StageDefinition = BASE) -> Folded:
    return fold(base, ChangesetSpec(definition=definition, prune=True), CONTEXT)


@given(DEFINITIONS)
def test_a_stages_own_definition_changes_nothing(base: StageDefinition) -> None:
    assert merged(base.to_json(), base) == Folded(base, ())
    assert pruned(base.to_json(), base) == Folded(base, ())
    assert merged({}, base) == Folded(base, ())


@given(DEFINITIONS)
def test_pruning_by_an_empty_definition_leaves_nothing(base: StageDefinition) -> None:
    assert pruned({}, base) == Folded(StageDefinition(), ())


def test_what_is_not_named_stays() -> None:
    folded = merged({"apps": {"web": {"resources": {"scale": 4}, "env": {"C": {"value": "3"}}}}})
    assert folded.problems == ()
    web, before = folded.definition.apps["web"], BASE.apps["web"]
    assert web.resources.memory == 512
    assert web.resources.scale == 4
    assert set(web.env or ()) == {"A", "B", "C"}
    assert web.container == before.container
    assert folded.definition.services == BASE.services


def test_lists_are_replaced() -> None:
    folded = merged({"apps": {"web": {"container": {"command": ["c"]}}}})
    container = folded.definition.apps["web"].container
    assert container is not None
    assert container.command == ["c"]


def test_naming_one_of_two_alternatives_takes_the_others_place() -> None:
    web = {
        "releases": {"1": {"image": "nginx:2"}},
        "activeRelease": 1,
        "env": {
            "A": {"secretRef": {"name": "creds", "key": "a"}},
            "B": {"value": "plain"},
        },
        "links": {"files": {"envKey": "FILES"}},
    }
    folded = merged({"apps": {"web": web}, "services": {}})
    assert [problem.field for problem in folded.problems] == ["apps.web.links.files"]
    after = folded.definition.apps["web"].to_json()
    assert "image" not in after
    assert after["env"] == {
        "A": {"secretRef": {"name": "creds", "key": "a"}, "description": "one"},
        "B": {"value": "plain"},
    }
    assert after["links"] == {"files": {"envKey": "FILES"}}


def test_pruning_takes_entries_and_fields_that_are_not_named() -> None:
    folded = pruned({"apps": {"web": {"image": "nginx:1"}}, "services": {"store": {"type": "s3"}}})
    assert folded == Folded(
        stage(apps={"web": {"image": "nginx:1"}}, services={"store": {"type": "s3"}}), ()
    )


def test_pruning_takes_away_nothing_that_is_only_written_wrongly() -> None:
    folded = pruned({"apps": {"web": 3, "worker": {}}, "services": []})
    assert folded.definition == BASE.model_copy(update={"notifications": {}})
    assert [problem.field for problem in folded.problems] == ["apps.web", "services"]


def test_a_full_stage_can_be_replaced_as_a_whole() -> None:
    full = stage(apps={f"old{number}": {} for number in range(APPS.limit)})
    folded = pruned({"apps": {f"new{number}": {} for number in range(APPS.limit)}}, full)
    assert folded.problems == ()
    assert len(folded.definition.apps) == APPS.limit


def test_the_commands_come_after_the_definition() -> None:
    spec = ChangesetSpec(
        definition={"apps": {"api": {}}}, commands=["--app api resource:set scale 5"]
    )
    folded = fold(BASE, spec, CONTEXT)
    assert folded.problems == ()
    assert folded.definition.apps["api"].resources.scale == 5


@pytest.mark.parametrize("prune", [False, True])
def test_an_entry_that_fails_stays_and_nothing_follows_from_it(prune: bool) -> None:
    spec = ChangesetSpec(
        definition={
            "apps": {
                "web": {"resources": {"memory": 100}},
                "fresh": {"resources": {"memory": 100}},
                "good": {},
            }
        },
        prune=prune,
        commands=["--app fresh resource:set scale 2", "--app good link:create store --env-key S"],
    )
    base = stage(apps={"web": {}}, services={"store": {"type": "s3"}})
    if prune:
        spec = spec.model_copy(
            update={
                "definition": {**(spec.definition or {}), "services": {"store": {"type": "s3"}}}
            }
        )
    folded = fold(base, spec, CONTEXT)
    assert [problem.field for problem in folded.problems] == [
        "apps.web.resources.memory",
        "apps.fresh.resources.memory",
    ]
    assert all(problem.command is None for problem in folded.problems)
    assert set(folded.definition.apps) == {"web", "good"}
