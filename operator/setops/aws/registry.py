"""Which product builds which type and plan of Service."""

from __future__ import annotations

from collections.abc import Iterable

from setops.api.catalogue import check_type
from setops.api.errors import Code
from setops.aws.api_use import ApiUse
from setops.aws.errors import UnsupportedTypeError
from setops.aws.product import Product


class Registry:
    """Products by type and plan. If several build a type, the first that serves the plan counts."""

    def __init__(self, products: Iterable[Product]) -> None:
        self.products = tuple(products)

    @property
    def uses(self) -> tuple[ApiUse, ...]:
        """The APIs of all of them."""
        return tuple(dict.fromkeys(use for each in self.products for use in each.uses))

    def of(self, type_name: str, plan: str | None = None) -> Product:
        """The product that builds a Service.

        Raises UnsupportedTypeError. Its code is the platform's `CurrentlyNotSupported`, or
        `ValidationFailed` for an unknown type. Its message lists the supported types.
        """
        for each in self.products:
            if each.type_name == type_name and each.serves(plan):
                return each
        for problem in check_type(type_name):
            raise UnsupportedTypeError(problem.message, code=problem.code)
        raise UnsupportedTypeError(
            f"services of type {type_name} with plan {plan} are currently not supported; "
            "choose another plan",
            code=Code.CURRENTLY_NOT_SUPPORTED,
        )
