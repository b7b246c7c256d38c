"""The ledger of a Stage: which Changeset made which of the revisions that are no longer kept.

It is one ConfigMap in the Project's namespace, owned by the Stage. If Git applies a Changeset again
long after its revision is gone, the ledger prevents that it is carried out twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from setops.api import names
from setops.api.kinds import CONFIG_MAP, STAGE, Key, Object
from setops.desired.metadata import Owner
from setops.kube.cluster import Cluster

MAX_ENTRIES: Final = 4000
"""Most Changesets that are remembered."""

MAX_BYTES: Final = 1_000_000
"""Most bytes of all of them; a ConfigMap holds 1 MiB."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What a Changeset asked for, as the hash of its content, and the revision that it made."""

    content_hash: str
    revision: int


async def read(cluster: Cluster, stage: Object) -> Mapping[str, LedgerEntry]:
    """The entries by the name of the Changeset."""
    return _entries(await cluster.fetch(_key(stage)))


async def add(cluster: Cluster, stage: Object, entries: Mapping[str, LedgerEntry]) -> None:
    """Remember entries; nothing is written for those already there. Raises Conflict."""
    found = await cluster.fetch(_key(stage))
    known = _entries(found)
    merged = {**known, **entries}
    newest = sorted(merged.items(), key=lambda item: item[1].revision)[-MAX_ENTRIES:]
    data = _that_fit({name: _written(entry) for name, entry in newest})
    if data.keys() == known.keys() and all(merged[name] == known[name] for name in data):
        return
    if found is None:
        await cluster.create(_made(stage, data))
    else:
        await cluster.replace({**found, "data": data})


def _key(stage: Object) -> Key:
    metadata = stage["metadata"]
    return Key(CONFIG_MAP, metadata["namespace"], f"{metadata['name']}-ledger")


def _entries(found: Object | None) -> dict[str, LedgerEntry]:
    """The entries that can be read. Others aren't ours, so no commit fails because of them."""
    data = (found or {}).get("data") or {}
    read = {name: _entry(str(text)) for name, text in data.items()}
    return {name: entry for name, entry in read.items() if entry is not None}


def _entry(text: str) -> LedgerEntry | None:
    try:
        item = json.loads(text)
        return LedgerEntry(str(item["content"]), int(item["revision"]))
    except (ValueError, TypeError, KeyError):
        return None


def _written(entry: LedgerEntry) -> str:
    return json.dumps({"content": entry.content_hash, "revision": entry.revision})


def _that_fit(data: Mapping[str, str]) -> dict[str, str]:
    """The last entries that one ConfigMap holds; names may be long."""
    room = MAX_BYTES
    kept: list[tuple[str, str]] = []
    for name, text in reversed(list(data.items())):
        room -= len(name) + len(text)
        if room < 0:
            break
        kept.append((name, text))
    return dict(reversed(kept))


def _made(stage: Object, data: Mapping[str, str]) -> Object:
    key, metadata = _key(stage), stage["metadata"]
    return {
        "apiVersion": key.kind.api_version,
        "kind": key.kind.kind,
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "labels": {names.LABEL_MANAGED_BY: names.MANAGER, names.LABEL_STAGE: metadata["name"]},
            "ownerReferences": [Owner.of(STAGE, stage).reference()],
        },
        "data": data,
    }
