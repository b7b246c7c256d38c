"""The policy grants what the code calls, no less and no more, and the files say what it grants."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import setops.aws
from setops.aws import operator_rights
from setops.aws.api_use import ACCOUNT, operations_of
from setops.aws.clients import STS, Clients, ClientSettings
from setops.aws.operator_rights import ACCOUNT_STATEMENTS, IDENTITY_STATEMENTS, actions, granted
from setops.aws.products import PRODUCTS
from setops.aws.target import Account
from tests.unit.aws.calls import APIS, calls, calls_of, operations

ROOT = Path(__file__).parents[3]
CALLS = calls_of(Path(setops.aws.__file__).parent)
EVERY = (*ACCOUNT_STATEMENTS, *IDENTITY_STATEMENTS)

MANAGED_LIMIT = 6144
"""Characters of a managed policy that AWS takes, white space not counted."""


def test_every_call_is_granted() -> None:
    lacking = {
        f"{call} needs {action}"
        for call in CALLS
        for action in actions(call.product, call.name)
        if action not in granted()
    }
    assert not lacking


def test_nothing_is_granted_that_no_call_needs() -> None:
    needed = {action for call in CALLS for action in actions(call.product, call.name)}
    assert not granted() - needed


def test_every_product_is_called() -> None:
    """What finds the calls would otherwise find nothing, and nobody would notice."""
    assert {call.product for call in CALLS} == set(APIS)
    assert len(CALLS) > 30


def test_clients_can_do_what_is_called_and_nothing_else() -> None:
    called: dict[str, set[str]] = {}
    for call in CALLS:
        called.setdefault(call.product, set()).add(call.name)
    uses = (*PRODUCTS.uses, STS)
    assert {use.client: set(use.operations) for use in uses} == called
    account = Account("111111111111", "eu-central-1")
    clients = Clients(PRODUCTS.uses, ClientSettings(per_account=1)).of(account)
    for product, names in operations_of(uses).items():
        model = clients.client(product).meta.service_model
        assert set(model.operation_names) == names


def test_exceptions_are_operations_that_are_called() -> None:
    named = {f"{call.product}:{call.name}" for call in CALLS}
    uses = (*PRODUCTS.uses, STS)
    assert not {f"{use.client}:{each}" for use in uses for each in use.actions} - named


def test_calls_are_found_however_they_are_written() -> None:
    source = """
def f(self, ec2, clients):
    self.s3.get_paginator("list_object_versions").paginate()
    clients.of(account).rds.describe_db_instances()
    partial(ec2.delete_security_group, GroupId="sg-1")
"""
    found = {str(call) for call in calls(source, "m.py")}
    assert found == {
        "s3:ListObjectVersions (m.py:3)",
        "rds:DescribeDBInstances (m.py:4)",
        "ec2:DeleteSecurityGroup (m.py:5)",
    }


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("client.create_db_instance()", "whose create_db_instance"),
        ("client.get_paginator('list_buckets')", "whose paginator"),
        ("s3.get_paginator(name)", "write the paginator's name out"),
        ("s3.get_waiter('bucket_exists')", "a waiter hides"),
    ],
)
def test_a_call_that_can_not_be_told_is_refused(source: str, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        list(calls(source, "m.py"))


def test_operations_are_spelled_as_the_api_has_them() -> None:
    assert operations("rds")["describe_db_instances"] == "DescribeDBInstances"


def test_statements_are_bound() -> None:
    """To names of ours, to our tags, or to reading; and never to all actions of a product."""
    for statement in EVERY:
        assert not any("*" in action for action in statement.actions), statement.sid
        verbs = {action.split(":")[1] for action in statement.actions}
        reads = all(re.match("Describe|Get|List", verb) for verb in verbs)
        for resource in statement.resources:
            named = re.search(r"setops-\*|default\*|rds\.amazonaws\.com|ROLE_NAME", resource)
            assert reads or named or statement.conditions or resource.endswith("vpc/*"), resource
            assert resource == "*" or ACCOUNT in resource or resource.startswith("arn:aws:s3:::")


def test_names_of_statements_are_such_that_iam_takes() -> None:
    sids = [statement.sid for statement in EVERY]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)


def test_policy_fits_into_one_managed_policy() -> None:
    made = json.dumps(operator_rights.document(ACCOUNT_STATEMENTS), separators=(",", ":"))
    assert len(made.replace(ACCOUNT, "123456789012")) < MANAGED_LIMIT


@pytest.mark.parametrize(("name", "text"), operator_rights.documents().items())
def test_files_are_fresh(name: str, text: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, "run `make docs`"


def test_page_holds_valid_json() -> None:
    blocks = re.findall(
        r"```json\n(.*?)```", operator_rights.documents()["aws-access.md"], re.DOTALL
    )
    assert len(blocks) == 4
    for block in blocks:
        assert json.loads(block)["Version"] == "2012-10-17"
