"""Everything that blocks a Stage, from its own conditions down to a pod or to AWS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from setops.api.changeset import Phase, phase_of
from setops.api.conditions import ConditionType, Reason, find
from setops.api.errors import Code, Validator
from setops.api.kinds import APP, CHANGESET, DEPLOYMENT, SERVICE, Object
from setops.api.names import ANNOTATION_PAUSED
from setops.api.pod_trouble import failing_containers, unscheduled
from setops.cli.base.problems import failure
from setops.cli.base.session import Session
from setops.cli.base.view import named, pods_of, ready
from setops.cli.why import advice


@dataclass(frozen=True, slots=True)
class Blocker:
    """What is in the way. `again` tells whether the operator tries again by itself; `advice` says
    what a user can do, if anything."""

    what: str
    code: str
    since: str
    message: str
    again: bool
    advice: str


def blockers(session: Session, words: Sequence[str]) -> Iterator[Blocker]:
    """Everything that blocks the Stage, or the App or Service that words name.

    A cause comes before what waits for it: of the Stage, a commit comes after the App or Service
    that it waits for.

    Raises ProblemsError for other words.
    """
    match words:
        case []:
            return _of_stage(session)
        case ["app", name]:
            return _of_app(session, named(session, APP, name))
        case ["service", name]:
            return _of_service(named(session, SERVICE, name))
    raise failure(
        Code.VALIDATION_FAILED,
        "write app or service and a name, or nothing for the whole Stage: setops why app web",
        Validator.NOT_INCLUDED,
        "WHAT",
    )


def _of_stage(session: Session) -> Iterator[Blocker]:
    place = session.place()
    yield from _not_ready(place.resource, f"Stage {place.stage}")
    for service in session.cluster.list(SERVICE, place.namespace):
        yield from _of_service(service)
    for app in session.cluster.list(APP, place.namespace):
        yield from _of_app(session, app)
    for changeset in session.cluster.list(CHANGESET, place.namespace):
        if _is_committing(changeset):
            yield from _not_ready(changeset, f"Changeset {changeset['metadata']['name']}")


def _is_committing(changeset: Object) -> bool:
    phase = phase_of(changeset)
    asked = changeset["spec"].get("commit") and phase in (
        Phase.OPEN,
        Phase.QUEUED,
        Phase.APPLYING,
    )
    return bool(asked) or phase is Phase.ROLLING_BACK


def _of_service(service: Object) -> Iterator[Blocker]:
    yield from _not_ready(service, f"Service {service['metadata']['name']}")


def _of_app(session: Session, app: Object) -> Iterator[Blocker]:
    what = f"App {app['metadata']['name']}"
    said = ready(app)
    if said["status"] != "True":
        yield from _of_links(session, app, what)
        yield from _of_children(session, app, what)
    elif said["reason"] == Reason.APP_HAS_NO_ACTIVE_RELEASE:
        # Such an App is ready, since it runs what was asked for, which is nothing.
        since = str(said.get("lastTransitionTime", ""))
        yield _blocker(what, str(said["reason"]), since, str(said["message"]), again=False)
    yield from _not_ready(app, what)


def _of_links(session: Session, app: Object, what: str) -> Iterator[Blocker]:
    for name in sorted(app["spec"].get("links") or {}):
        linked = session.cluster.find(SERVICE, app["metadata"]["namespace"], name)
        if linked is None:
            message = f"{what} links Service {name}, which doesn't exist"
            yield _blocker(what, Code.SERVICE_DOES_NOT_EXIST, "", message, again=True)
        else:
            yield from _of_service(linked)


def _of_children(session: Session, app: Object, what: str) -> Iterator[Blocker]:
    name, namespace = app["metadata"]["name"], app["metadata"]["namespace"]
    for pod in pods_of(session, app):
        yield from _of_pod(pod, what)
    deployment = session.cluster.find(DEPLOYMENT, namespace, name)
    for condition in ((deployment or {}).get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            since = str(condition.get("lastTransitionTime", ""))
            message = str(condition.get("message", ""))
            yield _blocker(what, str(condition["reason"]), since, message, again=True)


def _of_pod(pod: Object, what: str) -> Iterator[Blocker]:
    where = f"{what}, container {pod['metadata']['name'].rpartition('-')[2]}"
    waiting = unscheduled(pod)
    if waiting is not None:
        code, since, message = waiting.reason, waiting.since, waiting.message
        yield Blocker(where, code, since, message, again=True, advice=advice.NO_ROOM)
    for failing in failing_containers(pod):
        code, since, message = failing.reason, failing.since, failing.message or failing.reason
        help_ = advice.for_container(code)
        yield Blocker(where, code, since, message, again=True, advice=help_)


def _not_ready(obj: Object, what: str) -> Iterator[Blocker]:
    """What the operator says of an object that isn't ready."""
    said = ready(obj)
    if said["status"] == "True":
        return
    if ANNOTATION_PAUSED in (obj["metadata"].get("annotations") or {}):
        yield _blocker(what, Reason.PAUSED, "", "it is paused", again=False)
    stalled = find(obj.get("status"), ConditionType.STALLED)
    again = stalled is None or stalled["status"] != "True"
    since, code = str(said.get("lastTransitionTime", "")), str(said["reason"])
    yield _blocker(what, code, since, str(said["message"]), again=again)


def _blocker(what: str, code: str, since: str, message: str, *, again: bool) -> Blocker:
    return Blocker(what, str(code), since, message, again, advice.for_reason(code))
