"""`why`: the first thing that blocks, from the Stage down to a pod or to AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from setops.api.errors import Code, Validator
from setops.api.kinds import APP, CHANGESET, DEPLOYMENT, SERVICE, Object
from setops.api.names import ANNOTATION_PAUSED
from setops.cli import output
from setops.cli.call import Call
from setops.cli.problems import failure
from setops.cli.read.common import age, named, pods_of, ready
from setops.cli.session import Session
from setops.cli.terminal import block, echo

_ADVICE: Final = {
    "AppHasNoActiveRelease": "create a release and activate it: release:create, release:activate",
    "WaitingForService": "wait for the Service, or see what holds it: setops why service NAME",
    "RolloutFailed": "look at the image and the command; go back with: setops changeset:revert",
    "QuotaExceeded": "lower scale, cpu or memory, or have the Stage's quota raised",
    "AwsRefused": "AWS refuses for good; the code says why, and whoever runs the account can help",
    "AwsResourceTaken": "choose another name, or have the resource at AWS removed",
    "CurrentlyNotSupported": "this version can't do it; take it back",
    "ServiceLinked": "unlink it first: link:destroy",
    "ChangesetInvalid": "correct the commands: setops changeset:info",
    "ChangesetLocked": "commit or discard your older Changeset first",
    "Paused": "take the annotation setops.co/paused away",
}
_WAITING: Final = frozenset({"ContainerCreating", "PodInitializing", ""})


@dataclass(frozen=True, slots=True)
class Blocker:
    """What is in the way. `again` tells whether it is tried again by itself."""

    what: str
    code: str
    since: str
    message: str
    again: bool
    advice: str = ""


def why(call: Call) -> int:
    """Tell the first blocker."""
    found = next(_of(call), None)
    if call.format != "table":
        output.write(call.format, _raw(found))
        return 0
    if found is None:
        echo("Nothing blocks: all is as it should be.")
        return 0
    rows: list[tuple[str, object]] = [
        ("Blocked", found.what),
        ("Why", found.message),
        ("Code", found.code),
        ("Since", age(found.since)),
        ("Again", "by itself, as soon as it can" if found.again else "not before it is changed"),
        ("To do", found.advice or _ADVICE.get(found.code, "")),
    ]
    echo(block((name, value) for name, value in rows if value))
    return 0


def _raw(found: Blocker | None) -> Object:
    if found is None:
        return {"name": "", "blocked": False}
    return {
        "name": found.what,
        "blocked": True,
        "code": found.code,
        "since": found.since,
        "message": found.message,
        "triedAgain": found.again,
    }


def _of(call: Call) -> Iterator[Blocker]:
    session = call.session
    match call.arguments:
        case ():
            return _stage(session)
        case ("app", name):
            return _app(session, named(session, APP, name))
        case ("service", name):
            return _service(named(session, SERVICE, name))
    raise failure(
        Code.VALIDATION_FAILED,
        "write app or service and a name, or nothing for the whole Stage: setops why app web",
        Validator.NOT_INCLUDED,
        "WHAT",
    )


def _stage(session: Session) -> Iterator[Blocker]:
    place = session.place()
    yield from _condition(place.resource, f"Stage {place.stage}")
    for changeset in session.cluster.list(CHANGESET, place.namespace):
        phase = (changeset.get("status") or {}).get("phase", "Open")
        asked = changeset["spec"].get("commit") and phase in ("Open", "Queued", "Applying")
        if asked or phase == "RollingBack":
            yield from _condition(changeset, f"Changeset {changeset['metadata']['name']}")
    for service in session.cluster.list(SERVICE, place.namespace):
        yield from _service(service)
    for app in session.cluster.list(APP, place.namespace):
        yield from _app(session, app)


def _service(service: Object) -> Iterator[Blocker]:
    yield from _condition(service, f"Service {service['metadata']['name']}")


def _app(session: Session, app: Object) -> Iterator[Blocker]:
    name, namespace = app["metadata"]["name"], app["metadata"]["namespace"]
    said = ready(app)
    if said["status"] != "True":
        for service in sorted(app["spec"].get("links") or {}):
            linked = session.cluster.find(SERVICE, namespace, service)
            if linked is None:
                message = f"App {name} links Service {service}, which doesn't exist"
                yield Blocker(f"App {name}", "ServiceDoesNotExist", "", message, again=True)
            else:
                yield from _service(linked)
        for pod in pods_of(session, app):
            yield from _pod(pod, name)
        deployment = session.cluster.find(DEPLOYMENT, namespace, name)
        for condition in ((deployment or {}).get("status") or {}).get("conditions") or ():
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                yield Blocker(
                    f"App {name}",
                    str(condition["reason"]),
                    str(condition.get("lastTransitionTime", "")),
                    str(condition.get("message", "")),
                    again=True,
                )
    elif said["reason"] == "AppHasNoActiveRelease":
        since = str(said.get("lastTransitionTime", ""))
        code, message = str(said["reason"]), str(said["message"])
        yield Blocker(f"App {name}", code, since, message, again=False)
    yield from _condition(app, f"App {name}")


def _pod(pod: Object, app: str) -> Iterator[Blocker]:
    status: dict[str, Any] = pod.get("status") or {}
    what = f"App {app}, container {pod['metadata']['name'].rpartition('-')[2]}"
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            code, since = str(condition.get("reason", "")), condition.get("lastTransitionTime", "")
            advice = "there is no room in the cluster: wait for a node, or ask for less"
            message = str(condition.get("message", ""))
            yield Blocker(what, code, str(since), message, again=True, advice=advice)
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = str(waiting.get("reason", ""))
        if reason not in _WAITING:
            message = str(waiting.get("message") or _last(container) or reason)
            since = str(status.get("startTime", ""))
            yield Blocker(
                what, reason, since, message, again=True, advice=_container_advice(reason)
            )


def _last(container: Object) -> str:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    return f"it ended with exit code {ended['exitCode']}" if "exitCode" in ended else ""


def _container_advice(reason: str) -> str:
    if "Image" in reason:
        return "push the image, or activate another release: release:activate"
    return "see what it says when it starts, and its command: setops container"


def _condition(obj: Object, what: str) -> Iterator[Blocker]:
    """What the operator says of it, unless it is ready."""
    said = ready(obj)
    if said["status"] == "True":
        return
    if ANNOTATION_PAUSED in (obj["metadata"].get("annotations") or {}):
        yield Blocker(what, "Paused", "", "it is paused", again=False)
    conditions = (obj.get("status") or {}).get("conditions") or ()
    stalled = any(each["type"] == "Stalled" and each["status"] == "True" for each in conditions)
    since, code = str(said.get("lastTransitionTime", "")), str(said["reason"])
    yield Blocker(what, code, since, str(said["message"]), again=not stalled)
