"""YAML text as a tree that knows the position of everything. Pure.

Scalars stay text, since their field decides what they mean. So `image_tag: 1.10` and `version:
16.4` keep their text, and `no` is a word. Aliases and merge keys (`<<: *base`) are followed up to a
limit, so that no file takes long, not even a hostile one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import yaml

from setops.api.errors import Code, Problem, ProblemsError, Validator, quoted
from setops.cli.stage.file.respelling import Respelling

MAX_BYTES: Final = 4_000_000
MAX_DEPTH: Final = 32
MAX_NODES: Final = 200_000
_MERGE: Final = "<<"
_CORE: Final = "tag:yaml.org,2002:"
_TEXT: Final = f"{_CORE}str"
_TAGS: Final = {
    "!",
    *(f"{_CORE}{name}" for name in ["str", "int", "bool", "float", "null", "map", "seq"]),
}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file, counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class _Where(Protocol):
    """A place as either of the parsers has it, counted from 0."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text; `plain` if it was written without quotes."""

    mark: Mark
    text: str
    plain: bool

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    mark: Mark
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map without duplicate keys."""

    mark: Mark
    entries: dict[str, Node]
    keys: dict[str, Mark]


Node = Scalar | Sequence | Mapping


def problem(mark: Mark, message: str, validator: Validator = Validator.INVALID) -> Problem:
    """Something wrong at a place in the file."""
    return Problem(str(mark), validator, f"{mark}: {message}", Code.VALIDATION_FAILED)


def parse(text: str) -> tuple[Node, list[Problem]]:
    """The tree of a file with one document, and a problem for each duplicate key.

    Raises ProblemsError for a text that isn't YAML, or that is too large.
    """
    start = Mark(1, 1)
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES} bytes, which is more than a Stage can hold"
        raise ProblemsError([problem(start, message, Validator.TOO_LONG)])
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    respelling = Respelling(text)
    try:
        reader = _TreeReader(yaml.parse(respelling.text, Loader=loader), respelling)
        return reader.document(), reader.problems
    except yaml.MarkedYAMLError as error:
        mark = _mark(error.problem_mark or error.context_mark, respelling)
        said = error.problem or error.context or "can't be read"
        raise ProblemsError([problem(mark, f"this isn't YAML: {said}")]) from None
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else "it can't be read"
        raise ProblemsError([problem(start, f"this isn't YAML: {said}")]) from None


class _TreeReader:
    def __init__(self, events: Iterator[yaml.Event], respelling: Respelling) -> None:
        self._events = events
        self._respelling = respelling
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0
        self.problems: list[Problem] = []

    def document(self) -> Node:
        """The one document of the file."""
        event = next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise ProblemsError([problem(Mark(1, 1), "the file is empty", Validator.REQUIRED)])
        node = self._node(next(self._events), 0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            message = "a second document begins here; a file holds one Stage"
            raise ProblemsError([problem(self._mark(after), message, Validator.TOO_LONG)])
        return node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        mark = self._mark(event)
        self._spend(mark, 1)
        if depth > MAX_DEPTH:
            raise ProblemsError([problem(mark, "too many levels", Validator.TOO_LONG)])
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, mark)
        self._check_tag(event, mark)
        before = self._count
        node: Node
        match event:
            case yaml.ScalarEvent():
                plain = event.style in (None, "") and event.tag != _TEXT
                node = Scalar(mark, event.value, plain)
            case yaml.SequenceStartEvent():
                node = self._sequence(mark, depth)
            case _:
                node = self._mapping(mark, depth)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self._anchors[anchor] = (node, self._count - before + 1)
        return node

    def _check_tag(self, event: yaml.Event, mark: Mark) -> None:
        tag = getattr(event, "tag", None)
        if tag and tag not in _TAGS:
            shown = tag.replace(_CORE, "!!")
            message = f"the tag {shown} means nothing here; write the value itself"
            self.problems.append(problem(mark, message, Validator.NOT_INCLUDED))

    def _alias(self, event: yaml.AliasEvent, mark: Mark) -> Node:
        # An alias inside its own anchor isn't known yet, so nothing can contain itself.
        known = self._anchors.get(event.anchor or "")
        if known is None:
            message = f"*{event.anchor} names nothing that stands before it"
            raise ProblemsError([problem(mark, message, Validator.NOT_FOUND)])
        node, size = known
        self._spend(mark, size)
        return node

    def _sequence(self, mark: Mark, depth: int) -> Sequence:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Sequence(mark, tuple(items))

    def _mapping(self, mark: Mark, depth: int) -> Mapping:
        entries: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        others: list[Mapping] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                self.problems.append(problem(key.mark, "a key must be a single word"))
            elif key.plain and key.text == _MERGE and not others:
                others += self._merged(value)
            elif key.text in keys or (key.plain and key.text == _MERGE):
                first = f", first in line {keys[key.text].line}" if key.text in keys else ""
                message = f"{quoted(key.text)} is there twice{first}"
                self.problems.append(problem(key.mark, message, Validator.TAKEN))
            else:
                entries[key.text], keys[key.text] = value, key.mark
        # The map's own keys win, then those of the merged maps in order.
        for other in others:
            keys = {**other.keys, **keys}
            entries = {**other.entries, **entries}
        return Mapping(mark, entries, keys)

    def _merged(self, value: Node) -> list[Mapping]:
        """The maps that a merge key refers to."""
        items = value.items if isinstance(value, Sequence) else (value,)
        wrong = [item for item in items if not isinstance(item, Mapping)]
        for item in wrong:
            message = "<< takes a map, or a list of maps, whose keys are to be taken over"
            self.problems.append(problem(item.mark, message))
        return [item for item in items if isinstance(item, Mapping)]

    def _mark(self, event: yaml.Event) -> Mark:
        return _mark(event.start_mark, self._respelling)

    def _spend(self, mark: Mark, count: int) -> None:
        self._count += count
        if self._count > MAX_NODES:
            message = f"the file holds more than {MAX_NODES} values, aliases counted in"
            raise ProblemsError([problem(mark, message, Validator.TOO_LONG)])


def _mark(where: _Where | None, respelling: Respelling) -> Mark:
    if where is None:
        return Mark(1, 1)
    return Mark(where.line + 1, respelling.column(where.line, where.column) + 1)
