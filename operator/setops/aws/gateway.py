"""The door to this package for the reconcilers: asyncio outside, threads and boto3 inside.

Every method raises an AwsError, of which a condition is made, for all that goes wrong at AWS or on
the way there; what nobody thought of is also logged, with its traceback. Calls of one account are
bounded and paused together, so that one that throttles or hangs delays none of the others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ParamSpec, TypeVar, assert_never

from botocore.exceptions import BotoCoreError, ClientError

from setops.aws.backoff import Backoff
from setops.aws.clients import AccountClients, Clients
from setops.aws.decide import (
    Action,
    Conflict,
    Create,
    Delete,
    Done,
    Failed,
    IssueCredentials,
    Refuse,
    Release,
    Update,
    Wait,
)
from setops.aws.errors import AwsError, StalledError, ThrottledError, classify
from setops.aws.product import Observation, Product, Survey
from setops.aws.products import product
from setops.aws.surveys import FRESH, Surveys
from setops.aws.target import Account, Identity, Target

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)


class _Sts:
    """What `classify` wants to know of the call that asks who we are."""

    type = "sts"
    terminal_codes: Mapping[str, str] = MappingProxyType({})


class Gateway:
    """Runs the verbs. Belongs to one event loop; `clock` gives seconds that never go back."""

    def __init__(self, clients: Clients, clock: Callable[[], float] = time.monotonic) -> None:
        self._clients = clients
        self._clock = clock
        self._backoff = Backoff()
        self._slots: dict[Account, asyncio.Semaphore] = {}
        self._checked: set[Account] = set()
        self._surveys = Surveys(clock, clients.settings.survey_spacing)
        self._written: dict[tuple[Account, Identity, str], float] = {}
        """When something of a Service was changed last: older surveys don't show it."""

    async def check(self, account: Account) -> None:
        """Asks STS whether the account can be reached and the credentials belong to it.

        The verbs do so by themselves before their first call. StalledError when the credentials
        are another account's.
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

    async def observe(self, target: Target, max_age: float = FRESH) -> Observation:
        """What is there for a Target, as seen `max_age` seconds ago at most, and after the last
        thing that was done for it; UnsupportedTypeError for a type without a product."""
        made_by = product(target.type)
        await self._check_once(target.account)
        clients = self._clients.of(target.account)
        survey = await self._survey(made_by, target, clients, max_age)
        return await self._run(made_by, target.account, made_by.observe, clients, target, survey)

    async def _survey(
        self, made_by: Product, target: Target, clients: AccountClients, max_age: float
    ) -> Survey:
        async def read() -> Survey:
            return await self._run(made_by, target.account, made_by.survey, clients)

        written = self._written.get(_service(target), float("-inf"))
        since = max(written, self._clock() - max_age)
        return await self._surveys.get(target.account, made_by.type, since, read)

    async def perform(
        self, target: Target, observation: Observation, action: Action
    ) -> Mapping[str, str]:
        """Does what `decide` said; what waits or is stalled does nothing.

        Returns new credentials, to be stored in the Secret before anything else is done; an
        empty mapping when there are none.
        """
        made_by = product(target.type)
        await self._check_once(target.account)
        clients = self._clients.of(target.account)
        try:
            return await self._act(made_by, clients, target, observation, action)
        finally:
            # Also when it failed: what AWS has done by then nobody knows.
            self._written[_service(target)] = self._clock()

    def forget(self, target: Target) -> None:
        """Keep nothing of a Service that is gone."""
        self._written.pop(_service(target), None)

    async def _act(
        self,
        made_by: Product,
        clients: AccountClients,
        target: Target,
        observation: Observation,
        action: Action,
    ) -> Mapping[str, str]:
        match action:
            case Create():
                await self._run(made_by, target.account, made_by.create, clients, target)
            case Update():
                await self._run(
                    made_by, target.account, made_by.update, clients, target, observation
                )
            case Release():
                await self._run(made_by, target.account, made_by.release, clients, target)
            case Delete():
                await self._run(made_by, target.account, made_by.delete, clients, target)
            case IssueCredentials():
                return await self._run(
                    made_by, target.account, made_by.issue_credentials, clients, target
                )
            case Wait() | Conflict() | Refuse() | Failed() | Done():
                pass
            case _:
                assert_never(action)
        return {}

    async def _check_once(self, account: Account) -> None:
        if account not in self._checked:
            await self.check(account)

    async def _run(
        self,
        made_by: Product | _Sts,
        account: Account,
        fn: Callable[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        slots = self._slots.setdefault(
            account, asyncio.Semaphore(self._clients.settings.per_account)
        )
        async with slots:
            pause = self._backoff.remaining(account, self._clock())
            if pause:
                raise ThrottledError(
                    f"AWS account {account.account_id} asked for fewer calls; "
                    f"it is called again in {pause:.0f} s",
                    code="Throttling",
                    retry_after=pause,
                )
            try:
                result = await self._clients.call(fn, *args, **kwargs)
            except AwsError:
                raise
            except Exception as exc:
                if not isinstance(exc, ClientError | BotoCoreError):
                    _log.exception("A call of AWS account %s ended oddly", account.account_id)
                error = classify(exc, made_by, account)
                if isinstance(error, ThrottledError):
                    error.retry_after = self._backoff.throttled(account, self._clock())
                raise error from exc
            self._backoff.succeeded(account, self._clock())
            return result


def _service(target: Target) -> tuple[Account, Identity, str]:
    return target.account, target.identity, target.type


def _account_id(clients: AccountClients) -> str:
    return clients.sts.get_caller_identity()["Account"]
