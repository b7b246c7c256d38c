"""Events as `kubectl` shows them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sandbox import Sandbox
from setops.api.kinds import APP, Object
from setops.kube.events import MESSAGE_LENGTH, EventRecorder
from tests.cluster.kube.support import bench


def app(namespace: str) -> Object:
    return {
        "apiVersion": APP.api_version,
        "kind": APP.kind,
        "metadata": {"name": "web", "namespace": namespace, "uid": "u-1"},
    }


def events(sandbox: Sandbox, namespace: str) -> list[Any]:
    shown = sandbox.kubectl("get", "events", "-n", namespace, "-o", "json").stdout
    found: list[Any] = json.loads(shown)["items"]
    return found


def test_repeats_are_counted(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            recorder = EventRecorder(bench_.cluster.client, instance="pod-1")
            recorder.record(app(namespace), "Warning", "ImagePullFailed", "no such image")
            await recorder.flush(5)
            for _ in range(3):
                recorder.record(app(namespace), "Warning", "ImagePullFailed", "no such image")
            await recorder.flush(5)
            recorder.record(app(namespace), "Normal", "Ready", "x" * 2000)
            await recorder.flush(5)
            assert bench_.writes == ["create", "patch", "create"]

    asyncio.run(story())
    warning, normal = sorted(events(sandbox, namespace), key=lambda event: event["reason"])
    assert warning["count"] == 4
    assert warning["type"] == "Warning"
    assert warning["message"] == "no such image"
    assert warning["source"] == {"component": "setops", "host": "pod-1"}
    assert warning["involvedObject"]["kind"] == "App"
    assert warning["involvedObject"]["uid"] == "u-1"
    assert len(normal["message"]) == MESSAGE_LENGTH


def test_after_a_restart_the_same_event_is_counted_on(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            for _ in range(2):
                recorder = EventRecorder(bench_.cluster.client)
                recorder.record(app(namespace), "Normal", "Ready", "all is well")
                await recorder.flush(5)
                assert recorder.dropped == 0

    asyncio.run(story())
    assert len(events(sandbox, namespace)) == 1


def test_what_cannot_be_written_is_dropped(sandbox: Sandbox) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            recorder = EventRecorder(bench_.cluster.client)
            recorder.record(app("no-such-namespace"), "Normal", "Ready", "all is well")
            await recorder.flush(5)
            assert recorder.dropped == 1

    asyncio.run(story())


def test_it_writes_in_the_background(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            recorder = EventRecorder(bench_.cluster.client, capacity=2, delay=0)
            for reason in ("One", "Two", "Three"):
                recorder.record(app(namespace), "Normal", reason, "so")
            assert recorder.dropped == 1, "room for two alone"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await recorder.run()

    asyncio.run(story())
    assert {event["reason"] for event in events(sandbox, namespace)} == {"One", "Two"}


def test_in_a_crowd_only_the_newest_of_an_object_is_told_but_every_warning(
    sandbox: Sandbox, namespace: str
) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            recorder = EventRecorder(bench_.cluster.client, burst=2)
            others = [
                {**app(namespace), "metadata": {**app(namespace)["metadata"], "uid": uid}}
                for uid in ("u-2", "u-3", "u-4")
            ]
            for other in others:
                recorder.record(other, "Normal", "Ready", "so")
            recorder.record(app(namespace), "Warning", "ImagePullFailed", "no such image")
            for reason in ("Progressing", "Ready"):
                recorder.record(app(namespace), "Normal", reason, "so")
            await recorder.flush(5)
            assert recorder.dropped == 0

    asyncio.run(story())
    told = [e["reason"] for e in events(sandbox, namespace) if e["involvedObject"]["uid"] == "u-1"]
    assert sorted(told) == ["ImagePullFailed", "Ready"]
