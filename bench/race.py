"""How long until all child objects exist, beside the same objects written by others.

In each round all contenders run in turns, each in a new namespace, and the next one starts only
when everything of the last one runs: otherwise it would pay for the other's pods.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench import work
from bench.arrivals import Arrivals
from bench.figures import Figure
from bench.lab import Lab
from bench.lab import lab as new_lab
from setops.api.conditions import ConditionType, is_true
from setops.api.kinds import (
    APP,
    CHANGESET,
    CORE_SERVICE,
    DEPLOYMENT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE_ACCOUNT,
    Key,
    Object,
    key_of,
)

_KINDS: Final = (
    CHANGESET,
    APP,
    SERVICE_ACCOUNT,
    CORE_SERVICE,
    DEPLOYMENT,
    POD_DISRUPTION_BUDGET,
    NETWORK_POLICY,
)
_SCALE: Final = 2
_COMMIT_TARGET: Final = 0.5
_BY_RAW_TARGET: Final = {10: 1.3, 50: 1.0}
"""By the number of Apps: a commit beside concurrent applies of the same objects."""
_BREATH: Final = 0.5
"""Seconds between two contenders, for what still trickles in of the last one."""

_stages = (f"race{number}" for number in itertools.count(1))


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds until all children exist, of each contender."""

    kubectl: float
    """kubectl applies the children themselves."""
    raw: float
    """The same, by as many concurrent requests as a connection pool holds."""
    apps: float
    """kubectl applies Apps, and the operator makes their children."""
    commit: float
    """A Changeset, from the moment it exists."""
    commit_from_kubectl: float
    """A Changeset, from the start of the kubectl that applies it."""


async def run(quick: bool) -> list[Figure]:
    """Race with 10 Apps, and with 50."""
    figures: list[Figure] = []
    async with new_lab() as (lab, _):
        await lab.project()
        await _round(lab, 2)  # what is cached at first use, on either side
        for count, rounds in ((10, 2),) if quick else ((10, 5), (50, 3)):
            figures += _figures(count, [await _round(lab, count) for _ in range(rounds)])
    return figures


async def _round(lab: Lab, count: int) -> Round:
    names = work.app_names(count)
    kubectl = await _bare(lab, names, lab.kubectl_apply)
    commit, commit_from_kubectl = await _commit(lab, names)
    raw = await _bare(lab, names, lab.apply_at_once)
    apps = await _apps(lab, names)
    result = Round(kubectl, raw, apps, commit, commit_from_kubectl)
    print(f"  {count} Apps: {_told(result)}", flush=True)
    return result


def _told(result: Round) -> str:
    return (
        f"children by kubectl {result.kubectl:.2f} s, by raw applies {result.raw:.2f} s; Apps by "
        f"kubectl {result.apps:.2f} s; Changeset {result.commit:.2f} s, with its kubectl "
        f"{result.commit_from_kubectl:.2f} s"
    )


def _figures(count: int, rounds: Sequence[Round]) -> list[Figure]:
    def median(*ratios: float) -> float:
        return statistics.median(ratios)

    commit = f"commit of {count} Apps until all children exist"
    apps = f"{count} Apps by kubectl until all children exist"
    by_kubectl, by_raw = "of kubectl apply", "of concurrent applies"
    return [
        Figure(commit, median(*(r.commit / r.kubectl for r in rounds)), by_kubectl, _COMMIT_TARGET),
        Figure(
            commit,
            median(*(r.commit / r.raw for r in rounds)),
            by_raw,
            _BY_RAW_TARGET.get(count),
        ),
        Figure(
            f"{commit}, kubectl included",
            median(*(r.commit_from_kubectl / r.kubectl for r in rounds)),
            by_kubectl,
        ),
        Figure(apps, median(*(r.apps / r.kubectl for r in rounds)), by_kubectl),
        Figure(apps, median(*(r.apps / r.raw for r in rounds)), by_raw),
        Figure(
            f"children of {count} Apps, concurrent raw applies",
            median(*(r.raw / r.kubectl for r in rounds)),
            by_kubectl,
        ),
    ]


async def _bare(
    lab: Lab, names: Sequence[str], apply: Callable[[Sequence[Object]], Awaitable[float]]
) -> float:
    """The children alone, without the operator."""
    namespace = f"bare-{next(_stages)}"
    await lab.client.apply(work.bare_namespace(namespace))
    objects = work.children(_apps_in(namespace, names), namespace)
    seconds = await apply(objects)
    await _rest(lab, namespace)
    return seconds


async def _apps(lab: Lab, names: Sequence[str]) -> float:
    namespace = await _new_stage(lab)
    apps = _apps_in(namespace, names)
    async with Arrivals(lab.connection, namespace, _KINDS) as arrivals:
        started = time.monotonic()
        await lab.kubectl_apply(apps)
        ended = await arrivals.of(_children(namespace, apps))
    await _rest(lab, namespace)
    return ended - started


async def _commit(lab: Lab, names: Sequence[str]) -> tuple[float, float]:
    namespace = await _new_stage(lab)
    apps = _apps_in(namespace, names)
    changeset = work.creating_changeset(namespace, apps)
    async with Arrivals(lab.connection, namespace, _KINDS) as arrivals:
        started = time.monotonic()
        await lab.kubectl_apply([changeset])
        ended = await arrivals.of({*_children(namespace, apps), key_of(changeset)})
        created = arrivals.seen[key_of(changeset)]
    await lab.until(lambda: _is_complete(lab, key_of(changeset)), "the Changeset to be committed")
    await _rest(lab, namespace)
    return ended - created, ended - started


async def _is_complete(lab: Lab, changeset: Key) -> bool:
    live = await lab.client.get(changeset)
    status = live.get("status")
    assert not is_true(status, ConditionType.FAILED, 1), status
    return is_true(status, ConditionType.COMPLETE, 1)


def _apps_in(namespace: str, names: Sequence[str]) -> list[Object]:
    return [work.app(namespace, name, scale=_SCALE) for name in names]


def _children(namespace: str, apps: Sequence[Object]) -> set[Key]:
    return {key_of(obj) for obj in work.children(apps, namespace)}


async def _new_stage(lab: Lab) -> str:
    name = next(_stages)
    await lab.ready(work.stage(name))
    return work.namespace_of(name)


async def _rest(lab: Lab, namespace: str) -> None:
    await lab.rolled_out(namespace)
    await asyncio.sleep(_BREATH)
