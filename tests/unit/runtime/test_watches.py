"""When everything is in the cache, and how long it has been silent."""

from __future__ import annotations

from setops.kube.cache import Cache
from setops.kube.client import Client
from setops.kube.watched import MADE_BY_OPERATOR, WATCHED, WRITTEN_BY_USERS
from setops.runtime.watches import Watches
from tests.reconcile.samples import Offline


def watches(now: list[float] | None = None) -> Watches:
    clock = (lambda: now[0]) if now else (lambda: 0.0)
    return Watches(Client(Offline()), Cache(), clock=clock)


def test_they_are_in_sync_when_every_kind_is_complete() -> None:
    made = watches()
    first, *others = WATCHED
    for kind in others:
        made._complete(kind)
    assert made.missing == (f"{first.plural}.{first.group}",)
    assert not made.synced.is_set()
    made._complete(first)
    assert not made.missing
    assert made.synced.is_set()


def test_silence_is_counted_from_the_last_sign_of_life_of_an_informer() -> None:
    now = [100.0]
    made = watches(now)
    now[0] += 50
    assert made.silence == 50
    made._heard()
    assert made.silence == 0


def test_each_kind_is_watched_in_one_way() -> None:
    assert {*WRITTEN_BY_USERS}.isdisjoint(MADE_BY_OPERATOR)
    assert {*WRITTEN_BY_USERS, *MADE_BY_OPERATOR} == {*WATCHED}
