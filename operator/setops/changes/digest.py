"""Hashes that are equal if two contents are: sha256 in hex over canonical JSON."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition


def definition_hash(definition: StageDefinition) -> str:
    """The same for equal definitions, whatever the order of their maps."""
    return _sha256(definition.to_json())


def content_hash(spec: ChangesetSpec) -> str:
    """The same for Changesets that ask for the same change.

    User, message and flags such as `commit` don't count.
    """
    content = {
        "commands": spec.commands or [],
        "definition": spec.definition,
        "prune": spec.prune,
        # Only where it is set, so that Changesets of an earlier version keep their hash.
        **({"keepImages": True} if spec.keep_images else {}),
    }
    return _sha256(content)


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
