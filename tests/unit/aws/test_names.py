"""Names and tags of AWS resources, as properties."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.api import names
from setops.aws.identity import Identity
from setops.aws.naming import resource_name

identities = st.builds(
    Identity.of_service,
    organization=st.from_regex(names.ORGANIZATION_NAME.pattern, fullmatch=True),
    project=st.from_regex(names.PROJECT_NAME.pattern, fullmatch=True),
    stage=st.from_regex(names.STAGE_NAME.pattern, fullmatch=True),
    name=st.from_regex(names.SERVICE_NAME.pattern, fullmatch=True),
)
NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
# OpenSearch, ElastiCache, S3 and RDS, IAM users.
limits = st.sampled_from([28, 40, 63, 64])


@given(identities, limits)
def test_a_name_is_one_that_every_product_takes(identity: Identity, limit: int) -> None:
    name = resource_name(identity, limit)
    assert len(name) <= limit
    # RDS refuses a dash at the end and two in a row; DNS wants a letter first.
    assert re.fullmatch(NAME, name)
    assert not name.startswith(("xn--", "sthree-"))
    assert not name.endswith(("-s3alias", "--ol-s3"))


@given(identities, limits)
def test_a_name_depends_on_nothing_but_the_identity(identity: Identity, limit: int) -> None:
    again = replace(identity)
    assert resource_name(identity, limit) == resource_name(again, limit)


@given(identities, identities, limits)
def test_two_services_never_share_a_name(one: Identity, other: Identity, limit: int) -> None:
    assert (one == other) == (resource_name(one, limit) == resource_name(other, limit))


@given(st.lists(identities, min_size=2, max_size=2, unique=True))
def test_tags_tell_two_services_apart(pair: list[Identity]) -> None:
    one, other = pair
    assert one.owns({**one.tags(), "team": "a"})
    assert not one.owns(other.tags())


def test_parts_that_read_the_same_when_joined_differ() -> None:
    one = Identity.of_service("acme", "shop", "live", "a-b")
    other = Identity.of_service("acme-shop", "live", "a", "b")
    assert resource_name(one, 63) != resource_name(other, 63)


def test_a_name_can_be_read() -> None:
    assert resource_name(Identity.of_service("acme", "shop", "live", "store"), 63).startswith(
        "setops-shop-live-store-"
    )


def test_a_limit_without_room_for_the_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        resource_name(Identity.of_service("acme", "shop", "live", "store"), 18)


def test_a_resource_lacking_one_tag_is_not_ours() -> None:
    identity = Identity.of_service("acme", "shop", "live", "store")
    for key in identity.tags():
        tags = {name: value for name, value in identity.tags().items() if name != key}
        assert not identity.owns(tags)


def owners(organization: str, project: str, stage: str, name: str) -> list[Identity]:
    """One of each kind, of the same names."""
    return [
        Identity.of_service(organization, project, stage, name),
        Identity.of_app(organization, project, stage, name),
        Identity.of_stage(organization, project, stage),
        Identity.of_organization(organization),
    ]


everybody = identities.flatmap(
    lambda one: st.sampled_from(owners(one.organization, one.project, one.stage, one.name))
)


@given(everybody, everybody, limits)
def test_owners_of_any_kind_share_neither_names_nor_resources(
    one: Identity, other: Identity, limit: int
) -> None:
    assert (one == other) == (resource_name(one, limit) == resource_name(other, limit))
    assert (one == other) == one.owns(other.tags())


CLUSTERS = {
    "neither has a name": ("", "", True),
    "the same": ("eu-1", "eu-1", True),
    "another": ("eu-1", "us-1", False),
    "made before the cluster had a name": ("eu-1", "", True),
    "made by a cluster with a name": ("", "eu-1", False),
}


@pytest.mark.parametrize(("ours", "its", "owned"), CLUSTERS.values(), ids=CLUSTERS)
def test_a_cluster_with_a_name_keeps_its_resources(ours: str, its: str, owned: bool) -> None:
    anywhere = Identity.of_service("acme", "shop", "live", "db")
    one, other = replace(anywhere, cluster=ours), replace(anywhere, cluster=its)
    assert one.owns(other.tags()) == owned
    assert resource_name(one, 63) == resource_name(other, 63), "a restored Stage finds it"


@given(identities, limits)
def test_owners_of_the_same_names_differ_by_their_kind(identity: Identity, limit: int) -> None:
    alike = owners(identity.organization, identity.project, identity.stage, identity.name)
    assert len({resource_name(each, limit) for each in alike}) == len(alike)
    assert all(re.fullmatch(NAME, resource_name(each, limit)) for each in alike)
    for one in alike:
        assert [each for each in alike if one.owns(each.tags())] == [one]


TAGS = {
    "a Service": (
        Identity.of_service("acme", "shop", "live", "db"),
        {
            "setops:organization": "acme",
            "setops:project": "shop",
            "setops:stage": "live",
            "setops:service": "db",
            "setops:managed-by": "setops",
        },
        "setops-shop-live-db-2epbopc76npd",
        "Service db of Stage live in Project shop",
    ),
    "an App": (
        Identity.of_app("acme", "shop", "live", "web"),
        {
            "setops:organization": "acme",
            "setops:project": "shop",
            "setops:stage": "live",
            "setops:app": "web",
            "setops:managed-by": "setops",
        },
        "setops-shop-live-web-",
        "App web of Stage live in Project shop",
    ),
    "a Stage": (
        Identity.of_stage("acme", "shop", "live"),
        {
            "setops:organization": "acme",
            "setops:project": "shop",
            "setops:stage": "live",
            "setops:managed-by": "setops",
        },
        "setops-shop-live-",
        "Stage live in Project shop",
    ),
    "an Organization": (
        Identity.of_organization("acme"),
        {"setops:organization": "acme", "setops:managed-by": "setops"},
        "setops-acme-",
        "Organization acme",
    ),
}


@pytest.mark.parametrize(("identity", "tags", "name", "words"), TAGS.values(), ids=TAGS)
def test_tags_and_names_say_whose_a_resource_is(
    identity: Identity, tags: dict[str, str], name: str, words: str
) -> None:
    assert identity.tags() == tags
    assert resource_name(identity, 63).startswith(name)
    assert str(identity) == words
