"""Which objects are looked at after a change of one object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pytest

from setops.api import names
from setops.api.kinds import (
    APP,
    CHANGESET,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    NAMESPACE,
    NETWORK_POLICY,
    NOTIFICATION,
    ORGANIZATION,
    POD,
    PROJECT,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    STAGE,
    Key,
    Kind,
    Object,
    key_of,
)
from setops.kube.cache import ObjectChange
from setops.kube.watched import WATCHED
from setops.reconcile.triggers import PACE, PACE_PER_OBJECT, TRIGGERS, spacing_after, triggered
from tests.reconcile.samples import (
    HOME,
    LABELS,
    SPACE,
    World,
    app,
    changeset,
    make,
    owned_by,
    reported,
    service,
    stage,
    surroundings,
)

ACME: Final = Key(ORGANIZATION, "", "acme")
SHOP: Final = Key(PROJECT, "", "shop")
PRODUCTION: Final = Key(STAGE, HOME, "production")
WEB: Final = Key(APP, SPACE, "web")
WORKER: Final = Key(APP, SPACE, "worker")
STORE: Final = Key(SERVICE, SPACE, "store")
DRAFT: Final = Key(CHANGESET, SPACE, "draft")
OPS: Final = Key(NOTIFICATION, SPACE, "ops")
LINKING: Final = {"links": {"store": {"envKey": "STORE_URL"}}}
NOTIFICATION_SPEC: Final = {"type": "email", "target": "ops@example.com"}


def world() -> World:
    """A Stage with `web`, which links `store`, with `worker`, and with Changesets of each kind."""
    return World(
        *surroundings(),
        app("web", spec=LINKING),
        app("worker"),
        service("store"),
        make(NOTIFICATION, "ops", SPACE, spec=NOTIFICATION_SPEC, status=reported()),
        changeset("draft"),
        changeset("queued", "Queued"),
        changeset("new", None),
        changeset("done", "Committed"),
        changeset("failed", "Failed"),
        changeset("gone", "Discarded"),
    )


UNFINISHED: Final = {Key(CHANGESET, SPACE, name) for name in ("draft", "queued", "new")}


def marked(here: World, change: ObjectChange) -> set[Key]:
    return set(triggered(here.cluster, change))


def edited(here: World, key: Key, **content: Any) -> set[Key]:
    """What is marked when this much of an object changes; `metadata` is laid over the old one."""
    live = here.cluster.get(key)
    assert live is not None
    metadata = {**live["metadata"], **content.pop("metadata", {})}
    return marked(here, here.put({**live, **content, "metadata": metadata}))


def of(kinds: Iterable[Kind], keys: Iterable[Key]) -> set[Key]:
    return {key for key in keys if key.kind in kinds}


@pytest.mark.parametrize(
    ("key", "spec", "others"),
    [
        pytest.param(
            WEB, {"image": "a"}, {PRODUCTION, STORE, *UNFINISHED},
            id="App: counted by its Stage; a Service it no longer links may go; plans differ",
        ),
        pytest.param(
            STORE, {"type": "s3", "deletionPolicy": "Delete"}, {PRODUCTION, WEB, *UNFINISHED},
            id="Service: counted by its Stage, waited for by those that link it",
        ),
        pytest.param(OPS, {}, {PRODUCTION, *UNFINISHED}, id="Notification: plans over it differ"),
        pytest.param(
            PRODUCTION, {"podSecurity": "restricted"}, {SHOP, WEB, WORKER, STORE, *UNFINISHED},
            id="Stage: its Apps follow its settings",
        ),
        pytest.param(
            SHOP, {"organization": "acme", "members": []}, {ACME, PRODUCTION},
            id="Project: counted by its Organization, followed by its Stages",
        ),
        pytest.param(
            ACME, {"domain": "example.org"}, {SHOP, STORE},
            id="Organization: its Services live in its account",
        ),
    ],
)  # fmt: skip
def test_a_new_spec_concerns_the_object_and(key: Key, spec: Object, others: set[Key]) -> None:
    assert edited(world(), key, spec=spec) == {key, *others}


@pytest.mark.parametrize("key", [WEB, STORE, OPS, PRODUCTION, SHOP, ACME], ids=str)
def test_our_own_report_is_no_reason_to_look_again(key: Key) -> None:
    assert key not in edited(world(), key, status=reported("Progressing", "False"))


@pytest.mark.parametrize(
    ("key", "waiting"),
    [
        pytest.param(WEB, {PRODUCTION, *UNFINISHED}, id="the Stage counts, the commit waits"),
        pytest.param(STORE, {PRODUCTION, WEB, *UNFINISHED}, id="its App waits for its Secret"),
        pytest.param(PRODUCTION, {SHOP}, id="the Project lists it"),
        pytest.param(SHOP, {ACME, PRODUCTION}, id="the Stage waits for the Project's namespace"),
        pytest.param(ACME, {SHOP, STORE}, id="the Project waits for a living Organization"),
    ],
)
def test_our_own_report_concerns_those_who_wait_for_it(key: Key, waiting: set[Key]) -> None:
    assert edited(world(), key, status=reported("Progressing", "False")) >= waiting


@pytest.mark.parametrize("status", [{}, {"replicas": 1}], ids=["all of it", "the conditions"])
@pytest.mark.parametrize("key", [WEB, STORE, OPS, PRODUCTION, SHOP, ACME, DRAFT], ids=str)
def test_a_lost_status_is_written_anew(key: Key, status: Object) -> None:
    """As after a restore from a backup, which keeps no status."""
    assert key in edited(world(), key, status=status)


@pytest.mark.parametrize("key", [WEB, STORE, OPS, PRODUCTION, SHOP, ACME, DRAFT], ids=str)
@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"deletionTimestamp": "2026-01-01T00:00:00Z"}, id="its deletion"),
        pytest.param({"annotations": {names.ANNOTATION_PAUSED: "true"}}, id="its pause"),
        pytest.param({"finalizers": []}, id="its finalizers"),
    ],
)
def test_an_object_is_looked_at_when_its_metadata_tells(key: Key, metadata: Object) -> None:
    assert key in edited(world(), key, metadata=metadata)


def test_a_status_that_comes_with_a_new_spec_hides_nothing() -> None:
    marks = edited(world(), WEB, spec={"image": "a"}, status=reported(generation=2))
    assert WEB in marks


@pytest.mark.parametrize("key", [WEB, STORE, OPS], ids=str)
def test_what_is_gone_is_taken_up_by_those_around(key: Key) -> None:
    here = world()
    assert marked(here, here.drop(key)) >= {PRODUCTION, *UNFINISHED}


def test_a_service_learns_that_its_last_app_is_gone() -> None:
    here = world()
    assert STORE in marked(here, here.drop(WEB))


@pytest.mark.parametrize(
    ("links", "concerned"),
    [
        pytest.param({"links": {}}, {STORE}, id="unlinked: it may end now"),
        pytest.param(
            {"links": {"other": {"envKey": "A"}}},
            {STORE, Key(SERVICE, SPACE, "other")},
            id="another one instead: both",
        ),
    ],
)
def test_services_learn_who_links_them(links: Object, concerned: set[Key]) -> None:
    assert of([SERVICE], edited(world(), WEB, spec=links)) == concerned


@pytest.mark.parametrize("phase", ["RollingBack", "Committed", "Failed"])
def test_a_commit_that_moves_on_lets_the_others_look(phase: str) -> None:
    here = world()
    here.put(changeset("first", "Applying"))
    marks = marked(here, here.put(changeset("first", phase)))
    assert marks >= {Key(CHANGESET, SPACE, "queued")}
    assert DRAFT not in marks, "that plans over the Stage, which tells of its lock itself"


def test_what_has_ended_is_not_looked_at_for_others_sake() -> None:
    ended = {Key(CHANGESET, SPACE, name) for name in ("done", "failed", "gone")}
    assert not ended & edited(world(), WEB, spec={"image": "a"})
    assert not ended & edited(world(), PRODUCTION, spec={"logRetentionDays": 1})


def test_a_free_lock_is_taken_by_those_that_wait_for_it() -> None:
    here = world()
    lock = {"changeset": "other", "uid": "u", "since": "2026-01-01T00:00:00Z"}
    status = {**reported(), "namespace": SPACE}
    here.put(stage(status={**status, "currentChangeset": lock}))
    assert marked(here, here.put(stage(status=status))) >= UNFINISHED


def test_a_stages_status_alone_does_not_look_at_all_its_apps() -> None:
    assert not of([APP, SERVICE], edited(world(), PRODUCTION, status={**reported(), "apps": 3}))


@pytest.mark.parametrize("how", ["there", "changed", "gone"])
def test_a_child_concerns_its_owner(how: str) -> None:
    here = world()
    child = make(DEPLOYMENT, "web", SPACE, ownerReferences=owned_by(app("web")), spec={})
    change = here.put(child)
    if how == "changed":
        change = here.put({**child, "status": {"readyReplicas": 1}})
    elif how == "gone":
        change = here.drop(key_of(child))
    assert marked(here, change) == {WEB}


def test_a_child_that_changes_hands_concerns_both() -> None:
    here = world()
    here.put(make(DEPLOYMENT, "web", SPACE, ownerReferences=owned_by(app("web")), spec={}))
    moved = make(DEPLOYMENT, "web", SPACE, ownerReferences=owned_by(app("worker")), spec={})
    assert marked(here, here.put(moved)) == {WEB, WORKER}


def test_a_stages_revision_concerns_the_stage() -> None:
    here = world()
    revision = make(CONTROLLER_REVISION, "production-1", HOME, ownerReferences=owned_by(stage()))
    assert marked(here, here.put(revision)) == {PRODUCTION}


def test_a_strangers_child_concerns_nobody() -> None:
    here = world()
    stranger = {"apiVersion": "apps/v1", "kind": "App", "name": "web", "uid": "u"}
    for owners in ([], [stranger]):
        other = make(DEPLOYMENT, "other", SPACE, ownerReferences=owners, spec={"n": len(owners)})
        assert marked(here, here.put(other)) == set()


def pod(reason: str = "") -> Object:
    state = {"waiting": {"reason": reason}} if reason else {"running": {}}
    status = {"containerStatuses": [{"name": "app", "state": state}]}
    labels = {names.LABEL_APP: "web", names.LABEL_COMPONENT: names.COMPONENT_APP}
    return make(POD, "web-1", SPACE, labels=labels, status=status)


def test_a_pod_that_suffers_concerns_its_app_though_a_replica_set_owns_it() -> None:
    here = world()
    assert marked(here, here.put(pod("ImagePullBackOff"))) == {WEB}
    assert marked(here, here.put(pod("ErrImagePull"))) == {WEB}
    assert marked(here, here.put(pod())) == {WEB}
    here.put(pod("CrashLoopBackOff"))
    assert marked(here, here.drop(key_of(pod()))) == {WEB}


def test_a_pod_that_does_well_is_no_news_beside_its_deployment() -> None:
    here = world()
    assert marked(here, here.put(pod("ContainerCreating"))) == set()
    assert marked(here, here.put(pod())) == set()
    assert marked(here, here.drop(key_of(pod()))) == set()


def test_the_end_of_an_earlier_versions_pod_concerns_its_app() -> None:
    here = world()
    old = make(POD, "web-0", SPACE, labels={names.LABEL_APP: "web"})
    assert marked(here, here.put(old)) == set()
    assert marked(here, here.drop(key_of(old))) == {WEB}


def test_a_count_in_a_status_concerns_nobody() -> None:
    here = world()
    assert edited(here, WEB, status={**reported(), "readyReplicas": 3}) == set()
    assert edited(here, PRODUCTION, status={**reported(), "readyApps": 3}) == set()


def test_what_is_going_tells_its_stage_why_it_lingers() -> None:
    here = World(*surroundings(), app("web", deletionTimestamp="2026-01-01T00:00:00Z"))
    status = reported()
    status["conditions"][0]["message"] = "waits for AWS"
    assert PRODUCTION in edited(here, WEB, status=status)


def test_a_links_secret_concerns_the_apps_that_take_it() -> None:
    here = world()
    labels = {names.LABEL_SERVICE: "store"}
    owner = owned_by(service("store"))
    secret = make(SECRET, "service-store", SPACE, labels=labels, ownerReferences=owner, data={})
    assert marked(here, here.put(secret)) == {WEB, STORE}


def test_a_namespace_concerns_its_stage_and_all_that_waited_for_it() -> None:
    here = world()
    taken = make(NAMESPACE, SPACE, labels={**LABELS, "more": "labels"})
    found = marked(here, here.put(taken))
    assert found >= {SHOP, PRODUCTION, WEB, WORKER, STORE, OPS, DRAFT}
    gone = marked(here, here.drop(Key(NAMESPACE, "", SPACE)))
    assert gone >= {SHOP, PRODUCTION}


def test_a_prefix_of_all_namespaces_is_seen_through() -> None:
    home = f"team-{HOME}"
    project = make(PROJECT, "shop", spec={"organization": "acme"})
    here = World(project, make(STAGE, "production", home, spec={}))
    prefixed = make(NAMESPACE, f"team-{SPACE}", labels=LABELS)
    assert marked(here, here.put(prefixed)) == {SHOP, Key(STAGE, home, "production")}


def test_all_in_a_namespace_is_looked_at_once_its_stage_names_it() -> None:
    """As at the Stage's first report, and after a restore, which loses all statuses."""
    here = world()
    here.put(stage(status=reported()))
    assert marked(here, here.put(stage())) >= {WEB, WORKER, STORE, OPS, DRAFT}


def test_a_strangers_namespace_concerns_nobody() -> None:
    here = world()
    assert marked(here, here.put(make(NAMESPACE, "kube-system"))) == set()


def test_the_wall_around_a_stage_is_rebuilt() -> None:
    here = world()
    owner = [{"apiVersion": "v1", "kind": "Namespace", "name": SPACE, "uid": "u"}]
    wall = make(NETWORK_POLICY, "stage-deny-all", SPACE, labels=LABELS, ownerReferences=owner)
    here.put(wall)
    assert PRODUCTION in marked(here, here.drop(key_of(wall)))


def test_what_is_used_of_a_quota_is_no_news() -> None:
    here = world()
    owner = [{"apiVersion": "v1", "kind": "Namespace", "name": SPACE, "uid": "u"}]
    quota = make(
        RESOURCE_QUOTA, "stage", SPACE, ownerReferences=owner, spec={"hard": {"pods": "9"}}
    )
    assert marked(here, here.put(quota)) == {PRODUCTION}
    told = len(here.changes)
    here.put({**quota, "status": {"used": {"pods": "3"}}})
    assert len(here.changes) == told


def test_a_draft_that_reports_wakes_neither_itself_nor_others() -> None:
    status = {**reported(), "phase": "Open", "baseRevision": 3}
    assert edited(world(), DRAFT, status=status) == set()


def _of_user(name: str, user: str, phase: str | None = "Open", **spec: Any) -> Object:
    return changeset(name, phase, spec={"user": f"{user}@example.com", **spec})


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize(
    ("ending", "woken"),
    [
        pytest.param("1", {"2", "3", "0"}, id="a user's first open one: all others of that user"),
        pytest.param("2", set(), id="one behind another: none"),
        pytest.param("3", {"queued", "0"}, id="a commit behind another: other commits"),
        pytest.param("theirs", set(), id="a user's only one: none"),
        pytest.param("queued", {"3", "0"}, id="a commit in the queue: other commits"),
    ],
)
def test_who_waits_for_one_that_ends(ending: str, woken: set[str], *, deleted: bool) -> None:
    """`0` is the oldest of its user, but no longer open, so nobody waits for it to be closed."""
    here, key = world(), Key(CHANGESET, SPACE, ending)
    here.put(_of_user("0", "dev", "Applying", commit=True))
    for name in ("1", "2"):
        here.put(_of_user(name, "dev"))
    here.put(_of_user("3", "dev", commit=True))
    here.put(_of_user("theirs", "ops"))
    if deleted:
        found = marked(here, here.drop(key)) - {PRODUCTION}
    else:
        found = edited(here, key, status={**reported(), "phase": "Failed"})
    assert found - {key} == {Key(CHANGESET, SPACE, name) for name in woken}


def test_the_deletion_of_one_that_had_ended_wakes_no_other() -> None:
    here = world()
    here.put(changeset("done", "Committed"))
    done = Key(CHANGESET, SPACE, "done")
    assert marked(here, here.drop(done)) == {PRODUCTION, done}


def test_the_end_of_a_changeset_is_told_to_a_stage_that_waits_for_it() -> None:
    here = world()
    assert PRODUCTION in marked(here, here.drop(DRAFT))


def test_every_watched_kind_has_its_row() -> None:
    assert set(TRIGGERS) == set(WATCHED)


@pytest.mark.parametrize(
    "kind", [kind for kind in WATCHED if kind not in {NAMESPACE, ORGANIZATION, PROJECT}], ids=str
)
def test_every_object_concerns_those_that_own_it(kind: Kind) -> None:
    here = world()
    child = make(kind, "child", SPACE, ownerReferences=owned_by(app("worker")), spec={})
    assert WORKER in marked(here, here.put(child))


def changed(here: World, key: Key, **content: Any) -> ObjectChange:
    live = here.cluster.get(key)
    assert live is not None
    return here.put({**live, **content})


def test_a_crowd_of_reports_is_paced_and_a_new_spec_is_not() -> None:
    here = world()
    report = {"status": {**reported(), "readyReplicas": 2}}
    assert spacing_after(here.cluster, changed(here, WEB, **report)) == 4 * PACE_PER_OBJECT
    assert spacing_after(here.cluster, changed(here, PRODUCTION, **report)) == 0
    assert spacing_after(here.cluster, changed(here, WEB, spec={"image": "b"})) == 0


def test_where_there_are_many_apps_their_reports_are_paced_more() -> None:
    here = world()
    for number in range(100):
        here.put(app(f"app{number}"))
    report = {"status": {**reported(), "readyReplicas": 2}}
    assert spacing_after(here.cluster, changed(here, WEB, **report)) == PACE
