"""The plan as a person reads it: counts, values, effects, and no value of a Secret."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from setops.api.app import AppSpec
from setops.api.changeset import Plan
from setops.api.definition import StageDefinition
from setops.api.errors import Code, Problem, Validator
from setops.api.section import APPS
from setops.changes.diff import Action, Change, diff
from setops.changes.effects import RESTARTS, effect
from setops.changes.plan import MAX_ROWS, Source, error_of, plan_of, plan_text, value_text
from tests.unit.changes.definitions import DEFINITIONS, apps, stage
from tests.unit.changes.rollouts import what_happens

SOURCE = Source(3, "content", "target")


def planned(before: StageDefinition, after: StageDefinition) -> Plan:
    return plan_of(diff(before, after), SOURCE)


@given(DEFINITIONS, DEFINITIONS)
def test_a_plan_has_one_row_a_change(before: StageDefinition, after: StageDefinition) -> None:
    plan = planned(before, after)
    changes = diff(before, after)
    assert [(row.action, row.name) for row in plan.changes] == [(c.action, c.name) for c in changes]
    assert Plan.model_validate(plan.to_json()) == plan
    assert plan_text(plan).startswith(plan.summary)


def test_nothing_to_change() -> None:
    plan = planned(stage(), stage())
    assert plan.summary == "Nothing to change"
    assert plan.to_json() == {
        "summary": "Nothing to change",
        "generation": 3,
        "contentHash": "content",
        "targetHash": "target",
        "changes": [],
    }
    assert plan_text(plan) == "Nothing to change"


def test_the_text() -> None:
    before = stage(
        apps={
            "web": {
                "image": "nginx:1",
                "env": {"A": {"value": "1"}, "PW": {"secretRef": {"name": "creds", "key": "a"}}},
            },
            "echo": {"image": "echo"},
        },
        services={"store": {"type": "s3", "deletionPolicy": "Delete"}},
    )
    after = stage(
        apps={
            "web": {
                "image": "nginx:1",
                "container": {"command": ["sh", "-c", "a b"]},
                "env": {"B": {"value": ""}, "PW": {"secretRef": {"name": "creds", "key": "b"}}},
                "resources": {"scale": 2},
            },
            "echo": {"image": "echo", "network": {"protocol": "tcp"}},
            "worker": {"resources": {"memory": 512}},
        },
    )
    assert plan_text(planned(before, after)) == "\n".join(
        [
            "1 to create, 1 to change, 1 to replace, 1 to destroy",
            "",
            "± App echo",
            "    network.protocol: http → tcp",
            "  ! is destroyed and created again, since the protocol can't be changed in place; "
            "it is down in between",
            "",
            "~ App web",
            "    container.command: (unset) → sh -c 'a b'",
            "    env.A: 1 → (unset)",
            "    env.B: (unset) → (empty)",
            "    env.PW: Secret creds/a → Secret creds/b",
            "    resources.scale: 1 → 2",
            "  ! restarts its containers, without downtime",
            "",
            "+ App worker",
            "    resources.memory: 512",
            "  ! runs nothing until a release is activated",
            "",
            "- Service store",
            "  ! destroys the data for good",
        ]
    )


RUNNING: dict[str, Any] = {"image": "nginx:1"}
LINKED: dict[str, Any] = {"image": "nginx:1", "links": {"store": {"envKey": "A"}}}


@given(apps(), apps())
def test_what_is_announced_is_what_happens_to_the_pods(before: AppSpec, after: AppSpec) -> None:
    for change in diff(stage(apps={"web": before.to_json()}), stage(apps={"web": after.to_json()})):
        if change.action is Action.UPDATE:
            assert effect(change) == what_happens(before, after)


@given(apps(), apps())
def test_what_is_announced_of_a_single_setting(before: AppSpec, other: AppSpec) -> None:
    """Most pairs of random Apps differ in much; these differ in one setting."""
    for setting in ("container", "network", "resources", "env", "links", "domains", "schedule"):
        after = before.model_copy(update={setting: getattr(other, setting)})
        if before.network.protocol == after.network.protocol and before != after:
            change = Change(Action.UPDATE, APPS, "web", before, after)
            assert effect(change) == what_happens(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (RUNNING, {"resources": {"scale": 2}}),
        (RUNNING, {"resources": {"scale": 0}}),
        (RUNNING, {"resources": {"memory": 512}}),
        (RUNNING, {"image": "nginx:2"}),
        (RUNNING, {"container": {"entrypoint": ["a"]}}),
        (RUNNING, {"container": {"command": []}}),
        (RUNNING, {"env": {"A": {"value": "1"}}}),
        (RUNNING, {"env": {"A": {"value": "1", "description": "d"}}}),
        (RUNNING, LINKED),
        (LINKED, {"links": {"store": {"envKey": "B"}}}),
        (RUNNING, {"network": {"port": 3000}}),
        (RUNNING, {"network": {"public": True}}),
        (RUNNING, {"domains": {"www.example.com": {}}}),
        (RUNNING, {"schedule": {"night": {"at": "22:00", "scale": 0}}}),
        (RUNNING, {"releases": {"1": {"image": "nginx:2"}}}),
        (RUNNING, {"image": None, "releases": {"1": {"image": "nginx:1"}}, "activeRelease": 1}),
        (RUNNING, {"image": None}),
        ({"image": None}, {"image": "a"}),
        ({"image": None}, {"env": {"A": {"value": "1"}}}),
        ({"image": "a", "resources": {"scale": 0}}, {"resources": {"scale": 1}}),
    ],
)
def test_an_effect_is_what_happens(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = stage(apps={"web": before}), stage(apps={"web": {**before, **after}})
    (change,) = planned(old, new).changes
    assert change.effect == what_happens(old.apps["web"], new.apps["web"])


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        pytest.param(
            {"status": "200-399"}, {"status": "200-499"}, RESTARTS, id="no longer the kubelet's"
        ),
        pytest.param(
            {"status": "200-499"}, {"status": "200-399"}, RESTARTS, id="the kubelet's from now on"
        ),
        pytest.param({}, {"status": "200-399"}, RESTARTS, id="as well from the default"),
        pytest.param(None, {}, None, id="a public App is checked anyway"),
        pytest.param({}, {"path": "/up"}, None, id="the path is the load balancer's"),
        pytest.param({"status": "200"}, {"status": "200-299"}, None, id="so are these codes"),
        pytest.param(
            {"status": "200-399"}, {"status": "200-399", "path": "/up"}, RESTARTS, id="its path"
        ),
        pytest.param(
            {"status": "200-399"}, {"status": "200-399", "path": "/"}, None, id="the same path"
        ),
    ],
)
def test_what_a_health_check_restarts(
    before: dict[str, str] | None, after: dict[str, str], effect: str | None
) -> None:
    for public in (True, False):
        old, new = (
            {
                **RUNNING,
                "network": {"public": public, **({} if check is None else {"healthCheck": check})},
            }
            for check in (before, after)
        )
        (change,) = planned(stage(apps={"web": old}), stage(apps={"web": new})).changes
        assert change.effect == (effect if public else None)


@pytest.mark.parametrize(
    ("service", "effect"),
    [
        ({"type": "s3"}, "keeps the data at AWS"),
        ({"type": "s3", "deletionPolicy": "Delete"}, "destroys the data for good"),
        ({"type": "postgresql"}, "keeps a final snapshot of the data"),
        ({"type": "postgresql", "deletionPolicy": "Retain"}, "keeps the data at AWS"),
    ],
)
def test_what_becomes_of_data(service: dict[str, Any], effect: str) -> None:
    (change,) = planned(stage(services={"store": service}), stage()).changes
    assert change.effect == effect


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (
            {"version": "15"},
            {"version": "16", "plan": "db.m5.large"},
            "is down while it is upgraded to version 16, which can't be undone: if this Changeset "
            "fails later, the version stays 16",
        ),
        ({"version": "16.3"}, {"version": "16.4"}, None),
        ({}, {"version": "16"}, None),
        ({"version": "16"}, {"version": "16", "plan": "db.m5.large"}, None),
    ],
)
def test_an_upgrade_says_that_it_stays(
    before: dict[str, Any], after: dict[str, Any], effect: str | None
) -> None:
    old, new = (stage(services={"db": {"type": "postgresql", **spec}}) for spec in (before, after))
    (change,) = planned(old, new).changes
    assert change.effect == effect


def test_a_huge_plan_stays_small_and_says_what_it_leaves_out() -> None:
    env = {f"K{number}": {"value": "x" * 9999, "description": "d"} for number in range(1000)}
    plan = planned(stage(), stage(apps={"web": {"env": env}, "api": {"env": env}}))
    rows = [row for change in plan.changes for row in change.fields or ()]
    hidden = [row.path for row in rows if row.path.startswith("(")]
    assert hidden == ["(1000 more fields)", "(2000 more fields)"]
    assert len(rows) - len(hidden) == MAX_ROWS
    assert len(plan.model_dump_json()) < 400_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (True, "true"),
        ("", "(empty)"),
        ([], "(empty)"),
        ({}, "(empty)"),
        (["a", "b c"], "a 'b c'"),
        ("a\nb", "a b"),
    ],
)
def test_values_are_short_and_readable(value: object, text: str) -> None:
    assert value_text(value) == text


def test_a_problem_as_a_status_lists_it() -> None:
    problem = Problem("apps.web", Validator.NOT_FOUND, "gone", Code.APP_DOES_NOT_EXIST, 2)
    assert error_of(problem).to_json() == {
        "category": "ValidationError",
        "code": "AppDoesNotExist",
        "validator": "not_found",
        "field": "apps.web",
        "command": 2,
        "message": "gone",
    }
