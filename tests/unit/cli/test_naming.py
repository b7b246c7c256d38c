"""Names of Changesets: DNS labels that tell users and revisions apart."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from setops.cli.changeset.naming import changeset_name, prefix


@given(st.text(min_size=1, max_size=256), st.integers(0, 10**9), st.integers(0, 3))
def test_any_user_gets_a_dns_label(user: str, revision: int, others: int) -> None:
    taken: set[str] = set()
    for _ in range(others):
        taken.add(changeset_name(user, "shop-live", revision, taken))
    name = changeset_name(user, "shop-live", revision, taken)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)
    assert name not in taken


def test_it_can_be_read() -> None:
    name = changeset_name("dev@example.com", "shop-live", 3, set())
    assert re.fullmatch(r"dev-example-com-[0-9a-f]{8}-3", name)


def test_users_and_stages_that_look_alike_are_kept_apart() -> None:
    names = {
        prefix(user, namespace)
        for user in ("dev@example.com", "dev.example.com", "DEV@example.com")
        for namespace in ("shop-live", "shop-test")
    }
    assert len(names) == 6


def test_a_name_that_led_to_a_revision_never_comes_again() -> None:
    first = changeset_name("dev", "shop-live", 1, set())
    assert changeset_name("dev", "shop-live", 2, set()) != first, "also when the old one is gone"
