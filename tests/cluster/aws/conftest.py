from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from sandbox.proxy import Proxy
from setops.api.service_type import DeletionPolicy
from setops.aws.clients import Clients, ClientSettings
from setops.aws.identity import Identity
from setops.aws.operator_rights import actions, granted
from setops.aws.products import PRODUCTS
from setops.aws.target import Account, Target
from tests.cluster.aws import emulator
from tests.cluster.aws.story import Operator, Root, explained
from tests.cluster.witness import Witness

OWN = "999999999999"


@pytest.fixture(scope="session")
def witness() -> Iterator[Witness]:
    """No verb deletes data of which the Target's policy is not Delete."""
    seeing = Witness(explained)
    yield seeing
    assert not seeing.unexplained


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory, witness: Witness) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("emulator")
    with (
        emulator.running(directory) as url,
        Proxy(url, directory / "server.crt", rule=witness) as seen,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AWS_ACCESS_KEY_ID", OWN)
        patch.setenv("AWS_SECRET_ACCESS_KEY", emulator.SECRET)
        patch.setenv("AWS_CONFIG_FILE", str(directory / "none"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(directory / "none"))
        yield seen.url


@pytest.fixture(scope="session")
def account(endpoint: str) -> Account:
    return Account(OWN, "eu-central-1", endpoint_url=endpoint)


@pytest.fixture(scope="session")
def root(account: Account) -> Root:
    return Root(account)


@pytest.fixture(scope="session")
def clients(endpoint: str) -> Iterator[Clients]:
    assert endpoint
    called: set[tuple[str, str]] = set()
    made = Clients(
        PRODUCTS.uses,
        ClientSettings(per_account=4, attempts=1, inventory_spacing=0),
        lambda product, operation, _: called.add((product, operation)),
    )
    yield made
    made.close()
    # Whatever finds the calls in the source: none was made that the policy doesn't allow.
    lacking = {call for call in called if not granted().issuperset(actions(*call))}
    assert not lacking


_names = itertools.count()


@pytest.fixture
def operator(clients: Clients, account: Account) -> Operator:
    """An operator with a Service that nobody has seen before, deleted by policy Delete."""
    return Operator(clients, _target(account))


@pytest.fixture
def another(clients: Clients, account: Account) -> Callable[[], Operator]:
    """Makes further operators like `operator`."""
    return lambda: Operator(clients, _target(account))


def _target(account: Account) -> Target:
    identity = Identity.of_service("acme", "shop", "live", f"store{next(_names)}")
    target = Target(account, identity, "s3")
    return replace(target, deletion_policy=DeletionPolicy.DELETE)
