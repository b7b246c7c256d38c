"""The ledger of a Stage: which Changeset made which of the revisions that are no longer kept.

It is a record in the Stage's namespace (`desired/record`). If Git applies a Changeset again long
after its revision is gone, the ledger prevents that it is carried out twice. It is written as a
whole under the next number before the one of before is deleted, so a kill loses nothing.

An earlier version kept it as a ConfigMap in the Project's namespace, which users can write. It is
read until `carry_over` has copied it, and no longer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from setops.api import names
from setops.api.kinds import CONFIG_MAP, Key, Object, key_of
from setops.desired.record import data_of
from setops.kube.cluster import Cluster
from setops.reconcile import records

MAX_ENTRIES: Final = 4000
"""Most Changesets that are remembered."""

MAX_BYTES: Final = 1_000_000
"""Most bytes of all of them; the API server stores 1.5 MiB."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What a Changeset asked for, as the hash of its content, and the revision that it made."""

    content_hash: str
    revision: int


async def read(cluster: Cluster, stage: Object, before: int = 0) -> Mapping[str, LedgerEntry]:
    """The entries by the name of the Changeset; those that can't be read are left out.

    `before` is the first revision that an earlier version has left in the Project's namespace; 0 if
    there is none. The ConfigMap of that version counts only with it, and only for revisions before.
    """
    return await _read(cluster, stage, _kept(cluster, stage), before)


async def _read(
    cluster: Cluster, stage: Object, kept: Sequence[Object], before: int
) -> Mapping[str, LedgerEntry]:
    if not kept:
        return await _of_earlier_version(cluster, stage, before) if before else {}
    entries: dict[str, LedgerEntry] = {}
    for item in kept:
        found = await cluster.fetch(key_of(item))
        entries |= _entries(data_of(found or {}).get("entries"))
    return entries


async def add(
    cluster: Cluster, stage: Object, entries: Mapping[str, LedgerEntry], before: int = 0
) -> None:
    """Remember entries; nothing is written for those already there. `before` as in `read`.

    Raises as `records.make`.
    """
    kept = _kept(cluster, stage)
    known = await _read(cluster, stage, kept, before)
    merged = {**known, **entries}
    newest = sorted(merged.items(), key=lambda item: item[1].revision)[-MAX_ENTRIES:]
    data = _that_fit({name: _written(entry) for name, entry in newest})
    if data.keys() == known.keys() and all(merged[name] == known[name] for name in data):
        return
    await _write(cluster, stage, {name: merged[name] for name in data}, kept)


async def carry_over(cluster: Cluster, stage: Object, before: int) -> None:
    """Copy the ConfigMap of an earlier version, once, and delete it; `before` as in `read`."""
    if _kept(cluster, stage):
        return
    entries = await _of_earlier_version(cluster, stage, before)
    if not entries:
        return
    await _write(cluster, stage, entries, ())
    found = await cluster.fetch(_config_map(stage))
    if found is not None:
        await cluster.delete(_config_map(stage), uid=found["metadata"]["uid"])


async def _write(
    cluster: Cluster, stage: Object, entries: Mapping[str, LedgerEntry], read_: Sequence[Object]
) -> None:
    """Write the ledger anew, and delete the records of which `entries` holds all."""
    kept = _kept(cluster, stage)
    number = int(kept[-1]["revision"]) if kept else 0
    data = {"entries": {name: _fields(entry) for name, entry in entries.items()}}
    written = None
    while written is None:
        number += 1
        wanted = records.make(cluster, stage, names.ledger_name, number, data, {}, {})
        written = await records.write(cluster, wanted)
    await records.delete(cluster, read_)


def _kept(cluster: Cluster, stage: Object) -> Sequence[Object]:
    """The ledger. It is in two parts after a kill, or when two have written at the same time."""
    return records.kept(cluster, stage, names.ledger_name)


async def _of_earlier_version(
    cluster: Cluster, stage: Object, before: int
) -> Mapping[str, LedgerEntry]:
    """The entries of the ConfigMap, if the operator alone has written it.

    Whoever may write ConfigMaps may choose owner and field manager, too, so this is no proof; but
    there is nothing to gain by it once it has been carried over.
    """
    found = await cluster.fetch(_config_map(stage))
    if found is None or not _looks_like_ours(found, stage):
        return {}
    data = found.get("data") or {}
    entries = _entries({name: _parsed(str(text)) for name, text in data.items()})
    return {name: entry for name, entry in entries.items() if entry.revision < before}


def _looks_like_ours(found: Object, stage: Object) -> bool:
    metadata = found["metadata"]
    owners = [owner["uid"] for owner in metadata.get("ownerReferences") or ()]
    writers = {
        entry.get("manager")
        for entry in metadata.get("managedFields") or ()
        if "f:data" in (entry.get("fieldsV1") or {})
    }
    return owners == [stage["metadata"]["uid"]] and writers == {names.MANAGER}


def _config_map(stage: Object) -> Key:
    metadata = stage["metadata"]
    return Key(CONFIG_MAP, metadata["namespace"], f"{metadata['name']}-ledger")


def _entries(found: object) -> dict[str, LedgerEntry]:
    if not isinstance(found, dict):
        return {}
    read_ = {str(name): _entry(item) for name, item in found.items()}
    return {name: entry for name, entry in read_.items() if entry is not None}


def _entry(item: Any) -> LedgerEntry | None:
    try:
        entry = LedgerEntry(str(item["content"]), int(item["revision"]))
    except (ValueError, TypeError, LookupError):
        return None
    return entry if entry.revision > 0 else None


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _fields(entry: LedgerEntry) -> dict[str, object]:
    return {"content": entry.content_hash, "revision": entry.revision}


def _written(entry: LedgerEntry) -> str:
    return json.dumps(_fields(entry))


def _that_fit(data: Mapping[str, str]) -> dict[str, str]:
    """The last entries that one record holds; names may be long."""
    room = MAX_BYTES
    kept: list[tuple[str, str]] = []
    for name, text in reversed(list(data.items())):
        room -= len(name) + len(text)
        if room < 0:
            break
        kept.append((name, text))
    return dict(reversed(kept))
