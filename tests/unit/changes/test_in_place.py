"""A write changes the planned fields and nothing else, also what a definition can't tell apart."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.api.app import AppSpec
from setops.api.names import MANAGER
from setops.api.section import APPS, SECTIONS, SERVICES, Section
from setops.api.service import ServiceSpec
from setops.changes.diff import deltas
from setops.changes.in_place import held_maps, spec_with
from tests.unit.changes.definitions import DEFINITIONS

WEB: Final[dict[str, Any]] = AppSpec().to_json()
"""An App as the API server stores it, with the defaults."""
EMPTY: Final[dict[str, Any]] = {
    "env": {},
    "links": {},
    "releases": {},
    "domains": {},
    "schedule": {},
    "container": {},
}
A: Final = {"value": "1"}


def object_of(spec: dict[str, Any], *held: tuple[str, Any], manager: str = "kubectl") -> Any:
    """A live object; `held` are fields that a manager other than the operator wrote."""
    entry = {"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": dict(held)}}
    return {"metadata": {"managedFields": [entry]}, "spec": spec}


def written(section: Section, live: Any, after: dict[str, Any]) -> dict[str, Any]:
    """What a change to `after` makes of the live object's spec, which stays as it is itself."""
    before = copy.deepcopy(live)
    old, new = (section.model.model_validate(spec) for spec in (live["spec"], after))
    found = spec_with(section, live, old, new)
    assert live == before
    assert section.model.model_validate(found) == new
    return found


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_map_stays_when_another_field_changes(name: str) -> None:
    spec = {**WEB, name: EMPTY[name]}
    after = {**WEB, "image": "nginx"}
    assert written(APPS, object_of(spec), after) == {**spec, "image": "nginx"}


@pytest.mark.parametrize(
    ("spec", "held", "after", "found"),
    [
        pytest.param({"env": {}}, (), {"env": {"A": A}}, {"env": {"A": A}}, id="it is filled"),
        pytest.param({}, (), {"env": {"A": A}}, {"env": {"A": A}}, id="it is made"),
        pytest.param({"env": {"A": A}}, (), {}, {}, id="the operator's own map goes"),
        pytest.param(
            {"env": {"A": A}}, (("f:env", {}),), {}, {"env": {}}, id="an empty one of others stays"
        ),
        pytest.param(
            {"env": {"A": A}},
            (("f:env", {".": {}, "f:A": {}}),),
            {},
            {"env": {}},
            id="one that others made with an entry stays",
        ),
        pytest.param(
            {"env": {"A": A}},
            (("f:env", {"f:A": {}}),),
            {},
            {},
            id="one of which others hold an entry goes with it",
        ),
        pytest.param(
            {"env": {"A": A, "B": A}, "links": {}},
            (),
            {"env": {"B": A}},
            {"env": {"B": A}, "links": {}},
            id="an entry of several goes",
        ),
        pytest.param(
            {"env": {"A": {"value": "1", "description": ""}}},
            (),
            {"env": {"A": {"value": "2", "description": ""}}},
            {"env": {"A": {"value": "2", "description": ""}}},
            id="what is beside it in an entry",
        ),
        pytest.param(
            {"env": {"A": A}},
            (),
            {"env": {"A": {"secretRef": {"name": "s", "key": "k"}}}},
            {"env": {"A": {"secretRef": {"name": "s", "key": "k"}}}},
            id="a value becomes a reference",
        ),
        pytest.param(
            {"container": {"command": ["a"]}},
            (("f:container", {}),),
            {},
            {"container": {}},
            id="a part that others wrote empty stays",
        ),
        pytest.param(
            {"container": {}, "env": {}},
            (),
            {"container": {"command": ["a"]}},
            {"container": {"command": ["a"]}, "env": {}},
            id="a part is filled",
        ),
        pytest.param(
            {"container": {"command": ["a"], "entrypoint": ["b"]}},
            (),
            {"container": {"command": ["a", "c"], "entrypoint": ["b"]}},
            {"container": {"command": ["a", "c"], "entrypoint": ["b"]}},
            id="a list as a whole",
        ),
        pytest.param(
            {"network": {**WEB["network"], "healthCheck": {}}, "env": {}},
            (),
            {"network": {**WEB["network"], "healthCheck": {"path": "/up"}}},
            {"network": {**WEB["network"], "healthCheck": {"path": "/up"}}, "env": {}},
            id="a check that means something empty",
        ),
        pytest.param(
            {"network": {**WEB["network"], "healthCheck": {"path": "/up"}}},
            (("f:network", {"f:healthCheck": {}}),),
            {},
            {},
            id="a check can't stay empty, since that would mean something",
        ),
    ],
)
def test_what_is_written(
    spec: dict[str, Any], held: tuple[tuple[str, Any], ...], after: dict[str, Any], found: Any
) -> None:
    live = object_of({**WEB, **spec}, *held)
    assert written(APPS, live, {**WEB, **after}) == {**WEB, **found}


@pytest.mark.parametrize(
    ("options", "after", "found"),
    [
        (
            {"options": {}},
            {"deletionPolicy": "Delete"},
            {"options": {}, "deletionPolicy": "Delete"},
        ),
        (
            {"options": {}},
            {"options": {"blockPublicAccess": True}},
            {"options": {"blockPublicAccess": True}},
        ),
        ({"options": {"blockPublicAccess": True}}, {}, {}),
    ],
)
def test_the_options_of_a_service(options: Any, after: Any, found: Any) -> None:
    live = object_of({"type": "s3", **options})
    assert written(SERVICES, live, {"type": "s3", **after}) == {"type": "s3", **found}


def test_what_the_operator_wrote_itself_is_nobody_elses() -> None:
    live = object_of({**WEB, "env": {"A": A}}, ("f:env", {".": {}}), manager=MANAGER)
    assert list(held_maps(live)) == []
    assert written(APPS, live, WEB) == WEB


@given(DEFINITIONS, DEFINITIONS, st.lists(st.sampled_from(sorted(EMPTY))))
def test_only_what_differs_is_written(one: Any, other: Any, empty: list[str]) -> None:
    for section in SECTIONS:
        for before in one.section(section).values():
            for after in other.section(section).values():
                if isinstance(before, ServiceSpec) and before.type != after.type:
                    continue
                raw = before.to_json()
                if section is APPS:
                    raw = {**{name: EMPTY[name] for name in empty}, **raw}
                found = written(section, object_of(raw), after.to_json())
                planned = {delta.path[0] for delta in deltas(before.to_json(), after.to_json())}
                assert {n: v for n, v in found.items() if n not in planned} == {
                    n: v for n, v in raw.items() if n not in planned
                }
