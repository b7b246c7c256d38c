"""The door to this package for the reconcilers: asyncio outside, threads and boto3 inside.

Every method raises an AwsError for anything that goes wrong at AWS or on the way there. Callers
turn it into a condition. Unexpected errors are also logged with a traceback. Each account has its
own threads and its own pauses, so one that throttles or hangs doesn't delay the others. Who can't
be served soon gets a WaitError instead of waiting here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, assert_never

from botocore.exceptions import BotoCoreError, ClientError

from setops.aws.asked import Accepted, Asked, Moment
from setops.aws.backoff import Backoff
from setops.aws.clients import AccountClients, Clients
from setops.aws.composite import Composite
from setops.aws.decide import Act, Create, Delete, IssueCredentials, Relinquish, Update, Wait
from setops.aws.errors import (
    AwsError,
    Codes,
    StalledError,
    ThrottledError,
    UnreachableError,
    WaitError,
    classify,
)
from setops.aws.identity import Identity
from setops.aws.inventories import FRESH, Inventories
from setops.aws.leftover_users import Unknown, unknown_users
from setops.aws.observation import Inventory, Observation
from setops.aws.product import Product
from setops.aws.registry import Registry
from setops.aws.target import Account, Asking, Target
from setops.fence import FencedError

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE: Final = 2.0
"""Seconds that a caller waits for others' calls to the account to end."""

_log = logging.getLogger(__name__)


class _Sts:
    """What `classify` needs to know for the call to STS, which belongs to no product."""

    type_name = "sts"
    wait_codes = frozenset[str]()
    stall_codes: Mapping[str, str] = MappingProxyType({})


class Gateway:
    """Observes and acts. Belongs to one event loop.

    `clock` gives seconds that never go back, `wall` the time of day. `cluster` is the name by which
    resources are kept apart from those of other clusters; empty for none.
    """

    def __init__(
        self,
        clients: Clients,
        products: Registry,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        cluster: str = "",
    ) -> None:
        self._clients = clients
        self._products = products
        self._clock = clock
        self._wall = wall
        self._cluster = cluster
        self._backoff = Backoff()
        self._slots: dict[Account, asyncio.Semaphore] = {}
        self._refusals: dict[Account, ThrottledError | UnreachableError] = {}
        """Why each account was left alone last."""
        self._checked: set[Account] = set()
        self._inventories = Inventories(clock, clients.settings.inventory_spacing)
        self._written: dict[tuple[Account, Identity, str], float] = {}
        """When a Service was last changed at AWS: older inventories don't show it."""
        self._asked: dict[tuple[Account, Identity, str], Asked] = {}

    async def check(self, account: Account) -> None:
        """Asks STS whether the account can be reached and the credentials belong to it.

        The other methods call this before their first call in an account. Raises StalledError if
        the credentials belong to another account.
        """
        clients = self._clients.of(account)
        found = await self._run(_Sts(), account, _account_id, clients)
        if found != account.account_id:
            raise StalledError(
                f"the credentials for AWS account {account.account_id} belong to account {found}; "
                "check accountId and roleArn of the Organization",
                code="AccountMismatch",
                operation="GetCallerIdentity",
            )
        self._checked.add(account)

    async def unknown_users(
        self, account: Account, organization: Identity, known: Collection[str]
    ) -> Unknown:
        """See `leftover_users.unknown_users`."""
        await self._check_once(account)
        owner = replace(organization, cluster=self._cluster)
        clients = self._clients.of(account)
        return await self._run(_Sts(), account, unknown_users, clients, owner, known)

    def ids(self, target: Target) -> Mapping[str, str]:
        """The id of each part of a Service by its key, to be stored before anything is made.

        Raises UnsupportedTypeError, as do all methods for a type without a product.
        """
        return self._product(target).ids(target)

    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:
        """The entries of the published Secret. Raises KeyError for a Target without credentials."""
        return self._product(target).connection(target, observation)

    async def observe(self, target: Target, max_age: float = FRESH) -> Observation:
        """What exists for a Target, at most `max_age` seconds old.

        It is never older than the last action for that Target.
        """
        product, composite = await self._composite(target)
        inventory = await self._inventory(product, target, max_age)
        found = await self._run(product, target.account, composite.observe, inventory)
        return self._asked_of(target).seen(found, self._now())

    def instead(self, target: Target, observation: Observation, act: Act) -> Wait | None:
        """What to do instead of an action that AWS accepted a moment ago; None: do it."""
        return self._asked_of(target).instead(act, observation, target.credentials, self._now())

    def asked(self, target: Target) -> tuple[Asking, ...]:
        """What AWS has accepted and doesn't show yet, to be in `Target.asked` after a restart."""
        return self._asked_of(target).kept()

    async def _inventory(self, product: Product, target: Target, max_age: float) -> Inventory:
        clients = self._clients.of(target.account)

        async def read() -> Inventory:
            return await self._run(product, target.account, product.inventory, clients)

        written = self._written.get(_key(target), float("-inf"))
        since = max(written, self._clock() - max_age)
        return await self._inventories.get(target.account, type(product).__name__, since, read)

    async def perform(
        self, target: Target, observation: Observation, act: Act
    ) -> Mapping[str, str]:
        """Do what was decided.

        Returns new credentials, to be stored in the Secret before anything else is done. The
        mapping is empty if there are none.
        """
        product, composite = await self._composite(target)
        asked, accepted = self._asked_of(target), set[str]()
        try:
            done = await self._run(
                product, target.account, _perform, composite, observation, act, accepted
            )
            asked.note(act, done, self._now())
            return done.issued
        finally:
            # Also after a failure, since AWS may have accepted a part of it.
            if isinstance(act, Update):
                asked.note_changes(act, accepted, self._now())
            self._written[_key(target)] = self._clock()

    def forget(self, target: Target) -> None:
        """Drop what is remembered about a Service that was deleted."""
        self._written.pop(_key(target), None)
        self._asked.pop(_key(target), None)

    def _asked_of(self, target: Target) -> Asked:
        key = _key(target)
        if key not in self._asked:
            self._asked[key] = Asked.recalled(target.asked, self._now())
        return self._asked[key]

    def _now(self) -> Moment:
        return Moment(self._clock(), self._wall())

    def _product(self, target: Target) -> Product:
        return self._products.of(target.type, target.plan)

    async def _composite(self, target: Target) -> tuple[Product, Composite]:
        product = self._product(target)
        await self._check_once(target.account)
        target = replace(
            target,
            identity=replace(target.identity, cluster=self._cluster),
            credentials=product.usable(target.credentials),
        )
        return product, Composite(product, self._clients.of(target.account), target)

    async def _check_once(self, account: Account) -> None:
        if account not in self._checked:
            await self.check(account)

    async def _run(
        self,
        product: Codes,
        account: Account,
        fn: Callable[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        slots = self._slots.setdefault(
            account, asyncio.Semaphore(self._clients.settings.per_account)
        )
        pause = self._backoff.remaining(account, self._clock())
        if pause:
            raise self._left_alone(account, pause)
        try:
            async with asyncio.timeout(_PATIENCE):
                await slots.acquire()
        except TimeoutError:
            raise WaitError(
                f"AWS account {account.account_id}, {account.region} is busy with as many calls as "
                "it may get at a time; it is tried again",
                code="Busy",
            ) from None
        try:
            pause = self._backoff.begin(account, self._clock())
            if pause:
                raise self._left_alone(account, pause)
            return await self._call(product, account, lambda: fn(*args, **kwargs))
        finally:
            slots.release()

    async def _call(self, product: Codes, account: Account, fn: Callable[[], T]) -> T:
        try:
            result = await self._clients.call(account, fn)
        except AwsError:
            self._backoff.succeeded(account, self._clock())
            raise
        except Exception as exc:
            error = self._meant(exc, product, account)
            raise error from (None if error is exc else exc)
        except BaseException:
            self._backoff.abandoned(account)
            raise
        self._backoff.succeeded(account, self._clock())
        return result

    def _meant(self, exc: Exception, product: Codes, account: Account) -> Exception:
        """What an exception means, for the account as well."""
        if isinstance(exc, FencedError):
            self._backoff.abandoned(account)
            return exc
        if not isinstance(exc, ClientError | BotoCoreError):
            _log.exception("A call of AWS account %s ended oddly", account.account_id)
        error = classify(exc, product, account)
        if isinstance(error, ThrottledError | UnreachableError):
            pause = self._backoff.failed(account, self._clock())
            until = datetime.now(UTC) + timedelta(seconds=pause)
            error.message += f"; the next call is made at {until:%H:%M:%S} UTC"
            error.retry_after = pause
            self._refusals[account] = error
        elif isinstance(exc, ClientError):
            self._backoff.succeeded(account, self._clock())
        else:
            self._backoff.abandoned(account)
        return error

    def _left_alone(self, account: Account, pause: float) -> WaitError:
        """What is told in place of a call to an account that is left alone: why, and until when."""
        last = self._refusals[account]
        return type(last)(last.message, code=last.code, operation=last.operation, retry_after=pause)

    @property
    def breakers(self) -> Mapping[str, int]:
        """How many accounts are in each state: closed, open, half-open; see `backoff.State`."""
        paused = self._backoff.states(self._clock())
        closed = len(self._slots) - paused.total()
        return {"closed": closed, "open": paused["open"], "half-open": paused["half-open"]}


def _key(target: Target) -> tuple[Account, Identity, str]:
    return target.account, target.identity, target.type


def _account_id(clients: AccountClients) -> str:
    sts: STSClient = clients.client("sts")
    return sts.get_caller_identity()["Account"]


def _perform(
    composite: Composite, observation: Observation, act: Act, accepted: set[str]
) -> Accepted:
    """Do it. `accepted` gets the paths of the differences, each once AWS has accepted it."""
    match act:
        case Create():
            composite.create()
        case Update():
            composite.update(observation, accepted)
        case Relinquish():
            composite.relinquish()
        case Delete():
            return Accepted(whole=not composite.delete())
        case IssueCredentials():
            return Accepted(composite.issue_credentials())
        case _:
            assert_never(act)
    return Accepted()
