"""Merging two users' changes: what survives, what is a conflict, what only both together break."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition
from setops.api.section import APPS
from setops.changes.fold import fold
from setops.changes.merge import Merged, merge, value_at
from tests.unit.changes.definitions import CONTEXT, stage

BASE = stage(
    apps={
        "web": {
            "image": "nginx:1",
            "container": {"command": ["a", "b"]},
            "network": {"healthCheck": {"path": "/up"}},
            "resources": {"scale": 2},
            "env": {"A": {"value": "1"}},
            "links": {"store": {"envKey": "STORE_URL"}},
            "domains": {"www.example.com": {}},
        },
        "api": {"releases": {"1": {"image": "api:1"}, "2": {"image": "api:2"}}},
        "bare": {},
    },
    services={"store": {"type": "s3"}, "spare": {"type": "s3"}},
    notifications={"ops": {"type": "email", "target": "ops@example.com"}},
)


def after(base: StageDefinition, commands: Iterable[str]) -> StageDefinition:
    """Where one user's commands lead, which are right by themselves."""
    folded = fold(base, ChangesetSpec(commands=list(commands)), CONTEXT)
    assert folded.problems == ()
    return folded.definition


def _env(**values: int) -> dict[str, Any]:
    return {key: {"value": str(value)} for key, value in values.items()}


def both_ways(
    base: StageDefinition, ours: Iterable[str], theirs: Iterable[str]
) -> tuple[Merged, Merged]:
    """The merge of two users' commands as each of them sees it."""
    mine, other = after(base, ours), after(base, theirs)
    return merge(base, mine, other), merge(base, other, mine)


@dataclass(frozen=True)
class Together:
    """Two changes that don't touch each other: the same as one after the other."""

    why: str
    ours: list[str]
    theirs: list[str]


TOGETHER = [
    Together("two Apps", ["app:create one"], ["app:create two"]),
    Together(
        "two fields of one App",
        ["--app web resource:set scale 3"],
        ["--app web resource:set memory 512"],
    ),
    Together("two variables of one App", ["--app web env:set B=2"], ["--app web env:set C=3"]),
    Together(
        "the first variables of an App that had none",
        ["--app bare env:set A=1"],
        ["--app bare env:set B=2"],
    ),
    Together(
        "the last variable goes and another comes",
        ["--app web env:unset A"],
        ["--app web env:set B=2"],
    ),
    Together(
        "the last link goes and another comes",
        ["--app web link:destroy store"],
        ["--app web link:create spare --env-key SPARE_URL"],
    ),
    Together(
        "the last domain goes and another comes",
        ["--app web domain:destroy www.example.com"],
        ["--app web domain:create example.com --primary"],
    ),
    Together(
        "what the container had set is unset, and something else of it is set",
        ["--app web container:unset command"],
        ["--app web container:set entrypoint -- sh"],
    ),
    Together(
        "the path of the check is unset, and its codes are set",
        ["--app web network:unset health-check-path"],
        ["--app web network:set health-check-status 200"],
    ),
    Together(
        "the value of a variable and its description",
        ["--app web env:set A=2"],
        ["--app web env:set A --description one"],
    ),
    Together(
        "both take away the same thing, and one of them more",
        ["--app web env:unset A", "app:destroy api"],
        ["--app web env:unset A"],
    ),
    Together(
        "both make the same change",
        ["--app web resource:set scale 3", "app:create one"],
        ["--app web resource:set scale 3", "app:create one", "--app web env:set B=2"],
    ),
    Together(
        "one destroys what the other doesn't touch",
        ["app:destroy bare"],
        ["--app web resource:set scale 3"],
    ),
    Together(
        "a release is made and another is activated",
        ["--app api release:create api:3"],
        ["--app api release:activate 1"],
    ),
    Together(
        "a Service is created and linked, another's option is set",
        ["service:create more --type s3", "--app api link:create more --env-key MORE_URL"],
        ["--service store option:set blockPublicAccess false"],
    ),
    Together(
        "a Service's option is set, and a Notification goes",
        ["--service store option:set blockPublicAccess true"],
        ["notification:destroy ops"],
    ),
]


@pytest.mark.parametrize("case", TOGETHER, ids=lambda case: case.why)
def test_changes_that_do_not_touch_each_other_both_survive(case: Together) -> None:
    expected = after(BASE, [*case.theirs, *_new(case.ours, case.theirs)])
    for merged in both_ways(BASE, case.ours, case.theirs):
        assert merged == Merged(expected)


def _new(commands: Iterable[str], known: Iterable[str]) -> list[str]:
    return [command for command in commands if command not in known]


def test_what_both_take_away_piece_by_piece_is_as_if_it_had_never_been() -> None:
    base = stage(
        apps={"web": {"container": {"command": ["a"], "entrypoint": ["b"]}, "env": _env(A=1, B=2)}}
    )
    ours = ["--app web container:unset command", "--app web env:unset A"]
    theirs = ["--app web container:unset entrypoint", "--app web env:unset B"]
    for merged in both_ways(base, ours, theirs):
        assert merged == Merged(stage(apps={"web": {}}))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        (
            {"releases": {"1": {"image": "a"}}},
            {},
            {"releases": {"1": {"image": "a"}, "2": {"image": "b"}}},
            {"releases": {"2": {"image": "b"}}},
        ),
        (
            {"schedule": {"day": {"at": "07:00", "scale": 2}}},
            {},
            {
                "schedule": {
                    "day": {"at": "07:00", "scale": 2},
                    "night": {"at": "19:00", "scale": 0},
                }
            },
            {"schedule": {"night": {"at": "19:00", "scale": 0}}},
        ),
        ({"env": _env(A=1)}, {}, {"env": _env(A=1, B=2)}, {"env": _env(B=2)}),
        (
            {"container": {}},
            {},
            {"container": {"command": ["a"]}},
            {"container": {"command": ["a"]}},
        ),
    ],
    ids=["releases", "schedule", "env", "container"],
)
def test_a_part_that_one_side_empties_is_not_lost_to_the_other(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any], merged: dict[str, Any]
) -> None:
    sides = [stage(apps={"web": app}) for app in (base, ours, theirs)]
    assert merge(*sides) == Merged(stage(apps={"web": merged}))
    assert merge(sides[0], sides[2], sides[1]) == Merged(stage(apps={"web": merged}))


def test_the_options_that_one_side_empties_are_not_lost_to_the_other() -> None:
    base = stage(services={"data": {"type": "postgresql", "options": {"maxStorage": 50}}})
    ours = ["--service data option:unset max_storage"]
    theirs = ["--service data option:set min_storage 30"]
    options = {"minStorage": 30}
    for merged in both_ways(base, ours, theirs):
        assert merged == Merged(
            stage(services={"data": {"type": "postgresql", "options": options}})
        )


@dataclass(frozen=True)
class Clash:
    """Two changes of one thing: where, and the values that the three sides have there."""

    why: str
    ours: list[str]
    theirs: list[str]
    field: str
    values: tuple[Any, Any, Any]


DEFAULT_APP = stage(apps={"web": {}}).apps["web"].to_json()
CLASHES = [
    Clash(
        "the same number is set to different values",
        ["--app web resource:set scale 3"],
        ["--app web resource:set scale 4"],
        "apps.web.resources.scale",
        (2, 3, 4),
    ),
    Clash(
        "a number that neither had set",
        ["--app bare resource:set memory 512"],
        ["--app bare resource:set memory 1024"],
        "apps.bare.resources.memory",
        (256, 512, 1024),
    ),
    Clash(
        "a list is changed by both, which merges as a whole",
        ["--app web container:set command a b c"],
        ["--app web container:set command z a b"],
        "apps.web.container.command",
        (["a", "b"], ["a", "b", "c"], ["z", "a", "b"]),
    ),
    Clash(
        "a list is unset by one and changed by the other",
        ["--app web container:unset command"],
        ["--app web container:set command c"],
        "apps.web.container.command",
        (["a", "b"], None, ["c"]),
    ),
    Clash(
        "both create the same App differently",
        ["app:create new", "--app new resource:set scale 3"],
        ["app:create new"],
        "apps.new",
        (None, {**DEFAULT_APP, "resources": {"cpu": 128, "memory": 256, "scale": 3}}, DEFAULT_APP),
    ),
    Clash(
        "one destroys the App that the other changes",
        ["app:destroy bare"],
        ["--app bare resource:set scale 3"],
        "apps.bare",
        (DEFAULT_APP, None, {**DEFAULT_APP, "resources": {"cpu": 128, "memory": 256, "scale": 3}}),
    ),
    Clash(
        "one destroys the Service that the other changes",
        ["service:destroy spare"],
        ["--service spare option:set blockPublicAccess false"],
        "services.spare",
        ({"type": "s3"}, None, {"type": "s3", "options": {"blockPublicAccess": False}}),
    ),
    Clash(
        "both set the same new variable",
        ["--app web env:set B=1"],
        ["--app web env:set B=2"],
        "apps.web.env.B.value",
        (None, "1", "2"),
    ),
    Clash(
        "both set the same variable of an App that had none",
        ["--app bare env:set B=1"],
        ["--app bare env:set B=2"],
        "apps.bare.env.B.value",
        (None, "1", "2"),
    ),
    Clash(
        "one unsets the last variable and the other changes it",
        ["--app web env:unset A"],
        ["--app web env:set A=2"],
        "apps.web.env.A",
        ({"value": "1"}, None, {"value": "2"}),
    ),
    Clash(
        "one takes a variable from a Secret and the other changes its value",
        ["--app web env:set A --secret creds/a"],
        ["--app web env:set A=2"],
        "apps.web.env.A.value",
        ("1", None, "2"),
    ),
    Clash(
        "one activates a release in place of the image that the other changes",
        ["--app web release:create nginx:2", "--app web release:activate 1"],
        ["IMAGE"],
        "apps.web.image",
        ("nginx:1", None, "nginx:3"),
    ),
    Clash(
        "both make a release, which gets the same number",
        ["--app api release:create api:3"],
        ["--app api release:create api:4"],
        "apps.api.releases.3.image",
        (None, "api:3", "api:4"),
    ),
    Clash(
        "both activate another release",
        ["--app api release:activate 1"],
        ["--app api release:activate 2"],
        "apps.api.activeRelease",
        (None, 1, 2),
    ),
    Clash(
        "one makes a domain the primary that the other destroys",
        [
            "--app web domain:destroy www.example.com",
            "--app web domain:create www.example.com --primary",
        ],
        ["--app web domain:destroy www.example.com"],
        "apps.web.domains.www.example.com",
        ({"primary": False}, {"primary": True}, None),
    ),
    Clash(
        "one unlinks a Service and the other links it by another variable",
        ["--app web link:destroy store"],
        ["--app web link:destroy store", "--app web link:create store --env-key S3_URL"],
        "apps.web.links.store",
        ({"envKey": "STORE_URL"}, None, {"envKey": "S3_URL"}),
    ),
    Clash(
        "both give a Notification another target",
        ["notification:destroy ops", "notification:create ops --type email --target a@example.com"],
        ["notification:destroy ops", "notification:create ops --type email --target b@example.com"],
        "notifications.ops.target",
        ("ops@example.com", "a@example.com", "b@example.com"),
    ),
]


def _side(base: StageDefinition, commands: list[str]) -> StageDefinition:
    # No command sets a plain image.
    if commands == ["IMAGE"]:
        spec = ChangesetSpec(definition={"apps": {"web": {"image": "nginx:3"}}})
        return fold(base, spec, CONTEXT).definition
    return after(base, commands)


@pytest.mark.parametrize("case", CLASHES, ids=lambda case: case.why)
def test_two_changes_of_one_thing_are_a_conflict(case: Clash) -> None:
    ours, theirs = _side(BASE, case.ours), _side(BASE, case.theirs)
    (one,), (other,) = merge(BASE, ours, theirs).conflicts, merge(BASE, theirs, ours).conflicts
    base_value, our_value, their_value = case.values
    assert (one.field, other.field) == (case.field, case.field)
    assert (one.base, one.ours, one.theirs) == case.values
    assert (other.base, other.ours, other.theirs) == (base_value, their_value, our_value)


@pytest.mark.parametrize("case", CLASHES, ids=lambda case: case.why)
def test_a_conflict_has_the_values_that_stand_at_its_place(case: Clash) -> None:
    ours, theirs = _side(BASE, case.ours), _side(BASE, case.theirs)
    (conflict,) = merge(BASE, ours, theirs).conflicts
    place = (conflict.section, conflict.name, conflict.path)
    found = tuple(value_at(side, *place) for side in (BASE, ours, theirs))
    assert found == (conflict.base, conflict.ours, conflict.theirs)


def test_every_conflict_is_told_and_what_is_none_is_merged_nonetheless() -> None:
    ours = ["--app web resource:set scale 3", "--app web env:set B=1", "app:create one"]
    theirs = ["--app web resource:set scale 4", "--app web env:set B=2", "app:destroy bare"]
    merged, _ = both_ways(BASE, ours, theirs)
    assert [conflict.field for conflict in merged.conflicts] == [
        "apps.web.resources.scale",
        "apps.web.env.B.value",
    ]
    assert merged.definition == after(BASE, [*theirs, "app:create one"])


@dataclass(frozen=True)
class Broken:
    """Two changes that are right alone: where they break each other, which check, what is said."""

    why: str
    ours: list[str]
    theirs: list[str]
    field: str
    validator: str
    says: str


BROKEN = [
    Broken(
        "one links the Service that the other destroys",
        ["--app api link:create spare --env-key SPARE_URL"],
        ["service:destroy spare"],
        "apps.api.links.spare",
        "not_found",
        "App 'api' links Service 'spare', which wouldn't exist then",
    ),
    Broken(
        "both link a Service by the same variable",
        ["service:create more --type s3", "--app api link:create more --env-key URL"],
        ["--app api link:create spare --env-key URL"],
        "apps.api.links.*.envKey",
        "taken",
        "'URL' is already taken",
    ),
    Broken(
        "one sets the variable by which the other links a Service",
        ["--app api env:set SPARE_URL=x"],
        ["--app api link:create spare --env-key SPARE_URL"],
        "apps.api.links.spare.envKey",
        "taken",
        "'SPARE_URL' is already taken",
    ),
    Broken(
        "both make a domain of their own the primary one",
        ["--app web domain:create a.example.com --primary"],
        ["--app web domain:create b.example.com --primary"],
        "apps.web.domains",
        "invalid",
        "at most one domain can be primary",
    ),
    Broken(
        "one sets the new variable's value, the other takes it from a Secret",
        ["--app web env:set B=1"],
        ["--app web env:set B --secret creds/b"],
        "apps.web.env.B",
        "invalid",
        "either value or secretRef",
    ),
    Broken(
        "one sets a plain image, the other activates a release",
        ["API IMAGE"],
        ["--app api release:activate 1"],
        "apps.api",
        "invalid",
        "either image or activeRelease",
    ),
    Broken(
        "one makes the App tcp, the other gives it a check of http",
        ["--app bare network:set protocol tcp"],
        ["--app bare network:set health-check-path /up"],
        "apps.bare.network",
        "invalid",
        "a network health check needs protocol http",
    ),
]


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.why)
def test_what_only_both_changes_break_is_a_problem(case: Broken) -> None:
    ours, theirs = _with_image(case.ours), after(BASE, case.theirs)
    for merged in (merge(BASE, ours, theirs), merge(BASE, theirs, ours)):
        (problem,) = merged.problems
        assert merged.conflicts == ()
        before, _, behind = case.field.partition("*")
        assert problem.field.startswith(before)
        assert problem.field.endswith(behind)
        assert problem.validator == case.validator
        assert problem.message.startswith("with what others have changed meanwhile: ")
        assert case.says in problem.message


def _with_image(commands: list[str]) -> StageDefinition:
    if commands == ["API IMAGE"]:
        spec = ChangesetSpec(definition={"apps": {"api": {"image": "api:9"}}})
        return fold(BASE, spec, CONTEXT).definition
    return after(BASE, commands)


def test_a_link_that_was_broken_before_is_nobodys_problem() -> None:
    base = stage(apps={"web": {"links": {"gone": {"envKey": "URL"}}}})
    ours = stage(apps={"web": {"links": {"gone": {"envKey": "URL"}}, "resources": {"scale": 3}}})
    theirs = stage(apps={"web": {"links": {"gone": {"envKey": "URL"}}, "env": _env(A=1)}})
    assert merge(base, ours, theirs).problems == ()


@pytest.mark.parametrize(("ours", "theirs", "fits"), [(1, 1, False), (1, 0, True), (0, 1, True)])
def test_the_limit_of_apps_counts_for_both_together(ours: int, theirs: int, fits: bool) -> None:
    old: dict[str, Any] = {f"old{number}": {} for number in range(APPS.limit - 1)}
    mine = stage(apps={**old, **{f"mine{number}": {} for number in range(ours)}})
    other = stage(apps={**old, **{f"other{number}": {} for number in range(theirs)}})
    merged = merge(stage(apps=old), mine, other)
    told = [
        (problem.field, problem.validator.value, problem.message) for problem in merged.problems
    ]
    message = (
        "with what others have added meanwhile the Stage would have 201 apps; the limit is 200: "
        "destroy one that isn't needed any more, or use another Stage"
    )
    assert told == ([] if fits else [("apps", "too_long", message)])
    assert len(merged.definition.apps) == APPS.limit + (0 if fits else 1)


def test_an_app_in_the_place_of_a_destroyed_one_is_within_the_limit() -> None:
    old: dict[str, Any] = {f"old{number}": {} for number in range(APPS.limit)}
    base = stage(apps=old)
    ours, theirs = ["app:destroy old0", "app:create new"], ["app:destroy old1"]
    for merged in both_ways(base, ours, theirs):
        assert merged.problems == ()
        assert len(merged.definition.apps) == APPS.limit - 1


def test_options_that_are_wrong_together_are_a_problem() -> None:
    base = stage(services={"data": {"type": "postgresql"}})
    ours = ["--service data option:set min_storage 100"]
    theirs = ["--service data option:set max_storage 50"]
    for merged in both_ways(base, ours, theirs):
        (problem,) = merged.problems
        assert problem.field == "services.data.options.maxStorage"
        assert problem.validator == "greater_than_or_equal_to_threshold"
        assert "maxStorage is 50 GB, less than minStorage (100 GB)" in problem.message
