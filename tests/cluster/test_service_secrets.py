"""Whatever somebody writes into a Service's Secret, it is put right, or the condition says how."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import pytest

from tests.cluster.world import World, manifest

STAGE: Final = "secrets-production"
ENTRIES: Final = {"url", "bucket", "region", "endpoint", "accessKeyId", "secretAccessKey"}
KEYS: Final = ("accessKeyId", "secretAccessKey")


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


BINARY: Final = b64(b"\xff\xfe\x00")


@pytest.fixture(scope="module")
def stage(world: World) -> str:
    return world.stage("secrets")


def ready(world: World, stage: str, name: str) -> Mapping[str, str]:
    """Wait until a new Service is ready; the entries of its Secret."""
    world.apply(manifest("Service", name, {"type": "s3"}, stage))
    world.wait("ssvc", name, stage)
    return held(world, stage, name)


def held(world: World, stage: str, name: str) -> Mapping[str, str]:
    """The entries of a Service's Secret, in base64; empty if there is none."""
    found = world.get("secret", f"service-{name}", stage)
    entries: dict[str, str] = (found or {}).get("data") or {}
    return entries


def patch(world: World, stage: str, name: str, *operations: Any) -> None:
    """Change a Secret by hand, by a JSON patch."""
    world.sandbox.kubectl(
        *("patch", "secret", f"service-{name}", "-n", stage),
        *("--type=json", "--patch-file", "/dev/stdin"),
        input=json.dumps(list(operations)),
    )


def put(path: str, value: Any) -> Mapping[str, Any]:
    return {"op": "add", "path": path, "value": value}


EDITS: Final[dict[str, tuple[list[Mapping[str, Any]], bool]]] = {
    "a binary entry": ([put("/data/odd", BINARY)], False),
    "an entry of text": ([put("/data/note", b64(b"hello"))], False),
    "an empty entry": ([put("/data/empty", "")], False),
    "an entry without a value": ([put("/data/none", None)], False),
    "a large binary entry": ([put("/data/large", b64(b"\xff" * 500_000))], False),
    "a file by its name": ([put("/data/tls.crt", b64(b"\x30\x82\x01\x0a"))], False),
    "a binary url": ([put("/data/url", BINARY)], False),
    "an entry of zero bytes": ([put("/data/zero", b64(b"\0" * 9))], False),
    "a url that can't be parsed": ([put("/data/url", b64(b"s3://[odd"))], False),
    "a url of something else": ([put("/data/url", b64(b"redis://a:b@c"))], False),
    "another region": ([put("/data/region", b64(b"moon"))], False),
    "an id that is no text": ([put("/data/accessKeyId", BINARY)], True),
    "an id that AWS doesn't know": ([put("/data/accessKeyId", b64(b"AKIAUNKNOWN"))], True),
    "an id with a zero byte": ([put("/data/accessKeyId", b64(b"AKIA\0"))], True),
    "a huge id": ([put("/data/accessKeyId", b64(b"A" * 500_000))], True),
    "another key": ([put("/data/secretAccessKey", b64(b"wJalrXUtnFEMI/K7MDENG/bPxRfiCY"))], True),
    "a key with a zero byte": ([put("/data/secretAccessKey", b64(b"\0"))], True),
    "a huge key": ([put("/data/secretAccessKey", b64(b"A" * 500_000))], True),
    "a key that is no text": ([put("/data/secretAccessKey", BINARY)], True),
    "an empty key": ([put("/data/secretAccessKey", "")], True),
    "a key without a value": ([put("/data/secretAccessKey", None)], True),
    "no id": ([{"op": "remove", "path": "/data/accessKeyId"}], True),
    "nothing at all": ([{"op": "remove", "path": "/data"}], True),
    "all binary": ([put(f"/data/{name}", BINARY) for name in sorted(ENTRIES)], True),
}
"""What is done to a Secret, and whether its access key is lost with that."""


def test_what_is_written_into_a_secret_is_put_right(world: World, stage: str) -> None:
    names = {case: f"edit{number}" for number, case in enumerate(EDITS)}
    world.apply(*(manifest("Service", each, {"type": "s3"}, stage) for each in names.values()))
    before = {}
    for case, name in names.items():
        world.wait("ssvc", name, stage)
        before[case] = held(world, stage, name)
    for case, name in names.items():
        patch(world, stage, name, *EDITS[case][0])

    def is_right(case: str) -> bool:
        now, was = held(world, stage, names[case]), before[case]
        if set(now) != ENTRIES:
            return False
        if EDITS[case][1]:
            return all(now[key] not in ("", BINARY, was[key]) for key in KEYS)
        return now == was

    for case, name in names.items():
        world.until(partial(is_right, case), f"a Secret put right after: {case}")
        world.wait("ssvc", name, stage)


def test_a_secret_that_is_immutable_but_right_is_left_alone(world: World, stage: str) -> None:
    before = ready(world, stage, "frozen")
    patch(world, stage, "frozen", put("/immutable", True))
    world.patch("ssvc", "frozen", stage, {"spec": {"options": {"blockPublicAccess": False}}})
    world.wait("ssvc", "frozen", stage)
    assert held(world, stage, "frozen") == before


LOCKED: Final[dict[str, tuple[list[Mapping[str, Any]], str]]] = {
    "a foreign entry": (
        [put("/data/odd", BINARY), put("/immutable", True)],
        "isn't as it should be, and the API server doesn't change it",
    ),
    "a lost key": (
        [put("/data/accessKeyId", BINARY), put("/immutable", True)],
        "was marked immutable, so the new credentials that the Service needs can't be stored",
    ),
}


@pytest.mark.parametrize("case", LOCKED)
def test_a_secret_that_is_immutable_and_wrong_is_told_with_the_remedy(
    world: World, stage: str, case: str
) -> None:
    edit, expected = LOCKED[case]
    name = f"locked{list(LOCKED).index(case)}"
    ready(world, stage, name)
    patch(world, stage, name, *edit)
    said = world.says("ssvc", name, stage, "Stalled", "ObjectTaken")
    assert expected in said
    assert "delete" in said
    assert "the operator makes it anew" in said
    world.delete("secret", f"service-{name}", namespace=stage)
    world.wait("ssvc", name, stage)
    world.until(lambda: set(held(world, stage, name)) == ENTRIES, "the Secret made anew")


def test_a_secret_of_another_type_is_told_with_the_remedy(world: World, stage: str) -> None:
    ready(world, stage, "typed")
    paused = "setops.co/paused"
    world.patch("ssvc", "typed", stage, {"metadata": {"annotations": {paused: ""}}})
    found = world.get("secret", "service-typed", stage)
    assert found is not None
    fields = ("name", "namespace", "labels", "ownerReferences")
    kept = {field: found["metadata"][field] for field in fields}
    odd = {**found, "type": "example.com/odd", "metadata": kept}
    world.sandbox.kubectl("replace", "--force", "-f", "-", input=json.dumps(odd))
    world.patch("ssvc", "typed", stage, {"metadata": {"annotations": {paused: None}}})
    said = world.says("ssvc", "typed", stage, "Stalled", "ObjectTaken")
    assert "type: " in said
    assert "field is immutable" in said
    world.delete("secret", "service-typed", namespace=stage)
    world.wait("ssvc", "typed", stage)
