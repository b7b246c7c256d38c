"""What a Changeset comes to over given definitions: the plan, and everything that is wrong. Pure.

The same question gives the same outcome. It may take seconds, and then it is asked in a process of
its own; so question and outcome can be pickled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from setops.api.changeset import ChangesetSpec, Plan
from setops.api.definition import StageDefinition
from setops.api.errors import Code, Problem, Validator
from setops.changes.diff import Change, Path, diff
from setops.changes.digest import content_hash, definition_hash
from setops.changes.effects import missing_services
from setops.changes.fold import blamed, fold
from setops.changes.git_ownership import owner_of
from setops.changes.merge import MergeConflict, merge
from setops.changes.notes import notes_of
from setops.changes.plan import Planned, Source, plan_of
from setops.changes.weight import too_heavy, too_large_for_a_revision
from setops.language.command import CommandContext

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GitHeld:
    """The live resources that Git tools may hold a part of, by section and name, and the tools."""

    managers: frozenset[str] = frozenset()
    live: Mapping[tuple[str, str], Object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """A Changeset's spec, where it began, and how things are now.

    `room` is for the plan, in bytes. `for_commit`: the outcome has what a commit writes.
    """

    base: StageDefinition
    now: StageDefinition
    spec: ChangesetSpec
    surroundings: CommandContext
    generation: int
    room: int
    git: GitHeld = field(default_factory=GitHeld)
    for_commit: bool = True


@dataclass(frozen=True, slots=True)
class OwnedByGit:
    """A planned change of what Git holds; an empty path means the resource as a whole."""

    section: str
    name: str
    owner: str
    path: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer. `after` and `changes` are empty unless it is for a commit.

    `touched` has the index of the last command that changed an entry, by the entry's path.
    """

    plan: Plan
    problems: tuple[Problem, ...]
    conflicts: tuple[MergeConflict, ...]
    owned: tuple[OwnedByGit, ...]
    touched: Mapping[str, int]
    after: StageDefinition
    changes: tuple[Change, ...]

    def blame(self, problem: Problem) -> Problem:
        """The problem with the index of the command that changed its entry last, if any."""
        return blamed(problem, self.touched)

    def planned(self, before: StageDefinition, problems: tuple[Problem, ...]) -> Planned:
        """What is done to `before`, with further problems."""
        everything = (*self.problems, *map(self.blame, problems))
        return Planned(before, self.after, self.changes, everything, self.plan)


def outcome_of(question: Question) -> Outcome:
    """Fold, merge, weigh and compare."""
    base, now = question.base, question.now
    folded = fold(base, question.spec, question.surroundings)
    merged = merge(base, folded.definition, now)
    problems = [*folded.problems, *map(folded.blame, merged.problems)]
    if merged.definition is not folded.definition:
        told = {problem.field for problem in problems}
        heavy = too_heavy(now, merged.definition)
        problems += [folded.blame(problem) for problem in heavy if problem.field not in told]
    too_large = too_large_for_a_revision(merged.definition)
    if too_large:
        problems.append(Problem("", Validator.TOO_LONG, too_large, Code.CHANGESET_INVALID))
    planned = compared(question, now, merged.definition)
    return replace(
        planned,
        problems=tuple(problems),
        conflicts=tuple(merged.conflicts),
        touched=folded.touched,
    )


def compared(question: Question, before: StageDefinition, after: StageDefinition) -> Outcome:
    """The plan that leads from one definition to another, with nothing wrong."""
    changes = diff(before, after)
    plan = plan_of(
        changes,
        Source(
            generation=question.generation,
            content_hash=content_hash(question.spec),
            target_hash=definition_hash(after),
            registry=question.surroundings.registry,
            notes=notes_of(question.spec, before, after),
            missing=missing_services(before),
        ),
        room=question.room,
    )
    owned = tuple(_owned(question.git, changes))
    if not question.for_commit:
        after, changes = StageDefinition(), ()
    return Outcome(plan, (), (), owned, {}, after, changes)


def _owned(git: GitHeld, changes: tuple[Change, ...]) -> Iterator[OwnedByGit]:
    for change in changes:
        live = git.live.get((change.section.name, change.name))
        owned = owner_of(change, live, git.managers) if live else None
        if owned is not None:
            yield OwnedByGit(change.section.name, change.name, *owned)
