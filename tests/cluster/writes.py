"""What the operator writes of a Stage's definition, as a proxy before the API server saw it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.proxy import Request
from setops.api.section import SECTIONS

_KINDS: Final = {section.kind.plural: section.kind.kind for section in SECTIONS}
_ENTRY: Final = re.compile(
    rf"/apis/setops\.co/v1alpha1/namespaces/([^/]+)/({'|'.join(_KINDS)})(?:/([^/]+))?"
)
_METHODS: Final = {
    "create": ("POST",),
    "update": ("PUT",),
    "replace": ("DELETE", "POST"),
    "destroy": ("DELETE",),
}


@dataclass(frozen=True)
class Write:
    """A write of the spec of an App, a Service or a Notification; `spec` is what was sent."""

    namespace: str
    method: str
    kind: str
    name: str
    spec: Mapping[str, Any] | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.method} {self.kind} {self.name}"


def is_dry_run(request: Request) -> bool:
    """Whether nothing is to come of it; the options of a DELETE are its body."""
    return "dryRun" in request.query or (request.method == "DELETE" and b'"dryRun"' in request.body)


def spec_write(request: Request) -> Write | None:
    """The request as a write of a spec, be it refused; None for all others.

    Statuses are no specs, neither are finalizers.
    """
    found = _ENTRY.fullmatch(request.path)
    if found is None or not request.is_write or is_dry_run(request):
        return None
    body = json.loads(request.body) if request.body else {}
    if request.method == "PATCH" and "spec" not in body:
        return None
    namespace, plural, name = found.groups()
    return Write(
        namespace,
        request.method,
        _KINDS[plural],
        name or body["metadata"]["name"],
        body.get("spec"),
    )


def writes_of(namespace: str, changes: Iterable[tuple[str, str, str]]) -> Sequence[Write]:
    """The writes that changes stand for, each by action, kind and name, in their order."""
    return [
        Write(namespace, method, kind, name)
        for action, kind, name in changes
        for method in _METHODS[action]
    ]
