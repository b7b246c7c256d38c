"""What holds for all objects of all Apps: owner, labels, names, purity."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.api import names
from setops.api.app import AppSpec
from setops.api.kinds import APP, DEPLOYMENT, Object, key_of
from setops.api.stage import Quota
from setops.desired.app import app_objects, selector_text
from setops.desired.pod import LinkSecret
from setops.desired.stage import StageObjects, stage_objects
from tests.unit.changes.definitions import apps
from tests.unit.desired.samples import PLACE, STAGE_OWNER, STORE, build, described

LINKED = {"links": {"store": {"envKey": "STORE_URL"}}}
APP_NAMES = st.one_of(
    st.sampled_from(["default", "stage", "kubernetes", "app", "web", "app-web", "app-app-web"]),
    st.from_regex(names.APP_NAME.pattern, fullmatch=True),
)


def made_of(spec: AppSpec, name: str = "web", **around: Any) -> list[Object]:
    return app_objects(described(spec.to_json(), name, link_secrets={"store": STORE}, **around))


@given(apps())
def test_every_object_goes_away_with_its_app(spec: AppSpec) -> None:
    for obj in made_of(spec):
        assert obj["metadata"]["namespace"] == PLACE.namespace
        (owner,) = obj["metadata"]["ownerReferences"]
        assert owner == {
            "apiVersion": APP.api_version,
            "kind": "App",
            "name": "web",
            "uid": "uid-of-web",
            "controller": True,
        }


@given(apps())
def test_labels_find_the_objects_and_never_confuse_argo_cd(spec: AppSpec) -> None:
    for obj in made_of(spec):
        labels = obj["metadata"]["labels"]
        assert labels[names.LABEL_MANAGED_BY] == names.MANAGER, "or it wouldn't be watched"
        assert labels[names.LABEL_NAME] == "web"
        assert labels[names.LABEL_PART_OF] == "shop"
        text = str(obj)
        assert "argocd.argoproj.io" not in text
        assert "app.kubernetes.io/instance" not in text


@given(apps(), apps())
def test_the_selector_is_the_same_for_every_spec(one: AppSpec, other: AppSpec) -> None:
    """A Deployment's selector can't be changed."""
    selectors = [
        obj["spec"]["selector"]["matchLabels"]
        for spec in (one, other)
        for obj in made_of(spec)
        if key_of(obj).kind is DEPLOYMENT
    ]
    assert all(
        selector == {names.LABEL_APP: "web", names.LABEL_COMPONENT: "app"} for selector in selectors
    )


def test_pods_carry_what_the_selectors_ask_for() -> None:
    labels = build({})[DEPLOYMENT]["spec"]["template"]["metadata"]["labels"]
    selector = described({}).pod_selector()
    assert selector.items() <= labels.items()
    pairs = (pair.split("=") for pair in selector_text(selector).split(","))
    assert dict(pairs) == selector
    assert labels[names.LABEL_MANAGED_BY] == names.MANAGER, "or the pods wouldn't be watched"


@given(apps())
def test_building_changes_no_input_and_always_gives_the_same(spec: AppSpec) -> None:
    description = described(spec.to_json(), link_secrets={"store": STORE})
    before = copy.deepcopy(description)
    first = app_objects(description)
    again = app_objects(description)
    assert description == before
    assert first == again
    first[0]["metadata"]["labels"]["spoiled"] = "yes"
    assert app_objects(description) == again, "no object is shared with a later one"


@given(st.lists(APP_NAMES, unique=True, min_size=2, max_size=8))
def test_no_two_apps_and_no_stage_share_a_name(apps: list[str]) -> None:
    wide = {"image": "nginx", "network": {"public": True}, "resources": {"scale": 2}}
    quota = Quota(cpu=1024)
    keys = [key_of(obj) for obj in stage_objects(StageObjects(PLACE, STAGE_OWNER, quota))]
    for app in apps:
        keys += [key_of(obj) for obj in app_objects(described(wide, app))]
    assert len(set(keys)) == len(keys)


@given(APP_NAMES)
def test_no_app_takes_the_account_that_every_namespace_has(name: str) -> None:
    accounts = [
        obj["metadata"]["name"]
        for obj in app_objects(described({}, name))
        if obj["kind"] == "ServiceAccount"
    ]
    assert accounts
    assert "default" not in accounts


@pytest.mark.parametrize(
    ("secret", "rolls"),
    [
        pytest.param(LinkSecret("service-store", "digest-1"), False, id="nothing changed"),
        pytest.param(LinkSecret("service-store", "digest-2"), True, id="another value"),
        pytest.param(LinkSecret("service-other", "digest-1"), True, id="another Secret"),
    ],
)
def test_an_app_rolls_when_what_a_link_gives_changes(secret: LinkSecret, rolls: bool) -> None:
    before, after = (
        build(LINKED, link_secrets={"store": given})[DEPLOYMENT]["spec"]["template"]
        for given in (STORE, secret)
    )
    assert (before != after) is rolls


def test_the_order_of_links_rolls_nothing() -> None:
    secrets = {"a": LinkSecret("sa", "1"), "b": LinkSecret("sb", "2")}
    spec = {"links": {name: {"envKey": name.upper()} for name in secrets}}
    turned = {"links": dict(reversed(spec["links"].items()))}
    assert build(spec, link_secrets=secrets) == build(
        turned, link_secrets=dict(reversed(secrets.items()))
    )


def test_no_digest_of_a_secret_is_shown() -> None:
    assert "digest-1" not in str(build(LINKED, link_secrets={"store": STORE}))


@pytest.mark.parametrize("scale", [0, 1, 3])
def test_scaling_restarts_no_container(scale: int) -> None:
    template = build({"resources": {"scale": scale}})[DEPLOYMENT]["spec"]["template"]
    assert template == build({"resources": {"scale": 2}})[DEPLOYMENT]["spec"]["template"]
