"""Folding commands over a definition: results, all errors at once, and what isn't reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given

from setops.api.app import MAX_RELEASES
from setops.api.changeset import MAX_COMMANDS, ChangesetSpec
from setops.api.definition import StageDefinition
from setops.api.errors import Problem
from setops.changes.digest import content_hash
from setops.changes.fold import Folded, fold
from setops.language.command import CommandContext
from tests.unit.changes.definitions import CONTEXT, DEFINITIONS, DIGEST, lines, stage

EMPTY = stage()
STORE = {"store": {"type": "s3"}}


def after(commands: Sequence[str], base: StageDefinition = EMPTY) -> dict[str, Any]:
    """Where commands without a problem lead, as JSON."""
    folded = folded_by(commands, base)
    assert not folded.problems
    return folded.definition.to_json()


def folded_by(commands: Sequence[str], base: StageDefinition = EMPTY) -> Folded:
    return fold(base, ChangesetSpec(commands=list(commands)), CONTEXT)


def brief(problem: Problem) -> tuple[int | None, str, str]:
    return problem.command, problem.field, problem.code.value


@given(DEFINITIONS, lines())
def test_folding_is_deterministic_and_leaves_its_input(
    base: StageDefinition, commands: list[str]
) -> None:
    copy = base.model_copy(deep=True)
    spec = ChangesetSpec(commands=commands)
    first, second = fold(base, spec, CONTEXT), fold(base, spec, CONTEXT)
    assert first == second
    assert base == copy
    assert content_hash(spec) == content_hash(spec.model_copy(deep=True))


@given(DEFINITIONS, lines())
def test_what_is_right_is_kept_when_the_rest_is_wrong(
    base: StageDefinition, commands: list[str]
) -> None:
    folded = fold(base, ChangesetSpec(commands=commands), CONTEXT)
    wrong = {problem.command for problem in folded.problems}
    right = [line for index, line in enumerate(commands) if index not in wrong]
    # What only shows at the end is laid at the door of a command that is right by itself.
    if not any("links" in p.field or "can't become" in p.message for p in folded.problems):
        again = fold(base, ChangesetSpec(commands=right), CONTEXT)
        assert again.definition == folded.definition or "release:create" in " ".join(commands)


@given(DEFINITIONS, lines())
def test_the_result_is_valid(base: StageDefinition, commands: list[str]) -> None:
    definition = fold(base, ChangesetSpec(commands=commands), CONTEXT).definition
    assert StageDefinition.model_validate(definition.to_json(), strict=True) == definition


def test_the_platforms_own_example() -> None:
    commands = [
        "app:create web",
        f"--app web release:create {DIGEST}",
        "--app web release:activate 1",
        "--app web container:set port 3000",
        "--app web resource:set memory 512",
        "--app web env:set RAILS_ENV=production MAINTENANCE",
        "service:create store --type s3",
        "--app web link:create store --env-key STORE_URL",
    ]
    assert after(commands) == {
        "apps": {
            "web": {
                "releases": {
                    "1": {"image": f"registry.example.com/acme/shop/production/web@{DIGEST}"}
                },
                "activeRelease": 1,
                "network": {"protocol": "http", "public": False, "port": 3000},
                "resources": {"cpu": 128, "memory": 512, "scale": 1},
                "env": {"RAILS_ENV": {"value": "production"}, "MAINTENANCE": {"value": "true"}},
                "links": {"store": {"envKey": "STORE_URL"}},
            }
        },
        "services": {"store": {"type": "s3"}},
        "notifications": {},
    }


@pytest.mark.parametrize(
    "commands",
    [
        ["container:set command -- sh -c ls", "container:unset command"],
        ["container:set health-check -- true", "container:unset health-check"],
        ["network:set health-check-path /up", "network:unset health-check-path"],
        ["network:set protocol tcp", "network:unset protocol"],
        ["container:set port 1", "container:unset port"],
        ["resource:set scale 9", "resource:unset scale"],
        ["resource:set cpu 256", "resource:unset cpu"],
        ["env:set A=1", "env:unset A"],
        ["link:create store --env-key A", "link:destroy store"],
        ["domain:create a.example.com", "domain:destroy a.example.com"],
    ],
)
def test_set_and_unset_lead_back(commands: list[str]) -> None:
    base = stage(apps={"web": {}}, services=STORE)
    assert after([f"--app web {line}" for line in commands], base) == base.to_json()


def test_an_option_set_and_unset_leads_back() -> None:
    base = stage(services=STORE)
    line = "--service store option:set block_public_access false"
    assert after([line], base)["services"]["store"]["options"] == {"blockPublicAccess": False}
    assert (
        folded_by([line, "--service store option:unset blockPublicAccess"], base).definition == base
    )


class TestEnv:
    BASE = stage(apps={"web": {"env": {"A": {"value": "1", "description": "one"}}}})

    @pytest.mark.parametrize(
        ("line", "variable"),
        [
            ("A=2", {"value": "2", "description": "one"}),
            ("A=", {"value": "", "description": "one"}),
            ("A", {"value": "true", "description": "one"}),
            ("A --description two", {"value": "1", "description": "two"}),
            ("A=3 --description ''", {"value": "3"}),
            (
                "A --secret creds/a",
                {"secretRef": {"name": "creds", "key": "a"}, "description": "one"},
            ),
            ("A='x = y'", {"value": "x = y", "description": "one"}),
        ],
    )
    def test_a_variable_becomes(self, line: str, variable: dict[str, Any]) -> None:
        assert (
            after([f"--app web env:set {line}"], self.BASE)["apps"]["web"]["env"]["A"] == variable
        )


class TestReleases:
    def test_numbers_go_on_after_the_highest(self) -> None:
        base = stage(apps={"web": {"releases": {"7": {"image": "nginx:7"}}}})
        releases = after(["--app web release:create nginx:8"], base)["apps"]["web"]["releases"]
        assert releases == {"7": {"image": "nginx:7"}, "8": {"image": "nginx:8"}}

    def test_the_oldest_that_does_not_run_is_dropped(self) -> None:
        base = stage(
            apps={
                "web": {
                    "releases": {
                        str(number): {"image": f"nginx:{number}"}
                        for number in range(1, MAX_RELEASES + 1)
                    },
                    "activeRelease": 1,
                }
            }
        )
        releases = after(["--app web release:create nginx:new"], base)["apps"]["web"]["releases"]
        assert len(releases) == MAX_RELEASES
        assert "1" in releases
        assert "2" not in releases

    def test_an_activated_release_takes_the_place_of_a_plain_image(self) -> None:
        base = stage(apps={"web": {"image": "nginx", "releases": {"1": {"image": "nginx:1"}}}})
        web = after(["--app web release:activate 1"], base)["apps"]["web"]
        assert web["activeRelease"] == 1
        assert "image" not in web


class TestErrors:
    def test_all_are_collected_and_nothing_else_is_hindered(self) -> None:
        folded = folded_by(
            [
                "app:create web",
                "--app web resource:set memory 100",
                "resource:set scale 2",
                "--app web resource:set scale 3",
                "app:create No",
            ]
        )
        assert [brief(problem) for problem in folded.problems] == [
            (1, "apps.web.resources.memory", "ValidationFailed"),
            (2, "", "ValidationFailed"),
            (4, "apps.No", "AppNameInvalid"),
        ]
        assert folded.definition.apps["web"].resources.scale == 3

    def test_what_follows_from_a_failed_creation_is_not_reported(self) -> None:
        folded = folded_by(
            [
                "app:create web",
                "app:create No",
                "--app No resource:set scale 2",
                "service:create cache --type redis",
                "--app web link:create cache --env-key CACHE_URL",
                "--app web release:create nope@sha256:1",
                "--app web release:activate 1",
            ]
        )
        assert [brief(problem) for problem in folded.problems] == [
            (1, "apps.No", "AppNameInvalid"),
            (3, "services.cache.type", "CurrentlyNotSupported"),
            (5, "apps.web.releases.1.image", "ReleaseDigestInvalid"),
        ]

    def test_what_exists_already_can_be_missing_later(self) -> None:
        commands = ["app:create web", "app:destroy web", "--app web resource:set scale 2"]
        folded = folded_by(commands, stage(apps={"web": {}}))
        assert [brief(problem) for problem in folded.problems] == [
            (0, "apps.web", "AppAlreadyExists"),
            (2, "apps.web", "AppDoesNotExist"),
        ]

    def test_a_flag_of_another_stage_is_refused_and_of_this_one_accepted(self) -> None:
        commands = ["-p shop -s production app:create web", "-s staging app:create api"]
        folded = folded_by(commands)
        assert [brief(problem) for problem in folded.problems] == [(1, "", "ChangesetInvalid")]
        assert set(folded.definition.apps) == {"web"}

    def test_a_bare_digest_needs_a_registry(self) -> None:
        spec = ChangesetSpec(commands=[f"--app web release:create {DIGEST}"])
        base = stage(apps={"web": {}})
        (problem,) = fold(base, spec, CommandContext("acme", "shop", "production")).problems
        assert "spec.registry" in problem.message


class TestLinks:
    LINKED = stage(apps={"web": {"links": {"store": {"envKey": "URL"}}}}, services=STORE)
    BROKEN = stage(apps={"web": {"links": {"gone": {"envKey": "URL"}}}, "api": {}})

    def test_a_service_can_be_linked_before_it_is_created(self) -> None:
        commands = ["--app web link:create store --env-key URL", "service:create store --type s3"]
        assert folded_by(commands, stage(apps={"web": {}})).problems == ()

    def test_a_linked_service_cannot_be_destroyed(self) -> None:
        commands = ["--app web resource:set scale 2", "service:destroy store"]
        (problem,) = folded_by(commands, self.LINKED).problems
        assert brief(problem) == (1, "apps.web.links.store", "ServiceDoesNotExist")
        assert "'web'" in problem.message
        assert "link:destroy store" in problem.message

    def test_a_service_and_its_links_can_be_destroyed_in_any_order(self) -> None:
        commands = ["service:destroy store", "--app web link:destroy store"]
        assert folded_by(commands, self.LINKED).problems == ()

    def test_what_the_stage_has_wrong_already_hinders_nobody_else(self) -> None:
        commands = ["--app api resource:set scale 2", "--app web resource:set scale 2"]
        assert folded_by(commands, self.BROKEN).problems == ()

    @pytest.mark.parametrize(
        ("line", "field"),
        [
            ("--app web env:set URL=x", "apps.web.links.store.envKey"),
            ("--app web link:create more --env-key URL", "apps.web.links.more.envKey"),
            ("--app web link:create more --path /more", "apps.web.links.more"),
        ],
    )
    def test_a_link_that_does_not_fit_is_refused(self, line: str, field: str) -> None:
        base = stage(
            apps={"web": {"links": {"store": {"envKey": "URL"}}}},
            services={**STORE, "more": {"type": "s3"}},
        )
        (problem,) = folded_by([line], base).problems
        assert (problem.command, problem.field) == (0, field)


def test_the_largest_changeset_is_folded() -> None:
    commands = ["app:create web"]
    commands += [f"--app web env:set KEY_{number}={number}" for number in range(MAX_COMMANDS - 1)]
    assert len(after(commands)["apps"]["web"]["env"]) == MAX_COMMANDS - 1
