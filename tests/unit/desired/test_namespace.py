"""The namespaces of Projects and Stages, and whose an existing one is."""

from __future__ import annotations

import pytest

from setops.api import names
from setops.api.kinds import Object
from setops.api.stage import StageSpec
from setops.desired.namespace import is_ours, project_namespace, stage_namespace

PROJECT = project_namespace("shop", "shop", "acme")
STAGE = stage_namespace("shop-production", "shop", "production", "acme", StageSpec())


def labels(namespace: Object) -> dict[str, str]:
    found: dict[str, str] = namespace["metadata"]["labels"]
    return found


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_stage_enforces_the_standard_that_it_asks_for(level: str) -> None:
    spec = StageSpec.model_validate({"podSecurity": level})
    made = labels(stage_namespace("shop-production", "shop", "production", "acme", spec))
    modes = {key: value for key, value in made.items() if "pod-security" in key}
    assert modes == {
        f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")
    }


def test_no_pod_of_a_user_runs_beside_the_definitions_of_a_project() -> None:
    assert labels(PROJECT)["pod-security.kubernetes.io/enforce"] == "restricted"


def test_a_namespace_names_all_that_is_around_it() -> None:
    assert (
        labels(STAGE).items()
        >= {
            names.LABEL_ORGANIZATION: "acme",
            names.LABEL_PROJECT: "shop",
            names.LABEL_STAGE: "production",
            names.LABEL_MANAGED_BY: names.MANAGER,
        }.items()
    )


@pytest.mark.parametrize("protected", [True, False])
def test_protection_is_a_label_that_comes_and_goes(protected: bool) -> None:
    spec = StageSpec(deletion_protection=protected)
    made = labels(stage_namespace("shop-production", "shop", "production", "acme", spec))
    assert (names.LABEL_DELETION_PROTECTION in made) is protected


@pytest.mark.parametrize(
    ("namespace", "project", "stage", "ours"),
    [
        pytest.param(PROJECT, "shop", "", True, id="the Project's own"),
        pytest.param(PROJECT, "other", "", False, id="another Project's"),
        pytest.param(PROJECT, "shop", "production", False, id="a Project's is no Stage's"),
        pytest.param(STAGE, "shop", "production", True, id="the Stage's own"),
        pytest.param(STAGE, "shop", "staging", False, id="another Stage's"),
        pytest.param(STAGE, "shop", "", False, id="a Stage's is no Project's"),
        pytest.param({"metadata": {"name": "shop"}}, "shop", "", False, id="no labels at all"),
        pytest.param(
            {"metadata": {"name": "shop", "labels": None}}, "shop", "", False, id="empty labels"
        ),
        pytest.param(
            {"metadata": {"name": "shop", "labels": {names.LABEL_MANAGED_BY: names.MANAGER}}},
            "shop",
            "",
            False,
            id="the manager's label alone hands nothing over",
        ),
    ],
)
def test_whose_it_is(namespace: Object, project: str, stage: str, ours: bool) -> None:
    assert is_ours(namespace, project, stage) is ours
