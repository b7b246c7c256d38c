"""Which fields belong to Git, by what Kubernetes and Git tools leave on a resource."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from setops.api.app import AppSpec
from setops.api.names import ANNOTATION_LAST_APPLIED
from setops.api.section import APPS
from setops.changes.diff import Action, Change, deltas
from setops.changes.git_ownership import owned_fields, owner_of, tracker_of

ARGO: Final = "argocd-controller"
MANAGERS: Final = frozenset({ARGO, "kustomize-controller"})


def live(*managed: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web", "managedFields": list(managed), **metadata}}


def applied(fields: dict[str, Any], manager: str = ARGO, **more: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": "Apply",
        "fieldsV1": {"f:spec": fields, "f:metadata": {"f:labels": {"f:a": {}}}},
        **more,
    }


def change(before: dict[str, Any], after: dict[str, Any] | None) -> Change:
    old = AppSpec.model_validate(before)
    if after is None:
        return Change(Action.DESTROY, APPS, "web", old, None)
    new = AppSpec.model_validate(after)
    return Change(Action.UPDATE, APPS, "web", old, new, deltas(old.to_json(), new.to_json()))


SCALE: Final[dict[str, Any]] = {"f:resources": {"f:scale": {}}}
GREETING: Final[dict[str, Any]] = {"f:env": {"f:GREETING": {".": {}, "f:value": {}}}}
PRIMARY: Final = {"primary": True}
COMMAND: Final[dict[str, Any]] = {"f:container": {"f:command": {}}}


@pytest.mark.parametrize(
    ("here", "fields"),
    [
        pytest.param(live(applied(SCALE)), [("resources", "scale")], id="applied"),
        pytest.param(live(applied(GREETING)), [("env", "GREETING", "value")], id="in a map"),
        pytest.param(live(applied(COMMAND)), [("container", "command")], id="a list as a whole"),
        pytest.param(live(applied(SCALE, "kubectl")), [], id="not a manager of Git"),
        pytest.param(live(applied(SCALE, subresource="scale")), [], id="kubectl scale"),
        pytest.param(live(), [], id="nobody's"),
        pytest.param({"metadata": {"name": "web"}}, [], id="no managers at all"),
    ],
)
def test_what_is_applied_by_a_manager_of_git(here: Any, fields: list[tuple[str, ...]]) -> None:
    assert [path for _, path in owned_fields(here, MANAGERS)] == fields


def test_of_updates_only_what_was_last_applied_counts() -> None:
    """The manager then also holds what the schema filled in, which doesn't stand in Git."""
    note = json.dumps({"spec": {"image": "nginx", "env": {"A": {"value": "1"}}, "domains": {}}})
    here = live(
        {"manager": ARGO, "operation": "Update", "fieldsV1": {"f:spec": SCALE}},
        annotations={ANNOTATION_LAST_APPLIED: note},
    )
    assert list(owned_fields(here, MANAGERS)) == [
        (ARGO, ("image",)),
        (ARGO, ("env", "A", "value")),
        (ARGO, ("domains",)),
    ]


@pytest.mark.parametrize("note", ["", "no JSON", "[]", '{"spec": null}'])
def test_a_note_that_says_nothing_owns_nothing(note: str) -> None:
    here = live(
        {"manager": ARGO, "operation": "Update"}, annotations={ANNOTATION_LAST_APPLIED: note}
    )
    assert list(owned_fields(here, MANAGERS)) == []


@pytest.mark.parametrize(
    ("planned", "fields", "owner"),
    [
        pytest.param(
            change({}, {"resources": {"scale": 2}}), SCALE, ("resources", "scale"), id="the field"
        ),
        pytest.param(change({}, {"image": "nginx"}), SCALE, None, id="another field"),
        pytest.param(
            change({"env": {"GREETING": {"value": "a"}}}, {}),
            GREETING,
            ("env", "GREETING", "value"),
            id="a map is taken away that holds it",
        ),
        pytest.param(
            change({}, {"env": {"OTHER": {"value": "a"}}}), GREETING, None, id="beside it in a map"
        ),
        pytest.param(
            change({}, {"env": {"OTHER": {"value": "a"}}}),
            {"f:env": {}},
            None,
            id="inside a map that is empty in Git",
        ),
        pytest.param(
            change({"env": {"OTHER": {"value": "a"}}}, {}),
            {"f:env": {}},
            None,
            id="what others put into a map that is empty in Git",
        ),
        pytest.param(
            change({"container": {"command": ["a"]}}, {}),
            {"f:container": {}},
            None,
            id="what others put into a part that is empty in Git",
        ),
        pytest.param(
            change({"domains": {"a.example.com": {}}}, {"domains": {"a.example.com": PRIMARY}}),
            {"f:domains": {"f:a.example.com": {}}},
            None,
            id="a default inside an entry that is empty in Git",
        ),
        pytest.param(
            change({"domains": {"a.example.com": {}}}, {}),
            {"f:domains": {"f:a.example.com": {}}},
            ("domains", "a.example.com"),
            id="an entry that is empty in Git is taken away",
        ),
        pytest.param(change({}, None), SCALE, None, id="destroyed, and no Git tool tracks it"),
    ],
)
def test_who_holds_a_change_back(
    planned: Change, fields: dict[str, Any], owner: tuple[str, ...] | None
) -> None:
    assert planned.before is not None
    here = {**live(applied(fields)), "spec": planned.before.to_json()}
    found = owner_of(planned, here, MANAGERS)
    assert found == (None if owner is None else (ARGO, owner))


@pytest.mark.parametrize(
    ("metadata", "tracker"),
    [
        pytest.param(
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:a/b:c/d"}},
            "argocd.argoproj.io/tracking-id",
            id="Argo CD",
        ),
        pytest.param(
            {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}},
            "kustomize.toolkit.fluxcd.io/name",
            id="Flux",
        ),
        pytest.param({"labels": {"app.kubernetes.io/name": "web"}}, None, id="nobody"),
    ],
)
def test_what_a_git_tool_tracks_is_not_destroyed(
    metadata: dict[str, Any], tracker: str | None
) -> None:
    here = live(**metadata)
    assert tracker_of(here) == tracker
    found = owner_of(change({}, None), here, MANAGERS)
    assert found == (None if tracker is None else (tracker, ()))
