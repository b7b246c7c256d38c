"""The operator is killed, or the API server fails it, at every write: each life ends the same.

A life is a Project with Stage `live`. In its chapters it is born; a committed Changeset makes an
App with a release, two replicas and a linked bucket, then another one with its bucket; a Changeset
that can't succeed is rolled back, twice; the Project is deleted with all that it has. Undisturbed
lives tell how many writes a chapter takes (of the operator, without Leases, Events and the status
of the Organization), and how it ends: all objects, without uids, times and the like, and what AWS
holds.

For every N of birth, first App, first rollback and deletion one life is killed at its N-th write,
half of them before it took effect and half after it, with the answer lost; for every N of birth,
second App, second rollback and deletion one life sees its N-th write fail, with 409, 429, 500, a
lost answer and a write that arrives twice by turns. With SETOPS_SWEEP=1 every N is killed in both
ways and fails in all five.
"""

from __future__ import annotations

import http.client
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from sandbox import Sandbox
from sandbox.proxy import Action, Delay, Drop, Fail, Proxy, Record, Request, Rule, at_request
from setops.aws.identity import Identity
from setops.aws.naming import resource_name
from setops.aws.target import Account
from tests.cluster.aws.story import Root
from tests.cluster.faults import (
    ERRORS,
    KILLS,
    Fault,
    Faults,
    Life,
    difference,
    dump,
    is_counted_write,
    restart,
)
from tests.cluster.world import ENDED, World, changeset, manifest, organization

PATIENCE: Final = 120.0
POLL: Final = 1.0
# In a crowd of lives, progress is reported less often: none comes to as many writes.
MOST: Final = 40
SWEEP: Final = os.environ.get("SETOPS_SWEEP") == "1"

CREATE: Final = (
    "app:create web",
    "--app web release:create registry.example.com/web:1",
    "--app web release:activate 1",
    "--app web container:set port 3000",
    "--app web resource:set scale 2",
    "service:create store --type s3",
    "--app web link:create store --env-key STORE_URL",
)
ANOTHER: Final = (
    "app:create second",
    "--app second release:create registry.example.com/second:1",
    "--app second release:activate 1",
    "service:create spare --type s3",
    "--app second link:create spare --env-key STORE_URL",
)
BREAK: Final = (
    "--app web resource:set scale 3",
    "app:create broken",
    "--app broken release:create x/does-not-exist:1",
    "--app broken release:activate 1",
    "service:create extra --type s3",
)

Dump = Mapping[str, Any]


@dataclass
class Arena:
    """The operator between two proxies, and the chapters of lives."""

    world: World
    api: Proxy
    aws: Proxy
    root: Root

    @property
    def sandbox(self) -> Sandbox:
        return self.world.sandbox

    def watch(self, lives: Sequence[Life]) -> None:
        """From now on the proxies count and break the requests of these lives."""
        self.api.rule = Faults(lives, is_counted_write, self.send)
        self.aws.rule = Faults(lives, lambda _: False)

    def send(self, request: Request) -> None:
        """Send a request to the API server past the proxy, whatever comes of it."""
        parts = urlsplit(self.sandbox.server)
        trust = ssl.create_default_context(cafile=self.sandbox.authority)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=10, context=trust
        )
        try:
            path = f"{request.path}?{request.query}" if request.query else request.path
            headers = {name: value for name, value in request.headers.items() if name != "host"}
            connection.request(request.method, path, request.body, headers)
            connection.getresponse().read()
        finally:
            connection.close()

    def settle(self, lives: Sequence[Life], done: Callable[[Life, Dump], bool]) -> str:
        """Wait until something holds for all lives; who it didn't come to hold for, in words."""
        deadline = time.monotonic() + PATIENCE
        waiting = list(lives)
        staged: set[str] = set()
        while True:
            began = time.monotonic()
            found = dump(self.world, [life.name for life in waiting])
            waiting = [life for life in waiting if not done(life, found[life.name])]
            if not waiting or time.monotonic() > deadline:
                return "\n".join(str(life) for life in waiting)
            self._add_stages(waiting, found, staged)
            # A look at a crowd takes a while, which the operator would like to have, too.
            time.sleep(max(POLL, 3 * (time.monotonic() - began)))

    def _add_stages(
        self, lives: Sequence[Life], found: Mapping[str, Dump], staged: set[str]
    ) -> None:
        """Make the Stage of each life whose Project has its namespace by now."""
        due = [
            life.name
            for life in lives
            if life.name not in staged
            and {"Project /LIFE", "Namespace /LIFE"} <= found[life.name].keys()
            and "Stage LIFE/live" not in found[life.name]
            and "deletionTimestamp" not in found[life.name]["Project /LIFE"]["metadata"]
        ]
        if due:
            self.world.apply(*(manifest("Stage", "live", {}, name) for name in due))
            staged.update(due)

    def ends(self, lives: Sequence[Life], expected: Dump, chapter: str) -> None:
        """All lives come to look as expected."""
        if self.settle(lives, lambda _, found: found == expected):
            found = dump(self.world, [life.name for life in lives])
            wrong = [
                f"{life}: {difference(expected, found[life.name])}"
                for life in lives
                if found[life.name] != expected
            ]
            last = self.world.operator.log.splitlines()[-30:]
            raise AssertionError("\n".join([chapter, *wrong, *last]))


def check_aws(root: Root, lives: Sequence[Life], chapter: Chapter) -> None:
    """AWS holds what it should of each life, and nothing else."""
    buckets, users = root.buckets(), root.users()
    for life in lives:
        names = {each: at_aws(life, each) for each in ("store", "spare", "extra")}
        assert [each for each, name in names.items() if name in buckets] == [*chapter.buckets], life
        assert [each for each, name in names.items() if name in users] == [*chapter.users], life


def at_aws(life: Life, service: str) -> str:
    """The name of a Service's bucket and user."""
    return resource_name(Identity.of_service("acme", life.name, "live", service), 63)


# Chapters -----------------------------------------------------------------------------------


def is_born(world: World, lives: Sequence[Life]) -> None:
    world.apply(
        organization(),
        *(manifest("Project", life.name, {"organization": "acme"}) for life in lives),
    )


def gets_an_app(world: World, lives: Sequence[Life]) -> None:
    world.apply(*(changeset(life.namespace, "create", *CREATE) for life in lives))


def gets_another(world: World, lives: Sequence[Life]) -> None:
    world.apply(*(changeset(life.namespace, "another", *ANOTHER) for life in lives))


# Not too short: a commit that is late already when it is first looked at skips half of the way.
LATE: Final = 6


def fails(world: World, lives: Sequence[Life]) -> None:
    world.apply(*(changeset(life.namespace, "break", *BREAK, timeout=LATE) for life in lives))


def fails_again(world: World, lives: Sequence[Life]) -> None:
    world.apply(*(changeset(life.namespace, "again", *BREAK, timeout=LATE) for life in lives))


def is_deleted(world: World, lives: Sequence[Life]) -> None:
    world.delete("project.setops.co", *(life.name for life in lives))


@dataclass(frozen=True)
class Chapter:
    """What happens, how it shows that it did, and of which Services AWS then has something."""

    begin: Callable[[World, Sequence[Life]], None]
    done: Callable[[Dump], bool]
    buckets: Sequence[str] = ()
    users: Sequence[str] = ()

    @property
    def name(self) -> str:
        return self.begin.__name__


def _is(found: Dump, key: str, condition: str) -> bool:
    conditions = found.get(key, {}).get("status", {}).get("conditions", ())
    return any(item["type"] == condition and item["status"] == "True" for item in conditions)


def _rolled_back(found: Dump, name: str) -> bool:
    return (
        _is(found, f"Changeset LIFE-live/{name}", "Failed")
        and _is(found, "App LIFE-live/web", "Ready")
        and not any(key.endswith(("broken", "extra")) for key in found)
    )


_ONE: Final = ["store"]
_TWO: Final = ["store", "spare"]

BIRTH: Final = Chapter(is_born, lambda found: _is(found, "Stage LIFE/live", "Ready"))
APP: Final = Chapter(
    gets_an_app, lambda found: _is(found, "Changeset LIFE-live/create", "Complete"), _ONE, _ONE
)
SECOND: Final = Chapter(
    gets_another, lambda found: _is(found, "Changeset LIFE-live/another", "Complete"), _TWO, _TWO
)
FAILURE: Final = Chapter(fails, lambda found: _rolled_back(found, "break"), _TWO, _TWO)
AGAIN: Final = Chapter(fails_again, lambda found: _rolled_back(found, "again"), _TWO, _TWO)
# A bucket is retained unless its Service says otherwise.
DELETION: Final = Chapter(is_deleted, lambda found: not found, _TWO)
SHORT_LIFE: Final = Chapter(is_deleted, lambda found: not found, _ONE)


@dataclass
class Undisturbed:
    """How the chapters go when nothing fails: their numbers of writes, and their ends."""

    writes: dict[str, int] = field(default_factory=dict)
    ends: dict[str, Dump] = field(default_factory=dict)


@pytest.fixture(scope="module")
def arena(sandbox: Sandbox) -> Iterator[Arena]:
    with (
        Proxy(sandbox.server, sandbox.authority) as api,
        Proxy(sandbox.aws_endpoint) as aws,
        sandbox.operator(
            # Many lives at once on a small machine; after a kill the tests free the Lease.
            values={"lease": {"duration": 60, "renewDeadline": 40}},
            extra_environment={"AWS_ENDPOINT_URL": aws.url},
            api_proxy=api.url,
        ) as operator,
    ):
        account = Account("000000000000", "eu-central-1", endpoint_url=sandbox.aws_endpoint)
        yield Arena(World(sandbox, operator), api, aws, Root(account))


@pytest.fixture(scope="module")
def undisturbed(arena: Arena) -> Undisturbed:
    lives = [Life(f"lifeu{number}") for number in range(3)]
    arena.watch(lives)
    known = Undisturbed()
    for chapter in (BIRTH, APP, SECOND, FAILURE, AGAIN, DELETION):
        for life in lives:
            life.aim(None, 0)
        chapter.begin(arena.world, lives)
        late = arena.settle(lives, lambda _, found, done=chapter.done: done(found))  # type: ignore[misc]
        assert not late, f"{chapter.name} never ended: {late}"
        known.ends[chapter.name] = _rest(arena, lives)
        check_aws(arena.root, lives, chapter)
        known.writes[chapter.name] = max(len(life.requests) for life in lives)
    return known


def _rest(arena: Arena, lives: Sequence[Life]) -> Dump:
    """How lives look once nothing moves any more, all of them alike."""
    before: Mapping[str, Dump] = {}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = dump(arena.world, [life.name for life in lives])
        ours = list(found.values())
        if found == before and all(each == ours[0] for each in ours):
            return ours[0]
        before = found
        time.sleep(1)
    raise AssertionError(f"they never rest: {difference(ours[0], ours[1])}")


def test_an_undisturbed_life_is_as_it_should_be(undisturbed: Undisturbed) -> None:
    """What the others are compared with holds by itself."""
    committed = undisturbed.ends["gets_another"]
    stage = committed["Stage LIFE/live"]["status"]
    assert stage["revision"] == 2
    assert "currentChangeset" not in stage
    assert "finalizers" not in committed["Changeset LIFE-live/create"]["metadata"]
    revisions = [f"ControllerRevision LIFE-live/live-{number}" for number in (1, 2)]
    assert sorted(key for key in committed if "Revision" in key) == revisions
    # A failed Changeset leaves nothing but itself.
    failed = dict(undisturbed.ends["fails"])
    broken = failed.pop("Changeset LIFE-live/break")
    assert broken["status"]["phase"] == "Failed"
    assert "finalizers" not in broken["metadata"]
    assert difference(committed, failed) == ""
    assert undisturbed.ends["is_deleted"] == {}


def _number_of_lives(undisturbed: Undisturbed, *chapters: Chapter) -> range:
    writes = max(undisturbed.writes[chapter.name] for chapter in chapters)
    return range(min(writes, MOST))


def _go_through(
    arena: Arena,
    undisturbed: Undisturbed,
    lives: Sequence[Life],
    chapters: Sequence[tuple[Chapter, Sequence[Fault | None]]],
    shift: int,
) -> None:
    """A life for each N, with faults by turns; where N is beyond a chapter's end, from 1 again."""
    for chapter, faults in chapters:
        writes = undisturbed.writes[chapter.name]
        for number, life in enumerate(lives):
            again, at = divmod(number, writes)
            life.aim(faults[(at + again + shift) % len(faults)], at + 1)
        arena.watch(lives)
        chapter.begin(arena.world, lives)
        expected = undisturbed.ends[chapter.name]
        if faults == KILLS:
            late = arena.settle(
                lives,
                lambda life, found, end=expected: life.frozen or found == end,  # type: ignore[misc]
            )
            assert not late, f"{chapter.name}: neither came to its write nor to its end: {late}"
            arena.api.rule = arena.aws.rule = None
            restart(arena.world)
        arena.ends(lives, expected, chapter.name)
        check_aws(arena.root, lives, chapter)


@pytest.mark.parametrize("shift", range(len(ERRORS)) if SWEEP else [0])
def test_neither_a_kill_nor_a_failure_at_any_write_changes_an_end(
    arena: Arena, undisturbed: Undisturbed, shift: int
) -> None:
    numbers = _number_of_lives(undisturbed, APP, SECOND, FAILURE, AGAIN)
    lives = [Life(f"life{'abcde'[shift]}{number}") for number in numbers]
    chapters = (
        (BIRTH, KILLS),
        (APP, KILLS),
        (SECOND, ERRORS),
        (FAILURE, KILLS),
        (AGAIN, ERRORS),
        (DELETION, KILLS),
    )
    _go_through(arena, undisturbed, lives, chapters, shift)


@pytest.mark.parametrize("shift", range(len(ERRORS)) if SWEEP else [0])
def test_a_failure_at_any_write_changes_neither_birth_nor_deletion(
    arena: Arena, undisturbed: Undisturbed, shift: int
) -> None:
    numbers = _number_of_lives(undisturbed, BIRTH, DELETION)
    lives = [Life(f"life{'fghij'[shift]}{number}") for number in numbers]
    chapters = ((BIRTH, ERRORS), (APP, [None]), (SHORT_LIFE, ERRORS))
    _go_through(arena, undisturbed, lives, chapters, shift)


# What the chapters can't show ---------------------------------------------------------------


def _write_to(life: Life, method: str, path: str) -> Callable[[Request], bool]:
    """Real writes of a life to a path that ends so."""
    return lambda request: (
        request.method == method
        and life.name in request.path
        and request.path.endswith(path)
        and "dryRun" not in request.query
    )


@pytest.fixture
def life(arena: Arena, request: pytest.FixtureRequest) -> Iterator[Life]:
    """A life that has its Stage."""
    made = Life(f"lifes{sum(map(ord, request.node.name))}")
    arena.api.rule = arena.aws.rule = None
    is_born(arena.world, [made])
    assert not arena.settle([made], lambda _, found: BIRTH.done(found))
    yield made
    arena.api.rule = arena.aws.rule = None
    arena.world.delete("project.setops.co", made.name)


def test_a_changeset_plans_only_when_the_one_before_it_has_ended_also_over_a_kill(
    arena: Arena, life: Life
) -> None:
    """The second one changes an App that the first one makes."""
    life.aim(Fault.KILL_AFTER, 2)
    arena.watch([life])
    arena.world.apply(changeset(life.namespace, "first", *CREATE))
    assert not arena.settle([life], lambda life, _: life.frozen)
    arena.world.apply(
        changeset(life.namespace, "second", "--app web resource:set memory 512"),
        changeset(life.namespace, "third", "--app web resource:set cpu 256"),
    )
    arena.api.rule = arena.aws.rule = None
    restart(arena.world)
    for number, name in enumerate(("first", "second", "third"), start=1):
        arena.world.until(
            lambda name=name: arena.world.phase(life.namespace, name) in ENDED,  # type: ignore[misc]
            f"end of {name}",
        )
        found = arena.world.get("scs", name, life.namespace)
        assert found is not None
        assert (found["status"]["phase"], found["status"].get("revision")) == ("Committed", number)


@pytest.fixture
def blind(arena: Arena) -> Iterator[Rule]:
    """An operator whose watch of Apps brings nothing: it knows only what it is told in answers.

    What it gives is the rule that holds the watch up.
    """

    def hold(request: Request) -> Action | None:
        of_apps = request.path.endswith("setops.co/v1alpha1/apps")
        return Delay(3600) if request.is_watch and of_apps else None

    arena.api.rule = hold
    restart(arena.world)
    yield hold
    arena.api.rule = None
    restart(arena.world)


def test_an_app_of_which_the_answer_was_lost_is_known_as_the_commits_own(
    arena: Arena, life: Life, blind: Rule
) -> None:
    lost = at_request(1, Drop(), _write_to(life, "POST", "/apps"))
    arena.api.rule = lambda request: blind(request) or lost(request)
    ended = arena.world.commit(life.namespace, "app:create web")
    assert ended["status"]["phase"] == "Committed", ended["status"]


def test_a_rollback_removes_also_that_of_which_the_answer_was_lost(
    arena: Arena, life: Life, blind: Rule
) -> None:
    def rule(request: Request) -> Action | None:
        if not _write_to(life, "POST", "/apps")(request):
            return blind(request)
        return Fail(403) if b'"second"' in request.body else Drop()

    arena.api.rule = rule
    ended = arena.world.commit(life.namespace, "app:create first", "app:create second")
    assert ended["status"]["phase"] == "Failed", ended["status"]
    assert arena.world.list("sapp", life.namespace) == []


def test_a_rollback_keeps_the_data_that_was_there_before(arena: Arena, life: Life) -> None:
    """The bucket of an earlier Service, which was retained."""
    create = ("app:create broken", *BREAK[2:4], "service:create store --type s3")
    arena.world.commit(life.namespace, "service:create store --type s3")
    arena.root.s3.put_object(Bucket=at_aws(life, "store"), Key="data", Body=b"kept")
    arena.world.commit(life.namespace, "service:destroy store")
    arena.world.gone("ssvc", "store", life.namespace)
    ended = arena.world.commit(life.namespace, *create, timeout=3)
    assert ended["status"]["phase"] == "Failed", ended["status"]
    arena.world.gone("ssvc", "store", life.namespace)
    found = arena.root.s3.get_object(Bucket=at_aws(life, "store"), Key="data")
    assert found["Body"].read() == b"kept"


def test_a_stage_that_is_at_work_doesnt_lose_the_lock_that_is_taken_meanwhile(
    arena: Arena, life: Life
) -> None:
    policies = _write_to(life, "PATCH", "/stage-deny-all")
    arena.api.rule = lambda request: Delay(3) if policies(request) else None
    seen = len(arena.api.records)

    def repairs() -> list[Record]:
        return [record for record in arena.api.records[seen:] if policies(record.request)]

    arena.world.delete("networkpolicies", "stage-deny-all", namespace=life.namespace)
    arena.world.until(lambda: bool(repairs()), "the repair of the policy")
    arena.world.apply(
        changeset(
            life.namespace,
            "slow",
            "app:create web",
            "--app web release:create x/does-not-exist:1",
            "--app web release:activate 1",
        )
    )
    arena.world.until(lambda: arena.world.phase(life.namespace, "slow") == "Applying", "the commit")
    arena.world.until(lambda: repairs()[0].seconds is not None, "the end of the repair")
    # The Stage counts its Apps in the same write that would have lost the lock.
    arena.world.until(
        lambda: _stage_status(arena, life).get("apps") == 1, "the report of the Stage"
    )
    assert _stage_status(arena, life)["currentChangeset"]["changeset"] == "slow"


def _stage_status(arena: Arena, life: Life) -> Mapping[str, Any]:
    found = arena.world.get("sstage", "live", life.name)
    assert found is not None
    status: Mapping[str, Any] = found["status"]
    return status
