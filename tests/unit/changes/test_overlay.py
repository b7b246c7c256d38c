"""The definition part of a Changeset: merged by field, or taken as the whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from setops.api.changeset import ChangesetSpec
from setops.api.definition import MAX_APPS, StageDefinition
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
    full = stage(apps={f"old{number}": {} for number in range(MAX_APPS)})
    folded = pruned({"apps": {f"new{number}": {} for number in range(MAX_APPS)}}, full)
    assert folded.problems == ()
    assert len(folded.definition.apps) == MAX_APPS


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


REFUSALS = [
    (
        {"app": {}},
        (
            "ValidationFailed",
            "not_included",
            "app",
            "a definition has no 'app'; did you mean apps?",
        ),
    ),
    ({"apps": []}, ("ValidationFailed", "invalid", "apps", "apps must be a map by name")),
    (
        {"apps": {"web": 3}},
        ("ValidationFailed", "invalid", "apps.web", "apps.web must be a map of fields"),
    ),
    (
        {"apps": {"web": {"resources": {"scal": 3}}}},
        (
            "ValidationFailed",
            "not_included",
            "apps.web.resources.scal",
            "there is no field apps.web.resources.scal; did you mean scale?",
        ),
    ),
    (
        {"apps": {"web": {"active_release": 1}}},
        (
            "ValidationFailed",
            "not_included",
            "apps.web.active_release",
            "there is no field apps.web.active_release; did you mean activeRelease?",
        ),
    ),
    (
        {"apps": {"web": {"resources": {"scale": "3"}}}},
        (
            "ValidationFailed",
            "not_an_integer",
            "apps.web.resources.scale",
            "apps.web.resources.scale is '3'; it must be a whole number",
        ),
    ),
    (
        {"apps": {"web": {"network": {"public": "yes"}}}},
        (
            "ValidationFailed",
            "not_included",
            "apps.web.network.public",
            "apps.web.network.public is 'yes'; use true or false",
        ),
    ),
    (
        {"apps": {"web": {"env": {"D": {"value": 1}}}}},
        (
            "ValidationFailed",
            "invalid",
            "apps.web.env.D.value",
            "apps.web.env.D.value is 1; it must be text; put numbers, true and false in quotes",
        ),
    ),
    (
        {"apps": {"web": {"env": {"PORT": {"value": "1"}}}}},
        (
            "ValidationFailed",
            "included",
            "apps.web.env.PORT",
            "env key 'PORT' is reserved by the platform; choose another name",
        ),
    ),
    (
        {"apps": {"web": {"container": {"command": "ls"}}}},
        (
            "ValidationFailed",
            "invalid",
            "apps.web.container.command",
            "apps.web.container.command is 'ls'; it must be a list",
        ),
    ),
    (
        {"apps": {"web": {"container": {"command": None}}}},
        (
            "ValidationFailed",
            "invalid",
            "apps.web.container.command",
            "apps.web.container.command is null; leave it out, or take it away by a command or "
            "with prune",
        ),
    ),
    (
        {"apps": {"web": {"releases": {"v1": {"image": "nginx"}}}}},
        (
            "ValidationFailed",
            "invalid_format",
            "apps.web.releases.v1",
            "'v1' is not a valid release: releases are numbered 1, 2, 3 and so on",
        ),
    ),
    (
        {"apps": {"web": {"domains": {"Host": {}}}}},
        (
            "ValidationFailed",
            "invalid_format",
            "apps.web.domains.Host",
            "'Host' is not a valid domain: write a host name such as www.example.com",
        ),
    ),
    (
        {"apps": {"No": {}}},
        (
            "AppNameInvalid",
            "invalid_format",
            "apps.No",
            "'No' is not a valid name: an App's name has 3 to 16 lowercase letters, digits and "
            "dashes, begins with a letter and ends with a letter or digit",
        ),
    ),
    (
        {"services": {"cache": {"type": "redis"}}},
        (
            "CurrentlyNotSupported",
            "not_included",
            "services.cache.type",
            "Service 'cache': services of type redis are currently not supported; supported: s3",
        ),
    ),
    (
        {"services": {"more": {}}},
        (
            "ValidationFailed",
            "required",
            "services.more.type",
            "services.more.type is missing; what it is. Can't be changed later",
        ),
    ),
    (
        {"services": {"files": {"type": "s3"}}},
        (
            "ValidationFailed",
            "invalid",
            "services.files.type",
            "Service 'files' is of type volume, which can't become s3; create a Service under "
            "another name",
        ),
    ),
]


@pytest.mark.parametrize(("definition", "problem"), REFUSALS)
def test_a_wrong_definition_is_refused(
    definition: dict[str, Any], problem: tuple[str, str, str, str]
) -> None:
    found = [
        (problem.code.value, problem.validator.value, problem.field, problem.message)
        for problem in merged(definition).problems
        if "links" not in problem.field
    ]
    assert found == [problem]
