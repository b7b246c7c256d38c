"""Turns the tree of a file into a definition as resources spell it, guided by the models. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from setops.api.errors import Problem, ProblemsError, Validator, nearest, one_of, quoted
from setops.api.image import TAG
from setops.api.section import APPS, Section
from setops.cli.stage.file import format as form
from setops.cli.stage.file.nodes import Mapping, Mark, Node, Scalar, Sequence, parse, problem

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_BOOLEANS: Final = {"true": True, "false": False}
_TAG: Final = re.compile(TAG)


Special = Callable[[Node, str], None]
"""Reads a key that isn't a field of the model. Gets the path of its map."""


@dataclass(slots=True)
class File:
    """A parsed file.

    `definition` is the whole Stage definition as resources spell it. `tags` are image tags by App,
    which become images once the registry is known. `marks` has the position of each path of the
    definition.
    """

    project: str | None = None
    stage: str | None = None
    log_retention: int | None = None
    definition: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)

    def placed(self, found: Problem) -> Problem:
        """A problem of the definition, with its position in the file."""
        path = found.field
        while path:
            if path in self.marks:
                mark = self.marks[path]
                return replace(found, message=f"{mark}: {found.message}")
            path = path.rpartition(".")[0]
        return found


def read(text: str) -> File:
    """Read a file. Raises ProblemsError with everything that is wrong, with lines and columns."""
    tree, problems = parse(text)
    work = _FileReader(problems)
    work.file_of(tree)
    if work.problems:
        raise ProblemsError(work.problems)
    return work.file


class _FileReader:
    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.file = File()

    def file_of(self, tree: Node) -> None:
        """Read the file's header and its sections."""
        if not isinstance(tree, Mapping):
            self._note(tree.mark, "a definition is a map, as `setops stage:dump` writes it")
            return
        known = (*form.HEADER, *(section.name for section in form.SECTIONS))
        self._check_keys(tree, known, "a definition")
        version = tree.entries.get("schema_version")
        if version is None:
            message = f"schema_version is missing; write schema_version: {form.SCHEMA_VERSION}"
            self._note(tree.mark, message, Validator.REQUIRED)
        elif not isinstance(version, Scalar) or version.text != str(form.SCHEMA_VERSION):
            message = f"this version reads schema_version {form.SCHEMA_VERSION} only"
            self._note(version.mark, message, Validator.NOT_INCLUDED)
        for name in ("project", "stage"):
            node = tree.entries.get(name)
            if node is not None and not _is_null(node):
                setattr(self.file, name, self._text(node, name))
        days = tree.entries.get("log_retention")
        if days is not None and not _is_null(days):
            self.file.log_retention = self._integer(days, "log_retention")
        for section in form.SECTIONS:
            self._section(section, tree.entries.get(section.name))

    def _section(self, section: Section, node: Node | None) -> None:
        entries = self.file.definition.setdefault(section.name, {})
        if node is None or _is_null(node):
            return
        if not isinstance(node, Mapping):
            self._note(node.mark, f"{section} is a map by name")
            return
        for name, child in node.entries.items():
            path = section.path(name)
            self.file.marks[path] = node.keys[name]
            extra: dict[str, Special] = {}
            if section is APPS:
                extra[form.IMAGE_TAG] = self._image_tag
            entries[name] = self._model(child, section.model, path, extra)

    def _image_tag(self, node: Node, path: str) -> None:
        if _is_null(node):
            return
        tag = self._text(node, f"{path}.{form.IMAGE_TAG}")
        self.file.marks[f"{path}.image"] = node.mark
        if tag is not None and not _TAG.fullmatch(tag):
            message = (
                f"{quoted(tag)} isn't an image tag; a tag has letters, digits, dots and dashes"
            )
            self._note(node.mark, message, Validator.INVALID_FORMAT)
        elif tag is not None:
            self.file.tags[path.partition(".")[2]] = tag

    def _model(
        self,
        node: Node,
        model: type[BaseModel],
        path: str,
        extra: dict[str, Special] | None = None,
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if _is_null(node):
            return found
        if not isinstance(node, Mapping):
            self._note(node.mark, f"{path} is a map of fields")
            return found
        fields = {
            form.RENAMED.get((model.__name__, name), name): (info.alias or name, info)
            for name, info in model.model_fields.items()
        }
        extra = extra or {}
        self._check_keys(node, (*extra, *fields), path)
        for key, child in node.entries.items():
            if key in extra:
                extra[key](child, path)
            elif key in fields:
                alias, info = fields[key]
                where = f"{path}.{alias}"
                self.file.marks[where] = node.keys[key]
                if not _is_null(child):
                    found[alias] = self._special(key, child, info.annotation, where)
        return found

    def _special(self, key: str, node: Node, annotation: Any, path: str) -> Any:
        if key == form.PORTS:
            return self._port(node, path)
        if key == form.DOMAINS and isinstance(node, Sequence):
            names = [self._text(item, path) for item in node.items]
            return {name: {} for name in names if name is not None}
        return self._value(node, annotation, path)

    def _port(self, node: Node, path: str) -> Any:
        if isinstance(node, Sequence) and len(node.items) == 1:
            return self._integer(node.items[0], path)
        message = "ports is a list with one port, as in: ports: [5000]"
        self._note(node.mark, message, Validator.TOO_LONG)
        return None

    def _value(self, node: Node, annotation: Any, path: str) -> Any:
        shape = _bare(annotation)
        origin = get_origin(shape)
        if isinstance(shape, type) and issubclass(shape, BaseModel):
            return self._model(node, shape, path)
        if origin is dict:
            return self._map(node, get_args(shape)[1], path)
        if origin is list:
            return self._list(node, get_args(shape)[0], path)
        if shape is bool:
            return self._boolean(node, path)
        if shape is int:
            return self._integer(node, path)
        if origin is Literal or shape is str:
            return self._text(node, path)
        msg = f"{path}: the file can't hold {shape}"
        raise TypeError(msg)

    def _map(self, node: Node, inner: Any, path: str) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            self._note(node.mark, f"{path} is a map by name")
            return {}
        found = {}
        for key, child in node.entries.items():
            where = f"{path}.{key}"
            self.file.marks[where] = node.keys[key]
            # `KEY: text` is short for `KEY: {value: text}`.
            if path.endswith(".env") and isinstance(child, Scalar):
                found[key] = {"value": "" if child.is_null else child.text}
            else:
                found[key] = self._value(child, inner, where)
        return found

    def _list(self, node: Node, inner: Any, path: str) -> list[Any]:
        if not isinstance(node, Sequence):
            self._note(node.mark, f"{path} is a list")
            return []
        return [self._value(item, inner, f"{path}.{n}") for n, item in enumerate(node.items)]

    def _text(self, node: Node, path: str) -> str | None:
        if isinstance(node, Scalar):
            return node.text
        self._note(node.mark, f"{path} is a text")
        return None

    def _integer(self, node: Node, path: str) -> int | None:
        if isinstance(node, Scalar) and node.plain and _INTEGER.fullmatch(node.text):
            return int(node.text)
        given = f" is {quoted(node.text)}; it" if isinstance(node, Scalar) else ""
        message = f"{path}{given} must be a whole number"
        self._note(node.mark, message, Validator.NOT_AN_INTEGER)
        return None

    def _boolean(self, node: Node, path: str) -> bool | None:
        if isinstance(node, Scalar) and node.plain and node.text.lower() in _BOOLEANS:
            return _BOOLEANS[node.text.lower()]
        self._note(node.mark, f"{path} must be true or false", Validator.NOT_INCLUDED)
        return None

    def _check_keys(self, node: Mapping, known: tuple[str, ...], where: str) -> None:
        for key, mark in node.keys.items():
            if key not in known:
                guess = nearest(key, known)
                hint = f"did you mean {guess}?" if guess else f"there are {one_of(known)}"
                message = f"{where} has no key {quoted(key)}; {hint}"
                self._note(mark, message, Validator.NOT_INCLUDED)

    def _note(self, mark: Mark, message: str, validator: Validator = Validator.INVALID) -> None:
        self.problems.append(problem(mark, message, validator))


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_null


def _bare(annotation: Any) -> Any:
    """An annotation without Annotated and without `| None`."""
    while True:
        arguments = get_args(annotation)
        if get_origin(annotation) is Annotated:
            annotation = arguments[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(each for each in arguments if each is not NoneType)
        else:
            return annotation
