"""No data is deleted at AWS without a word: a rule that looks at every deletion as it passes.

A database goes with a final snapshot. Else, and for a bucket and what is in it, the Service has
the deletion policy Delete at that moment, or the commit that has made it is being rolled back.
Where there is no operator, the Target that the verbs are given has that policy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs

from sandbox.api import Api, ApiError
from sandbox.proxy import Action, Request, Rule
from setops.api.kinds import SERVICE
from tests.cluster.world import Object

_OPERATOR: Final = "setops"
"""In the user agent of the operator's calls; tests delete what they like."""


@dataclass
class Witness:
    """The rule. What it has seen passes on to a further one, `then`.

    `explained` tells whether the data of a bucket or an instance may go at that moment.
    """

    explained: Callable[[str], bool]
    then: Rule | None = None
    seen: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Action | None:
        name = loses_data(request)
        if name and _OPERATOR in request.headers.get("user-agent", "").split():
            self.seen.append(name)
            if not self.explained(name):
                self.unexplained.append(f"{request.method} {request.path} of {name}")
        return None if self.then is None else self.then(request)


def by_services(api: Api) -> Callable[[str], bool]:
    """Whether a Service of the control plane explains that its data goes."""

    def explained(name: str) -> bool:
        try:
            found = api.request("GET", SERVICE.path())["items"]
        except ApiError as error:
            if error.status == 404:
                return False  # not even the kind is there
            raise
        # One, unless it is deleted twice.
        return any(is_explicit(each) for each in found if name in _names(each))

    return explained


def loses_data(request: Request) -> str:
    """The name of the bucket or instance of which data is deleted without a copy, or nothing."""
    bucket, _, key = request.path.strip("/").partition("/")
    if bucket:
        empties = request.method == "POST" and "delete" in request.query.split("&")
        deletes = request.method == "DELETE" and (bool(key) or not request.query)
        return bucket if empties or deletes else ""
    form = parse_qs(request.body.decode(errors="replace"))
    if form.get("Action") != ["DeleteDBInstance"] or "FinalDBSnapshotIdentifier" in form:
        return ""
    return form["DBInstanceIdentifier"][0]


def is_explicit(service: Object) -> bool:
    """Whether a Service's data may go for good."""
    status = service.get("status") or {}
    taken_back = "rolledBack" in status and not status.get("adopted")
    return bool(service["spec"].get("deletionPolicy") == "Delete" or taken_back)


def _names(service: Object) -> Collection[str]:
    """What a Service has at AWS, as its status tells."""
    ids: dict[str, str] = (service.get("status") or {}).get("ids") or {}
    return ids.values()
