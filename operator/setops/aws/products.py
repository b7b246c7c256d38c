"""The registry: which module builds which type of Service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from setops.api.catalogue import check_type
from setops.aws.errors import UnsupportedTypeError
from setops.aws.postgresql import Postgresql
from setops.aws.product import Product
from setops.aws.s3 import S3

_PRODUCTS: Final[Mapping[str, Product]] = {each.type: each for each in (Postgresql(), S3())}


def product(type_name: str) -> Product:
    """The product of a type in the catalogue.

    Raises UnsupportedTypeError, whose code is the platform's `CurrentlyNotSupported`, or
    `ValidationFailed` for a type that nobody knows; its message lists the supported types.
    """
    for problem in check_type(type_name):
        raise UnsupportedTypeError(problem.message, code=problem.code)
    return _PRODUCTS[type_name]
