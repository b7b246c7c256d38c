"""Names, labels and owners of child objects.

These are the labels of every object of a Stage. Those of an App's pods are in `pod.pod_labels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from setops.api import names
from setops.api.kinds import Kind, Object


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that owns a child, so that the child is deleted with it."""

    kind: Kind
    name: str
    uid: str

    @classmethod
    def of(cls, kind: Kind, obj: Object) -> Owner:
        """A live object as an owner."""
        return cls(kind, obj["metadata"]["name"], obj["metadata"]["uid"])

    def reference(self) -> Object:
        """The controller reference that makes the garbage collector follow the owner."""
        return {
            "apiVersion": self.kind.api_version,
            "kind": self.kind.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
        }


@dataclass(frozen=True, slots=True)
class StageNames:
    """What a Stage is called: its Project, its own name and its namespace."""

    project: str
    stage: str
    namespace: str

    def labels(self) -> dict[str, str]:
        """Labels of every object of the Stage."""
        return {
            names.LABEL_MANAGED_BY: names.MANAGER,
            names.LABEL_PART_OF: self.project,
            names.LABEL_PROJECT: self.project,
            names.LABEL_STAGE: self.stage,
        }


def manifest(
    kind: Kind,
    name: str,
    stage: StageNames,
    owner: Owner,
    labels: Mapping[str, str],
    **content: object,
) -> Object:
    """A namespaced child object with its labels and its one owner."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": name,
            "namespace": stage.namespace,
            "labels": {**stage.labels(), **labels},
            "ownerReferences": [owner.reference()],
        },
        **content,
    }
