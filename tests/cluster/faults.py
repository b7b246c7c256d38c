"""Many lives at once, each with a fault of its own at a request of its own.

A `Life` is a Project with all that belongs to it; its requests are told from others' by its name.
The rule of a proxy counts them, and lets one of them fail. For a kill everything that the life
asks for after that request is cut off, too, until the operator is killed: what the API server and
AWS hold is then what a kill at that very request would have left, and one kill of the process
serves all lives.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from sandbox.operator_process import NAMESPACE
from sandbox.proxy import Action, Call, Cut, Drop, Fail, Request
from setops.api.kinds import CORE_SERVICE, GROUP, ORGANIZATION, OURS, POD, kind_of
from setops.kube.watched import MADE_BY_OPERATOR
from tests.cluster.world import World

Object = dict[str, Any]

_NAME: Final = re.compile(r"\b(life[a-z]+[0-9]+)\b")
_NAME_AT_AWS: Final = re.compile(r"\b(setops-LIFE-[a-z-]+)-[a-z2-7]{12}\b")
"""Its hash differs from life to life."""


class Fault(Enum):
    """What becomes of a request."""

    KILL_BEFORE = "killed before it took effect"
    KILL_AFTER = "killed after it took effect"
    CONFLICT = "409"
    THROTTLED = "429"
    BROKEN = "500"
    LOST = "lost answer"
    TWICE = "sent twice"
    CANCEL = "its Changeset cancelled"

    @property
    def kills(self) -> bool:
        return self in KILLS


KILLS: Final = (Fault.KILL_BEFORE, Fault.KILL_AFTER)
ERRORS: Final = (Fault.CONFLICT, Fault.THROTTLED, Fault.BROKEN, Fault.LOST, Fault.TWICE)


@dataclass
class Life:
    """A Project, and the one request of it that fails: the `at`-th, 0 for none."""

    name: str
    fault: Fault | None = None
    at: int = 0
    requests: list[str] = field(default_factory=list)
    victim: Request | None = None
    frozen: bool = False

    @property
    def namespace(self) -> str:
        return f"{self.name}-live"

    @property
    def struck(self) -> bool:
        """Whether it has come to the request that fails."""
        return self.victim is not None

    def aim(self, fault: Fault | None, at: int) -> None:
        """The next chapter of the life: its requests are counted anew."""
        self.fault, self.at = fault, at
        self.requests.clear()
        self.victim = None
        self.frozen = False

    def __str__(self) -> str:
        if not self.struck or self.fault is None:
            return f"{self.name} without a fault"
        return f"{self.name}, {self.fault.value}: {self.at}. {self.requests[self.at - 1]}"


def is_counted_write(request: Request) -> bool:
    """Writes to the API server, without those of leadership, of Events and of Organizations.

    An Organization belongs to all lives, whatever its status says of one of them.
    """
    noise = ("/events", "/leases", "/organizations/")
    return request.is_write and not any(part in request.path for part in noise)


class Faults:
    """A rule for proxies: lives in, faults out.

    `counted` chooses the requests that are counted; others of a frozen life are cut if they may
    change something. `again` sends a request, `cancel` cancels what a life does at that moment.
    """

    def __init__(
        self,
        lives: Iterable[Life],
        counted: Callable[[Request], bool],
        again: Callable[[Request], None] | None = None,
        cancel: Callable[[Life], None] | None = None,
    ) -> None:
        self._lives: Mapping[str, Life] = {life.name: life for life in lives}
        self._counted = counted
        self._again = again
        self._cancel = cancel
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Action | None:
        life = self._lives.get(life_in(request))
        if life is None:
            return None
        with self._lock:
            if life.struck and life.fault in KILLS:
                return Cut() if request.is_write else None
            if not self._counted(request):
                return None
            life.requests.append(_told(request))
            if life.fault is None or len(life.requests) != life.at:
                return None
            life.victim = request
            return self._action(life, request)

    def _action(self, life: Life, request: Request) -> Action:
        def freeze() -> None:
            life.frozen = True

        match life.fault:
            case Fault.KILL_AFTER:
                return Drop(freeze)
            case Fault.CONFLICT:
                return Fail(409)
            case Fault.THROTTLED:
                return Fail(429, headers={"Retry-After": "1"})
            case Fault.BROKEN:
                return Fail(500)
            case Fault.LOST:
                return Drop()
            case Fault.TWICE if self._again is not None:
                again = self._again
                return Call(lambda: again(request))
            case Fault.CANCEL if self._cancel is not None:
                cancel = self._cancel
                return Call(lambda: cancel(life))
            case _:
                freeze()
                return Cut()


def life_in(request: Request) -> str:
    """The name of the life that a request is about, or nothing."""
    found = _NAME.search(f"{request.path}?{request.query}")
    # The body tells only where the path can't: of IAM's calls, and of new cluster-scoped objects.
    if found is None and request.method == "POST":
        found = _NAME.search(request.body.decode(errors="replace"))
    return found[1] if found else ""


def _told(request: Request) -> str:
    dry = " (dry run)" if "dryRun" in request.query else ""
    body = ""
    if "/" not in request.path.strip("/"):
        body = " ".join(re.findall(r"Action=(\w+)", request.body.decode(errors="replace")))
    return f"{request.method} {request.path} {body}{dry}".strip()


def restart(world: World) -> None:
    """Kill the operator where it stands, and start another one that need not wait for the Lease."""
    operator = world.operator
    operator.kill()
    operator.wait_exit()
    world.sandbox.kubectl("delete", "leases", "--all", "--namespace", NAMESPACE)
    operator.start()
    operator.wait_ready()


_KINDS: Final = ",".join(
    [f"{kind.plural}.{GROUP}" for kind in OURS if kind is not ORGANIZATION]
    + [kind.plural for kind in MADE_BY_OPERATOR if kind is not POD]
)

_UNSTABLE: Final = frozenset(
    {
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "generation",
        "observedGeneration",
        "selfLink",
        "clusterIP",
        "clusterIPs",
        "message",
        "since",
        "startedAt",
        "finishedAt",
        "lastTransitionTime",
        "annotations",
        "setops.co/changeset-uid",
        "contentHash",
        "targetHash",
        "arn",
        "waitingFor",
        "stepSince",
    }
)


def dump(world: World, names: Collection[str]) -> dict[str, dict[str, Any]]:
    """All objects of these lives, without what differs from run to run."""
    lives: dict[str, dict[str, Any]] = {name: {} for name in names}
    for obj in world.list(_KINDS):
        metadata = obj["metadata"]
        found = _NAME.search(f"{metadata.get('namespace', '')}/{metadata['name']}")
        if found is None or found[1] not in lives or _is_kubernetes_own(obj):
            continue
        name = found[1]
        kind = "CoreService" if kind_of(obj) is CORE_SERVICE else obj["kind"]
        key = f"{kind} {metadata.get('namespace', '')}/{metadata['name']}"
        lives[name][key.replace(name, "LIFE")] = _stable(obj, name)
    return lives


def _is_kubernetes_own(obj: Object) -> bool:
    return bool(obj["kind"] == "ServiceAccount" and obj["metadata"]["name"] == "default")


def _stable(obj: Object, name: str) -> Any:
    kept = dict(obj)
    if kind_of(obj) not in OURS:
        kept.pop("status", None)
    if obj["kind"] == "Secret":
        kept["data"] = sorted(obj.get("data", ()))
    text = json.dumps(_without(kept)).replace(name, "LIFE")
    return json.loads(_NAME_AT_AWS.sub(r"\1", text))


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key not in _UNSTABLE}
    if isinstance(value, list):
        return [_without(item) for item in value]
    return value


def difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Where two dumps of a life differ, in words."""
    lines = [f"missing: {key}" for key in expected if key not in found]
    lines += [f"left over: {key}" for key in found if key not in expected]
    for key in expected:
        if key in found:
            lines += [f"{key}{each}" for each in _paths(expected[key], found[key])]
    return "; ".join(lines)


def _paths(expected: Any, found: Any) -> Sequence[str]:
    if expected == found:
        return []
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            f".{key}{rest}"
            for key in sorted({*expected, *found})
            for rest in _paths(expected.get(key), found.get(key))
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            f"[{index}]{rest}"
            for index, pair in enumerate(zip(expected, found, strict=True))
            for rest in _paths(*pair)
        ]
    return [f": {expected!r} became {found!r}"]
