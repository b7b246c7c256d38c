"""The verbs, against the real API server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from sandbox import Sandbox
from setops.api.kinds import APP, CORE_SERVICE, SECRET, Key, Object
from setops.kube import errors
from setops.kube.client import Client
from setops.kube.connection import connect
from setops.kube.transport import Answer
from tests.cluster.kube.support import bench


def secret(namespace: str, name: str, **data: str) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": {"x": "y"}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def test_verbs(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            client = bench_.cluster.client
            key = Key(SECRET, namespace, "a")
            with pytest.raises(errors.NotFound):
                await client.get(key)
            created = await client.create(secret(namespace, "a", k="v"))
            assert created["metadata"]["managedFields"][0]["manager"] == "setops"
            with pytest.raises(errors.AlreadyExists):
                await client.create(secret(namespace, "a"))
            assert await client.get(key) == created
            patched = await client.merge_patch(key, {"metadata": {"labels": {"x": None}}})
            assert "labels" not in patched["metadata"]
            with pytest.raises(errors.Conflict):
                await client.replace(created)
            assert (await client.replace({**patched, "type": "Opaque"}))["type"] == "Opaque"
            with pytest.raises(errors.Conflict):
                await client.delete(key, uid="another")
            assert await client.delete(key, uid=created["metadata"]["uid"]) is None
            with pytest.raises(errors.NotFound):
                await client.delete(key)

    asyncio.run(story())


def test_a_dry_run_changes_nothing(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            client = bench_.cluster.client
            wanted = secret(namespace, "a", k="v")
            await client.create(wanted, dry_run=True)
            await client.apply(wanted, dry_run=True)
            with pytest.raises(errors.NotFound):
                await client.get(Key(SECRET, namespace, "a"))
            await client.create(wanted)
            await client.delete(Key(SECRET, namespace, "a"), dry_run=True)
            await client.get(Key(SECRET, namespace, "a"))

    asyncio.run(story())


def test_a_list_comes_in_pages_and_by_label(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            client = bench_.cluster.client
            for number in range(5):
                await client.create(secret(namespace, f"s{number}"))
            bench_.requests.clear()
            found = await client.list(SECRET, namespace, page=2)
            assert [obj["metadata"]["name"] for obj in found] == [f"s{n}" for n in range(5)]
            assert {(obj["apiVersion"], obj["kind"]) for obj in found} == {("v1", "Secret")}
            assert len(bench_.requests) == 3
            assert not await client.list(SECRET, namespace, label_selector="x=z")

    asyncio.run(story())


def test_a_field_that_the_schema_does_not_know_is_refused(sandbox: Sandbox, namespace: str) -> None:
    app: Object = {
        "apiVersion": APP.api_version,
        "kind": APP.kind,
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"imgae": "x"},
    }

    async def story() -> None:
        async with bench(sandbox) as bench_:
            with pytest.raises(errors.BadRequest, match=r'unknown field "spec.imgae"'):
                await bench_.cluster.client.create(app)

    asyncio.run(story())


def test_what_violates_a_rule_names_the_field(sandbox: Sandbox, namespace: str) -> None:
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"ports": [{"port": 70000}]},
    }

    async def story() -> None:
        async with bench(sandbox) as bench_:
            with pytest.raises(errors.Invalid) as caught:
                await bench_.cluster.client.create(service)
            assert {field for field, _, _ in caught.value.causes} >= {"spec.ports[0].port"}
            assert caught.value.target == Key(CORE_SERVICE, namespace, "web")

    asyncio.run(story())


def test_no_server(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(config("http://127.0.0.1:1", "t")))

    async def story() -> None:
        client = Client(await connect(str(kubeconfig)))
        with pytest.raises(errors.Unavailable) as caught:
            await client.get(Key(SECRET, "ns", "a"))
        assert caught.value.status == 0
        assert caught.value.transient
        await client.close()

    asyncio.run(story())


def test_nothing_to_connect_by(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No way to reach a cluster"):
        asyncio.run(connect(str(tmp_path / "none")))


class Dead:
    """A transport without a server."""

    failures = (aiohttp.ClientError,)

    async def request(self, *_: object, **__: object) -> Answer:
        raise aiohttp.ServerDisconnectedError

    async def close(self) -> None:
        """Nothing to close."""


def test_the_observer_hears_of_requests_without_an_answer() -> None:
    heard: list[tuple[str, int]] = []
    client = Client(Dead(), observer=lambda v, _k, s, _d: heard.append((v, s)))
    with pytest.raises(errors.Unavailable, match="Server disconnected"):
        asyncio.run(client.get(Key(SECRET, "ns", "a")))
    assert heard == [("get", 0)]


def config(server: str, token: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }


@contextlib.asynccontextmanager
async def door(*tokens: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that accepts some tokens; its URL, and the tokens that were shown to it."""
    shown: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        shown.append(request.headers["Authorization"].removeprefix("Bearer "))
        return web.json_response({}, status=200 if shown[-1] in tokens else 401)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", shown
    finally:
        await runner.cleanup()


def test_an_expired_token_is_renewed(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"

    async def story() -> None:
        async with door("new") as (server, shown):
            kubeconfig.write_text(json.dumps(config(server, "old")))
            client = Client(await connect(str(kubeconfig)))
            kubeconfig.write_text(json.dumps(config(server, "new")))
            reads = [client.get(Key(SECRET, "ns", "a")) for _ in range(5)]
            assert await asyncio.gather(*reads) == [{}] * 5, "one renewal serves them all"
            assert shown == ["old"] * 5 + ["new"] * 5
            await client.close()

    asyncio.run(story())


def test_a_token_that_stays_refused_is_an_error(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"

    async def story() -> None:
        async with door() as (server, shown):
            kubeconfig.write_text(json.dumps(config(server, "old")))
            client = Client(await connect(str(kubeconfig)))
            with pytest.raises(errors.Unauthorized):
                await client.get(Key(SECRET, "ns", "a"))
            assert shown == ["old"]
            await client.close()

    asyncio.run(story())
