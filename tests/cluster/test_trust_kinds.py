"""A CRD that is deleted by mistake takes no data with it, whichever it is.

In a control plane of its own, since all objects of the kind are gone afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sandbox import Sandbox
from setops.api.kinds import GROUP
from setops.aws.target import Account
from tests.cluster.aws.story import Root
from tests.cluster.world import World, changeset, manifest, organization

PROJECT: Final = "kept"
STAGE: Final = f"{PROJECT}-production"
CRDS: Final = Path(__file__).resolve().parents[2] / "charts" / "setops" / "crds"
BUCKET: Final = {"type": "s3", "deletionPolicy": "Delete"}
"""The policy that would delete the data, if somebody meant to delete the Service."""
EVERYTHING: Final = (
    organization(),
    manifest("Project", PROJECT, {"organization": "acme"}),
    manifest("Stage", "production", {}, PROJECT),
    manifest("Service", "data", BUCKET, STAGE),
    manifest("App", "web", {}, STAGE),
    changeset(STAGE, "some", "app:create some"),
)


@pytest.fixture(scope="module")
def alone() -> Iterator[World]:
    """An operator in a control plane of its own."""
    # Each case kills it, so its Lease is short.
    lease = {"duration": 6, "renewDeadline": 5, "retryPeriod": 0.5}
    with Sandbox.start() as sandbox, sandbox.operator(values={"lease": lease}) as operator:
        yield World(sandbox, operator)


@pytest.fixture(scope="module")
def root(alone: World) -> Root:
    return Root(Account("000000000000", "eu-central-1", endpoint_url=alone.sandbox.aws_endpoint))


@pytest.fixture
def furnished(alone: World) -> World:
    """Everything is there, and ready, and an operator that has seen no kind go."""
    alone.operator.kill()
    recover(alone)
    alone.operator.wait_ready()
    for made in EVERYTHING:
        place = made["metadata"].get("namespace")
        if place:
            alone.until(lambda: alone.get("namespace", place) is not None, place)  # noqa: B023
        alone.apply(made)
    alone.wait("sstage", "production", PROJECT)
    alone.wait("ssvc", "data", STAGE)
    return alone


def crd(plural: str) -> str:
    return f"{plural}.{GROUP}"


def recover(world: World) -> None:
    """Apply the CRDs again, as a chart does, and start the operator again, as a kubelet does.

    It ends when a kind that it watches is gone.
    """
    world.sandbox.kubectl("apply", "--server-side", "-f", str(CRDS))
    world.sandbox.kubectl("wait", "--for=condition=Established", "-f", str(CRDS))
    if not world.operator.alive:
        world.operator.wait_exit()
        world.operator.start()


def uid_of(world: World, plural: str) -> str:
    """The uid of a CRD; empty while it is gone."""
    line = ("get", "crd", crd(plural), "--ignore-not-found", "--output=jsonpath={.metadata.uid}")
    return world.sandbox.kubectl(*line).stdout.strip()


def kinds_end(world: World, before: dict[str, str]) -> None:
    """Wait until these CRDs are gone, or others of their names have taken their places."""

    def ended() -> bool:
        if not world.operator.alive:
            recover(world)
        return all(uid_of(world, plural) != uid for plural, uid in before.items())

    world.until(ended, "the end of the kinds")


@pytest.mark.parametrize(
    "plurals",
    [
        ("services",),
        ("stages",),
        ("projects",),
        ("organizations",),
        ("organizations", "projects", "stages", "apps", "services", "notifications", "changesets"),
    ],
    ids=",".join,
)
def test_no_data_goes_with_a_kind(furnished: World, root: Root, plurals: tuple[str, ...]) -> None:
    world = furnished
    found = world.get("ssvc", "data", STAGE)
    assert found is not None
    bucket = found["status"]["ids"]["bucket"]
    root.s3.put_object(Bucket=bucket, Key="some", Body=b"data")
    spaces = {name: world.get("namespace", name) for name in (PROJECT, STAGE)}
    uids = {plural: uid_of(world, plural) for plural in plurals}
    world.sandbox.kubectl("delete", "crd", *map(crd, plurals), "--wait=false")
    kinds_end(world, uids)
    assert bucket in root.buckets()
    for name, before in spaces.items():
        after = world.get("namespace", name)
        assert after is not None
        assert before is not None
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert "deletionTimestamp" not in after["metadata"]
    if "services" not in plurals:
        assert world.get("ssvc", "data", STAGE) is not None
    assert root.s3.get_object(Bucket=bucket, Key="some")["Body"].read() == b"data"


def test_what_was_let_go_is_taken_up_again(furnished: World, root: Root) -> None:
    """The fixture has made everything anew after the last case: it is the same bucket."""
    found = furnished.get("ssvc", "data", STAGE)
    assert found is not None
    bucket = found["status"]["ids"]["bucket"]
    assert root.s3.get_object(Bucket=bucket, Key="some")["Body"].read() == b"data"
    assert len([name for name in root.buckets() if PROJECT in name]) == 1


def test_a_protected_stage_holds_its_kind(furnished: World, root: Root) -> None:
    world = furnished
    world.patch("sstage", "production", PROJECT, {"spec": {"deletionProtection": True}})
    world.wait("sstage", "production", PROJECT)
    uids = {"stages": uid_of(world, "stages")}
    world.sandbox.kubectl("delete", "crd", crd("stages"), "--wait=false")
    said = world.says("sstage", "production", PROJECT, "Reconciling", "Deleting")
    assert "is protected from deletion, so nothing of it is touched" in said
    service = world.get("ssvc", "data", STAGE)
    assert service is not None
    assert "deletionTimestamp" not in service["metadata"]
    assert service["status"]["ids"]["bucket"] in root.buckets()
    world.patch("sstage", "production", PROJECT, {"spec": {"deletionProtection": False}})
    kinds_end(world, uids)
    assert world.get("ssvc", "data", STAGE) is not None


def test_a_meant_deletion_goes_through(furnished: World, root: Root) -> None:
    found = furnished.get("ssvc", "data", STAGE)
    assert found is not None
    furnished.delete("project.setops.co", PROJECT)
    furnished.gone("project.setops.co", PROJECT)
    assert found["status"]["ids"]["bucket"] not in root.buckets()
