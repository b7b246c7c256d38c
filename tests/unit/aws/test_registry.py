"""Which product builds a Service: by type and plan."""

from __future__ import annotations

import json

import pytest

from setops.api.errors import Code
from setops.aws.api_use import ACCOUNT
from setops.aws.errors import UnsupportedTypeError
from setops.aws.operator_rights import document
from setops.aws.products import PRODUCTS
from setops.aws.products.postgresql import Postgresql
from setops.aws.registry import Registry
from tests.unit.aws.test_operator_rights import MANAGED_LIMIT


class SharedPostgresql(Postgresql):
    """As a further product of the type would say it."""

    def serves(self, plan: str | None) -> bool:
        return plan == "shared"


@pytest.mark.parametrize("plan", [None, "db.t3.micro", "db.m5.large.ha"])
def test_a_second_product_of_a_type_builds_its_own_plans_alone(plan: str | None) -> None:
    shared, dedicated = SharedPostgresql(), Postgresql()
    products = Registry((shared, dedicated))
    assert products.of("postgresql", plan) is dedicated
    assert products.of("postgresql", "shared") is shared


def test_a_plan_that_no_product_builds_is_told_from_a_type_that_none_builds() -> None:
    with pytest.raises(UnsupportedTypeError, match="with plan db") as caught:
        Registry((SharedPostgresql(),)).of("postgresql", "db.t3.micro")
    assert caught.value.code == Code.CURRENTLY_NOT_SUPPORTED
    with pytest.raises(UnsupportedTypeError, match="services of type redis are currently not"):
        PRODUCTS.of("redis", "shared")


@pytest.mark.parametrize("product", PRODUCTS.products, ids=lambda each: each.type_name)
def test_the_rights_of_each_product_fit_into_a_managed_policy_of_their_own(
    product: Postgresql,
) -> None:
    made = json.dumps(document(product.statements), separators=(",", ":"))
    assert 0 < len(made.replace(ACCOUNT, "123456789012")) < MANAGED_LIMIT


@pytest.mark.parametrize("product", PRODUCTS.products, ids=lambda each: each.type_name)
def test_a_code_of_aws_means_one_thing(product: Postgresql) -> None:
    assert not product.wait_codes & product.stall_codes.keys()


def test_a_service_whose_plan_is_not_built_any_more_can_still_be_deleted() -> None:
    """Its spec may have been changed to that, and was refused since."""
    assert isinstance(PRODUCTS.of("postgresql", "shared"), Postgresql)
