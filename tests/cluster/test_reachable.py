"""Whether an Organization's account can be reached is said, found out anew, and in nobody's way.

AWS is an emulator that checks credentials, trust policies and external ids.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox import Sandbox, ports
from sandbox.proxy import Delay, Fail, Proxy, Request
from setops.aws.api_use import ACCOUNT
from setops.aws.identity import TAG_CLUSTER, TAG_ORGANIZATION, Identity
from setops.aws.operator_rights import ACCOUNT_STATEMENTS, document
from setops.aws.ownership import tag_list
from setops.aws.parts.user import PATH
from setops.aws.target import Account
from tests.cluster.aws import emulator
from tests.cluster.aws.story import Root
from tests.cluster.world import World, manifest, organization

OWN: Final = "999999999999"
REGION: Final = "eu-central-1"
DRIFT: Final = 3
KIND: Final = "sorg"


@dataclass
class Arena:
    """The operator, and an emulator that is reached through `aws`."""

    world: World
    url: str
    certificate: Path
    aws: Proxy
    made: set[str] = field(default_factory=set)

    def apply(self, name: str, **aws: str) -> None:
        """An Organization; by default in the operator's own account."""
        self.made.add(name)
        account = {"accountId": OWN, "region": REGION, "endpointUrl": self.aws.url, **aws}
        self.world.apply(organization(name, aws=account))

    def proxy(self, port: int = 0) -> Proxy:
        """A further way to the emulator."""
        return Proxy(self.url, self.certificate, port=port)

    def says(self, name: str, condition: str, reason: str) -> str:
        return self.world.says(KIND, name, "", condition, reason)

    def told(self, name: str) -> str:
        """The message of its condition Reachable."""
        found = self.world.conditions(KIND, name)
        return next((each["message"] for each in found if each["type"] == "Reachable"), "")

    def stands(self, name: str) -> dict[str, str]:
        """The status of each condition."""
        return {item["type"]: item["status"] for item in self.world.conditions(KIND, name)}


@pytest.fixture(scope="module")
def arena(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    directory = tmp_path_factory.mktemp("emulator")
    certificate = directory / "server.crt"
    with (
        emulator.running(directory) as url,
        Proxy(url, certificate) as aws,
        sandbox.operator(
            values={"lease": {"duration": 30, "renewDeadline": 20}, "driftInterval": DRIFT},
            extra_environment={
                "AWS_ENDPOINT_URL": aws.url,
                "AWS_ACCESS_KEY_ID": OWN,
                "AWS_SECRET_ACCESS_KEY": emulator.SECRET,
            },
        ) as operator,
    ):
        arena = Arena(World(sandbox, operator), url, certificate, aws)
        yield arena
        # The emulator ends with these tests, and nobody is to ask for it any longer.
        left = [each for each in arena.world.list(KIND) if each["metadata"]["name"] in arena.made]
        arena.world.delete_all(left)
        for each in left:
            arena.world.gone(KIND, each["metadata"]["name"])


def asked(proxy: Proxy) -> int:
    """How often STS was asked who the caller is."""
    return sum(b"GetCallerIdentity" in record.request.body for record in proxy.records)


def refusal(code: str, message: str, **headers: str) -> Fail:
    """An error as STS words it."""
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>0</RequestId></ErrorResponse>"
    )
    return Fail(403, body.encode(), {"Content-Type": "text/xml", **headers})


REACHED: Final = {"Ready": "True", "Reconciling": "False", "Stalled": "False", "Reachable": "True"}


def test_an_account_that_answers_is_named_with_its_region(arena: Arena) -> None:
    arena.apply("reached")
    said = arena.says("reached", "Reachable", "AwsReachable")
    assert said == f"AWS account {OWN}, {REGION} can be reached"
    assert arena.says("reached", "Ready", "Ready") == "hosts no Project yet"
    assert arena.stands("reached") == REACHED
    listed = arena.world.sandbox.kubectl("get", KIND, "reached").stdout.split("\n")
    assert listed[0].split()[:6] == ["NAME", "ACCOUNT", "REGION", "PROJECTS", "REACHABLE", "READY"]
    assert listed[1].split()[:6] == ["reached", OWN, REGION, "0", "True", "True"]


def test_an_endpoint_that_refuses_connections_is_named_until_it_answers(arena: Arena) -> None:
    port = ports.choose(["aws"])["aws"]
    arena.apply("closed", endpointUrl=f"http://127.0.0.1:{port}")
    said = arena.says("closed", "!Reachable", "AwsUnreachable")
    assert f"127.0.0.1:{port}" in said
    assert "EndpointConnection" in said
    assert "check the network and endpointUrl" in said
    assert arena.says("closed", "Reconciling", "AwsUnreachable") == said
    assert not arena.world.holds(KIND, "closed", "", "Stalled")
    with arena.proxy(port):
        arena.world.wait(KIND, "closed")
        assert arena.stands("closed") == REACHED
    arena.says("closed", "!Reachable", "AwsUnreachable")


def test_a_role_that_may_not_be_assumed_stalls_until_it_trusts_the_operator(arena: Arena) -> None:
    number = "121212121212"
    trust: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "theirs"}},
            }
        ],
    }
    iam = Root(Account(number, REGION, endpoint_url=arena.aws.url)).iam
    iam.create_role(RoleName="setops", AssumeRolePolicyDocument=json.dumps(trust))
    arn = f"arn:aws:iam::{number}:role/setops"
    arena.apply("untrusted", accountId=number, roleArn=arn, externalId="ours")
    said = arena.says("untrusted", "!Reachable", "AwsRefused")
    assert "AssumeRole" in said
    assert "AccessDenied" in said
    assert "let the role's trust policy name" in said
    assert arena.says("untrusted", "Stalled", "AwsRefused") == said

    trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = "ours"
    iam.update_assume_role_policy(RoleName="setops", PolicyDocument=json.dumps(trust))
    began = time.monotonic()
    arena.world.wait(KIND, "untrusted")
    assert time.monotonic() - began < 2 * DRIFT
    assert arena.stands("untrusted") == REACHED


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_credentials_that_aws_does_not_take_stall_until_it_does(arena: Arena, code: str) -> None:
    name = code.lower()
    with arena.proxy() as proxy:
        proxy.rule = lambda _: refusal(code, "not these")
        arena.apply(name, endpointUrl=proxy.url)
        said = arena.says(name, "!Reachable", "AwsRefused")
        assert f"failed with {code}: not these; check the operator's own AWS credentials" in said
        assert arena.says(name, "Stalled", "AwsRefused") == said
        proxy.rule = None
        arena.world.wait(KIND, name)
        assert arena.stands(name) == REACHED


def test_a_wrong_clock_is_named_by_what_aws_says_and_by_its_date(arena: Arena) -> None:
    expired = "Signature expired: 20261126T220000Z is now earlier than 20261126T225500Z"
    later = format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)
    with arena.proxy() as proxy:
        proxy.rule = lambda _: refusal("SignatureDoesNotMatch", expired)
        arena.apply("clock", endpointUrl=proxy.url)
        said = arena.says("clock", "Stalled", "AwsRefused")
        assert "compare the clock of the node on which the operator runs" in said
        proxy.rule = lambda _: refusal("InvalidClientTokenId", "not these", Date=later)
        arena.world.until(
            lambda: "3 hours behind AWS's" in arena.says("clock", "Stalled", "AwsRefused"),
            "how wrong the clock is",
        )
        proxy.rule = None
        arena.world.wait(KIND, "clock")


def test_another_accounts_credentials_stall_until_the_spec_names_it(arena: Arena) -> None:
    arena.apply("stranger", accountId="123456789012")
    said = arena.says("stranger", "!Reachable", "AwsRefused")
    assert said == (
        f"AccountMismatch: the credentials for AWS account 123456789012 belong to account {OWN}; "
        "check accountId and roleArn of the Organization"
    )
    arena.apply("stranger")
    arena.world.wait(KIND, "stranger")
    assert arena.stands("stranger") == REACHED


def test_what_is_no_url_to_boto_is_said(arena: Arena) -> None:
    arena.apply("nowhere", endpointUrl="http://-")
    said = arena.says("nowhere", "Stalled", "AwsRefused")
    assert said.startswith("InvalidEndpoint: Invalid endpoint: http://-; correct aws.endpointUrl")


def test_projects_are_made_counted_and_deleted_while_aws_hangs(arena: Arena) -> None:
    with arena.proxy() as proxy:
        proxy.rule = lambda _: Delay(300)
        arena.apply("hanging", endpointUrl=proxy.url)
        said = arena.says("hanging", "Reconciling", "Progressing")
        assert said == f"asks whether AWS account {OWN}, {REGION} can be reached"
        arena.world.apply(manifest("Project", "hung", {"organization": "hanging"}))
        arena.world.wait("project.setops.co", "hung")
        arena.world.until(lambda: _projects(arena, "hanging") == 1, "the count", patience=5)

        arena.world.delete(KIND, "hanging")
        said = arena.says("hanging", "Reconciling", "Deleting")
        assert said == "still hosts 1 Project (hung); delete them first"
        arena.world.delete("project.setops.co", "hung")
        arena.world.gone("project.setops.co", "hung")
        arena.world.until(lambda: arena.world.get(KIND, "hanging") is None, "its end", patience=5)


def test_a_deletion_waits_for_no_account(arena: Arena) -> None:
    port = ports.choose(["aws"])["aws"]
    arena.apply("leaving", endpointUrl=f"http://127.0.0.1:{port}")
    arena.says("leaving", "!Reachable", "AwsUnreachable")
    arena.world.delete(KIND, "leaving")
    arena.world.until(lambda: arena.world.get(KIND, "leaving") is None, "its end", patience=5)


def test_aws_is_asked_once_in_a_drift_interval_whatever_happens(arena: Arena) -> None:
    with arena.proxy() as proxy:
        began = time.monotonic()
        arena.apply("busy", endpointUrl=proxy.url)
        arena.world.wait(KIND, "busy")
        for number in range(8):
            arena.world.apply(manifest("Project", f"busy{number}", {"organization": "busy"}))
            time.sleep(0.3)
        arena.world.until(lambda: _projects(arena, "busy") == 8, "the count")
        assert 1 <= asked(proxy) <= 1 + (time.monotonic() - began) / DRIFT
        arena.world.delete("project.setops.co", *(f"busy{number}" for number in range(8)))
        arena.world.until(lambda: _projects(arena, "busy") == 0, "the end of the Projects")
        assert arena.stands("busy") == REACHED


def test_a_restart_says_nothing_that_was_said(arena: Arena) -> None:
    """Not even while the first answer is late."""
    arena.apply("restarted")
    arena.world.wait(KIND, "restarted")
    before = arena.world.get(KIND, "restarted")
    count = asked(arena.aws)

    def late(request: Request) -> Delay | None:
        return Delay(2) if b"GetCallerIdentity" in request.body else None

    arena.aws.rule = late
    arena.world.operator.stop()
    arena.world.operator.start()
    arena.world.operator.wait_ready()
    arena.world.until(lambda: asked(arena.aws) > count + 2, "two more looks")
    arena.aws.rule = None
    assert arena.world.get(KIND, "restarted") == before


def _projects(arena: Arena, name: str) -> int:
    found = arena.world.get(KIND, name) or {}
    return int(found.get("status", {}).get("projects", -1))


def test_users_that_no_service_has_any_more_are_told_until_they_are_gone(arena: Arena) -> None:
    number = "131313131313"
    root = Root(Account(number, REGION, endpoint_url=arena.aws.url))
    role = f"arn:aws:iam::{number}:role/setops"
    principal = {"AWS": f"arn:aws:iam::{OWN}:root"}
    trusted = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    root.iam.create_role(RoleName="setops", AssumeRolePolicyDocument=trust)
    ours = Identity.of_service("leaves", "shop", "live", "store").tags()
    others = {
        "setops-leaves-a-key": ours,
        "setops-of-another-organization": {**ours, TAG_ORGANIZATION: "other"},
        "setops-of-another-cluster": {**ours, TAG_CLUSTER: "other"},
        "setops-of-nobody": {},
        "of-another-name": ours,
    }
    for name, tags in others.items():
        root.iam.create_user(UserName=name, Path=PATH, Tags=tag_list(tags))
    root.iam.create_user(UserName="elsewhere", Path="/", Tags=tag_list(ours))
    arena.apply("leaves", accountId=number, roleArn=role)
    arena.world.until(
        lambda: "left over aren't found: ListUsers in AWS account" in arena.told("leaves"),
        "what is missing",
    )
    rights = json.dumps(document(ACCOUNT_STATEMENTS)).replace(ACCOUNT, number)
    root.iam.put_role_policy(RoleName="setops", PolicyName="setops", PolicyDocument=rights)
    arena.world.until(
        lambda: "still work: setops-leaves-a-key; delete them" in arena.told("leaves"),
        "the user that is left over",
    )
    assert arena.stands("leaves") == REACHED
    root.iam.delete_user(UserName="setops-leaves-a-key")
    arena.world.until(lambda: "still work" not in arena.told("leaves"), "the message to go")
