"""Folds a Changeset's content over a Stage definition, collecting every error.

An error that only follows from an earlier one isn't reported. If an entry couldn't be created,
later commands aren't blamed for using it. Their other errors are reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from setops.api import catalogue
from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition, check_links, of_service, service_problems
from setops.api.errors import Problem, ProblemsError, Validator, quoted
from setops.api.section import SECTIONS, Entry
from setops.api.service import ServiceSpec
from setops.api.service_type import Wish
from setops.changes.kept_images import with_images_kept
from setops.changes.overlay import lay_over, put_in_place
from setops.changes.weight import too_heavy
from setops.language.command import CommandContext
from setops.language.parse import parse
from setops.language.run import run
from setops.language.table import COMMANDS


@dataclass(frozen=True, slots=True)
class Folded:
    """The definition that a Changeset leads to, and everything that is wrong with it.

    With problems, `definition` is the result of the commands that have none. It may be shown, but
    must not be written. `touched` has the index of the last command that changed an entry, by the
    entry's path (`apps.web`).
    """

    definition: StageDefinition
    problems: tuple[Problem, ...]
    touched: Mapping[str, int] = field(default_factory=dict)

    def blame(self, problem: Problem) -> Problem:
        """The problem with the index of the command that changed its entry last, if any."""
        return blamed(problem, self.touched)


def blamed(problem: Problem, touched: Mapping[str, int]) -> Problem:
    """The problem with the index of the command that last changed its entry; see `Folded`."""
    path = ".".join(problem.field.split(".")[:2])
    return problem.at(touched[path]) if path in touched else problem


def fold(base: StageDefinition, spec: ChangesetSpec, context: CommandContext) -> Folded:
    """Apply a Changeset's definition, then its commands in order, then check the links.

    A command with a problem is skipped, and the others go on. Each problem carries the index of its
    command; None means that the definition causes it. A broken link that the base has already isn't
    reported.
    """
    work = _Folding(base)
    if spec.definition is not None:
        raw = with_images_kept(base, spec)
        overlay = (put_in_place if spec.prune else lay_over)(base, raw)
        work.definition = overlay.definition
        work.failed.update(overlay.failed)
        work.problems += overlay.problems
    for index, line in enumerate(spec.commands or ()):
        work.step(index, line, context)
    work.check(base)
    return Folded(work.definition, tuple(sorted(work.problems, key=_position)), work.touched)


@dataclass(slots=True)
class _Folding:
    """A fold under way. `failed` are paths whose creation failed. `touched` has the index of the
    last command that changed an entry, for problems that only show at the end."""

    definition: StageDefinition
    problems: list[Problem] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    touched: dict[str, int] = field(default_factory=dict)

    def step(self, index: int, line: str, context: CommandContext) -> None:
        """Apply one command, or note what is wrong with it."""
        makes = None
        try:
            invocation = parse(line)
            makes = COMMANDS[invocation.command].makes
            after = run(self.definition, invocation, context)
        except ProblemsError as error:
            self._note(problem.at(index) for problem in error.problems)
            # What exists already isn't missing afterwards.
            if makes is not None and all(
                problem.validator is not Validator.TAKEN for problem in error.problems
            ):
                self.failed.add(makes(invocation))
            return
        for path in _changed(self.definition, after):
            self.touched[path] = index
        self.definition = after

    def check(self, base: StageDefinition) -> None:
        """Note what only the end shows: Services of another type, links that this breaks, and what
        would be too large."""
        for name, service in self.definition.services.items():
            before = base.services.get(name)
            if before is not None and before.type == service.type:
                self._note(map(self._blame, _impossible(name, before, service)))
            elif before is not None:
                problem = Problem(
                    f"services.{name}.type",
                    Validator.INVALID,
                    f"Service {quoted(name)} is of type {before.type}, which can't become "
                    f"{service.type}; create a Service under another name",
                )
                self._note([self._blame(problem)])
        self._note(map(self._blame, too_heavy(base, self.definition)))
        known = {(problem.field, problem.validator) for problem in check_links(base)}
        for problem in check_links(self.definition):
            if (problem.field, problem.validator) not in known:
                self._note([self._blame(problem)])

    def _note(self, problems: Iterable[Problem]) -> None:
        self.problems += [problem for problem in problems if not self._follows(problem)]

    def _follows(self, problem: Problem) -> bool:
        """Whether it only says that something is missing whose creation failed earlier."""
        if problem.validator is not Validator.NOT_FOUND:
            return False
        missing = {problem.field, problem.field.rpartition(".")[0], _linked(problem.field)}
        return not self.failed.isdisjoint(missing)

    def _blame(self, problem: Problem) -> Problem:
        """Blame a broken link on the command that last changed the App or the Service."""
        section, name = problem.field.split(".")[:2]
        indices = [
            self.touched[path]
            for path in (f"{section}.{name}", _linked(problem.field))
            if path in self.touched
        ]
        return problem.at(max(indices)) if indices else problem


def _impossible(name: str, before: ServiceSpec, after: ServiceSpec) -> list[Problem]:
    """Changes that AWS can't perform; invalid specs are reported elsewhere."""
    if before == after or service_problems(name, before) or service_problems(name, after):
        return []
    wishes = (
        Wish(each.version, each.options.to_json() if each.options else {})
        for each in (before, after)
    )
    return of_service(name, catalogue.check_change(after.type, *wishes))


def _position(problem: Problem) -> int:
    return -1 if problem.command is None else problem.command


def _linked(path: str) -> str:
    """The Service that a link's path names (`apps.web.links.db`), or nothing."""
    parts = path.split(".")
    return f"services.{parts[3]}" if len(parts) > 3 and parts[2] == "links" else ""


def _changed(before: StageDefinition, after: StageDefinition) -> list[str]:
    """Paths of entries that a command added, replaced or removed, compared by identity."""
    found: list[str] = []
    for section in SECTIONS:
        old: Mapping[str, Entry] = before.section(section)
        new: Mapping[str, Entry] = after.section(section)
        if old is new:
            continue
        found += [section.path(name) for name in new if new[name] is not old.get(name)]
        found += [section.path(name) for name in old if name not in new]
    return found
