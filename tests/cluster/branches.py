"""Stages that commit at once, each with a fault of its own, and what must hold of each in the end.

A branch is a Stage. Its commits lead it from one definition to another and back: two Apps and a
Notification change, an App and a Notification come, others go, an App is replaced.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.api import ApiError
from sandbox.proxy import Proxy, Record, Request
from setops.api import definition as definitions
from setops.api.definition import StageDefinition
from setops.api.kinds import CHANGESET
from setops.api.names import LABEL_STAGE
from setops.api.section import SECTIONS, section_of
from setops.changes.diff import diff
from setops.reconcile.revisions import LABEL_CHANGESET_UID
from tests.cluster.faults import Fault, Faults, Life, is_counted_write, life_in, restart
from tests.cluster.world import ENDED, Object, World, changeset, manifest
from tests.cluster.writes import Write, spec_write, writes_of

PROJECT: Final = "branches"
PATIENCE: Final = 180.0
POLL: Final = 0.5
LABEL: Final = "chapter"
# Less than what one App reserves: its commit fails as soon as Kubernetes has said so.
QUOTA: Final = {"memory": 128}
BROKEN: Final = {"broken": {"image": "registry.example.com/large:1"}}
CHILDREN: Final = "serviceaccounts,services,networkpolicies,deployments,poddisruptionbudgets"
# Of an App without an image.
CHILDREN_OF_AN_APP: Final = ["Service", "ServiceAccount"]


def _definition(scale: int, protocol: str, extra: str) -> StageDefinition:
    return definitions.load(
        {
            "apps": {
                "first": {"resources": {"scale": scale}},
                "second": {"env": {"SCALE": {"value": str(scale)}}, "network": {"port": 80}},
                "turning": {"network": {"protocol": protocol}},
                extra: {},
            },
            "notifications": {
                "team": {"type": "email", "target": f"{extra}@example.com"},
                extra: {"type": "email", "target": "ops@example.com"},
            },
        }
    )


HERE: Final = _definition(1, "http", "leaving")
THERE: Final = _definition(2, "tcp", "arriving")


@dataclass
class Branch(Life):
    """A Stage: the definition and the number of revisions that it has, and its Apps by name."""

    stands: StageDefinition = field(default_factory=StageDefinition)
    revisions: int = 0
    apps: Mapping[str, Object] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return f"{PROJECT}-{self.name}"

    @property
    def other(self) -> StageDefinition:
        """Where the next commit leads."""
        return HERE if self.stands == THERE else THERE


@dataclass(frozen=True)
class Chapter:
    """What all branches commit at once, and the phases in which that may end.

    `breaks` tells whether the commit holds an App that can't run. With `late`, writes are counted
    from the one on that says that the Changeset rolls back.
    """

    name: str
    ends: Sequence[str] = ("Committed",)
    breaks: bool = False
    late: bool = False

    def aim(self, branch: Branch) -> StageDefinition:
        """The definition to which the Changeset leads."""
        if not self.breaks:
            return branch.other
        whole = branch.other.to_json()
        return definitions.load({**whole, "apps": {**whole["apps"], **BROKEN}})


@dataclass(frozen=True)
class Seen:
    """What the API server holds, by namespace; of revisions and Stages by the Stage's name."""

    changesets: Mapping[str, Sequence[Object]]
    stages: Mapping[str, Sequence[Object]]
    revisions: Mapping[str, Sequence[Object]]
    entries: Mapping[str, Sequence[Object]]
    children: Mapping[str, Sequence[Object]]


class Arena:
    """The operator behind a proxy, and the branches that it leads through chapters."""

    def __init__(self, world: World, api: Proxy) -> None:
        self.world = world
        self.api = api
        self._direct = world.sandbox.api()

    def grow(self, branches: Sequence[Branch]) -> None:
        """New Stages, which stand where all begin."""
        self.world.apply(
            *(manifest("Stage", branch.name, {"quota": QUOTA}, PROJECT) for branch in branches)
        )
        self._until(branches, self._unborn)
        self.play(branches, Chapter("birth"), [None])

    def play(
        self, branches: Sequence[Branch], chapter: Chapter, faults: Sequence[Fault | None]
    ) -> None:
        """All branches commit, and the N-th one suffers a fault, by turns, at its N-th write."""
        for number, branch in enumerate(branches, start=1):
            branch.aim(faults[number % len(faults)], number)
        self.api.rule = Faults(
            branches,
            _from_rollback() if chapter.late else is_counted_write,
            cancel=lambda life: self._cancel(life, chapter),
        )
        since = len(self.api.records)
        self.world.apply(*(_commit(branch, chapter) for branch in branches))
        if any(fault is not None and fault.kills for fault in faults):
            self._until(branches, lambda all_: self._running(all_, chapter))
            self.api.rule = None
            restart(self.world)
        self._until(branches, lambda all_: self._unended(all_, chapter))
        self._until(branches, lambda all_: self._unsettled(all_, chapter))
        self.api.rule = None
        self._check_effects(branches, chapter, self.api.records[since:])
        self._take_note(branches, chapter)

    def _cancel(self, life: Life, chapter: Chapter) -> None:
        path = CHANGESET.path(life.namespace, chapter.name)
        try:
            self._direct.request("PATCH", path, {"spec": {"discard": True}})
        except ApiError as error:
            if "has ended" not in str(error):
                raise

    def _until(
        self, branches: Sequence[Branch], missing: Callable[[Sequence[Branch]], list[str]]
    ) -> None:
        began = looked = time.monotonic()
        while said := missing(branches):
            if looked - began > PATIENCE:
                last = self.world.operator.log.splitlines()[-20:]
                raise AssertionError("\n".join([*said, *last]))
            # A look at a crowd takes a while, which the operator would like to have, too.
            time.sleep(max(POLL, 3 * (time.monotonic() - looked)))
            looked = time.monotonic()

    def _unborn(self, branches: Iterable[Branch]) -> list[str]:
        ready = {
            stage["metadata"]["name"]
            for stage in self.world.list("sstage", PROJECT)
            if "namespace" in stage.get("status", {})
        }
        return [
            f"{branch.name} has no namespace" for branch in branches if branch.name not in ready
        ]

    def _running(self, branches: Iterable[Branch], chapter: Chapter) -> list[str]:
        ended = self._ended(chapter)
        return [
            f"{branch} neither came to its write nor to its end"
            for branch in branches
            if not branch.frozen and branch.namespace not in ended
        ]

    def _unended(self, branches: Iterable[Branch], chapter: Chapter) -> list[str]:
        ended = self._ended(chapter)
        return [f"{branch} didn't end" for branch in branches if branch.namespace not in ended]

    def _ended(self, chapter: Chapter) -> set[str]:
        found = self.world.list("scs", selector=f"{LABEL}={chapter.name}")
        return {item["metadata"]["namespace"] for item in found if _phase(item) in ENDED}

    def _unsettled(self, branches: Iterable[Branch], chapter: Chapter) -> list[str]:
        seen = self._seen(chapter)
        return [
            f"{branch}: {said}" for branch in branches for said in _wrong(branch, chapter, seen)
        ]

    def _seen(self, chapter: Chapter) -> Seen:
        world = self.world
        return Seen(
            changesets=_by(_namespace, world.list("scs", selector=f"{LABEL}={chapter.name}")),
            stages=_by(_name, world.list("sstage", PROJECT)),
            revisions=_by(
                _stage,
                (
                    each
                    for each in world.list("controllerrevisions", selector=LABEL_STAGE)
                    if _namespace(each).startswith(f"{PROJECT}-")
                ),
            ),
            entries=_by(_namespace, world.list("sapp,ssvc,snotify")),
            children=_by(_namespace, world.list(CHILDREN)),
        )

    def _check_effects(
        self, branches: Sequence[Branch], chapter: Chapter, records: Sequence[Record]
    ) -> None:
        """A commit's writes took effect once: all of its plan; else no more than that and back."""
        by_namespace = {branch.namespace: branch for branch in branches}
        effects: dict[str, Counter[Write]] = defaultdict(Counter)
        for record in records:
            write = spec_write(record.request)
            branch = by_namespace.get(write.namespace) if write else None
            if write is not None and branch is not None and _took_effect(record, branch):
                effects[write.namespace][write] += 1
        ended = _by(_namespace, self.world.list("scs", selector=f"{LABEL}={chapter.name}"))
        for branch in branches:
            done = effects[branch.namespace]
            there = _writes(branch, branch.stands, chapter.aim(branch))
            back = _writes(branch, chapter.aim(branch), branch.stands)
            if _phase(ended[branch.namespace][0]) == "Committed":
                assert done == there, f"{branch}: not once {_differing(done, there)}"
            else:
                surplus = done - (there + back)
                assert not surplus, f"{branch}: too often {surplus}"

    def _take_note(self, branches: Sequence[Branch], chapter: Chapter) -> None:
        seen = self._seen(chapter)
        for branch in branches:
            if _phase(seen.changesets[branch.namespace][0]) == "Committed":
                branch.stands = branch.other
                branch.revisions += 1
            branch.apps = _apps(branch, seen)


def _differing(done: Counter[Write], wanted: Counter[Write]) -> dict[str, int]:
    """How often each write took effect that should have done so once."""
    return {str(write): done[write] for write in {*done, *wanted} if done[write] != wanted[write]}


def _commit(branch: Branch, chapter: Chapter) -> Object:
    content = {"definition": chapter.aim(branch).to_json(), "prune": True}
    made = changeset(branch.namespace, chapter.name, **content)
    made["metadata"]["labels"] = {LABEL: chapter.name}
    return made


def _from_rollback() -> Callable[[Request], bool]:
    begun: set[str] = set()

    def counted(request: Request) -> bool:
        if b'"RollingBack"' in request.body:
            begun.add(life_in(request))
        return is_counted_write(request) and life_in(request) in begun

    return counted


def _took_effect(record: Record, branch: Branch) -> bool:
    if record.request is branch.victim:
        return branch.fault in (Fault.LOST, Fault.KILL_AFTER, Fault.CANCEL)
    return record.status is not None and record.status < 300


def _writes(branch: Branch, before: StageDefinition, after: StageDefinition) -> Counter[Write]:
    changes = ((each.action, each.kind, each.name) for each in diff(before, after))
    return Counter(writes_of(branch.namespace, changes))


def _wrong(branch: Branch, chapter: Chapter, seen: Seen) -> Iterator[str]:
    """All in which a branch doesn't stand as a whole, in words."""
    found = seen.changesets[branch.namespace][0]
    committed = _phase(found) == "Committed"
    if _phase(found) not in chapter.ends:
        yield f"ended {_phase(found)}: {found['status']['conditions'][0]['message']}"
    holds = {item["type"] for item in found["status"]["conditions"] if item["status"] == "True"}
    expected = {"Committed": {"Ready", "Complete"}, "Failed": {"Stalled", "Failed"}}
    if holds != expected.get(_phase(found), {"Ready"}):
        yield f"{_phase(found)}, and its conditions say {holds}"
    if "finalizers" in found["metadata"]:
        yield "its Changeset keeps a finalizer"
    if "currentChangeset" in seen.stages[branch.name][0]["status"]:
        yield "the lock is not free"
    yield from _wrong_revisions(branch, found, seen)
    yield from _wrong_entries(branch, branch.other if committed else branch.stands, seen)
    yield from _wrong_apps(branch, _apps(branch, seen), committed=committed)
    yield from _wrong_children(branch, seen)


def _wrong_revisions(branch: Branch, found: Object, seen: Seen) -> Iterator[str]:
    """One revision for each Changeset that was committed, and none for others."""
    committed = _phase(found) == "Committed"
    number = branch.revisions + committed
    revisions = sorted(seen.revisions.get(branch.name, ()), key=lambda item: int(item["revision"]))
    numbers = [item["revision"] for item in revisions]
    if numbers != list(range(1, number + 1)):
        yield f"has revisions {numbers} where there should be {number}"
    uid = found["metadata"]["uid"]
    made = [item["revision"] for item in revisions if _maker(item) == uid]
    if made != ([number] if committed else []):
        yield f"{_phase(found)}, and it made revisions {made}"
    if not all(_maker(item) for item in revisions):
        yield "what no Changeset has made was recorded"
    if committed and found["status"].get("revision") != number:
        yield f"says that it made revision {found['status'].get('revision')}"
    if seen.stages[branch.name][0]["status"].get("revision") != number:
        yield "the Stage shows another revision"
    stands = branch.other if committed else branch.stands
    if revisions and definitions.load(revisions[-1]["data"]["definition"]) != stands:
        yield "the last revision isn't what the Stage should be"


def _wrong_entries(branch: Branch, stands: StageDefinition, seen: Seen) -> Iterator[str]:
    live: dict[str, dict[str, Any]] = {section.name: {} for section in SECTIONS}
    for entry in seen.entries.get(branch.namespace, ()):
        live[section_of(entry["kind"]).name][_name(entry)] = entry["spec"]
        if "deletionTimestamp" in entry["metadata"]:
            yield f"{entry['kind']} {_name(entry)} is still going"
    for change in diff(stands, definitions.load(live)):
        yield f"{change.kind} {change.name} is not as it should be"


def _wrong_apps(branch: Branch, apps: Mapping[str, Object], *, committed: bool) -> Iterator[str]:
    """Each spec was written once, or not at all, or once and back; each is ready."""
    for name, app in apps.items():
        metadata, before = app["metadata"], branch.apps.get(name)
        conditions = app.get("status", {}).get("conditions", ())
        ready = [item for item in conditions if item["type"] == "Ready"]
        if [(item["status"], item["observedGeneration"]) for item in ready] != [
            ("True", metadata["generation"])
        ]:
            yield f"App {name} is not ready"
        if before is None:
            continue
        if before["metadata"]["uid"] == metadata["uid"]:
            writes = metadata["generation"] - before["metadata"]["generation"]
            if writes not in ([1] if committed else [0, 2]):
                yield f"App {name} was written {writes} times"
            if committed and name == "turning":
                yield "App turning was not replaced"
        elif name in ("first", "second"):
            yield f"App {name} was made anew"


def _wrong_children(branch: Branch, seen: Seen) -> Iterator[str]:
    """Every App has its children, and there are none of Apps that are gone."""
    kinds: dict[str, list[str]] = {
        app["metadata"]["uid"]: [] for app in _apps(branch, seen).values()
    }
    for child in seen.children.get(branch.namespace, ()):
        for owner in child["metadata"].get("ownerReferences", ()):
            if owner["kind"] != "App":
                continue
            if owner["uid"] in kinds:
                kinds[owner["uid"]].append(child["kind"])
            else:
                yield f"{child['kind']} {_name(child)} of App {owner['name']} is left over"
    for name, app in _apps(branch, seen).items():
        if sorted(kinds[app["metadata"]["uid"]]) != CHILDREN_OF_AN_APP:
            yield f"App {name} has children {kinds[app['metadata']['uid']]}"


def _apps(branch: Branch, seen: Seen) -> Mapping[str, Object]:
    entries = seen.entries.get(branch.namespace, ())
    return {_name(entry): entry for entry in entries if entry["kind"] == "App"}


def _phase(item: Object) -> str:
    return str(item.get("status", {}).get("phase", ""))


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


def _namespace(item: Object) -> str:
    return str(item["metadata"]["namespace"])


def _stage(revision: Object) -> str:
    return str(revision["metadata"]["labels"][LABEL_STAGE])


def _maker(revision: Object) -> str:
    return str(revision["metadata"]["labels"].get(LABEL_CHANGESET_UID, ""))


def _by(key: Callable[[Object], str], items: Iterable[Object]) -> Mapping[str, Sequence[Object]]:
    found: dict[str, list[Object]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found
