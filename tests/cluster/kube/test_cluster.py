"""What reconcilers rely on, against the real API server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox import Sandbox
from setops.api.kinds import APP, DEPLOYMENT, SECRET, Key, Object, key_of
from setops.kube import errors
from setops.kube.cluster import merge_patch
from tests.cluster.kube.support import Bench, bench


def deployment(namespace: str, **container: object) -> Object:
    labels = {"setops.co/app": "web"}
    pod = {"containers": [{"name": "app", "image": "web:1", **container}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace, "labels": dict(labels)},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def app(namespace: str) -> Object:
    return {
        "apiVersion": APP.api_version,
        "kind": APP.kind,
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"image": "web:1"},
    }


def container_of(obj: Object) -> Any:
    return obj["spec"]["template"]["spec"]["containers"][0]


def test_an_apply_writes_once(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            wanted = deployment(namespace, ports=[{"containerPort": 80}], env=[{"name": "A"}])
            applied = await bench_.cluster.apply(wanted)
            assert bench_.writes == ["apply"]
            assert await bench_.cluster.apply(wanted) == applied
            assert bench_.writes == []
            assert len(bench_.changes) == 1

    asyncio.run(story())


def test_a_field_that_is_no_longer_wanted_goes(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            probe = {"exec": {"command": ["true"]}}
            await bench_.cluster.apply(deployment(namespace, livenessProbe=probe))
            bench_.writes.clear()
            applied = await bench_.cluster.apply(deployment(namespace))
            assert bench_.writes == ["apply"]
            assert "livenessProbe" not in container_of(applied)

    asyncio.run(story())


async def edit(bench_: Bench, key: Key, patch: Object) -> None:
    """An edit by somebody else, of which a watch tells."""
    client = bench_.cluster.client
    bench_.cluster.cache.put(await client.merge_patch(key, patch))
    bench_.requests.clear()


def test_drift_is_put_right_by_one_write(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            wanted = deployment(namespace)
            await bench_.cluster.apply(wanted)
            await edit(bench_, key_of(wanted), {"spec": {"replicas": 3}})
            assert (await bench_.cluster.apply(wanted))["spec"]["replicas"] == 0
            assert bench_.writes == ["apply"]

    asyncio.run(story())


def test_what_somebody_else_added_to_a_list_of_ours_goes(sandbox: Sandbox, namespace: str) -> None:
    key = Key(DEPLOYMENT, namespace, "web")

    async def story() -> None:
        async with bench(sandbox) as bench_:
            wanted = deployment(namespace, env=[{"name": "A", "value": "1"}])
            await bench_.cluster.apply(wanted)
            sandbox.kubectl("set", "env", "-n", namespace, "deployment/web", "DEBUG=1")
            await bench_.cluster.fetch(key)
            bench_.requests.clear()
            applied = await bench_.cluster.apply(wanted)
            assert container_of(applied)["env"] == [{"name": "A", "value": "1"}]
            assert set(bench_.writes) == {"apply", "update"}
            await bench_.cluster.apply(wanted)
            assert bench_.writes == []

    asyncio.run(story())


def test_what_others_say_about_an_object_stays(sandbox: Sandbox, namespace: str) -> None:
    key = Key(DEPLOYMENT, namespace, "web")

    async def story() -> None:
        async with bench(sandbox) as bench_:
            wanted = deployment(namespace, env=[])
            await bench_.cluster.apply(wanted)
            sandbox.kubectl("label", "-n", namespace, "deployment/web", "team=red")
            sandbox.kubectl("rollout", "restart", "-n", namespace, "deployment/web")
            await bench_.cluster.fetch(key)
            bench_.requests.clear()
            await bench_.cluster.apply(wanted)
            assert bench_.writes == []
            sandbox.kubectl("set", "env", "-n", namespace, "deployment/web", "DEBUG=1")
            await bench_.cluster.fetch(key)
            applied = await bench_.cluster.apply(wanted)
            assert applied["metadata"]["labels"]["team"] == "red"
            assert "env" not in container_of(applied)

    asyncio.run(story())


def test_a_secret_is_compared_without_knowing_it(sandbox: Sandbox, namespace: str) -> None:
    def secret(**text: str) -> Object:
        metadata = {"name": "store", "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": text}

    async def story() -> None:
        async with bench(sandbox) as bench_:
            await bench_.cluster.apply(secret(url="one", old="x"))
            await bench_.cluster.apply(secret(url="one", old="x"))
            assert bench_.writes == ["apply"]
            await bench_.cluster.apply(secret(url="two"))
            assert bench_.writes == ["apply"]
            live = await bench_.cluster.fetch(Key(SECRET, namespace, "store"))
            assert live is not None
            assert live["data"] == {"url": "dHdv"}

    asyncio.run(story())


def test_a_status_is_written_only_when_it_differs(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            obj = await bench_.cluster.create(app(namespace))
            bench_.requests.clear()
            status = {"replicas": 1, "url": "http://x", "selector": None}
            obj = await bench_.cluster.swap_status(obj, status)
            assert bench_.writes == ["patch"]
            await bench_.cluster.swap_status(obj, status)
            assert bench_.writes == []
            obj = await bench_.cluster.swap_status(obj, {"replicas": 2})
            assert obj["status"] == {"replicas": 2}
            assert obj["metadata"]["generation"] == 1

    asyncio.run(story())


def test_a_swap_needs_what_was_read(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            obj = await bench_.cluster.create(app(namespace))
            await edit(bench_, key_of(obj), {"metadata": {"labels": {"a": "b"}}})
            with pytest.raises(errors.Conflict):
                await bench_.cluster.swap_status(obj, {"replicas": 1})
            latest = bench_.cluster.get(key_of(obj))
            assert latest is not None
            swapped = await bench_.cluster.swap_status(latest, {"replicas": 1})
            assert swapped["status"] == {"replicas": 1}

    asyncio.run(story())


def test_a_finalizer_holds_an_object(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            cluster = bench_.cluster
            obj = await cluster.create(app(namespace))
            obj = await cluster.add_finalizer(obj, "setops.co/operator")
            bench_.requests.clear()
            assert await cluster.add_finalizer(obj, "setops.co/operator") == obj
            assert bench_.writes == []
            left = await cluster.delete(key_of(obj), uid=obj["metadata"]["uid"])
            assert left is not None
            assert left["metadata"]["deletionTimestamp"]
            await cluster.remove_finalizer(left, "setops.co/operator")
            assert cluster.get(key_of(obj)) is None
            assert await cluster.fetch(key_of(obj)) is None

    asyncio.run(story())


def test_a_finalizer_needs_what_was_read(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            obj = await bench_.cluster.create(app(namespace))
            await edit(bench_, key_of(obj), {"metadata": {"finalizers": ["example.com/other"]}})
            with pytest.raises(errors.Conflict):
                await bench_.cluster.add_finalizer(obj, "setops.co/operator")

    asyncio.run(story())


def test_deleting_what_is_gone_is_fine(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            assert await bench_.cluster.delete(Key(DEPLOYMENT, namespace, "none")) is None

    asyncio.run(story())


def test_a_rehearsal_tells_what_would_be_refused(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            await bench_.cluster.dry_run(deployment(namespace))
            assert await bench_.cluster.fetch(Key(DEPLOYMENT, namespace, "web")) is None
            with pytest.raises(errors.Invalid):
                await bench_.cluster.dry_run(deployment(namespace, image=""))

    asyncio.run(story())


@pytest.mark.parametrize(
    ("why", "old", "new", "patch"),
    [
        ("nothing new", {"a": 1}, {"a": 1}, {}),
        ("a new value", {"a": 1}, {"a": 2}, {"a": 2}),
        ("a removed one", {"a": 1, "b": 2}, {"a": 1}, {"b": None}),
        ("none is absence", {"a": 1}, {"a": None}, {"a": None}),
        ("none was absent", {}, {"a": None, "b": {"c": None}}, {"b": {}}),
        ("deep inside", {"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ("lists are whole", {"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ("a map for a value", {"a": 1}, {"a": {"b": 1, "c": None}}, {"a": {"b": 1}}),
        ("a value for a map", {"a": {"b": 1}}, {"a": 1}, {"a": 1}),
    ],
)
def test_merge_patch(why: str, old: Object, new: Object, patch: Object) -> None:
    assert merge_patch(old, new) == patch, why
