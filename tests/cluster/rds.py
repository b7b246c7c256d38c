"""An RDS that takes its time: states that last until they are released, and a real PostgreSQL.

The emulator has a database ready at once. A rule of the proxy in front of it lets an instance show
another state for as long as wanted, refuses what real RDS refuses in that state, and keeps a real
server in step with what is asked of RDS, so that the credentials in Kubernetes can be tried out.
Source of what is refused when: the API reference and the Amazon RDS User Guide.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import psycopg
from botocore.exceptions import ClientError

from sandbox import Sandbox
from sandbox.ports import LOOPBACK
from sandbox.postgres import Instance, Postgres
from sandbox.proxy import Action, Call, Cut, Drop, Fail, Proxy, Request, Rewrite, Rule
from setops.aws.identity import Identity
from setops.aws.naming import resource_name
from setops.aws.target import Account
from tests.cluster.aws import emulator
from tests.cluster.aws.story import Root
from tests.cluster.aws.test_postgresql import Owner
from tests.cluster.witness import Witness, by_services
from tests.cluster.world import Object, World, manifest, organization

ACCOUNT: Final = "999999999999"
REGION: Final = "eu-central-1"
DRIFT: Final = 3
"""Seconds after which the operator looks unasked at what is ready or stalled."""
ORGANIZATION: Final = "databases"

_PATIENCE_AT_THE_END: Final = 150.0

CREATING: Final = "creating"
MODIFYING: Final = "modifying"
PENDING: Final = "pending"
"""No state of an instance: what is to be modified stays pending."""
DELETING: Final = "deleting"

# More storage is what a full one is given, and protection comes off one that has failed; otherwise
# an instance has to be available.
_MODIFIABLE: Final = (None, "storage-full")
_UNPROTECTED: Final = {"Action", "Version", "DBInstanceIdentifier", "ApplyImmediately"}
_NAMES: Final = (
    "DBInstanceIdentifier",
    "DBSubnetGroupName",
    "DBParameterGroupName",
    "GroupId",
)
"""Parameters that name what a call is about."""
# Without a final snapshot they can be deleted.
_WITHOUT_SNAPSHOT: Final = ("failed", "incompatible-network", "incompatible-restore")

_ONE: Final = re.compile(rb"<DBInstance>.*?</DBInstance>", re.DOTALL)
_PENDING: Final = re.compile(
    rb"<PendingModifiedValues>.*?</PendingModifiedValues>|<PendingModifiedValues/>", re.DOTALL
)
_ASYNCHRONOUS: Final = ("DBInstanceClass", "AllocatedStorage", "EngineVersion", "MultiAZ")
"""What a modification doesn't change at once; until then AWS lists it as pending."""
_NAME: Final = re.compile(rb"<DBInstanceIdentifier>(.*?)</DBInstanceIdentifier>")
_STATUS: Final = re.compile(rb"<DBInstanceStatus>.*?</DBInstanceStatus>")
_ENDPOINT: Final = re.compile(rb"<Endpoint>.*?</Endpoint>", re.DOTALL)


class Rds:
    """The rule. Instances are told apart by their names alone.

    `first` is a further rule, which is asked before; what it lets fail, RDS doesn't see.
    """

    def __init__(self, server: Postgres, owner: Owner) -> None:
        self._server = server
        self._owner = owner
        self._lasting: set[str] = set()
        self._shown: dict[str, str] = {}
        self._pending: dict[str, dict[str, str]] = {}
        """Of instances with pending changes, what they show meanwhile."""
        self._refused: dict[tuple[str, str], Fail] = {}
        self._deletions: dict[str, Mapping[str, Any]] = {}
        self.first: Rule | None = None
        self.deletes_what_it_creates = True
        """Whether an instance that is being created can be deleted; documents disagree."""

    def hold(self, *states: str) -> None:
        """From now on these states last, of `creating`, `pending`, `modifying`, `deleting`."""
        self._lasting = set(states)

    def show(self, name: str, state: str) -> None:
        """Let an instance show a state, until it is released."""
        self._shown[name] = state

    def shown(self, name: str) -> str | None:
        return self._shown.get(name)

    def release(self, name: str) -> None:
        """End what an instance shows; its deletion, if one was asked for, is carried out."""
        deletion = self._deletions.pop(name, None)
        if deletion is not None:
            self._owner.rds.delete_db_instance(DBInstanceIdentifier=name, **deletion)
            self._server.drop(name)
        self._shown.pop(name, None)
        self._pending.pop(name, None)

    def refuse(
        self, call: str, name: str, code: str, message: str = "as the test wants it"
    ) -> None:
        """Answer a call about an instance or a group with an error, until it is allowed again."""
        self._refused[call, name] = failure(code, message)

    def allow(self, call: str, name: str) -> None:
        del self._refused[call, name]

    def __call__(self, request: Request) -> Action | None:
        before = None if self.first is None else self.first(request)
        if isinstance(before, Fail | Cut):
            return before
        own = self._judge(request)
        if isinstance(own, Fail) and isinstance(before, Drop):
            return Call(before.after, Cut()) if before.after else Cut()
        return own if before is None or isinstance(own, Fail) else before

    def _judge(self, request: Request) -> Action | None:
        form = form_of(request)
        call, name = form.get("Action", ""), form.get("DBInstanceIdentifier", "")
        named = next((form[each] for each in _NAMES if each in form), "")
        refusal = self._refused.get((call, named))
        if refusal is not None:
            return refusal
        match call:
            case "DescribeDBInstances":
                pass
            case "CreateDBInstance":
                self._create(name, form)
            case "ModifyDBInstance":
                if not self._takes_changes(name, form):
                    return self._wrong_state(name)
                self._modify(name, form)
            case "DeleteDBInstance":
                return self._delete(name, form)
            case _:
                return None
        return Rewrite(self._rewritten)

    def _create(self, name: str, form: Mapping[str, str]) -> None:
        if self._is_there(name):
            return
        self._server.drop(name)
        password = form["MasterUserPassword"]
        self._server.put(Instance(name, form["MasterUsername"], form["DBName"], password))
        if CREATING in self._lasting:
            self._shown[name] = CREATING

    def _modify(self, name: str, form: Mapping[str, str]) -> None:
        if "MasterUserPassword" in form and self._server.port(name):
            self._server.set_password(name, form["MasterUserPassword"])
        if "AllocatedStorage" in form:
            self._shown.pop(name, None)
        if MODIFYING in self._lasting:
            self._shown[name] = MODIFYING
        if PENDING in self._lasting:
            found = self._owner.instance(name)
            self._pending[name] = {
                each: str(found[each]).lower() if each == "MultiAZ" else str(found[each])
                for each in _ASYNCHRONOUS
                if each in form
            }

    def _takes_changes(self, name: str, form: Mapping[str, str]) -> bool:
        state = self._shown.get(name)
        if state == "storage-optimization":
            return "AllocatedStorage" not in form
        frees = form.keys() - _UNPROTECTED == {"DeletionProtection"}
        return state in _MODIFIABLE or (frees and state in _WITHOUT_SNAPSHOT)

    def _delete(self, name: str, form: Mapping[str, str]) -> Action:
        state, skips = self._shown.get(name), form.get("SkipFinalSnapshot") == "true"
        if state == DELETING or (state in _WITHOUT_SNAPSHOT and not skips):
            return self._wrong_state(name)
        if state == CREATING and not (skips and self.deletes_what_it_creates):
            return self._wrong_state(name)
        if not self._is_there(name) or self._owner.instance(name)["DeletionProtection"]:
            return Rewrite(self._rewritten)
        if DELETING not in self._lasting:
            self._shown.pop(name, None)
            self._server.drop(name)
            return Rewrite(self._rewritten)
        self._shown[name] = DELETING
        self._deletions[name] = (
            {"SkipFinalSnapshot": True}
            if skips
            else {"FinalDBSnapshotIdentifier": form["FinalDBSnapshotIdentifier"]}
        )
        described = f"<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier></DBInstance>"
        result = f"<DeleteDBInstanceResult>{described}</DeleteDBInstanceResult>"
        body = f"<DeleteDBInstanceResponse>{result}</DeleteDBInstanceResponse>"
        return Fail(200, body.encode(), {"Content-Type": "application/xml"})

    def _is_there(self, name: str) -> bool:
        try:
            self._owner.instance(name)
        except ClientError:
            return False
        return True

    def _wrong_state(self, name: str) -> Fail:
        return failure("InvalidDBInstanceState", f"{name} is {self._shown.get(name)}")

    def _rewritten(self, body: bytes) -> bytes:
        return _ONE.sub(lambda found: self._one(found[0]), body)

    def _one(self, described: bytes) -> bytes:
        found = _NAME.search(described)
        name = found[1].decode() if found else ""
        port, state = self._server.port(name), self._shown.get(name)
        if state == CREATING:
            described = _ENDPOINT.sub(b"", described)
        elif port is not None:
            address = f"<Address>{LOOPBACK}</Address><Port>{port}</Port>"
            described = _ENDPOINT.sub(f"<Endpoint>{address}</Endpoint>".encode(), described)
        if state is not None:
            told = f"<DBInstanceStatus>{state}</DBInstanceStatus>"
            described = _STATUS.sub(told.encode(), described)
        return self._with_pending(name, described)

    def _with_pending(self, name: str, described: bytes) -> bytes:
        pending = b""
        for key, before in self._pending.get(name, {}).items():
            element = re.compile(f"<{key}>.*?</{key}>".encode())
            wanted = element.search(described)
            pending += wanted[0] if wanted else b""
            described = element.sub(f"<{key}>{before}</{key}>".encode(), described, count=1)
        if not pending:
            return described
        told = b"<PendingModifiedValues>" + pending + b"</PendingModifiedValues>"
        return _PENDING.sub(told, described)


def form_of(request: Request) -> dict[str, str]:
    """The parameters of a call of one of AWS's query APIs; empty for any other request."""
    kind = request.headers.get("content-type", "")
    if request.method != "POST" or "x-www-form-urlencoded" not in kind:
        return {}
    return {key: values[0] for key, values in parse_qs(request.body.decode()).items()}


def failure(code: str, message: str = "as the test wants it", status: int = 400) -> Fail:
    """An error as the query APIs answer it; S3 takes it, too."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"
    return Fail(status, body.encode(), {"Content-Type": "application/xml"})


@dataclass
class Rig:
    """The operator between proxies, RDS with a real server, and the account as its owner sees it.

    `direct` leads to the emulator past every rule.
    """

    world: World
    api: Proxy
    aws: Proxy
    direct: Proxy
    rds: Rds
    owner: Owner
    root: Root
    projects: dict[str, str] = field(default_factory=dict)
    """Organizations by Project."""

    def stage(self, project: str, owner: str = ORGANIZATION, **spec: Any) -> str:
        """A Project with Stage `live`; its Stage's namespace."""
        self.projects[project] = owner
        self.world.apply(
            self.organization(owner, **spec), manifest("Project", project, {"organization": owner})
        )
        self.world.wait("project.setops.co", project)
        self.world.apply(manifest("Stage", "live", {}, project))
        self.world.wait("sstage", "live", project)
        return f"{project}-live"

    def organization(self, name: str = ORGANIZATION, **spec: Any) -> Object:
        """In the owner's account, with the owner's network."""
        aws = {"accountId": ACCOUNT, "region": REGION}
        return organization(name, **{"aws": aws, "network": network(self.owner), **spec})

    def ready(self, namespace: str, name: str, **spec: Any) -> str:
        """A database that is ready; its name at AWS."""
        self.world.apply(service(namespace, name, **spec))
        self.world.wait("ssvc", name, namespace)
        return self.name(namespace, name)

    def says(
        self, namespace: str, name: str, reason: str, part: str, shape: str = "Reconciling"
    ) -> None:
        """Wait until a Service says something."""

        def comes() -> bool:
            return part in self.world.says("ssvc", name, namespace, shape, reason)

        self.world.until(comes, f"ssvc/{name} {reason}: {part}")

    def name(self, namespace: str, service: str = "database") -> str:
        """What a Service's instance or bucket is called at AWS."""
        project = namespace.removesuffix("-live")
        identity = Identity.of_service(self.projects[project], project, "live", service)
        return resource_name(identity, 63)

    def secret(self, namespace: str, service: str = "database") -> dict[str, str]:
        """What a Service's Secret holds; empty when there is none."""
        found = self.world.get("secret", f"service-{service}", namespace) or {}
        data = found.get("data") or {}
        return {name: base64.b64decode(value).decode() for name, value in data.items()}

    def query(self, namespace: str, *statements: str, service: str = "database") -> Sequence[Any]:
        """What a database answers to somebody who knows nothing but a link's value."""
        url = self.secret(namespace, service)["url"]
        with psycopg.connect(url, sslmode="require") as connection:
            assert connection.pgconn.ssl_in_use
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else ()

    def snapshots(self, namespace: str, service: str = "database") -> list[str]:
        """The snapshots of a Service's database."""
        found = self.owner.rds.describe_db_snapshots()["DBSnapshots"]
        name = self.name(namespace, service)
        return [
            each["DBSnapshotIdentifier"] for each in found if each["DBInstanceIdentifier"] == name
        ]

    def clear(self) -> None:
        """Delete all Projects; the emulator ends with these tests, and they must go before."""
        self.rds.hold()
        self.rds.first = None
        for project in self.projects:
            namespace = f"{project}-live"
            for each in self.world.list("ssvc", namespace):
                self.rds.release(self.name(namespace, each["metadata"]["name"]))
        self.world.delete_all(manifest("Project", name, {}) for name in self.projects)
        self.world.until(lambda: not self._left(), "the end of all Projects", _PATIENCE_AT_THE_END)
        owners = set(self.projects.values())
        self.world.delete_all(manifest("Organization", name, {}) for name in owners)

    def _left(self) -> set[str]:
        found = {each["metadata"]["name"] for each in self.world.list("project.setops.co")}
        return found & set(self.projects)


def service(namespace: str, name: str, kind: str = "postgresql", **spec: Any) -> Object:
    """A Service, by default a database."""
    return manifest("Service", name, {"type": kind, **spec}, namespace)


def app(namespace: str, name: str, **links: str) -> Object:
    """An App that links Services, each by the variable it wants."""
    wanted = {each: {"envKey": key} for each, key in links.items()}
    spec = {"image": f"registry.example.com/{name}:1", "links": wanted}
    return manifest("App", name, spec, namespace)


def network(owner: Owner) -> Object:
    """An Organization's network in the owner's VPC."""
    return {
        "vpcId": owner.placement.vpc_id,
        "privateSubnetIds": list(owner.placement.subnet_ids),
        "securityGroupIds": list(owner.placement.security_group_ids),
    }


@contextmanager
def running(sandbox: Sandbox, directory: Path, **values: Any) -> Iterator[Rig]:
    """A rig with an emulator of its own, for the tests of one module."""
    with (
        emulator.running(directory) as url,
        Postgres() as server,
        Proxy(url, directory / "server.crt") as direct,
        Proxy(url, directory / "server.crt") as aws,
        Proxy(sandbox.server, sandbox.authority) as api,
        sandbox.operator(
            values={
                "lease": {"duration": 60, "renewDeadline": 40},
                "driftInterval": DRIFT,
                **values,
            },
            extra_environment={
                "AWS_ENDPOINT_URL": aws.url,
                "AWS_ACCESS_KEY_ID": ACCOUNT,
                "AWS_SECRET_ACCESS_KEY": emulator.SECRET,
            },
            api_proxy=api.url,
        ) as operator,
    ):
        account = Account(ACCOUNT, REGION, endpoint_url=direct.url)
        owner = Owner(account)
        rds = Rds(server, owner)
        aws.rule = witness = Witness(by_services(sandbox.api()), rds)
        rig = Rig(World(sandbox, operator), api, aws, direct, rds, owner, Root(account))
        yield rig
        rig.clear()
        assert not witness.unexplained
