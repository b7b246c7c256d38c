"""The operator is killed at the calls to AWS of commits with a database: old or new revision.

A life is a Project whose Stage gets a database, a bucket and an App that links both, by one
Changeset. Of half of the lives RDS refuses the instance, so that all is rolled back. The others go
on: half of them are changed (plan, storage and version of the database, an option of the bucket,
and the App), half are changed and put back, as what comes with the change never becomes ready; then
all unlink and destroy what they have. In each chapter every life is killed at a call of its own,
all of them at once. Only calls that change something count: killed before one and after one, a life
has seen all that AWS and Kubernetes can hold in between. By default there is a life for every
second of the calls of the first chapter, by turns killed before and after it, and the others spread
those lives over their calls; with SETOPS_SWEEP=1 there are both for each call of every chapter, but
by turns where there and back are more calls than lives.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pytest
from botocore.exceptions import ClientError

from sandbox import Sandbox
from sandbox.proxy import Action, Request
from tests.cluster import rds
from tests.cluster.aws.test_postgresql import MADE, NOTHING
from tests.cluster.faults import KILLS, Faults, Life, restart
from tests.cluster.rds import ORGANIZATION, Rig, form_of
from tests.cluster.test_database_commits import CREATE
from tests.cluster.world import ENDED, Object, changeset, manifest

NAME: Final = "create"
CHANGES: Final = 6
"""Calls of a commit that changes a database and a bucket."""
THERE_AND_BACK: Final = 9
"""Of one that does, and is rolled back."""
DELETIONS: Final = 10
"""Of one that destroys a database and a bucket, where neither kept anything back."""
BEFORE: Final = ("db.t3.micro", "15")
AFTER: Final = ("db.m5.large", "16")
"""Class and major version."""
SWEEP: Final = os.environ.get("SETOPS_SWEEP") == "1"
PATIENCE: Final = 150.0


def is_change(request: Request) -> bool:
    """Whether a call to AWS changes anything."""
    call = form_of(request).get("Action")
    if call is None:
        return request.is_write
    return not call.startswith(("Assume", "Describe", "Get", "List"))


class Watch:
    """A rule that counts the changes of lives; those that name a security group alone, too."""

    def __init__(self, rig: Rig, lives: Sequence[Life]) -> None:
        self._rig = rig
        self._faults = Faults(lives, is_change)
        self._groups: dict[str, str] = {}

    def __call__(self, request: Request) -> Action | None:
        group = form_of(request).get("GroupId")
        if group is not None:
            request = replace(request, query=self._name(group))
        return self._faults(request)

    def _name(self, group: str) -> str:
        if group not in self._groups:
            found = self._rig.owner.ec2.describe_security_groups(GroupIds=[group])
            self._groups[group] = found["SecurityGroups"][0]["GroupName"]
        return self._groups[group]


@pytest.fixture(scope="module")
def rig(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    # A look at AWS unasked would be one more call, and fall on whatever is counted.
    with rds.running(sandbox, tmp_path_factory.mktemp("emulator"), driftInterval=60) as started:
        yield started


def grow(rig: Rig, lives: Sequence[Life]) -> None:
    """Projects with their Stages."""
    world = rig.world
    rig.projects.update({life.name: ORGANIZATION for life in lives})
    world.apply(
        rig.organization(),
        *(manifest("Project", life.name, {"organization": ORGANIZATION}) for life in lives),
    )
    for life in lives:
        world.wait("project.setops.co", life.name)
    world.apply(*(manifest("Stage", "live", {}, life.name) for life in lives))
    for life in lives:
        world.wait("sstage", "live", life.name)


def fails(life: Life) -> bool:
    """Whether RDS refuses its instance."""
    return "bad" in life.name


def commit(rig: Rig, lives: Sequence[Life]) -> None:
    for life in lives:
        if fails(life):
            rig.rds.refuse("CreateDBInstance", rig.name(life.namespace), "InstanceQuotaExceeded")
    rig.rds.first = Watch(rig, lives)
    rig.api.rule = Faults(lives, lambda _: False)
    rig.world.apply(*(changeset(life.namespace, NAME, *creation(life)) for life in lives))


def creation(life: Life) -> list[str]:
    version = f"--type postgresql --version {BEFORE[1]}"
    policy = f"--type s3 --deletion-policy {bucket_policy(life)}"
    return [
        each.replace("--type postgresql", version).replace("--type s3", policy) for each in CREATE
    ]


def bucket_policy(life: Life) -> str:
    return "Delete" if int(life.name[-1]) % 2 else "Retain"


def settle(rig: Rig, lives: Sequence[Life], done: Callable[[Life], bool]) -> None:
    """Wait until something holds for all lives."""
    late: list[Life] = []

    def holds() -> bool:
        late[:] = [life for life in lives if not done(life)]
        return not late

    try:
        rig.world.until(holds, "all lives", PATIENCE)
    except AssertionError as error:
        raise AssertionError(f"not done: {'; '.join(map(str, late))}\n{error}") from None


def has_ended(rig: Rig, life: Life, name: str = NAME) -> bool:
    """Whether its Changeset has ended and let go of the lock."""
    stage = rig.world.get("sstage", "live", life.name)
    free = stage is not None and "currentChangeset" not in stage["status"]
    return free and rig.world.phase(life.namespace, name) in ENDED


def strike(rig: Rig, lives: Sequence[Life], done: Callable[[Life], bool]) -> None:
    """Let each life come to its call or its end, kill the operator once, and wait for the end."""
    settle(rig, lives, lambda life: life.frozen or done(life))
    rig.rds.first = rig.api.rule = None
    restart(rig.world)
    settle(rig, lives, done)


def check(rig: Rig, life: Life) -> None:
    """All of it and once, or nothing at all; and what Kubernetes tells of it is so."""
    world, namespace = rig.world, life.namespace
    bucket = rig.name(namespace, "store")
    stage = world.get("sstage", "live", life.name)
    assert stage is not None, life
    phase = world.phase(namespace, NAME)
    assert not rig.snapshots(namespace), life
    if fails(life):
        assert phase == "Failed", life
        assert stage["status"].get("revision", 0) == 0, life
        for what in ("sapp", "ssvc", "secrets", "deployments"):
            gone(rig, life, what)
        assert rig.owner.holdings(rig.name(namespace)) == NOTHING, life
        assert bucket not in (*rig.root.buckets(), *rig.root.users()), life
        return
    assert phase == "Committed", life
    assert stage["status"]["revision"] == 1, life
    assert rig.owner.holdings(rig.name(namespace)) == MADE, life
    assert rig.root.buckets().count(bucket) == rig.root.users().count(bucket) == 1, life
    assert rig.root.keys(bucket) == [rig.secret(namespace, "store")["accessKeyId"]], life
    assert rig.query(namespace, "SELECT 1") == [(1,)], life
    world.wait("sapp", "web", namespace)


def gone(rig: Rig, life: Life, what: str) -> None:
    rig.world.until(
        lambda: not rig.world.list(what, life.namespace), f"the end of all {what} of {life}"
    )


@dataclass(frozen=True)
class Undisturbed:
    """How many changes a commit makes at AWS that succeeds, and one that is rolled back."""

    good: int
    bad: int


@pytest.fixture(scope="module")
def undisturbed(rig: Rig) -> Undisturbed:
    lives = [Life("lifegood0"), Life("lifebad0")]
    grow(rig, lives)
    commit(rig, lives)
    settle(rig, lives, lambda life: has_ended(rig, life))
    settle(rig, lives[1:], lambda life: not rig.world.list("ssvc", life.namespace))
    return Undisturbed(*(len(life.requests) for life in lives))


def chosen(kind: str, calls: int) -> Iterator[Life]:
    """Lives with their kills."""
    for at in range(1, calls + 1):
        for turn, fault in enumerate(KILLS):
            if SWEEP or at % 4 == 2 * turn:
                life = Life(f"life{kind}{10 * at + turn}")
                life.aim(fault, at)
                yield life


def test_a_kill_at_any_call_ends_at_the_old_or_at_the_new_revision(
    rig: Rig, undisturbed: Undisturbed
) -> None:
    lives = [*chosen("good", undisturbed.good), *chosen("bad", undisturbed.bad)]
    grow(rig, lives)
    commit(rig, lives)
    strike(rig, lives, lambda life: has_ended(rig, life))
    for life in lives:
        check(rig, life)
    assert all(life.struck for life in lives if not fails(life)), list(map(str, lives))
    # How often RDS is asked in vain, and how much of the bucket is made until then, differs from
    # life to life. So the last have no fault.
    failing = [life for life in lives if fails(life)]
    assert sum(life.struck for life in failing) > len(failing) / 3, list(map(str, failing))
    change(rig, [life for life in lives if not fails(life)])
    destroy(rig, [life for life in lives if not fails(life)])


def aim(lives: Sequence[Life], calls: int) -> None:
    """Spread the kills of a chapter over its calls."""
    for number, life in enumerate(lives):
        enough = len(lives) >= len(KILLS) * calls
        at = 1 + (number // len(KILLS) if enough else number * calls // len(lives))
        life.aim(KILLS[number % 2], at)


def begin(rig: Rig, lives: Sequence[Life], *changesets: Object) -> None:
    """The next chapter of all lives."""
    rig.rds.first = Watch(rig, lives)
    rig.api.rule = Faults(lives, lambda _: False)
    rig.world.apply(*changesets)


WANTED: Final[Object] = {
    "services": {
        "database": {"plan": AFTER[0], "version": AFTER[1], "options": {"minStorage": 40}},
        "store": {"options": {"blockPublicAccess": False}},
    },
    "apps": {"web": {"env": {"MODE": {"value": "changed"}}}},
}
ENDLESS: Final[Object] = {
    **WANTED,
    "apps": {**WANTED["apps"], "worker": {"image": "registry.example.com/does-not-exist:1"}},
}


def change(rig: Rig, lives: Sequence[Life]) -> None:
    """Half of the lives are changed, half are changed and then put back."""
    for life in lives:
        rig.query(life.namespace, "CREATE TABLE kept (id int)", "INSERT INTO kept VALUES (7)")
        rig.root.s3.put_object(Bucket=rig.name(life.namespace, "store"), Key="kept", Body=b"7")
    changed, undone = lives[::2], lives[1::2]
    aim(changed, CHANGES)
    aim(undone, THERE_AND_BACK)
    begin(
        rig,
        lives,
        *(changeset(each.namespace, "change", definition=WANTED) for each in changed),
        *(changeset(each.namespace, "change", definition=ENDLESS) for each in undone),
    )
    cancelled: set[str] = set()

    def done(life: Life) -> bool:
        if life in undone and life.name not in cancelled and is_changed(rig, life):
            cancelled.add(life.name)
            rig.world.patch("scs", "change", life.namespace, {"spec": {"discard": True}})
        return has_ended(rig, life, "change")

    strike(rig, lives, done)
    for life in lives:
        check_changed(rig, life, back=life in undone)
    assert sum(life.struck for life in lives) > len(lives) / 2, list(map(str, lives))


def is_changed(rig: Rig, life: Life) -> bool:
    """Whether its commit waits for nothing but what never comes."""
    found = rig.world.get("scs", "change", life.namespace) or {}
    progress = found.get("status", {}).get("progress", {})
    return progress.get("done") == 3 and "'worker'" in progress["waitingFor"]


def check_changed(rig: Rig, life: Life, *, back: bool) -> None:
    """All of the change or none of it, but for what AWS can't take back; and no data is lost."""
    world, namespace = rig.world, life.namespace
    assert world.phase(namespace, "change") == ("Failed" if back else "Committed"), life
    stage = world.get("sstage", "live", life.name)
    assert stage is not None
    assert stage["status"]["revision"] == (1 if back else 2), life
    service, web = (
        world.wait(what, name, namespace) for what, name in (("ssvc", "database"), ("sapp", "web"))
    )
    assert service["spec"]["version"] == (BEFORE if back else AFTER)[1], life
    assert ("MODE" in web["spec"]["env"] if "env" in web["spec"] else False) != back, life
    world.gone("sapp", "worker", namespace)
    world.wait("ssvc", "store", namespace)
    bucket = rig.name(namespace, "store")
    assert is_private(rig, bucket) == back, life
    assert rig.root.keys(bucket) == [rig.secret(namespace, "store")["accessKeyId"]], life
    found = rig.owner.instance(rig.name(namespace))
    assert found["DBInstanceClass"] == (BEFORE if back else AFTER)[0], life
    # No storage shrinks and no version goes back: what was brought in stays, and is told.
    assert (found["AllocatedStorage"], found["EngineVersion"]) == (40, AFTER[1]), life
    (said,) = (c["message"] for c in service["status"]["conditions"] if c["type"] == "Ready")
    assert ("can't go back to 15; set version to 16" in said) == back, life
    assert rig.owner.holdings(rig.name(namespace)) == MADE, life
    assert not rig.snapshots(namespace), life
    assert rig.query(namespace, "SELECT id FROM kept") == [(7,)], life


def is_private(rig: Rig, bucket: str) -> bool:
    try:
        rig.root.s3.get_public_access_block(Bucket=bucket)
    except ClientError:
        return False
    return True


def destroy(rig: Rig, lives: Sequence[Life]) -> None:
    """All of them unlink and destroy what they have."""
    aim(lives, DELETIONS)
    begin(rig, lives, *(changeset(life.namespace, "destroy", *DESTROY) for life in lives))

    def done(life: Life) -> bool:
        return has_ended(rig, life, "destroy") and not rig.world.list("ssvc", life.namespace)

    strike(rig, lives, done)
    buckets, users = rig.root.buckets(), rig.root.users()
    for life in lives:
        world, namespace = rig.world, life.namespace
        bucket = rig.name(namespace, "store")
        assert world.phase(namespace, "destroy") == "Committed", life
        assert not world.wait("sapp", "web", namespace)["spec"].get("links"), life
        gone(rig, life, "secrets")
        assert rig.owner.holdings(rig.name(namespace)) == {**NOTHING, "snapshots": 1}, life
        assert len(rig.snapshots(namespace)) == 1, life
        assert bucket not in users, life
        assert (bucket in buckets) == (bucket_policy(life) == "Retain"), life
        if bucket in buckets:
            kept = rig.root.s3.get_object(Bucket=bucket, Key="kept")
            assert kept["Body"].read() == b"7", life
    assert sum(life.struck for life in lives) > len(lives) / 2, list(map(str, lives))


DESTROY: Final = (
    "--app web link:destroy database",
    "service:destroy database",
    "--app web link:destroy store",
    "service:destroy store",
)
