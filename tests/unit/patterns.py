"""Every regular expression of the package, against hostile texts: run as a program.

Prints each before it is tried, so that the last one printed is the one that takes too long. With
arguments it tries these patterns instead.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import itertools
import pkgutil
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

import setops

LENGTH: Final = 100_000
SHORT: Final = 1_500
WORST: Final = 2
"""How many of the texts are tried in full: those that take longest when they are short."""

_METHODS: Final = frozenset({"findall", "finditer", "search", "split", "sub"})
"""What looks for a pattern at every place of a text, not only at its beginning."""
_SEEDS: Final = (
    *"aZ09._-/:@ \n\t{}%\"\\'$,;+=",
    *("{{", "}}", "{{ ", ".Secrets.", "a.", "a-", "a/", "0.", "0,", "a ", "x.x", "\\\n", '""', "é"),
    *("-----BEGIN ", "-----BEGIN A PRIVATE KEY-----\n", "-----BEGIN CERTIFICATE-----\n", "1e"),
)
_BEGINNINGS: Final = ("", "a", "{{", '"', "apps.", "https://", "-----BEGIN CERTIFICATE-----\n")
_ENDS: Final = ("", "\0", "!")


@dataclasses.dataclass(frozen=True)
class Found:
    """A pattern, its flags, and whether it is looked for anywhere in a text."""

    pattern: str | bytes
    flags: int = 0
    anywhere: bool = False


def modules() -> Iterator[ModuleType]:
    for each in pkgutil.walk_packages(setops.__path__, "setops."):
        yield importlib.import_module(each.name)


def found() -> set[Found]:
    patterns: set[Found] = set()
    for module in modules():
        assert module.__file__
        with open(module.__file__, encoding="utf-8") as file:
            tree = ast.parse(file.read())
        sought = set(_sought(tree))
        for name, value in vars(module).items():
            for pattern in _in(value, set(), 6):
                patterns.add(dataclasses.replace(pattern, anywhere=name in sought))
        patterns.update(_literals(tree, vars(module)))
    return patterns


def _sought(tree: ast.AST) -> Iterator[str]:
    """The names of the patterns that are looked for anywhere."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=method) if method in _METHODS:
                yield name


def _literals(tree: ast.AST, names: Mapping[str, Any]) -> Iterator[Found]:
    """The patterns that are written where they are used, as in `re.sub("…", …)`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=method),
                args=[ast.Constant(value=str(pattern)), *_],
            ) if method != "compile":
                yield Found(pattern, 0, method in _METHODS)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=method),
                args=[ast.Name(id=name), *_],
            ) if isinstance(names.get(name), str):
                yield Found(names[name], 0, method in _METHODS)


def _in(value: Any, seen: set[int], depth: int) -> Iterator[Found]:
    """The patterns in a value, compiled ones and those of fields that are called so."""
    if id(value) in seen or not depth:
        return
    seen.add(id(value))
    inner: Iterable[Any] = ()
    if isinstance(value, re.Pattern):
        yield Found(value.pattern, value.flags)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name, None) for each in dataclasses.fields(value)}
        pattern = fields.pop("pattern", None)
        if isinstance(pattern, str):
            yield Found(pattern)
        inner = fields.values()
    elif isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        inner = value
    for each in inner:
        yield from _in(each, seen, depth - 1)


def attack(one: Found) -> None:
    """Try the texts that take longest."""
    flags = one.flags & ~re.UNICODE if isinstance(one.pattern, bytes) else one.flags
    compiled: re.Pattern[Any] = re.compile(one.pattern, flags)
    tries = itertools.product(_BEGINNINGS, _SEEDS, _ENDS)
    worst = sorted(tries, key=lambda parts: -_work(compiled, one, parts, SHORT))[:WORST]
    for parts in worst:
        _work(compiled, one, parts, LENGTH)


def _work(compiled: re.Pattern[Any], one: Found, parts: tuple[str, str, str], length: int) -> float:
    beginning, seed, end = parts
    text: str | bytes = beginning + seed * (length // len(seed)) + end
    if isinstance(one.pattern, bytes):
        text = str(text).encode()
    before = time.process_time()
    compiled.fullmatch(text)
    if one.anywhere:
        compiled.findall(text)
    return time.process_time() - before


def main() -> None:
    given = [Found(pattern, 0, anywhere=True) for pattern in sys.argv[1:]]
    for one in given or sorted(found(), key=repr):
        print(one, flush=True)
        attack(one)


if __name__ == "__main__":
    main()
