"""The user's Changeset on a Stage: finding it and editing it, safely from several terminals.

A user has one open Changeset per Stage. The first staged command creates it.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from setops.api.changeset import Phase, phase_of
from setops.api.errors import Code, Validator
from setops.api.kinds import CHANGESET, Object
from setops.cli.base.problems import failure
from setops.cli.base.session import Session
from setops.cli.changeset.naming import changeset_name, prefix
from setops.kube.errors import AlreadyExists, ApiError, BadRequest, Conflict, Invalid, NotFound

Edit = Callable[[Object | None], dict[str, Any]]
"""From the open Changeset, or None, to the fields of its spec that change."""

UNFINISHED: Final = ",".join(f"status.phase!={phase}" for phase in Phase if phase.finished)
"""Selects the Changesets that haven't ended."""
KEPT: Final = 20
"""How many of a user's ended Changesets are kept on a Stage."""
_TRIES: Final = 20
_PAUSE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Mine:
    """A user's Changesets on a Stage: the open one, and the one whose commit is running."""

    open: Object | None
    running: Object | None


def mine(session: Session) -> Mine:
    """The user's Changesets on the Stage that haven't ended."""
    own = _own(session, UNFINISHED)
    # A Changeset that was applied with kubectl and commits at once isn't a draft.
    made_here = filter(_is_made_here(session), own)
    return Mine(
        open=next(filter(_is_open, own), None),
        running=next(filter(_is_running, made_here), None),
    )


def finished(session: Session) -> Sequence[Object]:
    """The user's Changesets that have ended and were created by the command line, oldest first."""
    own = filter(_is_made_here(session), _own(session))
    return [each for each in own if phase_of(each).finished]


def unfinished(session: Session) -> Sequence[Object]:
    """All Changesets of the Stage that haven't ended, of all users, by name."""
    return [each for each in _select(session, UNFINISHED) if not phase_of(each).finished]


def _own(session: Session, *selector: str) -> Sequence[Object]:
    """The user's Changesets, oldest first."""
    user = session.user
    escaped = re.sub(r"[\\,=]", r"\\\g<0>", user)
    return sorted(
        (
            each
            for each in _select(session, f"spec.user={escaped}", *selector)
            if each["spec"].get("user") == user
        ),
        key=lambda each: (each["metadata"]["creationTimestamp"], each["metadata"]["name"]),
    )


def _select(session: Session, *selector: str) -> Sequence[Object]:
    """Changesets that the API server selects, so that the content of others isn't transferred."""
    namespace = session.place().namespace
    try:
        return session.cluster.list(CHANGESET, namespace, fields=",".join(selector))
    except BadRequest:
        # Older CRDs don't have these selectable fields. Selecting is only an optimisation.
        return session.cluster.list(CHANGESET, namespace)


def _is_made_here(session: Session) -> Callable[[Object], bool]:
    begin = prefix(session.user, session.place().namespace)
    return lambda changeset: str(changeset["metadata"]["name"]).startswith(begin)


def nothing_staged(session: Session) -> NoReturn:
    """Raise ProblemsError since there is no Changeset."""
    place = session.place()
    raise failure(
        Code.CHANGESET_DOES_NOT_EXIST,
        f"you have nothing staged on {place.project}/{place.stage}; stage a command first, as in: "
        "setops app:create web",
        Validator.NOT_FOUND,
    )


def edit(session: Session, change: Edit) -> Object:
    """Edit the open Changeset, or create one. `change` is called again if the Changeset has changed
    meanwhile.

    Raises ProblemsError with ChangesetLocked while the user's commit is running.
    """
    asked: Object | None = None
    spec: dict[str, Any] = {}
    taken: set[str] = set()
    for attempt in range(_TRIES):
        found = mine(session)
        if found.open is None and found.running is not None:
            _locked(found.running)
        # The operator may write the status at any time, so only a changed spec counts.
        if asked is None or found.open is None or found.open["spec"] != asked["spec"]:
            spec, asked = change(found.open), found.open
        try:
            if found.open is None:
                return _begun(session, spec, taken)
            return write(session, found.open, spec)
        except (AlreadyExists, Conflict, NotFound):
            time.sleep(_PAUSE * (attempt + 1))
        except Invalid as error:
            if Code.CHANGESET_LOCKED.value in error.message and found.open is not None:
                _locked(found.open)
            raise
    raise failure(
        Code.CHANGESET_LOCKED,
        "another session of yours keeps changing the Changeset; try again",
    )


def begin(session: Session, spec: Mapping[str, Any], why_not: str = "") -> Object:
    """Create a Changeset with this spec.

    Raises ProblemsError as `edit` does, and if something is staged already; `why_not` then goes
    into the message.
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
    """Change fields of a Changeset's spec. Raises Conflict if it isn't the latest version."""
    metadata = changeset["metadata"]
    patch = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "spec": spec}
    return session.cluster.patch(CHANGESET, metadata["namespace"], metadata["name"], patch)


def set_flag(session: Session, changeset: Object, spec: dict[str, Any]) -> Object:
    """Change fields of a Changeset's spec, whatever the operator writes to its status.

    Raises ProblemsError with ChangesetInvalid if the spec has changed meanwhile.
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


def throw_away(session: Session, changeset: Object) -> Object:
    """Ask the operator to discard a Changeset."""
    metadata = changeset["metadata"]
    # Without a resourceVersion: it is to be discarded whatever else has changed.
    return session.cluster.patch(
        CHANGESET, metadata["namespace"], metadata["name"], {"spec": {"discard": True}}
    )


def commands_of(changeset: Object | None) -> Sequence[str]:
    """The staged commands."""
    return list((changeset or {}).get("spec", {}).get("commands") or ())


def content_text(changeset: Object) -> str:
    """A summary of what is staged: `2 commands`, `a definition`."""
    count = len(commands_of(changeset))
    commands = "1 command" if count == 1 else f"{count} commands"
    if changeset["spec"].get("definition") is None:
        return commands
    return f"a definition and {commands}" if count else "a definition"


def _tidy_up(session: Session, finished: Sequence[Object]) -> None:
    """Delete the oldest of the user's ended Changesets. The revisions keep what they did."""
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


def _begun(session: Session, spec: dict[str, Any], taken: set[str]) -> Object:
    """Create the Changeset, and add its name to `taken`. Raises AlreadyExists."""
    place, before = session.place(), finished(session)
    names = taken | {str(each["metadata"]["name"]) for each in before}
    name = changeset_name(session.user, place.namespace, place.revision, names)
    taken.add(name)
    made = session.cluster.create(
        {
            "apiVersion": CHANGESET.api_version,
            "kind": CHANGESET.kind,
            "metadata": {"name": name, "namespace": place.namespace},
            "spec": {"user": session.user, **spec},
        }
    )
    _tidy_up(session, before)
    return made
