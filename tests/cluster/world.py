"""What tests of the whole do: apply manifests, wait for conditions, look at what came of it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from sandbox import Sandbox
from sandbox.api import ApiError
from sandbox.operator_process import Operator
from setops.api import kinds
from setops.api.crds import SOURCES
from setops.api.kinds import Kind
from setops.kube.watched import MADE_BY_OPERATOR

Object = dict[str, Any]

API: Final = "setops.co/v1alpha1"
PATIENCE: Final = 120.0
"""Seconds after which something that should come soon counts as not coming."""

_numbers = itertools.count(1)

_BY_NAME: Final = {
    **{kind.plural: kind for kind in MADE_BY_OPERATOR},
    **{kind.kind.lower(): kind for kind in MADE_BY_OPERATOR},
    **{f"{kind.plural}.{kinds.GROUP}": kind for kind in kinds.OURS},
    **{f"{kind.kind.lower()}.{kinds.GROUP}": kind for kind in kinds.OURS},
    **{one.short: one.kind for one in SOURCES},
    "pdb": kinds.POD_DISRUPTION_BUDGET,
}


def _kinds(what: str) -> list[Kind]:
    """The kinds that kubectl means by a name, or by several with commas between."""
    if what == "setops":
        return list(kinds.OURS)
    return [_BY_NAME[name] for name in what.split(",")]


class World:
    """A control plane and the operator in it."""

    def __init__(self, sandbox: Sandbox, operator: Operator) -> None:
        self.sandbox = sandbox
        self.operator = operator
        # Polled often: a kubectl process for each look would take most of the machine.
        self._api = sandbox.api()

    def apply(self, *manifests: Object) -> None:
        """Apply manifests with kubectl; raises CommandError with what kubectl complains."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.sandbox.kubectl("apply", "-f", "-", input=json.dumps(listed))

    def refusal(self, manifest: Object) -> str:
        """What kubectl says on standard error when it can't apply a manifest."""
        result = self.sandbox.kubectl("apply", "-f", "-", input=json.dumps(manifest), check=False)
        assert result.returncode != 0, result.stdout
        return result.stderr.strip()

    def get(self, what: str, name: str, namespace: str = "") -> Object | None:
        """An object, or None. `what` as kubectl takes it: `sapp`, `deployment`."""
        kind = _kinds(what)[0]
        try:
            found: Object = self._api.request("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    def list(self, what: str, namespace: str = "", selector: str = "") -> Sequence[Object]:
        """All objects of some kinds (`sapp,ssvc`), in one namespace or in all."""
        query = f"?labelSelector={quote(selector)}" if selector else ""
        found: list[Object] = []
        for kind in _kinds(what):
            listing = self._api.request("GET", kind.path(namespace) + query)
            found += [
                {"apiVersion": kind.api_version, "kind": kind.kind, **item}
                for item in listing["items"]
            ]
        return found

    def wait(self, what: str, name: str, namespace: str = "", condition: str = "Ready") -> Object:
        """Wait until a condition is True for the newest generation, as `kubectl wait` does."""
        self.until(
            lambda: self.holds(what, name, namespace, condition), f"{what}/{name} {condition}"
        )
        found = self.get(what, name, namespace)
        assert found is not None
        return found

    def holds(self, what: str, name: str, namespace: str, condition: str) -> bool:
        """Whether a condition is True for the newest generation."""
        return any(
            item["type"] == condition and item["status"] == "True"
            for item in self.conditions(what, name, namespace)
        )

    def says(self, what: str, name: str, namespace: str, condition: str, reason: str) -> str:
        """Wait until a condition holds for a reason, for the newest generation; its message.

        `condition` is a type; with `!` before it, the condition is to be False.
        """
        wanted = (condition.removeprefix("!"), "False" if condition[0] == "!" else "True", reason)
        said: list[Object] = []

        def comes() -> bool:
            said[:] = [
                item
                for item in self.conditions(what, name, namespace)
                if (item["type"], item["status"], item["reason"]) == wanted
            ]
            return bool(said)

        self.until(comes, f"{what}/{name} {condition} with reason {reason}")
        return str(said[0]["message"])

    def conditions(self, what: str, name: str, namespace: str = "") -> Sequence[Object]:
        """The conditions of an object that were observed for its newest generation."""
        found = self.get(what, name, namespace)
        if found is None:
            return ()
        generation = found["metadata"]["generation"]
        all_of_them = found.get("status", {}).get("conditions", ())
        return [item for item in all_of_them if item["observedGeneration"] == generation]

    def gone(self, what: str, name: str, namespace: str = "") -> None:
        """Wait until an object is gone."""
        self.until(lambda: self.get(what, name, namespace) is None, f"the end of {what}/{name}")

    def delete(self, what: str, *names: str, namespace: str = "") -> None:
        """Ask for the deletion of objects, and don't wait for it."""
        place = ("-n", namespace) if namespace else ()
        self.sandbox.kubectl("delete", what, *names, *place, "--wait=false")

    def delete_all(self, objects: Iterable[Object]) -> None:
        """Ask for the deletion of all these in one command, and don't wait for it."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        # Some may be gone with others before kubectl comes to them.
        options = ("--wait=false", "--ignore-not-found")
        self.sandbox.kubectl("delete", *options, "-f", "-", input=json.dumps(listed))

    def patch(self, what: str, name: str, namespace: str, patch: Object) -> None:
        """Merge a patch into an object, as somebody does who edits it by hand."""
        place = ("-n", namespace) if namespace else ()
        self.sandbox.kubectl(
            "patch", what, name, *place, "--type=merge", "--patch", json.dumps(patch)
        )

    def until(self, holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Wait until something holds; fails the test with `what` and the operator's last words."""
        deadline = time.monotonic() + patience
        while not holds():
            if time.monotonic() > deadline:
                last = "\n".join(self.operator.log.splitlines()[-20:])
                raise AssertionError(f"never came: {what}\n{last}")
            time.sleep(0.1)

    def stage(self, project: str = "") -> str:
        """A new Project with Stage `production`, both ready; the Stage's namespace."""
        project = project or f"project{next(_numbers)}"
        self.apply(organization(), manifest("Project", project, {"organization": "acme"}))
        self.wait("project.setops.co", project)
        self.apply(manifest("Stage", "production", {}, project))
        self.wait("sstage", "production", project)
        return f"{project}-production"

    def commit(self, namespace: str, *commands: str, name: str = "", **spec: Any) -> Object:
        """Commit a Changeset and wait until it has ended, well or badly."""
        name = name or f"change{next(_numbers)}"
        self.apply(changeset(namespace, name, *commands, **spec))
        self.until(lambda: self.phase(namespace, name) in ENDED, f"end of Changeset {name}")
        found = self.get("scs", name, namespace)
        assert found is not None
        return found

    def held(self, namespace: str) -> Object:
        """What a Stage tells of the Changeset that holds it; empty when none does.

        It tells a moment after the Changeset does: both of a commit's progress and of its end.
        """
        project, _, name = namespace.rpartition("-")
        stage = self.get("sstage", name, project)
        assert stage is not None, namespace
        return dict(stage.get("status", {}).get("currentChangeset") or {})

    def lock_is_freed(self, namespace: str) -> None:
        """Wait until no Changeset holds a Stage."""
        self.until(lambda: not self.held(namespace), f"the free lock of {namespace}")

    def phase(self, namespace: str, name: str) -> str:
        """The phase of a Changeset; empty while it has none."""
        found = self.get("scs", name, namespace)
        return str((found or {}).get("status", {}).get("phase", ""))


ENDED: Final = ("Committed", "Failed", "Discarded")


def manifest(kind: str, name: str, spec: Mapping[str, Any], namespace: str = "") -> Object:
    """A manifest of one of our kinds."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def organization(name: str = "acme", **spec: Any) -> Object:
    """An Organization in the emulator's account."""
    aws = {"accountId": "000000000000", "region": "eu-central-1"}
    return manifest(
        "Organization",
        name,
        {
            "aws": aws,
            "domain": "acme.example.com",
            "registry": "registry.example.com/apps",
            **spec,
        },
    )


def changeset(namespace: str, name: str, *commands: str, **spec: Any) -> Object:
    """A Changeset that is to be committed."""
    return manifest(
        "Changeset", name, {"commit": True, "commands": list(commands), **spec}, namespace
    )
