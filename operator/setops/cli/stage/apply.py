"""`stage:apply`: makes the Stage what a definition file says, or moves images."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from setops.api.changeset import MAX_TEXT
from setops.api.errors import Code, ProblemsError, Validator
from setops.api.kinds import SECRET, STAGE, Object
from setops.changes.diff import diff
from setops.changes.fold import fold
from setops.changes.notes import notes_of
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.scope import LineScope
from setops.cli.base.session import Session
from setops.cli.base.terminal import can_ask, echo
from setops.cli.changeset import commit, draft, preview
from setops.cli.changeset.preview import Basis
from setops.cli.stage import file_secrets, given_secrets, images, inputs
from setops.cli.stage.file import secrets
from setops.cli.stage.file.reading import File, read
from setops.kube.errors import BadRequest, Forbidden, Invalid, NotFound
from setops.language.command import Level


def run(call: Call) -> int:
    """Stage the content of a file, or new images, and commit."""
    commit.check(call)
    tags = images.tags_of(call.flags.get("tag") or ())
    if not call.text("file") and not tags:
        raise failure(
            Code.VALIDATION_FAILED,
            "stage:apply needs a file or tags, as in: setops stage:apply --file FILE, "
            "or: setops stage:apply --tag web=1.4",
            Validator.REQUIRED,
            "--file",
        )
    named = call.text("file")
    file = read(inputs.text(named, MAX_TEXT * 5)) if named else None
    session = _session(call, file)
    on = preview.basis(session, None)
    images.check(tags, on, file)
    staged = _of_file(call, session, on, file, tags) if file else StagedFile(images.moves(on, tags))
    folded = fold(on.base, preview.spec_of(staged.spec), on.context)
    if folded.problems:
        placed = map(file.placed, folded.problems) if file else folded.problems
        raise ProblemsError(placed)
    days = _retention(session, file)
    if not diff(on.base, folded.definition):
        _retain(session, days)
        echo("Nothing to change." if days is None else "Nothing else to change.")
        for note in notes_of(preview.spec_of(staged.spec), on.base, folded.definition):
            echo(f"= {note}")
        return 0
    code = _commit(replace(call, session=session), session, staged)
    if code == 0:
        _retain(session, days)
        file_secrets.tidy_up(session)
    return code


@dataclass(frozen=True, slots=True)
class StagedFile:
    """The spec of a Changeset, and the Secret that must be created for it, if any."""

    spec: Mapping[str, Any]
    secret: Object | None = None


def _commit(call: Call, session: Session, staged: StagedFile) -> int:
    changeset = draft.begin(session, staged.spec, ", which isn't in the file")
    agreed = stays = False
    try:
        if staged.secret is not None:
            session.cluster.create(staged.secret)
        shown = commit.present(call, changeset)
        agreed = stays = commit.is_agreed(call, unasked=False)
        asked = commit.ask(call, shown) if agreed else None
    except (BadRequest, Forbidden, Invalid):
        # No commit has begun. After another error one may have.
        stays = False
        raise
    finally:
        if not stays:
            _withdraw(session, changeset, staged)
    if agreed:
        return commit.wait(call, asked)
    if can_ask():
        echo("Nothing was changed.")
        return 1
    raise failure(
        Code.VALIDATION_FAILED,
        "nothing was changed; to do it without being asked: --auto-approve",
        Validator.REQUIRED,
        "--auto-approve",
    )


def _withdraw(session: Session, changeset: Object, staged: StagedFile) -> None:
    try:
        draft.throw_away(session, changeset)
    finally:
        if staged.secret is not None:
            metadata = staged.secret["metadata"]
            with contextlib.suppress(NotFound):
                session.cluster.delete(SECRET, metadata["namespace"], metadata["name"])


def _session(call: Call, file: File | None) -> Session:
    """A session with the Stage that is meant: the line's, else the file's."""
    given = call.session.scope
    named = {Level.PROJECT: file and file.project, Level.STAGE: file and file.stage}
    flags = {
        level: value
        for level, own in named.items()
        if (value := given.flag(level) or own or given.get(level))
    }
    for level, own in named.items():
        if own and flags[level] != own:
            echo(f"The file is of {level} {own}; it is applied to {level} {flags[level]}.")
    return call.session.narrowed(LineScope({**given.flags, **flags}))


def _of_file(
    call: Call, session: Session, on: Basis, file: File, tags: Mapping[str, str]
) -> StagedFile:
    definition = file.definition
    for app, tag in {**file.tags, **tags}.items():
        entry = definition["apps"][app]
        entry["image"] = f"{images.repository(on, app)}:{tag}"
        entry.pop("activeRelease", None)
    problems = [file.placed(each) for each in secrets.misplaced(definition)]
    if problems:
        raise ProblemsError(problems)
    definition, secret = file_secrets.in_place(session, on.base, file, given_secrets.of(call))
    spec = {"definition": definition, "prune": True, "keepImages": True}
    return StagedFile(spec, secret)


def _retention(session: Session, file: File | None) -> int | None:
    """The log retention in the file, if the Stage has another one."""
    if file is None or file.log_retention is None:
        return None
    now = session.place().resource["spec"].get("logRetentionDays", 14)
    return None if file.log_retention == now else file.log_retention


def _retain(session: Session, days: int | None) -> None:
    if days is None:
        return
    place = session.place()
    session.cluster.patch(STAGE, place.home, place.stage, {"spec": {"logRetentionDays": days}})
    echo(f"Log retention is set to {days} days; this version doesn't act on it yet.")
