"""Which revisions of a Stage are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from setops.api.definition import StageDefinition, load
from setops.api.kinds import CONTROLLER_REVISION, Object
from setops.api.names import ANNOTATION_CHANGESET
from setops.changes.diff import diff
from setops.reconcile.history import not_kept
from setops.reconcile.live import last_editor
from setops.reconcile.revisions import (
    ANNOTATION_CONTENT,
    ANNOTATION_FIELDS,
    ANNOTATION_MANAGER,
    KEPT,
)
from tests.reconcile.samples import HOME, SPACE, World, app, make, service

SCALE: Final = "apps.web.resources.scale"
OTHER: Final = "apps.api.resources.scale"
IMAGE: Final = "apps.web.image"
HPA: Final = f"hpa {SCALE}"
HPA_OTHER: Final = f"hpa {OTHER}"
COMMIT: Final = "commit"
OLD: Final = "unknown"
"""A direct edit that an earlier version of the operator recorded."""


def history(*made: str) -> list[Object]:
    """Revisions from 1 on: Changesets, or direct edits as `manager field field …`."""
    return [_revision(number, text) for number, text in enumerate(made, start=1)]


def _revision(number: int, text: str) -> Object:
    manager, *fields = text.split()
    if text == COMMIT:
        notes = {ANNOTATION_CHANGESET: f"c{number}", ANNOTATION_CONTENT: "hash"}
    elif text == OLD:
        notes = {}
    else:
        notes = {ANNOTATION_MANAGER: manager, ANNOTATION_FIELDS: " ".join(fields)}
    name = f"production-{number}"
    return make(CONTROLLER_REVISION, name, HOME, revision=number, annotations=notes)


def numbers(found: Sequence[Object]) -> list[int]:
    return [int(item["revision"]) for item in found]


CASES: Final[list[tuple[str, list[str], set[int], list[int]]]] = [
    ("nothing yet", [], set(), []),
    ("a single edit stays", [HPA], set(), []),
    ("of two edits of the same fields the later one stays", [HPA, HPA], set(), [1]),
    ("of 54 the last one", [HPA] * 54, set(), list(range(1, 54))),
    ("what came before them stays", [COMMIT, HPA, HPA], set(), [2]),
    ("a Changeset ends the row", [HPA, COMMIT, HPA], set(), []),
    ("and each row has its own end", [HPA, HPA, COMMIT, HPA, HPA], set(), [1, 4]),
    ("another manager's edit of the same field is another's", [HPA, f"keda {SCALE}"], set(), []),
    ("two managers that take turns leave one each",
     [HPA, f"argocd {SCALE}"] * 10, set(), list(range(1, 19))),
    ("another field is another edit", [HPA, f"hpa {IMAGE}"], set(), []),
    ("two Apps that are scaled in turn leave one each", [HPA, HPA_OTHER] * 10, set(),
     list(range(1, 19))),
    ("two Apps that are scaled at once", [f"hpa {SCALE} {OTHER}"] * 3, set(), [1, 2]),
    ("an edit goes when the next ones edit all of its fields",
     [f"hpa {SCALE} {OTHER}", HPA, HPA_OTHER], set(), [1]),
    ("but not when one field isn't edited again", [f"hpa {SCALE} {IMAGE}", HPA, HPA], set(), [2]),
    ("an App that is made and one that is scaled", ["kubectl apps.web", f"kubectl {SCALE}"], set(),
     []),
    ("an edit of anything else stays, whoever takes the same name",
     [f"kubectl {IMAGE}"] * 3, set(), []),
    ("also with the scale", [f"kubectl {IMAGE} {SCALE}"] * 3, set(), []),
    ("an App that is made again and again", ["kubectl apps.web"] * 3, set(), []),
    ("what an earlier version recorded stays", [OLD, OLD, HPA, OLD, HPA], set(), []),
    ("where an open Changeset began stays", [HPA] * 5, {3}, [1, 2, 4]),
    ("so does the first", [HPA] * 5, {1}, [2, 3, 4]),
    ("a number that isn't there harms nothing", [HPA, HPA], {0, 9}, [1]),
    ("the last of the Changesets", [COMMIT] * (KEPT + 3), set(), [1, 2, 3]),
    ("but where an open one began stays", [COMMIT] * (KEPT + 3), {2}, [1, 3]),
    ("edits never take a Changeset's place", [COMMIT, *[HPA, COMMIT] * (KEPT - 1)], set(), []),
    ("nor do the edits of many Apps",
     [COMMIT, *(f"hpa apps.a{number}.resources.scale" for number in range(KEPT + 2))], set(),
     [2, 3]),
    ("nor Changesets an edit's", [HPA, *[COMMIT] * KEPT, HPA], set(), []),
    ("each for themselves", [*[HPA, COMMIT] * (KEPT + 2)], set(), [1, 2, 3, 4]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "needed", "going"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_what_goes(made: list[str], needed: set[int], going: list[int]) -> None:
    found = history(*made)
    assert numbers(not_kept(found, needed)) == going
    assert not found or found[-1] not in not_kept(found, needed), "the latest always stays"
    left = [item for item in found if item not in not_kept(found, needed)]
    assert not_kept(left, needed) == [], "there is nothing to do a second time"


def entry(manager: str, time: str, fields: Object, subresource: str = "") -> Object:
    """One of the `managedFields` of an object."""
    held = {"manager": manager, "time": time, "fieldsV1": {"f:spec": fields}}
    return {**held, "subresource": subresource} if subresource else held


def edited(obj: Object, *entries: Object) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "managedFields": list(entries)}}


HELD_SCALE: Final[Object] = {"f:resources": {"f:scale": {}}}
HELD_ENV: Final[Object] = {"f:env": {".": {}, "f:A": {"f:value": {}}}}
WEB: Final = {"image": "nginx:1", "resources": {"scale": 1}, "env": {"A": {"value": "1"}}}
EARLY, LATE = "2026-11-26T10:00:00Z", "2026-11-26T11:00:00Z"


def definition(**apps: Object) -> StageDefinition:
    return load({"apps": apps, "services": {"store": {"type": "s3"}}})


@pytest.mark.parametrize(
    ("change", "manager", "fields"),
    [
        pytest.param({"resources": {"scale": 5}}, "hpa", {SCALE}, id="a field of its manager"),
        pytest.param({"env": {"A": {"value": "2"}}}, "kubectl-edit", {"apps.web.env.A.value"},
                     id="though another manager came later"),
        pytest.param({"resources": {"scale": 5}, "env": {"A": {"value": "2"}}}, "hpa",
                     {SCALE, "apps.web.env.A.value"}, id="the last of two managers"),
        pytest.param({"env": {}}, "hpa", {"apps.web.env.A.value"},
                     id="nobody manages what was removed"),
        pytest.param({"image": "nginx:2"}, "hpa", {IMAGE}, id="nor what a Changeset wrote"),
    ],
)  # fmt: skip
def test_who_made_an_edit(change: Object, manager: str, fields: set[str]) -> None:
    removed = change.get("env") == {}
    live = edited(
        app(spec={**WEB, **change}),
        entry("kubectl-edit", EARLY, {"f:container": {}} if removed else HELD_ENV),
        entry("hpa", LATE, HELD_SCALE, "scale"),
    )
    bystander = edited(service(), entry("kubectl-apply", "2026-11-26T12:00:00Z", {"f:type": {}}))
    world = World(live, bystander)
    changes = diff(definition(web=WEB), definition(web={**WEB, **change}))
    author = last_editor(world.cluster, SPACE, changes)
    assert (author.manager, set(author.fields)) == (manager, fields)


@pytest.mark.parametrize(
    ("before", "after"), [({}, {"web": WEB}), ({"web": WEB}, {})], ids=["made", "deleted"]
)
def test_a_whole_resource_is_one_field(before: Object, after: Object) -> None:
    changes = diff(definition(**before), definition(**after))
    assert last_editor(World().cluster, SPACE, changes).fields == {"apps.web"}
