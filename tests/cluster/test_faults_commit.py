"""A commit and a rollback under fire: killed, failed or cancelled at any write, all or nothing.

Undisturbed branches (see `branches`) tell how many writes the operator makes for a commit (without
Leases, Events and what concerns no Stage), and how many from the moment on at which a commit that
can't succeed is rolled back. Then, for every N, one branch is killed at its N-th write, half of
them before it took effect and half after it; one sees its N-th write fail, with 409, 429, 500 and a
lost answer by turns; one has its Changeset cancelled at the moment of its N-th write. With
SETOPS_SWEEP=1 every N is killed in both ways and fails in all four.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from sandbox import Sandbox
from sandbox.proxy import Proxy
from tests.cluster.branches import PROJECT, Arena, Branch, Chapter
from tests.cluster.faults import KILLS, Fault
from tests.cluster.world import World, manifest, organization

ERRORS: Final[tuple[Fault, ...]] = (Fault.CONFLICT, Fault.THROTTLED, Fault.BROKEN, Fault.LOST)
SWEEP: Final = os.environ.get("SETOPS_SWEEP") == "1"
SPARE: Final = 2
"""Writes beyond those of an undisturbed branch."""
ENOUGH: Final = 1 / 3
"""Share of the branches that come to their write at least: in a crowd, progress is told less
often, so that a commit takes fewer writes than an undisturbed one."""


@pytest.fixture(scope="module")
def arena(sandbox: Sandbox) -> Iterator[Arena]:
    """An operator behind a proxy, and the Project of all branches."""
    with (
        Proxy(sandbox.server, sandbox.authority) as api,
        # Many Stages at once on a small machine; after a kill the tests free the Lease.
        sandbox.operator(
            values={"lease": {"duration": 60, "renewDeadline": 40}}, api_proxy=api.url
        ) as operator,
    ):
        world = World(sandbox, operator)
        world.apply(organization(), manifest("Project", PROJECT, {"organization": "acme"}))
        world.wait("project.setops.co", PROJECT)
        yield Arena(world, api)
        world.delete("project.setops.co", PROJECT)
        world.gone("project.setops.co", PROJECT)


@pytest.fixture(scope="module")
def writes(arena: Arena) -> tuple[int, int]:
    """How many writes a commit takes, and how many its rollback."""
    calm = [Branch(f"lifec{number}") for number in range(1, 4)]
    arena.grow(calm)
    arena.play(calm, Chapter("calm"), [None])
    commit = max(len(branch.requests) for branch in calm)
    arena.play(calm, Chapter("calm-back", ("Failed",), breaks=True, late=True), [None])
    return commit, max(len(branch.requests) for branch in calm)


@pytest.fixture(scope="module")
def branches(arena: Arena, writes: tuple[int, int]) -> Sequence[Branch]:
    """One for each write; all chapters lead the same ones."""
    grown = [Branch(f"lifeb{number}") for number in range(1, max(writes) + SPARE + 1)]
    arena.grow(grown)
    return grown


def turns(faults: tuple[Fault, ...]) -> list[Sequence[Fault]]:
    """Which faults take turns in a chapter; in a sweep as many chapters as there are faults."""
    return [faults[offset:] + faults[:offset] for offset in range(len(faults) if SWEEP else 1)]


def named(chapter: str, faults: Sequence[Fault]) -> str:
    """A chapter's name, which is also that of its Changesets."""
    return f"{chapter}-{faults[0].name.lower().replace('_', '-')}"


@pytest.mark.parametrize("faults", turns(KILLS), ids=str)
def test_killed_at_every_write_of_a_commit(
    arena: Arena, branches: Sequence[Branch], faults: Sequence[Fault]
) -> None:
    arena.play(branches, Chapter(named("commit", faults)), faults)
    assert sum(branch.struck for branch in branches) > len(branches) * ENOUGH


@pytest.mark.parametrize("faults", turns(ERRORS), ids=str)
def test_every_write_of_a_commit_fails(
    arena: Arena, branches: Sequence[Branch], faults: Sequence[Fault]
) -> None:
    arena.play(branches, Chapter(named("commit", faults)), faults)
    assert sum(branch.struck for branch in branches) > len(branches) * ENOUGH


def test_cancelled_at_every_write_of_a_commit(arena: Arena, branches: Sequence[Branch]) -> None:
    ends = ("Committed", "Failed", "Discarded")
    arena.play(branches, Chapter("commit-cancelled", ends), [Fault.CANCEL])
    assert any(branch.struck for branch in branches)


@pytest.mark.parametrize("faults", turns(KILLS), ids=str)
def test_killed_at_every_write_of_a_rollback(
    arena: Arena, branches: Sequence[Branch], writes: tuple[int, int], faults: Sequence[Fault]
) -> None:
    some = branches[: writes[1] + SPARE]
    arena.play(some, Chapter(named("back", faults), ("Failed",), breaks=True, late=True), faults)
    assert sum(branch.struck for branch in some) > len(some) * ENOUGH


@pytest.mark.parametrize("faults", turns(ERRORS), ids=str)
def test_every_write_of_a_rollback_fails(
    arena: Arena, branches: Sequence[Branch], writes: tuple[int, int], faults: Sequence[Fault]
) -> None:
    some = branches[: writes[1] + SPARE]
    arena.play(some, Chapter(named("back", faults), ("Failed",), breaks=True, late=True), faults)
    assert sum(branch.struck for branch in some) > len(some) * ENOUGH
