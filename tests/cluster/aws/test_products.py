"""What every product does alike, since one engine does it: from one table of cases.

The queue is no product of the operator. It is there to show what a further one takes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from setops.api.service_type import DeletionPolicy
from setops.aws import naming
from setops.aws.clients import Clients, ClientSettings
from setops.aws.decide import Create, Done, Foreign, IssueCredentials, Relinquish, Update
from setops.aws.errors import ConflictError, StalledError, WaitError
from setops.aws.identity import Identity
from setops.aws.products import PRODUCTS
from setops.aws.registry import Registry
from setops.aws.target import Account, Target
from tests.cluster.aws import emulator
from tests.cluster.aws.queue import Queues
from tests.cluster.aws.story import Faults, KilledError, Operator, hooked, recorded
from tests.cluster.aws.test_postgresql import Owner, take_instance

EVERY = Registry((*PRODUCTS.products, Queues()))

_names = itertools.count()


class Holder(Owner):
    """The account as its owner sees it, with its buckets and queues too."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        how: Any = {
            "region_name": account.region,
            "endpoint_url": account.endpoint_url,
            **emulator.credentials(account.account_id),
        }
        self.s3: Any = boto3.client("s3", **how)
        self.sqs: Any = boto3.client("sqs", **how)

    def url(self, name: str) -> str:
        return str(self.sqs.get_queue_url(QueueName=name)["QueueUrl"])


def _open_bucket(holder: Holder, name: str) -> None:
    holder.s3.delete_public_access_block(Bucket=name)


def _quicken_queue(holder: Holder, name: str) -> None:
    holder.sqs.set_queue_attributes(
        QueueUrl=holder.url(name), Attributes={"VisibilityTimeout": "5"}
    )


def _unprotect_database(holder: Holder, name: str) -> None:
    holder.rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)


def _take_bucket(holder: Holder, name: str) -> None:
    holder.s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )


def _take_queue(holder: Holder, name: str) -> None:
    holder.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})


def _take_database(holder: Holder, name: str) -> None:
    take_instance(holder.rds, name)


def _buckets(holder: Holder) -> list[str]:
    return [each["Name"] for each in holder.s3.list_buckets()["Buckets"]]


def _queues(holder: Holder) -> list[str]:
    urls = holder.sqs.list_queues().get("QueueUrls", [])
    return [url.rsplit("/", 1)[1] for url in urls]


def _databases(holder: Holder) -> list[str]:
    found = holder.rds.describe_db_instances()["DBInstances"]
    return [each["DBInstanceIdentifier"] for each in found]


@dataclass(frozen=True)
class Case:
    """A product: how it is wished, changed, spoilt and counted.

    `made` are the actions that lead from nothing to a Service, `released` those of Retain.
    """

    type_name: str
    part: str
    label: str
    made: tuple[type, ...]
    released: tuple[type, ...]
    before: dict[str, Any]
    after: dict[str, Any]
    drift: Callable[[Holder, str], None]
    take: Callable[[Holder, str], None]
    held: Callable[[Holder], list[str]]


CASES = {
    "s3": Case(
        "s3",
        "bucket",
        "S3 bucket",
        (Create, IssueCredentials, Done),
        (Relinquish, Done),
        {},
        {"options": {"blockPublicAccess": False}},
        _open_bucket,
        _take_bucket,
        _buckets,
    ),
    "postgresql": Case(
        "postgresql",
        "instance",
        "RDS instance",
        (IssueCredentials, Create, Update, Done),
        (Relinquish, Done),
        {"version": "15", "plan": "db.t3.small"},
        {"plan": "db.t3.medium"},
        _unprotect_database,
        _take_database,
        _databases,
    ),
    "a product written for this test": Case(
        "queue",
        "queue",
        "SQS queue",
        (Create, Done),
        (Done,),
        {"options": {"seconds": 30}},
        {"options": {"seconds": 60}},
        _quicken_queue,
        _take_queue,
        _queues,
    ),
}
QUICK = {name: case for name, case in CASES.items() if name != "postgresql"}
"""A database that is killed at every call has a test of its own, with more to look at."""

every_product = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture(scope="module")
def holder(account: Account) -> Holder:
    return Holder(account)


@pytest.fixture(scope="module")
def able(endpoint: str) -> Iterator[Clients]:
    """Clients that can call SQS, too."""
    assert endpoint
    settings = ClientSettings(per_account=4, attempts=1, inventory_spacing=0)
    made = Clients(EVERY.uses, settings)
    yield made
    made.close()


@pytest.fixture
def make(able: Clients, account: Account, holder: Holder) -> Callable[[Case], Operator]:
    """Makes an operator with a Service that nobody has seen before, deleted by policy Delete."""

    def made(case: Case) -> Operator:
        target = Target(
            account,
            Identity.of_service("acme", "alike", "live", f"one{next(_names)}"),
            case.type_name,
            deletion_policy=DeletionPolicy.DELETE,
            placement=holder.placement,
            uid="1a2b3c4d",
        )
        return Operator(able, replace(target, **case.before), products=EVERY)

    return made


def kinds(actions: list[Any]) -> tuple[type, ...]:
    return tuple(type(each) for each in actions)


def wish(operator: Operator, **changes: Any) -> None:
    operator.target = replace(operator.target, **changes)


def name_of(case: Case, operator: Operator) -> str:
    return operator.ids()[case.part]


@every_product
def test_it_is_made_changed_and_deleted(
    case: Case, make: Callable[[Case], Operator], holder: Holder
) -> None:
    operator = make(case)
    assert kinds(operator.create()) == case.made
    name = name_of(case, operator)
    assert name in case.held(holder)
    observation = operator.observe()
    assert observation.ready
    assert observation.ids[case.part] == name
    assert operator.create() == [Done()]
    wish(operator, **case.after)
    assert kinds(operator.create()) == (Update, Done)
    assert operator.delete()[-1] == Done()
    assert name not in case.held(holder)
    assert operator.delete() == [Done()]


@every_product
def test_drift_is_put_right(case: Case, make: Callable[[Case], Operator], holder: Holder) -> None:
    operator = make(case)
    operator.create()
    case.drift(holder, name_of(case, operator))
    (difference,) = operator.observe().differences
    assert difference.path.startswith(f"{case.part}.")
    assert kinds(operator.create()) == (Update, Done)
    assert not operator.observe().differences
    operator.delete()


@every_product
def test_what_is_somebody_elses_is_never_touched(
    case: Case, make: Callable[[Case], Operator], holder: Holder
) -> None:
    operator = make(case)
    name = name_of(case, operator)
    case.take(holder, name)
    with recorded(operator.clients, operator.target.account) as calls:
        assert operator.create() == [Foreign((f"{case.label} {name}",))]
        with pytest.raises(ConflictError, match=f"{case.label} {name} exists without our tags"):
            operator.composite().create()
        operator.composite().update(operator.observe(), set())
        operator.composite().relinquish()
        operator.composite().delete()
        assert operator.delete() == [Done()]
    assert {call for call in calls if not call.startswith(("Describe", "Get", "List"))} == set()
    assert name in case.held(holder)


@every_product
def test_retain_keeps_it_until_it_is_taken_up_again(
    case: Case, make: Callable[[Case], Operator], holder: Holder
) -> None:
    operator = make(case)
    wish(operator, deletion_policy=DeletionPolicy.RETAIN)
    operator.create()
    assert kinds(operator.delete()) == case.released
    assert name_of(case, operator) in case.held(holder)
    with pytest.raises(StalledError, match="deletionPolicy Retain does not delete a"):
        operator.composite().delete()
    operator.secret = {}
    assert operator.create()[-1] == Done()
    assert operator.observe().ready
    wish(operator, deletion_policy=DeletionPolicy.DELETE)
    operator.delete()
    assert name_of(case, operator) not in case.held(holder)


FAULTS = {
    "the operator is killed": KilledError(),
    "the answer is lost": ReadTimeoutError(endpoint_url="https://aws"),
}


@pytest.mark.parametrize("case", QUICK.values(), ids=QUICK)
@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS)
def test_a_kill_after_any_change_leaves_one_and_after_deletion_none(
    case: Case, error: BaseException, make: Callable[[Case], Operator], holder: Holder
) -> None:
    for at in itertools.count(1):
        operator = make(case)
        name = name_of(case, operator)
        before = case.held(holder)
        struck = broken_at(operator, at, error, operator.create)
        assert operator.create()[-1] == Done()
        assert sorted(case.held(holder)) == sorted([*before, name])
        wish(operator, **case.after)
        struck |= broken_at(operator, at, error, operator.create)
        assert operator.create()[-1] == Done()
        struck |= broken_at(operator, at, error, operator.delete)
        assert operator.delete()[-1] == Done()
        assert sorted(case.held(holder)) == sorted(before)
        if not struck:
            assert at > 1
            return


def broken_at(operator: Operator, at: int, error: BaseException, act: Callable[[], object]) -> bool:
    """Runs with a fault after the n-th change; whether there was an n-th."""
    faults = Faults(at, error)
    try:
        with hooked(operator.clients, operator.target.account, "after-call", faults):
            act()
    except (KilledError, WaitError):
        assert faults.struck
        return True
    return False


@every_product
def test_it_is_found_by_its_stored_ids_whatever_the_naming_rule_says_by_then(
    case: Case,
    make: Callable[[Case], Operator],
    holder: Holder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operator = make(case)
    stored = operator.ids()
    wish(operator, ids=stored)
    operator.create()
    before = case.held(holder)

    monkeypatch.setattr(naming, "_HASH_LENGTH", 10)
    assert operator.create() == [Done()]
    assert operator.observe().ids == stored
    assert case.held(holder) == before
    # What was made before ids were stored would be lost by such a change, and made a second time.
    wish(operator, ids={})
    assert not operator.observe().ready
    wish(operator, ids=stored)
    operator.delete()
    assert name_of(case, operator) not in case.held(holder)
