"""The parts of a database, without AWS."""

from __future__ import annotations

from typing import Any

import pytest

from setops.aws.identity import Identity
from setops.aws.parts.parameter_group import ParameterGroup
from setops.aws.products.postgresql import Postgresql
from setops.aws.target import Account, Target

TARGET = Target(
    Account("111111111111", "eu-central-1"),
    Identity.of_service("acme", "shop", "live", "db"),
    "postgresql",
)


class NoClients:
    """There is nothing to be called."""

    def client(self, _: str) -> Any:
        return None


def instance(version: str, group: str = "theirs") -> dict[str, Any]:
    return {"EngineVersion": version, "DBParameterGroups": [{"DBParameterGroupName": group}]}


GROUPS: dict[str, tuple[str | None, dict[str, Any] | None, str]] = {
    "nothing is there": ("15", None, "15"),
    "nothing is there or wished": (None, None, "16"),
    "it has that version": ("15.4", instance("15.10"), "15"),
    "it is to be upgraded": ("16", instance("15.10"), "16"),
    "no version goes back": ("14", instance("15.10"), "15"),
    "whichever it has is wanted": (None, instance("14.2"), "14"),
    "somebody has upgraded it to what nobody can wish for": ("16", instance("17.2"), "17"),
    "a version that was refused": ("99", instance("15.10"), "99"),
}


@pytest.mark.parametrize(("version", "found", "major"), GROUPS.values(), ids=GROUPS)
def test_one_parameter_group_is_wanted_that_of_the_major_version(
    version: str | None, found: dict[str, Any] | None, major: str
) -> None:
    target = Target(TARGET.account, TARGET.identity, TARGET.type, version=version)
    assembly = Postgresql().assemble(NoClients(), target, found)  # type: ignore[arg-type]
    (wanted,) = (each for each in assembly.wanted if isinstance(each, ParameterGroup))
    assert wanted.major == major
    assert wanted.id.startswith(f"setops-pg{major}-shop-live-db-")
    others = [each.key for each in assembly.parts if isinstance(each, ParameterGroup)]
    others.remove(wanted.key)
    assert assembly.retired == set(others)


def test_a_parameter_group_goes_only_when_the_instance_has_left_it() -> None:
    target = Target(TARGET.account, TARGET.identity, TARGET.type, version="16")
    product = Postgresql()
    old = product.ids(target)["parameterGroup15"]
    upgrading = product.assemble(NoClients(), target, instance("15.4", old))  # type: ignore[arg-type]
    assert "parameterGroup15" in upgrading.retired - upgrading.surplus
    upgraded = product.assemble(NoClients(), target, instance("16.1"))  # type: ignore[arg-type]
    assert "parameterGroup15" in upgraded.surplus


def test_a_parameter_group_of_any_version_that_was_made_once_is_found_again() -> None:
    ids = {"parameterGroup12": "setops-pg12-older", "parameterGroup17": "setops-pg17-newer"}
    target = Target(TARGET.account, TARGET.identity, TARGET.type, ids=ids)
    assembly = Postgresql().assemble(NoClients(), target, None)  # type: ignore[arg-type]
    found = {each.key: each.id for each in assembly.parts if each.key in ids}
    assert found == ids
    assert ids.keys() <= assembly.surplus


PASSWORDS: dict[str, tuple[str, bool]] = {
    "one of ours": ("k3Jt_0aB-xY9zQ1w2E3r4T5y6U7i8O9p", True),
    "one by hand": ("chosen#by-hand:1", True),
    "the shortest": ("a" * 8, True),
    "the longest": ("a" * 128, True),
    "every sign that AWS takes": ("!#$%&'()*+,-.:;<=>?[\\]^_`{|}~", True),
    "too short": ("a" * 7, False),
    "too long": ("a" * 129, False),
    "nothing": ("", False),
    "a space": ("aaaa aaaa", False),
    "a slash": ("aaaa/aaaa", False),
    "an at sign": ("aaaa@aaaa", False),
    "a quotation mark": ('aaaa"aaaa', False),
    "a line break at the end": ("aaaaaaaaa\n", False),
    "a NUL": ("aaaa\0aaaa", False),
    "a letter with an accent": ("aaaaéaaaa", False),
    "an emoji": ("aaaa😀aaaa", False),
}


@pytest.mark.parametrize(("password", "taken"), PASSWORDS.values(), ids=PASSWORDS)
def test_a_password_that_aws_would_refuse_counts_as_lost(password: str, taken: bool) -> None:
    held = {"username": "app", "password": password, "note": "mine"}
    usable = Postgresql().usable(held)
    assert usable == (held if taken else {"username": "app", "note": "mine"})
