"""What the watches bring into the cache, through interruptions of every kind.

Each story is told of a child, which an informer follows, and of a kind that users write, which
comes through kopf and its handlers.
"""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest
from kopf._cogs.aiokits.aiotoggles import ToggleSet

from sandbox import Sandbox
from sandbox.components import API_SERVER
from setops.api.kinds import APP, CHANGESET, NOTIFICATION, SECRET, STAGE, Key, Kind
from setops.kube.cache import ObjectChange
from setops.kube.watched import WATCHED, WRITTEN_BY_USERS
from tests.cluster.runtime.gate import until
from tests.cluster.runtime.watching import (
    QUICK,
    admin,
    delete,
    make,
    manifest,
    watching,
    write_kubeconfig,
)

__all__ = ["admin"]

pytestmark = pytest.mark.usefixtures("admin")

both: Final = pytest.mark.parametrize("kind", [SECRET, NOTIFICATION], ids=str)


def test_the_cache_follows_the_cluster(sandbox: Sandbox, namespace: str, tmp_path: Path) -> None:
    make(sandbox, SECRET, namespace, "before")
    sandbox.kubectl("create", "secret", "generic", "foreign", "-n", namespace)

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            assert seen.names(SECRET, namespace) == {"before"}
            make(sandbox, SECRET, namespace, "after")
            make(sandbox, STAGE, namespace, "prod")
            await seen.until_names(SECRET, namespace, {"before", "after"})
            await until(lambda: seen.has(Key(STAGE, namespace, "prod")))
            delete(sandbox, SECRET, namespace, "before")
            await seen.until_names(SECRET, namespace, {"after"})
            sandbox.kubectl(
                "label", "secret", "after", "-n", namespace, "app.kubernetes.io/managed-by-"
            )
            await seen.until_names(SECRET, namespace, set())
            assert seen.watches.silence < 10
            assert {method for method, _ in seen.gate.requests} == {"GET"}, "nothing is written"

    asyncio.run(story())


@both
def test_what_happens_during_an_interruption_is_caught_up(
    sandbox: Sandbox, namespace: str, tmp_path: Path, kind: Kind
) -> None:
    make(sandbox, kind, namespace, "kept", "deleted")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            seen.gate.shut(forget=False)
            delete(sandbox, kind, namespace, "deleted")
            make(sandbox, kind, namespace, "made")
            seen.gate.open()
            await seen.until_names(kind, namespace, {"kept", "made"})

    asyncio.run(story())


@both
def test_a_watch_that_is_cut_in_the_middle_of_a_deletion_goes_on(
    sandbox: Sandbox, namespace: str, tmp_path: Path, kind: Kind
) -> None:
    make(sandbox, kind, namespace, "kept", "deleted")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            seen.gate.cut_within = b'"type":"DELETED"'
            delete(sandbox, kind, namespace, "deleted")
            await seen.until_names(kind, namespace, {"kept"})
            assert not seen.gate.cut_within, "the watch was cut"
            await until(lambda: seen.gate.watches == len(WATCHED))
            make(sandbox, kind, namespace, "made")
            await seen.until_names(kind, namespace, {"kept", "made"})

    asyncio.run(story())


@both
def test_a_deletion_that_no_watch_tells_of_is_noticed(
    sandbox: Sandbox, namespace: str, tmp_path: Path, kind: Kind
) -> None:
    """The interruption is so long that the API server has forgotten what happened in it."""
    make(sandbox, kind, namespace, "kept", "deleted")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            seen.gate.shut(forget=True)
            delete(sandbox, kind, namespace, "deleted")
            make(sandbox, kind, namespace, "made")
            seen.gate.requests.clear()
            seen.gate.open()
            listed = kind.path()
            await until(
                lambda: any(listed in path and "watch" in path for _, path in seen.gate.requests)
            )
            seen.gate.remember()
            await seen.until_names(kind, namespace, {"kept", "made"})
            assert "deleted" in {each.key.name for each in seen.changes if each.new is None}

    asyncio.run(story())


@both
def test_an_empty_listing_drops_the_last_one(
    sandbox: Sandbox, namespace: str, tmp_path: Path, kind: Kind
) -> None:
    """kopf tells nothing of an empty list; what an informer lists makes the others count."""
    sandbox.kubectl("delete", "secret", "-A", "-l", "app.kubernetes.io/managed-by=setops")
    make(sandbox, kind, namespace, "only")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            assert seen.names(kind, namespace) == {"only"}
            seen.gate.shut(forget=True)
            delete(sandbox, kind, namespace, "only")
            seen.gate.open()
            await asyncio.sleep(1)
            seen.gate.remember()
            await until(lambda: seen.cache.keys(kind) == ())

    asyncio.run(story())


def test_a_version_that_is_always_too_old_does_not_flood_the_api_server(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            seen.gate.shut(forget=True)
            seen.gate.requests.clear()
            seen.gate.open()
            await asyncio.sleep(3)
            lists = [
                path
                for _, path in seen.gate.requests
                if SECRET.path() in path and "watch" not in path
            ]
            assert 2 <= len(lists) <= 4, "at once, then after 0.5 s, 1 s and 2 s"

    asyncio.run(story())


def test_a_large_changeset_does_not_stay_in_memory_until_a_garbage_collection(
    sandbox: Sandbox, namespace: str, tmp_path: Path
) -> None:
    """kopf's views of an object refer to each other, so that only a collection would free them."""
    large = json.dumps(manifest(CHANGESET, "large", namespace)).replace(
        '"commands": ["app:create web"]',
        '"definition": {"apps": {"web": {"env": {'
        + ", ".join(f'"LARGE{number}": {{"value": "x"}}' for number in range(1000))
        + "}}}}",
    )

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            sandbox.kubectl("create", "--filename=-", input=large)
            await until(lambda: seen.has(Key(CHANGESET, namespace, "large")))
            # As soon as kopf has nothing to do with it any more.
            await until(lambda: not parts())

    def parts() -> list[object]:
        return [each for each in gc.get_objects() if isinstance(each, dict) and "LARGE7" in each]

    gc.disable()
    try:
        asyncio.run(story())
    finally:
        gc.enable()


def test_kopf_ends_though_its_watches_swallow_a_cancellation(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kopf suppresses a cancellation that comes while it closes a watch; here it takes its time."""
    wait_for = ToggleSet.wait_for

    async def slow_to_close(toggles: ToggleSet, state: bool) -> None:
        try:
            await wait_for(toggles, state)
        finally:
            await asyncio.sleep(0.2)

    async def story() -> None:
        async with asyncio.timeout(60), watching(sandbox, tmp_path) as seen:
            seen.gate.shut(forget=True)
            seen.gate.open()
            closing = "pause-waiter"
            await until(
                lambda: any(
                    closing in task.get_name() and task.cancelling() for task in asyncio.all_tasks()
                )
            )

    monkeypatch.setattr(ToggleSet, "wait_for", slow_to_close)
    asyncio.run(story())


@both
def test_a_change_between_two_pages_of_a_list_is_not_lost(
    sandbox: Sandbox,
    namespace: str,
    tmp_path: Path,
    kind: Kind,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pages show the moment of the first one; what comes later, the watch tells."""
    for module in ("setops.kube.informer", "setops.runtime.handlers"):
        monkeypatch.setattr(f"{module}.PAGE", 2)
    make(sandbox, kind, namespace, "a", "b", "c", "d", "e", "f")
    pages: list[str] = []

    async def change(path: str) -> None:
        if path != kind.path():
            return
        pages.append(path)
        if len(pages) == 1:  # "a" is on the first page, "f" will be on the third
            await asyncio.to_thread(delete, sandbox, kind, namespace, "a", "f")
            await asyncio.to_thread(make, sandbox, kind, namespace, "aa", "g")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            await seen.until_names(kind, namespace, {*"abcdef"})
            seen.gate.shut(forget=True)
            seen.gate.before_next_page = change
            seen.gate.open()
            await until(lambda: bool(pages))
            seen.gate.remember()
            await seen.until_names(kind, namespace, {"aa", *"bcdeg"})
            assert len(pages) >= 2, "there were three pages"

    asyncio.run(story())


def test_an_api_server_that_restarts_is_followed_again(
    sandbox: Sandbox, namespace: str, tmp_path: Path
) -> None:
    both_kinds = (SECRET, NOTIFICATION)
    for kind in both_kinds:
        make(sandbox, kind, namespace, "kept", "deleted")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            seen.gate.requests.clear()
            await asyncio.to_thread(sandbox.restart, API_SERVER)
            for kind in both_kinds:
                await asyncio.to_thread(delete, sandbox, kind, namespace, "deleted")
                await asyncio.to_thread(make, sandbox, kind, namespace, "made")
            for kind in both_kinds:
                await seen.until_names(kind, namespace, {"kept", "made"})
            assert seen.watches.silence < 30

    asyncio.run(story())


def test_a_thousand_apps_at_the_start(sandbox: Sandbox, namespace: str, tmp_path: Path) -> None:
    names = {f"app{number}" for number in range(1000)}

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            limit = asyncio.Semaphore(32)

            async def create(name: str) -> None:
                async with limit:
                    await seen.cluster.client.create(manifest(APP, name, namespace))

            await asyncio.gather(*map(create, names))
            await seen.until_names(APP, namespace, names)
        async with watching(sandbox, tmp_path) as seen:
            assert seen.names(APP, namespace) == names, "in sync means that nothing is missing"
            # What other tests have left may still be going in the meantime.
            told = [each.key for each in seen.changes if each.key.namespace == namespace]
            assert len(told) == len(set(told)), "each told once"
            live = {each["metadata"]["name"]: each for each in await seen.cluster.client.list(APP)}
            for name in names:
                known = seen.cache.get(Key(APP, namespace, name))
                assert known is not None
                assert known["spec"] == live[name]["spec"]
            assert {method for method, _ in seen.gate.requests} == {"GET"}, "nothing is written"

    asyncio.run(story())


@both
def test_an_event_that_could_not_be_handled_is_made_up_for(
    sandbox: Sandbox,
    namespace: str,
    tmp_path: Path,
    kind: Kind,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What kopf's handler lost, a recount finds; an informer lists again when its watch ends."""
    make(sandbox, kind, namespace, "kept", "deleted")

    async def story() -> None:
        async with watching(sandbox, tmp_path, QUICK) as seen:
            put = seen.cache.put
            failures: list[str] = []

            def fail(*_: object) -> bool:
                failures.append("failed")
                raise KeyError("nobody thought of that")

            monkeypatch.setattr(seen.cache, "put", fail)
            make(sandbox, kind, namespace, "made")
            await until(lambda: bool(failures))
            monkeypatch.setattr(seen.cache, "put", put)
            make(sandbox, kind, namespace, "next")
            await until(lambda: "next" in seen.names(kind, namespace))
            if kind in WRITTEN_BY_USERS:
                # kopf's handlers alone: a recount that came just now would drop it, too.
                monkeypatch.setattr(seen.watches, "_cache", SimpleNamespace(put=put, drop=fail))
                delete(sandbox, kind, namespace, "deleted")
                await until(lambda: len(failures) > 1)
                monkeypatch.setattr(seen.watches, "_cache", seen.cache)
                seen.watches._listed(SECRET)
                await seen.until_names(kind, namespace, {"kept", "made", "next"})
            else:
                seen.gate.shut(forget=False)
                seen.gate.open()
                await seen.until_names(kind, namespace, {"kept", "deleted", "made", "next"})

    asyncio.run(story())


def test_an_own_write_that_comes_before_its_event_is_told_once(
    sandbox: Sandbox, namespace: str, tmp_path: Path
) -> None:
    make(sandbox, STAGE, namespace, "prod")
    key = Key(STAGE, namespace, "prod")

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:

            def told() -> list[ObjectChange]:
                # What other tests have left may still be going in the meantime.
                return [each for each in seen.changes if each.key == key]

            seen.gate.hold()
            seen.changes.clear()
            known = seen.cache.get(key)
            assert known is not None
            await seen.cluster.swap_status(known, {"namespace": "shop-prod"})
            assert len(told()) == 1, "told without its event"
            patch = {"spec": {"logRetentionDays": 7}}
            sandbox.kubectl(
                "patch", "sstage", "prod", "-n", namespace, "--type=merge", "-p", json.dumps(patch)
            )
            seen.gate.let_flow()
            await until(lambda: len(told()) == 2)
            own, other = told()
            assert other.old == own.new, "its own event told nothing"
            assert not other.of_status_alone

    asyncio.run(story())


def test_a_new_token_is_taken_up(
    sandbox: Sandbox, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setops.kube.connection.RELOAD_INTERVAL", 0.1)

    async def story() -> None:
        async with watching(sandbox, tmp_path) as seen:
            fresh = sandbox.kubectl("create", "token", "admin", "-n", "default", "--duration=2h")
            token = fresh.stdout.strip()
            seen.gate.tokens = {token}
            seen.gate.shut(forget=False)
            seen.gate.open()
            await asyncio.sleep(0.5)
            make(sandbox, SECRET, namespace, "made")
            write_kubeconfig(seen.kubeconfig, seen.gate.url, token)
            await seen.until_names(SECRET, namespace, {"made"})

    asyncio.run(story())
