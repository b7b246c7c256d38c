"""Any text that is written comes back as it was, by whichever verb it was written."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Final

import pytest

from sandbox import Sandbox
from setops.api.kinds import CONFIG_MAP, SECRET, Key, Object
from setops.kube.errors import BadRequest
from tests.cluster.kube.support import bench

CHUNK: Final = 200_000
"""Characters of one object; a ConfigMap holds 1 MiB."""
SOME: Final = "a\x7f\x85\xa0\u2028\ufeff\ufffe\uffff\U0001f600\U0010ffff"


def every_character() -> Iterator[str]:
    """All of Unicode but the halves of surrogate pairs, in texts that one object holds."""
    codes = itertools.chain(range(0xD800), range(0xE000, 0x110000))
    while chunk := "".join(map(chr, itertools.islice(codes, CHUNK))):
        yield chunk


def config_map(namespace: str, name: str, **data: str) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_an_apply_carries_every_character(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            client = bench_.cluster.client
            for number, text in enumerate(every_character()):
                applied = await client.apply(config_map(namespace, f"a{number}", text=text))
                assert applied["data"]["text"] == text, number
            assert number == 5

    asyncio.run(story())


@pytest.mark.parametrize("verb", ["create", "replace", "merge patch", "apply", "dry run"])
def test_every_verb_carries_what_yaml_and_json_read_differently(
    sandbox: Sandbox, namespace: str, verb: str
) -> None:
    key = Key(CONFIG_MAP, namespace, "a")
    wanted = config_map(namespace, "a", text=SOME)

    async def story() -> None:
        async with bench(sandbox) as bench_:
            client = bench_.cluster.client
            if verb != "create":
                await client.create(config_map(namespace, "a"))
            match verb:
                case "create":
                    answer = await client.create(wanted)
                case "replace":
                    answer = await client.replace(wanted)
                case "merge patch":
                    answer = await client.merge_patch(key, {"data": wanted["data"]})
                case _:
                    answer = await client.apply(wanted, dry_run=verb == "dry run")
            assert answer["data"] == wanted["data"]

    asyncio.run(story())


def test_half_a_character_is_refused_before_it_is_sent(sandbox: Sandbox, namespace: str) -> None:
    async def story() -> None:
        async with bench(sandbox) as bench_:
            key = Key(SECRET, namespace, "a")
            with pytest.raises(BadRequest, match="half of a surrogate pair") as refused:
                await bench_.cluster.client.merge_patch(key, {"data": {"a": "\ud83d"}})
            assert refused.value.target == key
            assert bench_.requests == []

    asyncio.run(story())
