"""What the watches bring into the cache, through interruptions of every kind."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import Sandbox
from setops.api.kinds import SECRET, STAGE, Key
from setops.kube.cache import Cache
from setops.kube.connection import connect
from setops.runtime import handlers
from setops.runtime.feed import Feed
from tests.cluster.runtime.gate import Gate, gate, until


@dataclass
class Watching:
    """A running watch of everything, behind a gate."""

    gate: Gate
    cache: Cache
    feed: Feed
    kubeconfig: Path

    def secrets(self, namespace: str) -> set[str]:
        """The names of the Secrets that the cache knows."""
        return {key.name for key in self.cache.keys(SECRET, namespace)}


@contextlib.asynccontextmanager
async def watching(sandbox: Sandbox, directory: Path) -> AsyncIterator[Watching]:
    """Watch with a token, over plain HTTP, as the operator does in tests of its rights."""
    token = sandbox.kubectl("create", "token", "admin", "-n", "default").stdout.strip()
    async with gate(sandbox, token) as opened:
        kubeconfig = directory / "kubeconfig"
        write(kubeconfig, opened.url, token)
        connection = await connect(str(kubeconfig))
        cache = Cache()
        feed = Feed(cache, handlers.WATCHED)
        running = asyncio.create_task(handlers.watch(connection, feed, lambda: None))
        synced = asyncio.create_task(feed.synced.wait())
        try:
            async with asyncio.timeout(20):
                await asyncio.wait({running, synced}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            await until(lambda: opened.watches == len(handlers.WATCHED))
            yield Watching(opened, cache, feed, kubeconfig)
        finally:
            running.cancel()
            synced.cancel()
            await asyncio.gather(running, synced, return_exceptions=True)
            await connection.close()


def write(kubeconfig: Path, server: str, token: str) -> None:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    kubeconfig.write_text(json.dumps(content))


@pytest.fixture(scope="module", autouse=True)
def _admin(sandbox: Sandbox) -> Iterator[None]:
    sandbox.kubectl("create", "serviceaccount", "admin", "-n", "default")
    sandbox.kubectl(
        "create",
        "clusterrolebinding",
        "test-admin",
        "--clusterrole=cluster-admin",
        "--serviceaccount=default:admin",
    )
    yield
    sandbox.kubectl("delete", "clusterrolebinding", "test-admin")
    sandbox.kubectl("delete", "serviceaccount", "admin", "-n", "default")


def make(sandbox: Sandbox, namespace: str, *names: str) -> None:
    """Make Secrets with our label."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/managed-by": "setops"},
            },
        }
        for name in names
    ]
    sandbox.kubectl(
        "apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    )


def test_the_cache_follows_the_cluster(sandbox: Sandbox, namespace: str, tmp_path: Path) -> None:
    make(sandbox, namespace, "before")
    sandbox.kubectl("create", "secret", "generic", "foreign", "-n", namespace)
    stage = {
        "apiVersion": STAGE.api_version,
        "kind": STAGE.kind,
        "metadata": {"name": "prod", "namespace": namespace},
        "spec": {},
    }

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            assert seen.secrets(namespace) == {"before"}
            make(sandbox, namespace, "after")
            sandbox.kubectl("apply", "-f", "-", input=json.dumps(stage))
            await until(lambda: seen.secrets(namespace) == {"before", "after"})
            await until(lambda: seen.cache.get(Key(STAGE, namespace, "prod")) is not None)
            sandbox.kubectl("delete", "secret", "before", "-n", namespace)
            await until(lambda: seen.secrets(namespace) == {"after"})
            sandbox.kubectl(
                "label", "secret", "after", "-n", namespace, "app.kubernetes.io/managed-by-"
            )
            await until(lambda: seen.secrets(namespace) == set())
            assert seen.feed.silence < 10
            assert {method for method, _ in seen.gate.requests} == {"GET"}, "nothing is written"

    asyncio.run(story())


def test_what_happens_during_an_interruption_is_caught_up(
    sandbox: Sandbox, namespace: str, tmp_path: Path
) -> None:
    make(sandbox, namespace, "kept", "deleted")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            seen.gate.shut(forget=False)
            sandbox.kubectl("delete", "secret", "deleted", "-n", namespace)
            make(sandbox, namespace, "made")
            seen.gate.open()
            await until(lambda: seen.secrets(namespace) == {"kept", "made"})

    asyncio.run(story())


def test_a_deletion_that_no_watch_tells_of_is_noticed(
    sandbox: Sandbox, namespace: str, tmp_path: Path
) -> None:
    """The interruption is so long that the API server has forgotten what happened in it."""
    make(sandbox, namespace, "kept", "deleted")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            dropped: list[str] = []
            seen.cache.listener = lambda change: (
                dropped.append(change.key.name) if change.new is None else None
            )
            seen.gate.shut(forget=True)
            sandbox.kubectl("delete", "secret", "deleted", "-n", namespace)
            make(sandbox, namespace, "made")
            seen.gate.requests.clear()
            seen.gate.open()
            listed = SECRET.path()
            await until(
                lambda: any(listed in path and "watch" in path for _, path in seen.gate.requests)
            )
            seen.gate.remember()
            await until(lambda: seen.secrets(namespace) == {"kept", "made"})
            assert "deleted" in dropped

    asyncio.run(story())


def test_an_empty_listing_drops_the_last_one(
    sandbox: Sandbox, namespace: str, tmp_path: Path
) -> None:
    make(sandbox, namespace, "only")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            seen.gate.shut(forget=True)
            sandbox.kubectl("delete", "secret", "-A", "-l", "app.kubernetes.io/managed-by=setops")
            seen.gate.open()
            await asyncio.sleep(1)
            seen.gate.remember()
            await until(lambda: seen.cache.keys(SECRET) == ())

    asyncio.run(story())


def test_a_new_token_is_taken_up(
    sandbox: Sandbox, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setops.kube.connection.RELOAD_INTERVAL", 0.1)

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            fresh = sandbox.kubectl("create", "token", "admin", "-n", "default", "--duration=2h")
            seen.gate.tokens = {fresh.stdout.strip()}
            seen.gate.shut(forget=False)
            seen.gate.open()
            await asyncio.sleep(0.5)
            make(sandbox, namespace, "made")
            write(seen.kubeconfig, seen.gate.url, fresh.stdout.strip())
            await until(lambda: seen.secrets(namespace) == {"made"})

    asyncio.run(story())
