"""Which Changesets that have ended are deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from setops.reconcile.changeset.retention import not_kept

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
OLDEST = NOW - timedelta(days=30)


def changeset(name: str, days: float, phase: str = "Committed", **metadata: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "kind": "Changeset",
        "metadata": {"name": name, "namespace": "shop-live", "creationTimestamp": at, **metadata},
        "spec": {},
        "status": {"phase": phase, **({"finishedAt": at} if phase != "Open" else {})},
    }


def going(*found: dict[str, Any], most: int = 3) -> set[str]:
    return {each["metadata"]["name"] for each in not_kept(found, most, OLDEST)}


def test_the_last_ones_are_kept_and_no_others() -> None:
    assert going(*(changeset(f"c{day}", day) for day in range(6))) == {"c3", "c4", "c5"}


def test_none_is_kept_for_ever() -> None:
    assert going(changeset("young", 29), changeset("old", 31)) == {"old"}


def test_of_the_same_second_names_decide() -> None:
    assert going(*(changeset(name, 1) for name in "dbca")) == {"a"}


@pytest.mark.parametrize(
    ("why", "held"),
    [
        ("it is open", changeset("x", 99, phase="Open")),
        ("it waits for its turn", changeset("x", 99, phase="Queued")),
        ("it is carried out", changeset("x", 99, phase="Applying")),
        ("it is rolled back", changeset("x", 99, phase="RollingBack")),
        (
            "Argo CD would make it again",
            changeset("x", 99, annotations={"argocd.argoproj.io/tracking-id": "apps:x"}),
        ),
        ("as above, by label", changeset("x", 99, labels={"argocd.argoproj.io/instance": "apps"})),
        (
            "Flux would make it again",
            changeset("x", 99, labels={"kustomize.toolkit.fluxcd.io/name": "apps"}),
        ),
        (
            "Flux would make it again for Helm",
            changeset("x", 99, labels={"helm.toolkit.fluxcd.io/name": "apps"}),
        ),
        (
            "Helm counts on it",
            changeset("x", 99, annotations={"meta.helm.sh/release-name": "apps"}),
        ),
        ("it goes with its owner", changeset("x", 99, ownerReferences=[{"uid": "1"}])),
        ("it is going already", changeset("x", 99, deletionTimestamp="2026-11-27T11:00:00Z")),
    ],
)
def test_what_is_never_deleted(why: str, held: dict[str, Any]) -> None:
    others = [changeset(f"c{day}", day) for day in range(3)]
    assert going(held, *others) == set(), f"{why}; and it takes no other's place"


@pytest.mark.parametrize(
    "mark",
    [
        {"annotations": {"argocd.argoproj.io/tracking-id": "apps:x"}},
        {"annotations": {"meta.helm.sh/release-name": "apps"}},
        {"ownerReferences": [{"uid": "1"}]},
    ],
)
def test_not_even_those_that_are_held_grow_without_end(mark: dict[str, Any]) -> None:
    held = [changeset(f"h{number:02}", number, **mark) for number in range(33)]
    assert going(*held, changeset("free", 1)) == {"h30", "h31", "h32"}


@pytest.mark.parametrize("phase", ["Committed", "Failed", "Discarded"])
def test_every_end_counts(phase: str) -> None:
    assert going(changeset("old", 31, phase=phase)) == {"old"}


def test_without_a_readable_time_it_is_old() -> None:
    broken = changeset("odd", 1)
    broken["status"]["finishedAt"] = "yesterday"
    assert going(broken) == {"odd"}
