"""The plan is what is committed: random Changesets, and the writes that a proxy saw of each.

Every Stage gets a line of Changesets at once, which it carries out one after the other. A model,
folded by the same pure code, says what each should do; what the operator really wrote, and what its
plan said, is compared with that, write by write.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest

from sandbox import Sandbox
from sandbox.proxy import Proxy
from setops.api import definition as definitions
from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition
from setops.api.kinds import CHANGESET
from setops.api.section import SECTIONS, section_of
from setops.changes.diff import Change, diff
from setops.changes.fold import fold
from setops.language.command import CommandContext
from tests.cluster.world import ENDED, Object, World, manifest, organization
from tests.cluster.writes import Write, spec_write, writes_of

SEED: Final = 20261124
STAGES: Final = 20
CHANGESETS: Final = 26
PROJECT: Final = "random"
PATIENCE: Final = 300.0
REGISTRY: Final = "registry.example.com/apps"

APPS: Final = ("web", "worker", "api", "cron")
ON_AN_APP: Final = (
    "resource:set scale {n}",
    "resource:set memory {m}",
    "resource:unset scale",
    "env:set LEVEL={n} --description 'how much'",
    "env:set TOKEN --secret creds/token",
    "env:set A=1 B={n}",
    "env:unset LEVEL",
    "network:set protocol tcp",
    "network:set protocol http",
    "container:set port {p}",
    "network:set health-check-path /up",
    "container:set command -- sh -c 'run {n}'",
    "container:set health-check --interval 5 -- true",
    "container:unset command",
    "release:create registry.example.com/web:{n}",
    "domain:create www{n}.example.com",
    "domain:destroy www{n}.example.com",
    "link:create store --env-key STORE_URL",
    "link:destroy store",
)
ON_THE_STAGE: Final = (
    "app:create {app}",
    "app:create {app}",
    "app:destroy {app}",
    "notification:create team{n} --type email --target ops@example.com",
    "notification:destroy team{n}",
)


@dataclass(frozen=True)
class Step:
    """A Changeset, and what it should come to."""

    name: str
    spec: Object
    phase: str
    before: StageDefinition
    after: StageDefinition

    @property
    def changes(self) -> Sequence[Change]:
        """What its commit writes."""
        return diff(self.before, self.after) if self.phase == "Committed" else ()


class Author:
    """Thinks up Changesets for one Stage, and knows where they lead."""

    def __init__(self, stage: str, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311
        self._context = CommandContext("acme", PROJECT, stage, REGISTRY)
        self.stands = StageDefinition()

    def steps(self) -> Iterator[Step]:
        """The first one makes a bucket and an App; then anything goes."""
        yield self._step("c00", {"commands": ["service:create store --type s3", "app:create web"]})
        for number in range(1, CHANGESETS):
            yield self._think(f"c{number:02}")

    def _think(self, name: str) -> Step:
        """Most of them right, one in eight as it comes, one in twelve a dry run."""
        as_it_comes = self._dice.random() < 1 / 8
        while True:
            content = self._content()
            folded = fold(self.stands, ChangesetSpec.model_validate(content), self._context)
            if as_it_comes or not folded.problems:
                return self._step(name, content)

    def _content(self) -> Object:
        dice = self._dice
        if dice.random() < 1 / 6:
            apps = {app: self._app() for app in dice.sample(APPS, dice.randint(1, 2))}
            kept = {"services": {"store": {"type": "s3"}}}
            prune = dice.random() < 1 / 2
            content = {"definition": {"apps": apps, **(kept if prune else {})}, "prune": prune}
        else:
            content = {"commands": [self._line() for _ in range(dice.randint(1, 6))]}
        if dice.random() < 1 / 12:
            content["dryRun"] = True
        return content

    def _app(self) -> Object:
        dice = self._dice
        return {
            "resources": {"scale": dice.randint(0, 4)},
            "env": {f"KEY{dice.randint(1, 3)}": {"value": str(dice.randint(1, 9))}},
        }

    def _line(self) -> str:
        dice = self._dice
        numbers: dict[str, Any] = {
            "app": dice.choice(APPS),
            "n": dice.randint(1, 4),
            "m": 128 * dice.randint(1, 4),
            "p": dice.randint(3000, 3005),
        }
        if dice.random() < 1 / 3:
            return dice.choice(ON_THE_STAGE).format(**numbers)
        app = dice.choice([*self.stands.apps, *APPS] if dice.random() < 1 / 4 else self._known())
        return f"--app {app} {dice.choice(ON_AN_APP).format(**numbers)}"

    def _known(self) -> Sequence[str]:
        return [*self.stands.apps] or APPS

    def _step(self, name: str, content: Object) -> Step:
        before = self.stands
        folded = fold(before, ChangesetSpec.model_validate(content), self._context)
        if folded.problems:
            phase = "Failed"
        elif content.get("dryRun"):
            phase = "Discarded"
        else:
            phase = "Committed"
            self.stands = folded.definition
        return Step(name, {"commit": True, **content}, phase, before, folded.definition)


@pytest.fixture(scope="module")
def proxy(sandbox: Sandbox) -> Iterator[Proxy]:
    with Proxy(sandbox.server, sandbox.authority) as started:
        yield started


@pytest.fixture(scope="module")
def world(sandbox: Sandbox, proxy: Proxy) -> Iterator[World]:
    """An operator whose requests are seen."""
    lease = {"duration": 60, "renewDeadline": 40}
    with sandbox.operator(values={"lease": lease}, api_proxy=proxy.url) as operator:
        made = World(sandbox, operator)
        yield made
        made.delete("project.setops.co", PROJECT)
        made.gone("project.setops.co", PROJECT)


def test_what_is_written_is_the_plan(world: World, proxy: Proxy) -> None:
    world.apply(organization(), manifest("Project", PROJECT, {"organization": "acme"}))
    world.wait("project.setops.co", PROJECT)
    stages = [f"stage{number}" for number in range(STAGES)]
    world.apply(*(manifest("Stage", stage, {}, PROJECT) for stage in stages))
    world.until(
        lambda: all(
            "namespace" in item.get("status", {}) for item in world.list("sstage", PROJECT)
        ),
        "all namespaces",
    )
    lines: dict[str, Sequence[Step]] = {}
    authors: dict[str, Author] = {}
    api = world.sandbox.api()
    for number, stage in enumerate(stages):
        namespace = f"{PROJECT}-{stage}"
        authors[namespace] = Author(stage, SEED + number)
        lines[namespace] = list(authors[namespace].steps())
        for step in lines[namespace]:
            made = manifest("Changeset", step.name, step.spec, namespace)
            api.request("POST", CHANGESET.path(namespace), made)
    world.until(lambda: _all_ended(world, lines), "the end of all Changesets", PATIENCE)

    total = 0
    written: dict[str, list[Write]] = defaultdict(list)
    for record in proxy.records:
        write = spec_write(record.request)
        if write is not None and record.status is not None and record.status < 300:
            written[write.namespace].append(write)
    for namespace, steps in lines.items():
        found = {item["metadata"]["name"]: item for item in world.list("scs", namespace)}
        left = written[namespace]
        for step in steps:
            status = found[step.name]["status"]
            total += 1
            if "dryRun" in step.spec:
                # It waits for nobody, so its plan is over whatever it found; it writes nothing.
                assert status["phase"] in ("Discarded", "Failed")
                continue
            assert status["phase"] == step.phase, (namespace, step, status["conditions"][0])
            _check_plan(step, status)
            expected = writes_of(namespace, [(c.action, c.kind, c.name) for c in step.changes])
            done, left = left[: len(expected)], left[len(expected) :]
            assert Counter(done) == Counter(expected), (namespace, step)
            _check_order(done)
            _check_content(step, done)
        assert left == [], f"{namespace}: nothing more is written"
        assert _live(world, namespace) == authors[namespace].stands
    assert total == STAGES * CHANGESETS >= 500
    phases = Counter(step.phase for steps in lines.values() for step in steps)
    assert phases["Committed"] > total / 2
    assert min(phases["Failed"], phases["Discarded"]) > 10, "some of each kind"


def _all_ended(world: World, namespaces: Iterable[str]) -> bool:
    return all(
        item.get("status", {}).get("phase") in ENDED
        for namespace in namespaces
        for item in world.list("scs", namespace)
    )


def _check_plan(step: Step, status: Object) -> None:
    if step.phase == "Failed":
        assert status["errors"]
        assert "plan" not in status
        return
    planned = [(c["action"], c["kind"], c["name"]) for c in status["plan"]["changes"]]
    assert planned == [(c.action, c.kind, c.name) for c in diff(step.before, step.after)], step


def _check_order(done: Sequence[Write]) -> None:
    """Services before the Apps that link them, Notifications last."""
    order = [section.kind.kind for section in SECTIONS]
    ranks = [order.index(write.kind) for write in done]
    assert ranks == sorted(ranks)


def _check_content(step: Step, done: Sequence[Write]) -> None:
    for write in done:
        if write.method != "DELETE":
            wanted = step.after.section(section_of(write.kind))[write.name]
            assert write.spec == wanted.to_json(), (step, write)


def _live(world: World, namespace: str) -> StageDefinition:
    raw: dict[str, dict[str, Any]] = {section.name: {} for section in SECTIONS}
    for entry in world.list("sapp,ssvc,snotify", namespace):
        raw[section_of(entry["kind"]).name][entry["metadata"]["name"]] = entry["spec"]
    return definitions.load(raw)
