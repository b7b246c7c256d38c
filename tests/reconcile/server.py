"""An API server in memory, which can be made to answer, or not to, as no real one would."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from setops.api.kinds import Key, Object, key_of
from setops.kube.transport import Answer

Breaks = Callable[[str, str], None]


class Server:
    """An API server that keeps what it is sent, one object a path; `breaks` may raise instead."""

    failures = (OSError,)

    def __init__(self, *objects: Object) -> None:
        self.objects = {key_of(obj).kind.path(*_place(key_of(obj))): obj for obj in objects}
        self.breaks: Breaks = lambda _method, _path: None
        self.answer: Answer | None = None
        self.asked = 0
        self.told = 0
        """How many requests would tell of a fault."""

    async def request(
        self, method: str, path: str, *, body: bytes | None = None, **_: object
    ) -> Answer:
        self.asked += 1
        self.told += b"ServerFailure" in (body or b"")
        path = path.split("?")[0]
        self.breaks(method, path)
        if self.answer is not None:
            return self.answer
        place = path.removesuffix("/status")
        if method == "GET" and place not in self.objects:
            return Answer(404, {}, b"")
        if method == "DELETE":
            self.objects.pop(place, None)
            return Answer(200, {}, json.dumps({"kind": "Status", "metadata": {}}).encode())
        if method != "GET":
            old = {} if method == "PUT" else self.objects.get(place, {})
            self.objects[place] = _merged(old, json.loads(body or b"{}"))
            self.objects[place]["metadata"].setdefault("uid", f"uid {self.asked}")
            self.objects[place]["metadata"]["resourceVersion"] = str(10_000 + self.asked)
        return Answer(200, {}, json.dumps(self.objects[place]).encode())

    async def close(self) -> None:
        """Nothing is open."""


def _place(key: Key) -> tuple[str, str]:
    return key.namespace, key.name


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    merged = {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
    return {name: value for name, value in merged.items() if value is not None}
