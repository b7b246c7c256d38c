"""Completion of names that only the cluster knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from setops.api.kinds import (
    APP,
    CONTROLLER_REVISION,
    NOTIFICATION,
    ORGANIZATION,
    PROJECT,
    SERVICE,
    STAGE,
    Kind,
    Object,
)
from setops.api.names import LABEL_STAGE, revision_name
from setops.cli.base.scope import LineScope
from setops.cli.base.session import Session
from setops.cli.shell.line import take_what_is_there
from setops.desired.record import data_of, is_record
from setops.language.command import Choice, Level, Type

_KINDS = {Type.APP: APP, Type.SERVICE: SERVICE, Type.NOTIFICATION: NOTIFICATION}


def of_level(before: Sequence[str], level: Level) -> Iterable[Choice]:
    """Candidates for a scope flag."""
    session = _session(before)
    match level:
        case Level.PROJECT:
            return _named(session.cluster.list(PROJECT))
        case Level.STAGE:
            return _named(session.cluster.list(STAGE, session.home(session.project())))
        case Level.APP:
            return _of_stage(session, APP)
        case Level.SERVICE:
            return _of_stage(session, SERVICE)
        case Level.DOMAIN:
            return [Choice(name) for name in _app(session)["spec"].get("domains") or {}]


def of_type(before: Sequence[str], type_: Type) -> Iterable[Choice]:
    """Candidates for a value of a type."""
    if type_ in _KINDS:
        return _of_stage(_session(before), _KINDS[type_])
    match type_:
        case Type.BOOLEAN:
            return (Choice("true"), Choice("false"))
        case Type.ENV_KEY | Type.ENV_PAIR:
            ending = "=" if type_ is Type.ENV_PAIR else ""
            env = _app(_session(before))["spec"].get("env") or {}
            return [
                Choice(f"{key}{ending}", str(one.get("description", "")))
                for key, one in sorted(env.items())
            ]
        case Type.DOMAIN:
            return [Choice(name) for name in _app(_session(before))["spec"].get("domains") or {}]
        case Type.RELEASE:
            releases = _app(_session(before))["spec"].get("releases") or {}
            return [
                Choice(number, releases[number]["image"])
                for number in sorted(releases, key=int, reverse=True)
            ]
        case Type.OPTION:
            return _options(_session(before))
        case Type.ORGANIZATION:
            return _named(_session(before).cluster.list(ORGANIZATION))
        case Type.REVISION:
            return _revisions(_session(before))
        case Type.CONTEXT:
            return _contexts()
        case _:
            return ()


def for_why(before: Sequence[str], values: Sequence[str]) -> Iterable[Choice]:
    """Candidates for `why app web`."""
    if not values:
        return (Choice("app"), Choice("service"))
    kind = {"app": APP, "service": SERVICE}.get(values[0])
    return _of_stage(_session(before), kind) if kind and len(values) == 1 else ()


def _contexts() -> Iterator[Choice]:
    from setops.kube import kubeconfig

    for name, context in kubeconfig.load().contexts.items():
        yield Choice(name, context.cluster)


def _revisions(session: Session) -> Iterator[Choice]:
    """The Stage's revisions, the newest first."""
    place = session.place()
    selector = f"{LABEL_STAGE}={place.stage}"
    found = session.cluster.list(CONTROLLER_REVISION, place.namespace, selector)
    own = [each for each in found if is_record(each, place.stage, revision_name)]
    for each in sorted(own, key=lambda one: int(one["revision"]), reverse=True):
        data = data_of(each)
        said = data.get("message") or data.get("user") or ""
        yield Choice(str(each["revision"]), str(said))


def _session(before: Sequence[str]) -> Session:
    line = take_what_is_there(before)
    return Session(LineScope(line.scope), line.context)


def _of_stage(session: Session, kind: Kind) -> Iterable[Choice]:
    return _named(session.cluster.list(kind, session.place().namespace))


def _app(session: Session) -> Object:
    return session.cluster.get(APP, session.place().namespace, session.app())


def _options(session: Session) -> Iterable[Choice]:
    from setops.api.catalogue import TYPES

    service = session.cluster.get(SERVICE, session.place().namespace, session.service())
    options = TYPES[service["spec"]["type"]].options
    return [Choice(option.name, option.description) for option in options]


def _named(found: Iterable[Object]) -> Iterator[Choice]:
    for each in found:
        spec = each.get("spec") or {}
        yield Choice(str(each["metadata"]["name"]), str(spec.get("type", "")))
