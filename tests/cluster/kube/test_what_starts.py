"""What no kubelet can start is refused by the API server, and what it can start is taken.

That the schemas' rules are the models' own is tested, case by case, in `tests/unit/api`. Here the
API server evaluates them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import pytest

from sandbox import Sandbox
from setops.api.kinds import APP, ORGANIZATION, Kind, Object
from setops.kube.errors import ApiError
from tests.cluster.kube.support import bench
from tests.unit.api.images import INVALID, SHA256, VALID

CHECK: Final = {"command": ["true"]}
GOOD: Final = ("", "a", "\n\t", "\x01\x7f\x85\xa0\u2028\ufeff\uffff", "\U0001f600" * 10, "$(A)$$")
NUL: Final = ("\0", "a\0", "\0a", "\U0001f600\0b")
LONG: Final = "\U0001f600" * 32768


def env(value: str) -> Object:
    return {"env": {"A": {"value": value}}}


def secret(name: str, key: str) -> Object:
    return {"env": {"A": {"secretRef": {"name": name, "key": key}}}}


def container(field: str, text: str) -> Object:
    if field == "healthCheck":
        return {"container": {"healthCheck": {"command": ["sh", text]}}}
    return {"container": {field: ["sh", text]}}


FIELDS: Final = ("command", "entrypoint", "healthCheck")
TAKEN: Final[Sequence[Object]] = (
    *({"image": text} for text in VALID),
    *({"releases": {"7": {"image": text}}, "activeRelease": 7} for text in VALID[-20:]),
    *(env(text) for text in (*GOOD, LONG)),
    *(container(field, text) for field in FIELDS for text in GOOD),
    *({"env": {"A": {"value": "", "description": text}}} for text in GOOD),
    *(secret(name, key) for name, key in (("a", "b"), ("a-1.b", "A.b_c"), ("x" * 253, ".a"))),
    {"network": {"healthCheck": {"path": "/\u00fc?a=b"}}},
    {"links": {"files": {"path": "/da ta/\U0001f600"}}},
)
REFUSED: Final[Sequence[Object]] = (
    *({"image": text} for text in INVALID),
    *({"releases": {"7": {"image": text}}} for text in INVALID[-20:]),
    *(env(text) for text in (*NUL, LONG + "a")),
    *(container(field, text) for field in FIELDS for text in NUL),
    *(secret(name, key) for name, key in (("A", "b"), ("a", ".."), ("a\0", "b"), ("a", "b c"))),
    *({"network": {"healthCheck": {"path": path}}} for path in ("/\0", "/\x0b", "/ ", "/\x7f")),
    *({"links": {"files": {"path": path}}} for path in ("/\0", "/\n", "/\x1b")),
)


def manifest(kind: Kind, namespace: str, spec: Object) -> Object:
    metadata = {"name": "web", **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}


def taken(sandbox: Sandbox, objects: Sequence[Object]) -> list[Object | str]:
    """What the API server would store of each of these, or what it says against it."""

    async def ask() -> list[Any]:
        async with bench(sandbox) as bench_:
            client = bench_.cluster.client
            asked = (client.create(obj, dry_run=True) for obj in objects)
            return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(ask())
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, ApiError):
            raise answer
    return [str(answer) if isinstance(answer, ApiError) else answer for answer in answers]


def test_what_can_start_is_taken_as_it_is(sandbox: Sandbox, namespace: str) -> None:
    answers = taken(sandbox, [manifest(APP, namespace, spec) for spec in TAKEN])
    for spec, answer in zip(TAKEN, answers, strict=True):
        assert isinstance(answer, dict), (spec, answer)
        for field in ("image", "env", "releases", "links"):
            assert answer["spec"].get(field) == spec.get(field)


def test_what_can_not_start_is_refused(sandbox: Sandbox, namespace: str) -> None:
    answers = taken(sandbox, [manifest(APP, namespace, spec) for spec in REFUSED])
    for spec, answer in zip(REFUSED, answers, strict=True):
        assert isinstance(answer, str), spec
        assert any(words in answer for words in ("must be", "Too long", "should match")), answer


@pytest.mark.parametrize("registry", ["[2001:db8::1]:5000/Team".lower(), "Registry.Example.com/a"])
def test_a_registry_may_be_what_an_image_may_begin_with(sandbox: Sandbox, registry: str) -> None:
    aws = {"accountId": "000000000000", "region": "eu-central-1"}
    spec = {"aws": aws, "domain": "a.example.com", "registry": registry}
    (answer,) = taken(sandbox, [manifest(ORGANIZATION, "", spec)])
    assert isinstance(answer, dict), answer
    assert f"{registry}/a@{SHA256}"
