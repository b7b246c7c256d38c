"""What the pure part of a Changeset costs: fold, merge and plan of a long one."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from bench.figures import Figure
from setops.api.changeset import ChangesetSpec
from setops.api.definition import load
from setops.changes.diff import diff
from setops.changes.digest import content_hash, definition_hash
from setops.changes.fold import fold
from setops.changes.merge import merge
from setops.changes.plan import Source, plan_of
from setops.language.command import CommandContext

_COMMANDS: Final = 500
_APPS: Final = 50
_CONTEXT: Final = CommandContext("acme", "bench", "production", "registry.example.com/apps")


async def run(quick: bool) -> list[Figure]:
    """CPU milliseconds for 500 commands over a Stage of 50 Apps, and how often JSON could be read
    and written in that time."""
    rounds = 3 if quick else 15
    base = load(_stage({}))
    theirs = load(_stage({"MORE": {"value": "theirs"}}))
    spec = ChangesetSpec(commands=_lines())
    folded = fold(base, spec, _CONTEXT)
    assert not folded.problems, folded.problems[:3]
    merged = merge(base, folded.definition, theirs)
    assert not merged.conflicts
    assert not merged.problems
    changes = diff(theirs, merged.definition)
    source = Source(1, content_hash(spec), definition_hash(merged.definition))
    folding, planned = f"fold of {_COMMANDS} commands", f"diff and plan of {_APPS} Apps"
    costs = {
        folding: _cost(rounds, lambda: fold(base, spec, _CONTEXT)),
        f"merge of {_APPS} Apps": _cost(rounds, lambda: merge(base, folded.definition, theirs)),
        planned: _cost(rounds, lambda: plan_of(diff(theirs, merged.definition), source)),
    }
    text = json.dumps(merged.definition.to_json())
    once = _cost(rounds, lambda: json.dumps(json.loads(text)))
    assert len(changes) == _APPS
    return [
        *(Figure(name, cost, "ms of CPU") for name, cost in costs.items()),
        Figure(f"plan of {_COMMANDS} commands", costs[folding] + costs[planned], "ms of CPU", 200),
        Figure("all three", sum(costs.values()) / once, "of reading and writing its JSON once"),
    ]


def _cost(rounds: int, work: Callable[[], object]) -> float:
    """The median of the CPU milliseconds."""
    found = []
    for _ in range(rounds):
        before = time.process_time()
        work()
        found.append((time.process_time() - before) * 1000)
    return statistics.median(found)


def _stage(env: Mapping[str, Any]) -> dict[str, Any]:
    app = {"image": "registry.example.com/web:1", "env": {"MODE": {"value": "production"}, **env}}
    return {"apps": {_name(number): app for number in range(_APPS)}}


def _lines() -> list[str]:
    forms = (
        "resource:set scale 3",
        "resource:set memory 512",
        "container:set port 3000",
        "container:set command -- bundle exec puma -b tcp://0.0.0.0:3000",
        "container:set health-check --interval 5 -- true",
        "env:set LEVEL=debug --description 'how much is logged'",
        "env:set A=1 B=2",
        "env:set TOKEN --secret creds/token",
        "release:create registry.example.com/web:2",
        "release:activate 1",
    )
    names = [_name(number) for number in range(_APPS)]
    return [f"--app {name} {form}" for name in names for form in forms][:_COMMANDS]


def _name(number: int) -> str:
    return f"app{number}"
