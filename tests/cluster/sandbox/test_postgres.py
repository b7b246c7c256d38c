"""The real PostgreSQL behind an emulated RDS."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from sandbox.ports import LOOPBACK
from sandbox.postgres import Instance, Postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as started:
        started.put(Instance("one", "app", "app", "p/1"))
        started.put(Instance("other", "app", "app", "p2"))
        yield started


def look(
    server: Postgres, name: str, password: str, database: str = "app", sslmode: str = "require"
) -> str:
    """What somebody finds in an instance."""
    url = f"postgresql://app:{password}@{LOOPBACK}:{server.port(name)}/{database}"
    with psycopg.connect(url, sslmode=sslmode) as connection:
        assert connection.pgconn.ssl_in_use
        row = connection.execute("SELECT current_database()").fetchone()
        assert row is not None
        return str(row[0])


def test_each_instance_has_an_address_a_user_and_a_database_of_its_own(server: Postgres) -> None:
    assert look(server, "one", "p%2F1") == "one"
    assert look(server, "other", "p2") == "other"


@pytest.mark.parametrize(
    ("password", "how", "said"),
    [
        pytest.param("p2", {}, "password authentication failed", id="another's password"),
        pytest.param("p%2F1", {"sslmode": "disable"}, "no encryption", id="in clear text"),
        pytest.param("p%2F1", {"database": "postgres"}, "no pg_hba.conf entry", id="not its own"),
    ],
)
def test_what_rds_refuses_is_refused(
    server: Postgres, password: str, how: dict[str, str], said: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=said):
        look(server, "one", password, **how)


def test_a_password_changes_and_what_is_there_stays(server: Postgres) -> None:
    server.put(Instance("third", "app", "app", "old"))
    server.put(Instance("third", "app", "app", "not taken"))
    assert look(server, "third", "old") == "third"
    server.set_password("third", "new")
    assert look(server, "third", "new") == "third"
    with pytest.raises(psycopg.OperationalError):
        look(server, "third", "old")
    server.drop("third")
    server.drop("third")
    assert server.port("third") is None
