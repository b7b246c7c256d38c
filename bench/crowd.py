"""A hundred Stages that commit at once, beside the same children written by raw applies.

And one hostile Stage beside a good one, in `hostile`.
"""

from __future__ import annotations

import statistics
import time

from bench import hostile, work
from bench.figures import Figure
from bench.lab import Lab, in_parallel
from bench.lab import lab as new_lab
from setops.api.conditions import ConditionType, is_true
from setops.api.kinds import CHANGESET, Object


async def run(quick: bool) -> list[Figure]:
    """One App in each of 100 Stages, or of few for a quick look; alone, and all at once."""
    count = 10 if quick else 100
    stages = [f"crowd{number}" for number in range(count)]
    attacks = await hostile.run(quick)
    async with new_lab() as (lab, _):
        await lab.project()
        await in_parallel(lab.ready(work.stage(name)) for name in (*stages, "alone"))
        alone = await _commit(lab, ["alone"])
        raw = await _raw(lab, count)
        crowd = await _commit(lab, stages)
    ended = sorted(crowd.values())
    slowest, usual, single = ended[-1], statistics.median(ended), alone["alone"]
    print(
        f"  {count} Stages: children by raw applies {raw:.2f} s; commits {slowest:.2f} s, the "
        f"median one {usual:.2f} s; one alone {single:.2f} s",
        flush=True,
    )
    name = f"{count} Stages commit one App each, until all are committed"
    return [
        *attacks,
        Figure(name, slowest / raw, "of concurrent applies of the children"),
        Figure(name, slowest / (single * count), "of one after the other"),
    ]


async def _commit(lab: Lab, stages: list[str]) -> dict[str, float]:
    """The seconds until each Stage's Changeset was committed."""
    started = time.monotonic()
    await in_parallel(lab.client.create(_changeset(name)) for name in stages)
    ended: dict[str, float] = {}

    async def all_ended() -> bool:
        for live in await lab.client.list(CHANGESET):
            assert not is_true(live.get("status"), ConditionType.FAILED, 1), live["status"]
            name = live["metadata"]["namespace"].removeprefix(f"{work.PROJECT_NAME}-")
            if is_true(live.get("status"), ConditionType.COMPLETE, 1):
                ended.setdefault(name, time.monotonic() - started)
        return ended.keys() >= set(stages)

    await lab.until(all_ended, "all Changesets to be committed", poll=0.1)
    return {name: ended[name] for name in stages}


def _changeset(stage: str) -> Object:
    namespace = work.namespace_of(stage)
    return work.creating_changeset(namespace, [work.app(namespace, "web", scale=1)])


async def _raw(lab: Lab, count: int) -> float:
    """The children alone, without the operator."""
    names = [f"bare-crowd{number}" for number in range(count)]
    await in_parallel(lab.client.apply(work.bare_namespace(name)) for name in names)
    objects = [
        child for name in names for child in work.children([work.app(name, "web", scale=1)], name)
    ]
    seconds = await lab.apply_at_once(objects)
    for name in names:
        await lab.rolled_out(name)
    return seconds
