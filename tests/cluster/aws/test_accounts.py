"""Accounts: assumed roles, several side by side, and what happens when one can't be used."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from setops.aws.clients import Clients, ClientSettings
from setops.aws.decide import Create, Done
from setops.aws.errors import RetryError, StalledError, ThrottledError, UnreachableError
from setops.aws.gateway import Gateway
from setops.aws.identity import Identity
from setops.aws.observation import Presence
from setops.aws.products import PRODUCTS
from setops.aws.target import Account, Target
from setops.fence import Fence, FencedError, Tenure
from tests.cluster.aws import emulator
from tests.cluster.aws.conftest import OWN
from tests.cluster.aws.story import Operator, Root, app, hooked

EXTERNAL_ID = "only-for-us"


@pytest.fixture
def counted() -> Iterator[tuple[Clients, list[tuple[str, str, str]]]]:
    """Clients of their own, and all API calls that they report."""
    calls: list[tuple[str, str, str]] = []
    clients = Clients(
        PRODUCTS.uses, ClientSettings(per_account=4, attempts=1), lambda *call: calls.append(call)
    )
    yield clients, calls
    clients.close()


def with_role(account_id: str, region: str, endpoint: str) -> Account:
    """An account with a role that the operator's own account may assume."""
    account = Account(
        account_id, region, f"arn:aws:iam::{account_id}:role/setops", EXTERNAL_ID, endpoint
    )
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
            }
        ],
    }
    rights = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["s3:*", "iam:*"], "Resource": "*"}],
    }
    iam = Root(account).iam
    iam.create_role(RoleName="setops", AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="setops", PolicyName="setops", PolicyDocument=json.dumps(rights))
    return account


def target(account: Account, organization: str = "acme") -> Target:
    return Target(account, Identity.of_service(organization, "shop", "live", "data"), "s3")


def test_two_accounts_and_regions_side_by_side(
    endpoint: str, counted: tuple[Clients, list[tuple[str, str, str]]]
) -> None:
    clients, calls = counted
    accounts = {
        "one": with_role("111111111111", "eu-west-1", endpoint),
        "other": with_role("222222222222", "us-east-1", endpoint),
    }
    for organization, account in accounts.items():
        operator = Operator(clients, target(account, organization))
        assert operator.create()[-1] == Done()
        root = Root(account)
        (bucket,) = root.buckets()
        location = root.s3.get_bucket_location(Bucket=bucket)["LocationConstraint"]
        assert (location or "us-east-1") == account.region
        s3, name = app(operator.secret["url"])
        assert name == bucket
        s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    # One role each, however many calls and passes.
    assert [call for call in calls if call[1] == "AssumeRole"] == [("sts", "AssumeRole", "ok")] * 2


def test_a_role_is_assumed_again_before_its_credentials_expire(
    endpoint: str, counted: tuple[Clients, list[tuple[str, str, str]]]
) -> None:
    clients, calls = counted
    account = with_role("333333333333", "eu-west-1", endpoint)
    made = clients.of(account)
    made.client("sts").get_caller_identity()
    credentials: Any = made._session.get_credentials()
    # Ten minutes from now as botocore's clock sees it: too late to go on with.
    credentials._expiry_time = (
        credentials._time_fetcher() + (credentials._expiry_time - credentials._time_fetcher()) / 10
    )
    made.client("sts").get_caller_identity()
    assert [operation for _, operation, _ in calls].count("AssumeRole") == 2


def own_role(endpoint: str, principal: str, arn: str) -> str:
    """The ARN of a role of the operator's own account, which others than its root may assume."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {principal: arn},
                "Action": ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"],
            }
        ],
    }
    iam = Root(Account(OWN, "eu-west-1", endpoint_url=endpoint)).iam
    name = f"own-by-{principal.lower()}"
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    return made["Role"]["Arn"]


def test_own_credentials_may_be_those_of_a_service_account(
    endpoint: str,
    counted: tuple[Clients, list[tuple[str, str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """As EKS has it with IRSA: a role, and a file with a token of the ServiceAccount."""
    clients, calls = counted
    claims = base64.urlsafe_b64encode(json.dumps({"iss": "https://oidc.example.com"}).encode())
    provider = f"arn:aws:iam::{OWN}:oidc-provider/oidc.example.com"
    token = tmp_path / "token"
    token.write_text(f"header.{claims.decode()}.signature")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", endpoint)
    monkeypatch.setenv("AWS_ROLE_ARN", own_role(endpoint, "Federated", provider))
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    asyncio.run(Gateway(clients, PRODUCTS).check(Account(OWN, "eu-west-1", endpoint_url=endpoint)))
    assert [operation for _, operation, _ in calls] == [
        "AssumeRoleWithWebIdentity",
        "GetCallerIdentity",
    ]


def test_own_credentials_may_be_those_of_a_role_that_a_profile_names(
    endpoint: str,
    counted: tuple[Clients, list[tuple[str, str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    clients, calls = counted
    config = tmp_path / "config"
    role = own_role(endpoint, "AWS", f"arn:aws:iam::{OWN}:root")
    config.write_text(
        f"[profile keys]\naws_access_key_id={OWN}\naws_secret_access_key={emulator.SECRET}\n"
        f"[profile setops]\nrole_arn={role}\nsource_profile=keys\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", endpoint)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "setops")
    asyncio.run(Gateway(clients, PRODUCTS).check(Account(OWN, "eu-west-1", endpoint_url=endpoint)))
    assert [operation for _, operation, _ in calls] == ["AssumeRole", "GetCallerIdentity"]


def test_a_failure_that_is_neither_awss_nor_botocores_is_told(
    endpoint: str, clients: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_ROLE_ARN", f"arn:aws:iam::{OWN}:role/setops")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "none"))
    account = Account(OWN, "ap-south-1", endpoint_url=endpoint)
    with pytest.raises(RetryError, match=r"AWS account 999999999999, ap-south-1: .*none") as caught:
        asyncio.run(Gateway(clients, PRODUCTS).check(account))
    assert caught.value.code == "FileNotFoundError"


def test_a_role_that_may_not_be_assumed_says_whose_trust_to_change(
    endpoint: str, clients: Clients
) -> None:
    account = replace(with_role("444444444444", "eu-west-1", endpoint), external_id="wrong")
    with pytest.raises(StalledError, match="trust policy") as caught:
        asyncio.run(Gateway(clients, PRODUCTS).check(account))
    assert (caught.value.code, caught.value.operation) == ("AccessDenied", "AssumeRole")


def test_credentials_of_another_account_are_never_used(endpoint: str, clients: Clients) -> None:
    account = Account("123456789012", "eu-west-1", endpoint_url=endpoint)
    with pytest.raises(StalledError, match=f"123456789012 belong to account {OWN}") as caught:
        asyncio.run(Gateway(clients, PRODUCTS).observe(target(account)))
    assert caught.value.code == "AccountMismatch"


def test_an_endpoint_that_does_not_answer_is_waited_for(clients: Clients) -> None:
    closed = Account(OWN, "eu-west-1", endpoint_url=f"http://127.0.0.1:{emulator.free_port()}")
    with pytest.raises(UnreachableError, match="no answer from AWS account 999999999999"):
        asyncio.run(Gateway(clients, PRODUCTS).observe(target(closed)))


def test_what_boto_takes_for_no_url_is_the_users_to_put_right(clients: Clients) -> None:
    nowhere = Account(OWN, "eu-west-1", endpoint_url="http://-")
    told = "Invalid endpoint: http://-; correct aws.endpointUrl"
    for asked in (
        Gateway(clients, PRODUCTS).check(nowhere),
        Gateway(clients, PRODUCTS).observe(target(nowhere)),
    ):
        with pytest.raises(StalledError, match=told) as caught:
            asyncio.run(asked)
        assert caught.value.code == "InvalidEndpoint"


def test_a_throttled_account_is_paused_and_another_is_not(
    account: Account, clients: Clients, endpoint: str
) -> None:
    now = 100.0
    other = with_role("666666666666", "eu-west-1", endpoint)
    gateway = Gateway(clients, PRODUCTS, clock=lambda: now)
    calls: list[str] = []

    def throttle(model: Any, **_: object) -> Any:
        calls.append(model.name)
        return SimpleNamespace(status_code=400), {"Error": {"Code": "Throttling"}}

    async def story() -> None:
        nonlocal now
        with hooked(clients, account, "before-call", throttle):
            for _ in range(5):
                with pytest.raises(ThrottledError) as caught:
                    await gateway.observe(target(account))
                assert caught.value.retry_after == 1.0
        assert calls == ["GetBucketTagging"]
        await gateway.observe(target(other))
        now += 1
        await gateway.observe(target(account))

    asyncio.run(story())


def test_each_call_is_reported_with_its_outcome(
    account: Account, counted: tuple[Clients, list[tuple[str, str, str]]]
) -> None:
    clients, calls = counted
    asyncio.run(Gateway(clients, PRODUCTS).observe(target(account, "reported")))
    assert calls == [
        ("sts", "GetCallerIdentity", "ok"),
        ("s3", "GetBucketTagging", "NoSuchBucket"),
        ("iam", "GetUser", "NoSuchEntity"),
    ]
    closed = Account(OWN, "eu-west-1", endpoint_url=f"http://127.0.0.1:{emulator.free_port()}")
    with pytest.raises(UnreachableError):
        asyncio.run(Gateway(clients, PRODUCTS).check(closed))
    assert calls[-1] == ("sts", "GetCallerIdentity", "EndpointConnectionError")


def test_threads_share_one_client_for_each_account_and_product(
    account: Account, counted: tuple[Clients, list[tuple[str, str, str]]]
) -> None:
    clients, _ = counted
    barrier = threading.Barrier(8)

    def client() -> Any:
        barrier.wait()
        return clients.of(account).client("s3")

    with ThreadPoolExecutor(8) as pool:
        made = [each.result() for each in [pool.submit(client) for _ in range(8)]]
    assert len({id(each) for each in made}) == 1
    assert clients.of(replace(account, region="us-west-2")).client("s3") is not made[0]


def test_one_account_never_takes_all_threads(account: Account) -> None:
    clients = Clients(PRODUCTS.uses, ClientSettings(per_account=2, attempts=1))
    running, most = 0, 0
    lock = threading.Lock()

    def busy(event_name: str, **_: object) -> None:
        nonlocal running, most
        with lock:
            running += event_name.startswith("before-call") or -1
            most = max(most, running)

    async def story() -> None:
        gateway = Gateway(clients, PRODUCTS)
        await asyncio.gather(*(gateway.observe(target(account)) for _ in range(12)))

    with (
        hooked(clients, account, "before-call", busy),
        hooked(clients, account, "after-call", busy),
    ):
        asyncio.run(story())
    clients.close()
    assert most == 2


def test_behind_a_closed_fence_aws_is_read_and_not_changed(account: Account) -> None:
    now, tenure = 0.0, Tenure("Lease")
    wanted = target(account, "fenced")
    tenure.until = 1.0
    fence = Fence(tenure, clock=lambda: now)
    clients = Clients(PRODUCTS.uses, ClientSettings(per_account=2), fence=fence)

    async def story() -> None:
        nonlocal now
        gateway = Gateway(clients, PRODUCTS)
        seen = await gateway.observe(wanted)
        now = 2.0
        with pytest.raises(FencedError, match="Lease was not renewed"):
            await gateway.perform(wanted, seen, Create())
        assert (await gateway.observe(wanted)).presence is Presence.ABSENT
        now = 0.0
        await gateway.perform(wanted, seen, Create())
        assert (await gateway.observe(wanted)).presence is not Presence.ABSENT

    asyncio.run(story())
    clients.close()


def test_the_emulator_enforces_what_these_tests_rely_on(endpoint: str) -> None:
    stranger = boto3.client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=endpoint,
        aws_access_key_id="AKIANOBODY",
        aws_secret_access_key="x",
    )
    with pytest.raises(stranger.exceptions.ClientError):
        stranger.list_buckets()
