"""What a recount drops, waits for and fetches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import pytest

from setops.api.kinds import APP, Key, Kind, Object
from setops.kube.cache import Cache
from setops.kube.client import Client
from setops.kube.recount import FEW, Pace, Recount
from setops.kube.transport import Answer

PACE: Final = Pace(of_few=3600, of_many=3600, quiet=0.05, lag=0.15, retry=0.1)


def app(name: str, version: int, **spec: Any) -> Object:
    return {
        "apiVersion": APP.api_version,
        "kind": APP.kind,
        "metadata": {"name": name, "namespace": "ns", "resourceVersion": str(version)},
        "spec": spec,
    }


class Server:
    """An API server that has Apps, in pages of two."""

    failures = (OSError,)

    def __init__(self, *objects: Object, version: int = 100) -> None:
        self.objects = {obj["metadata"]["name"]: obj for obj in objects}
        self.version = version
        self.lists = 0
        self.fetched: list[str] = []
        self.broken = 0
        """How many requests fail from now on."""

    async def request(self, method: str, path: str, *, accept: str = "", **__: object) -> Answer:
        """Answer a list or a GET."""
        assert method == "GET"
        await asyncio.sleep(0)
        if self.broken:
            self.broken -= 1
            return self._answer({"kind": "Status", "message": "no"}, 503)
        place, _, query = path.partition("?")
        if place != APP.path():
            name = place.rsplit("/", 1)[1]
            self.fetched.append(name)
            if name not in self.objects:
                return self._answer({"kind": "Status", "reason": "NotFound"}, 404)
            return self._answer(self.objects[name])
        assert "as=PartialObjectMetadataList" in accept, "nothing but names and versions"
        start = int(query.partition("continue=")[2] or 0)
        self.lists += not start
        names = [*self.objects]
        items = [{"metadata": self.objects[name]["metadata"]} for name in names[start : start + 2]]
        metadata = {"resourceVersion": str(self.version)}
        if start + 2 < len(names):
            metadata["continue"] = str(start + 2)
        return self._answer({"metadata": metadata, "items": items})

    def _answer(self, body: Mapping[str, Any], status: int = 200) -> Answer:
        return Answer(status, {}, json.dumps(body).encode())

    async def close(self) -> None:
        """Nothing is open."""


class Scene:
    """A recount that runs, with what it compares."""

    def __init__(self, server: Server, cache: Cache, pace: Pace) -> None:
        self.server = server
        self.cache = cache
        self.complete: list[Kind] = []
        self.recount = Recount(Client(server), cache, APP, complete=self.complete.append, pace=pace)

    def names(self) -> set[str]:
        return {key.name for key in self.cache.keys(APP)}

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)

    async def counted(self) -> None:
        """Have it count again, and wait until it has."""
        lists = self.server.lists
        self.recount.soon()
        await self.until(lambda: self.server.lists > lists)


def play(
    server: Server,
    story: Callable[[Scene], Coroutine[Any, Any, None]],
    *known: Object,
    pace: Pace = PACE,
) -> None:
    """Tell a story of a recount that runs."""

    @asynccontextmanager
    async def scene() -> Any:
        cache = Cache()
        for obj in known:
            cache.put(obj)
        made = Scene(server, cache, pace)
        running = asyncio.create_task(made.recount.run())
        try:
            yield made
            assert not running.done(), running.exception()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def told() -> None:
        async with scene() as made:
            await story(made)

    asyncio.run(told())


def test_a_recount_that_is_asked_for_and_cancelled_at_once_ends() -> None:
    """A cancellation must not get lost because what was waited for came in the same moment."""

    async def story() -> None:
        server = Server(app("a", 1))
        cache = Cache()
        cache.put(app("a", 1))
        complete: list[Kind] = []
        recount = Recount(Client(server), cache, APP, complete=complete.append, pace=PACE)
        for steps in range(8):
            complete.clear()
            running = asyncio.create_task(recount.run())
            async with asyncio.timeout(5):
                while not complete:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0)
            await asyncio.sleep(0.01)
            recount.soon()
            for _ in range(steps):
                await asyncio.sleep(0)
            running.cancel()
            ended, _ = await asyncio.wait({running}, timeout=2)
            assert ended, f"{steps} steps of the loop after it was asked for"

    asyncio.run(story())


def test_a_kind_is_complete_when_the_cache_has_all_of_it() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(0.25)
        assert scene.server.lists >= 2, "counted anew while something is missing"
        assert not scene.complete
        scene.cache.put(app("a", 1))
        scene.cache.put(app("b", 2))
        await asyncio.sleep(0.05)
        assert not scene.complete
        scene.cache.put(app("c", 3))
        await scene.until(lambda: scene.complete == [APP])
        assert scene.server.fetched == [], "events bring it"

    play(Server(app("a", 1), app("b", 2), app("c", 3)), story)


def test_an_empty_kind_is_complete_at_once() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: scene.complete == [APP])

    play(Server(), story)


def test_what_is_deleted_before_it_came_is_not_waited_for() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: scene.server.lists > 0)
        del scene.server.objects["a"]
        await scene.until(lambda: scene.complete == [APP])

    play(Server(app("a", 1)), story)


def test_a_deletion_that_is_known_already_is_not_waited_for() -> None:
    async def story(scene: Scene) -> None:
        scene.cache.put(app("a", 1))
        scene.cache.drop(Key(APP, "ns", "a"), 7)
        await scene.until(lambda: scene.complete == [APP])

    play(Server(app("a", 1)), story)


def test_what_vanished_is_dropped_unless_it_is_newer_than_the_list() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: bool(scene.complete))
        assert scene.names() == {"kept", "written"}

    known = [app("kept", 1), app("vanished", 2), app("written", 101)]
    play(Server(app("kept", 1), version=100), story, *known)


def test_what_stays_behind_is_fetched() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: bool(scene.complete))
        scene.server.objects |= {"new": app("new", 5), "old": app("old", 6, image="b")}
        await scene.counted()
        await asyncio.sleep(PACE.lag / 2)
        assert scene.server.fetched == [], "its event may be on its way"
        await scene.until(lambda: scene.server.fetched == ["old", "new"])
        await scene.until(lambda: scene.names() == {"old", "new"})
        changed = scene.cache.get(Key(APP, "ns", "old"))
        assert changed is not None
        assert changed["spec"] == {"image": "b"}

    play(Server(app("old", 1, image="a")), story, app("old", 1, image="a"))


def test_what_comes_late_is_not_fetched() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: bool(scene.complete))
        scene.server.objects["late"] = app("late", 5)
        await scene.counted()
        scene.cache.put(app("late", 5))
        await asyncio.sleep(PACE.lag * 2)
        assert scene.server.fetched == []

    play(Server(), story)


def test_what_comes_while_others_are_fetched_is_not_fetched() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: bool(scene.complete))
        scene.server.objects |= {"a": app("a", 5), "b": app("b", 6)}
        put = scene.cache.put

        def and_another(obj: Object) -> bool:
            put(app("b", 6))
            return put(obj)

        scene.cache.put = and_another  # type: ignore[method-assign]
        await scene.counted()
        await scene.until(lambda: scene.names() == {"a", "b"})
        await asyncio.sleep(0.05)
        assert scene.server.fetched == ["a"]

    play(Server(), story)


def test_what_is_gone_before_it_is_fetched_is_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: bool(scene.complete))
        scene.server.objects["a"] = app("a", 5)
        await scene.counted()
        del scene.server.objects["a"]
        await scene.until(lambda: scene.server.fetched == ["a"])
        await asyncio.sleep(0.05)
        assert scene.names() == set()

    play(Server(), story)


def odd(version: int) -> Object:
    """An object that can't be stored."""
    obj = app("odd", version)
    obj["metadata"]["ownerReferences"] = [{"kind": "without a uid"}]
    return obj


def test_an_object_that_nobody_thought_of_does_not_keep_a_kind_from_being_complete() -> None:
    async def story(scene: Scene) -> None:
        scene.cache.put(app("plain", 6))
        await scene.until(lambda: scene.complete == [APP])

    play(Server(odd(5), app("plain", 6)), story)


def test_what_cannot_be_read_at_the_start_is_waited_for() -> None:
    async def story(scene: Scene) -> None:
        get = scene.server.request

        async def refuse(method: str, path: str, **options: Any) -> Answer:
            if path.endswith("/a"):
                return Answer(503, {}, b"no")
            return await get(method, path, **options)

        scene.server.request = refuse  # type: ignore[method-assign]
        await asyncio.sleep(PACE.lag * 4)
        assert not scene.complete
        scene.server.request = get  # type: ignore[method-assign]
        await scene.until(lambda: scene.complete == [APP])
        assert scene.names() == {"a"}

    play(Server(app("a", 1)), story)


def test_an_object_that_nobody_thought_of_does_not_end_the_count() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: bool(scene.complete))
        scene.server.objects |= {"odd": odd(5), "plain": app("plain", 6)}
        await scene.counted()
        await scene.until(lambda: scene.names() == {"plain"})

    play(Server(), story)


def test_many_calls_make_one_count_after_the_last() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: bool(scene.complete))
        before = scene.server.lists
        for _ in range(20):
            scene.recount.soon()
            await asyncio.sleep(PACE.quiet / 5)
        await asyncio.sleep(PACE.quiet * 3)
        assert scene.server.lists == before + 1

    play(Server(), story)


@pytest.mark.parametrize("at_start", [True, False])
def test_a_count_that_fails_is_tried_again(at_start: bool) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: bool(scene.complete))
        if not at_start:
            scene.server.broken = 1
            del scene.server.objects["a"]
            scene.recount.soon()
            await scene.until(lambda: scene.names() == set())

    server = Server(app("a", 1))
    server.broken = int(at_start)
    play(server, story, app("a", 1))


@pytest.mark.parametrize(("count", "often"), [(2, True), (FEW + 1, False)])
def test_few_objects_are_counted_more_often_than_many(count: int, often: bool) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: bool(scene.complete))
        before = scene.server.lists
        await asyncio.sleep(0.4)
        assert (scene.server.lists > before) is often

    objects = [app(f"a{number}", number + 1) for number in range(count)]
    pace = Pace(of_few=0.1, of_many=3600, quiet=0.05, lag=0.1, retry=0.1)
    play(Server(*objects, version=10_000), story, *objects, pace=pace)
