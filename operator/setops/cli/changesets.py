"""The user's Changeset on a Stage: finding it, and changing it so that two terminals lose nothing.

A user has one open Changeset per Stage, made at the first staged command.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from setops.api.changeset import Phase, phase_of
from setops.api.errors import Code, Validator
from setops.api.kinds import CHANGESET, Object
from setops.cli.naming import changeset_name, prefix
from setops.cli.problems import failure
from setops.cli.session import Session
from setops.kube.errors import AlreadyExists, ApiError, Conflict, Invalid, NotFound

Edit = Callable[[Object | None], dict[str, Any]]
"""Takes the open Changeset, or None for none, and gives the fields of its spec that change."""

KEPT: Final = 20
"""Changesets of a user that have ended and are kept on a Stage, for looking at."""
_TRIES: Final = 20
_PAUSE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Mine:
    """A user's Changesets on a Stage: the open one, the one whose commit runs, those that have
    ended (oldest first), and the names that are taken by anybody's."""

    open: Object | None
    running: Object | None
    finished: Sequence[Object]
    names: frozenset[str]


def mine(session: Session) -> Mine:
    """The user's Changesets on the Stage."""
    namespace, user = session.place().namespace, session.user
    everyone = session.cluster.list(CHANGESET, namespace)
    own = sorted(
        (each for each in everyone if each["spec"].get("user") == user),
        key=lambda each: (each["metadata"]["creationTimestamp"], each["metadata"]["name"]),
    )
    # One that was applied with kubectl and commits at once is no staging area.
    made_here = [
        each for each in own if each["metadata"]["name"].startswith(prefix(user, namespace))
    ]
    return Mine(
        open=next(filter(_is_open, own), None),
        running=next(filter(_is_running, made_here), None),
        finished=[each for each in made_here if phase_of(each).finished],
        names=frozenset(each["metadata"]["name"] for each in everyone),
    )


def nothing_staged(session: Session) -> NoReturn:
    """Say that there is no Changeset."""
    place = session.place()
    raise failure(
        Code.CHANGESET_DOES_NOT_EXIST,
        f"you have nothing staged on {place.project}/{place.stage}; stage a command first, as in: "
        "setops app:create web",
        Validator.NOT_FOUND,
    )


def edit(session: Session, change: Edit) -> Object:
    """Change the open Changeset, or make one; `change` is asked again when somebody came between.

    Raises ProblemsError with ChangesetLocked while the user's commit runs.
    """
    asked: Object | None = None
    spec: dict[str, Any] = {}
    for attempt in range(_TRIES):
        found = mine(session)
        if found.open is None and found.running is not None:
            _locked(found.running)
        # The operator writes the status of an open one at any time; that changes nothing here.
        if asked is None or found.open is None or found.open["spec"] != asked["spec"]:
            spec, asked = change(found.open), found.open
        try:
            if found.open is None:
                made = session.cluster.create(_made(session, found, spec))
                _tidy_up(session, found.finished)
                return made
            return write(session, found.open, spec)
        except (AlreadyExists, Conflict, NotFound):
            time.sleep(_PAUSE * (attempt + 1))
        except Invalid as error:
            if Code.CHANGESET_LOCKED.value in error.message and found.open is not None:
                _locked(found.open)
            raise
    raise failure(
        Code.CHANGESET_LOCKED,
        "your Changeset is being changed all the time by somebody else who works as you; try again",
    )


def begin(session: Session, spec: Mapping[str, Any], why_not: str = "") -> Object:
    """Stage a whole content where nothing is staged yet; `why_not` says what else would happen.

    Raises ProblemsError as `edit` does, and where something is staged.
    """

    def change(changeset: Object | None) -> dict[str, Any]:
        if changeset is not None:
            raise failure(
                Code.CHANGESET_INVALID,
                f"you have something staged already{why_not}; commit it or discard it first: "
                "setops changeset:info",
            )
        return dict(spec)

    return edit(session, change)


def write(session: Session, changeset: Object, spec: dict[str, Any]) -> Object:
    """Change fields of a Changeset's spec. Raises Conflict when it isn't the newest any more."""
    metadata = changeset["metadata"]
    patch = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "spec": spec}
    return session.cluster.patch(CHANGESET, metadata["namespace"], metadata["name"], patch)


def set_flag(session: Session, changeset: Object, spec: dict[str, Any]) -> Object:
    """The same for what doesn't depend on the status, which the operator writes at any time.

    Raises ProblemsError with ChangesetInvalid when the content has changed meanwhile.
    """
    metadata = changeset["metadata"]
    for attempt in range(_TRIES):
        try:
            return write(session, changeset, spec)
        except Conflict:
            time.sleep(_PAUSE * (attempt + 1))
            fresh = session.cluster.get(CHANGESET, metadata["namespace"], metadata["name"])
            if fresh["spec"] != changeset["spec"] or fresh["metadata"]["uid"] != metadata["uid"]:
                raise failure(
                    Code.CHANGESET_INVALID,
                    "your Changeset was changed in another terminal at the same moment; look at it "
                    "again: setops changeset:info",
                ) from None
            changeset = fresh
    raise failure(Code.OVERLOAD, "the Changeset is being written all the time; try again")


def commands_of(changeset: Object | None) -> Sequence[str]:
    """The staged lines."""
    return list((changeset or {}).get("spec", {}).get("commands") or ())


def _tidy_up(session: Session, finished: Sequence[Object]) -> None:
    """Delete the oldest of the user's Changesets that have ended: what they did is in revisions."""
    for each in finished[:-KEPT]:
        metadata = each["metadata"]
        with contextlib.suppress(ApiError):
            session.cluster.delete(CHANGESET, metadata["namespace"], metadata["name"])


def _is_open(changeset: Object) -> bool:
    spec = changeset["spec"]
    asked = spec.get("commit") or spec.get("discard") or spec.get("dryRun")
    going = "deletionTimestamp" in changeset["metadata"]
    return phase_of(changeset) is Phase.OPEN and not asked and not going


def _is_running(changeset: Object) -> bool:
    spec, phase = changeset["spec"], phase_of(changeset)
    asked = spec.get("commit") and not spec.get("discard")
    return phase.running or (phase is Phase.OPEN and bool(asked))


def _locked(changeset: Object) -> NoReturn:
    raise failure(
        Code.CHANGESET_LOCKED,
        f"your Changeset {changeset['metadata']['name']!r} is being committed; wait for its end "
        "(setops changeset:info), or cancel it (setops changeset:discard)",
    )


def _made(session: Session, found: Mine, spec: dict[str, Any]) -> Object:
    place = session.place()
    name = changeset_name(session.user, place.namespace, place.revision, set(found.names))
    return {
        "apiVersion": CHANGESET.api_version,
        "kind": CHANGESET.kind,
        "metadata": {"name": name, "namespace": place.namespace},
        "spec": {"user": session.user, **spec},
    }
