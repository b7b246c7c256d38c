"""boto3 clients, made once for each account, region and product, and the threads they run in.

Threads may share a boto3 client, but not create one at the same time. Creating one takes some
10 ms. The operator's own credentials come from botocore's default chain, which includes EKS Pod
Identity and IRSA. With them it assumes a role through STS; botocore renews that in time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
)

from setops.aws import models
from setops.aws.api_use import ACCOUNT, ApiUse, Statement, is_read, operations_of
from setops.aws.errors import StalledError
from setops.aws.target import Account
from setops.fence import Fence

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef

T = TypeVar("T")

CallHook = Callable[[str, str, str], None]
"""Called in a worker thread after each API call: product (`s3`, `rds` …), operation, and
`ok`, AWS's error code, or the name of the exception if no answer came."""

# If the operator's own credentials come from a role, AWS grants no more than an hour.
_ROLE_SECONDS: Final = 3600

ROLE: Final = "ROLE_NAME"
"""A placeholder for the role that the operator assumes in an account."""

STS: Final = ApiUse(
    client="sts",
    operations=("AssumeRole", "GetCallerIdentity"),
    # For the operator's own credentials, if its ServiceAccount has a role (IRSA) or a profile does.
    by_botocore=("AssumeRoleWithWebIdentity",),
    statements=(
        Statement(
            "AssumeRoles",
            "To get into the accounts. TagSession, because EKS Pod Identity tags its sessions and "
            "those tags go along.",
            ("sts:AssumeRole", "sts:TagSession"),
            (f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",),
        ),
    ),
    actions={
        "AssumeRole": ("sts:AssumeRole", "sts:TagSession"),
        # This call needs no right.
        "GetCallerIdentity": (),
    },
)
"""How the operator gets access to an account, and checks which account it is."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """`per_account` limits the concurrent calls of one account, which has as many threads.

    Times are in seconds. `inventory_spacing` is the least time between two inventories of a product
    in an account and region.
    """

    per_account: int = 8
    connect_timeout: int = 5
    read_timeout: int = 20
    attempts: int = 3
    inventory_spacing: float = 1.0


class AccountClients:
    """The clients of one account and region, each made on first use."""

    def __init__(self, session: boto3.Session, account: Account, config: Config) -> None:
        self.account = account
        self._session = session
        self._config = config
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}

    def client(self, product: str) -> Any:
        """The client of one API, by boto3's name of it, such as `rds`. Makes no call.

        Raises StalledError if boto3 doesn't accept `endpointUrl` as a URL.
        """
        with self._lock:
            if product not in self._made:
                try:
                    # The stubs need the name of a client as a literal.
                    make: Any = self._session.client
                    self._made[product] = make(
                        product, endpoint_url=self.account.endpoint_url, config=self._config
                    )
                except ValueError as exc:
                    # boto3 is stricter about URLs than our schema.
                    raise StalledError(
                        f"{exc}; correct aws.endpointUrl", code="InvalidEndpoint"
                    ) from exc
            return self._made[product]


class Clients:
    """All accounts' clients and threads. Every method may be called from any thread.

    The clients have the operations that `uses` names, and no others. While `fence` is closed, a
    call that changes something raises FencedError instead.
    """

    def __init__(
        self,
        uses: Iterable[ApiUse],
        settings: ClientSettings | None = None,
        on_call: CallHook | None = None,
        *,
        fence: Fence | None = None,
    ) -> None:
        self.settings = settings or ClientSettings()
        self._on_call = on_call
        self._fence = fence
        # All accounts share the models of AWS's APIs.
        self._loader = models.loader(operations_of((*uses, STS)))
        self._lock = threading.Lock()
        self._accounts: dict[Account, AccountClients] = {}
        self._pools: dict[Account, ThreadPoolExecutor] = {}

    def of(self, account: Account) -> AccountClients:
        """The clients of an account. Makes no call yet."""
        with self._lock:
            if account not in self._accounts:
                self._accounts[account] = self._make(account)
            return self._accounts[account]

    async def call(self, account: Account, fn: Callable[[], T]) -> T:
        """Runs `fn` in a thread of the account's. It runs to its end if the caller is cancelled."""
        with self._lock:
            pool = self._pools.get(account)
            if pool is None:
                pool = self._pools[account] = ThreadPoolExecutor(
                    self.settings.per_account, thread_name_prefix="aws"
                )
        return await asyncio.get_running_loop().run_in_executor(pool, fn)

    def close(self) -> None:
        """Waits for the calls that are running, drops those that have not begun."""
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, account: Account) -> AccountClients:
        # botocore sessions aren't shared: boto3 adds its handlers each time it wraps one.
        core = self._session()
        if account.role_arn is not None:
            own = boto3.Session(botocore_session=self._session(), region_name=account.region)
            asking = AccountClients(own, account, self._config(account))
            role = _Role(asking, account.role_arn)
            core.register_component("credential_provider", CredentialResolver([role]))
        session = boto3.Session(botocore_session=core, region_name=account.region)
        return AccountClients(session, account, self._config(account))

    def _session(self) -> botocore.session.Session:
        core = botocore.session.Session()
        core.register_component("data_loader", self._loader)
        if self._on_call is not None:
            _report(core, self._on_call)
        if self._fence is not None:
            _guard(core, self._fence)
        return core

    def _config(self, account: Account) -> Config:
        return Config(
            region_name=account.region,
            connect_timeout=self.settings.connect_timeout,
            read_timeout=self.settings.read_timeout,
            retries={"mode": "standard", "total_max_attempts": self.settings.attempts},
            max_pool_connections=self.settings.per_account,
            user_agent_extra="setops",
            # A custom host name rarely resolves with the bucket's name in front of it.
            s3={"addressing_style": "path" if account.endpoint_url else "auto"},
        )


class _Role(CredentialProvider):
    """Credentials of an assumed role: fetched on first use, renewed by botocore in time."""

    METHOD = "setops-role"

    def __init__(self, asking: AccountClients, role_arn: str) -> None:
        super().__init__()
        self._asking = asking
        self._request: AssumeRoleRequestTypeDef = {
            "RoleArn": role_arn,
            "RoleSessionName": "setops",
            "DurationSeconds": _ROLE_SECONDS,
        }
        # STS refuses an empty external id, so without one the parameter is left out.
        if asking.account.external_id is not None:
            self._request["ExternalId"] = asking.account.external_id

    def load(self) -> Credentials:
        return DeferredRefreshableCredentials(self._fetch, self.METHOD)

    def _fetch(self) -> dict[str, str]:
        sts: STSClient = self._asking.client("sts")
        made = sts.assume_role(**self._request)["Credentials"]
        return {
            "access_key": made["AccessKeyId"],
            "secret_key": made["SecretAccessKey"],
            "token": made["SessionToken"],
            "expiry_time": made["Expiration"].isoformat(),
        }


def _guard(core: botocore.session.Session, fence: Fence) -> None:
    """Ask the fence before each request that changes anything, those of retries included."""

    def before_send(**event: Any) -> None:
        if not is_read(event["event_name"].split(".")[2]):
            fence.check()

    core.register("before-send", before_send)


def _report(core: botocore.session.Session, on_call: CallHook) -> None:
    def report(event_name: str, outcome: str) -> None:
        _, product, operation = event_name.split(".")
        on_call(product, operation, outcome)

    def answered(**event: Any) -> None:
        report(event["event_name"], event["parsed"].get("Error", {}).get("Code", "ok"))

    def unanswered(**event: Any) -> None:
        report(event["event_name"], type(event["exception"]).__name__)

    core.register("after-call", answered)
    core.register("after-call-error", unanswered)
