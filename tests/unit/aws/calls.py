"""The API operations that the source of a package calls, found without running it.

A client is told by its name: `self.s3.list_buckets(…)`, `rds.…`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from botocore import xform_name
from botocore.session import Session

from setops.aws.clients import STS
from setops.aws.products import PRODUCTS

APIS = tuple(sorted({use.client for use in (*PRODUCTS.uses, STS)}))
"""The clients that there are. Whoever has one calls it by this name."""


class Operation(NamedTuple):
    """An operation as AWS spells it, and where it is called."""

    product: str
    name: str
    place: str

    def __str__(self) -> str:
        return f"{self.product}:{self.name} ({self.place})"


@cache
def operations(product: str) -> Mapping[str, str]:
    """The operations of a product's API, by the method of the client that calls them."""
    model = Session().get_service_model(product)
    return {xform_name(name): name for name in model.operation_names}


def calls(source: str, place: str) -> Iterator[Operation]:
    """What a module calls.

    Raises AssertionError for what hides the operation: a computed name, a waiter, or a client that
    goes by another name.
    """
    known = {product: operations(product) for product in APIS}
    methods = {method for each in known.values() for method in each}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _method(node) == "get_paginator":
            product = _receiver(node.func)
            (method,) = node.args
            where = f"{place}:{node.lineno}"
            assert product in known, f"{where}: whose paginator is this?"
            assert isinstance(method, ast.Constant), f"{where}: write the paginator's name out"
            yield Operation(product, known[product][str(method.value)], where)
        elif isinstance(node, ast.Attribute):
            product, where = _receiver(node), f"{place}:{node.lineno}"
            assert node.attr != "get_waiter", f"{where}: a waiter hides what it calls"
            if product in known and node.attr in known[product]:
                yield Operation(product, known[product][node.attr], where)
            else:
                assert node.attr not in methods, f"{where}: whose {node.attr} is this?"


def calls_of(package: Path) -> list[Operation]:
    """What all modules of a package call."""
    return [
        call
        for path in sorted(package.rglob("*.py"))
        for call in calls(path.read_text(encoding="utf-8"), path.name)
    ]


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _receiver(node: ast.expr) -> str:
    """The last name before the method's: `s3` of `self.clients.s3.list_buckets`."""
    assert isinstance(node, ast.Attribute)
    match node.value:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""
