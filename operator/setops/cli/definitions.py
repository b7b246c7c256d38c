"""`stage:dump`, `stage:apply`, `stage:schema`."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from setops.api.app import AppSpec
from setops.api.changeset import MAX_TEXT
from setops.api.errors import Code, Problem, ProblemsError, Validator, nearest, quoted
from setops.api.kinds import SECRET, STAGE, Object
from setops.changes.diff import diff
from setops.changes.fold import fold
from setops.cli import changesets, commit, filled, preview
from setops.cli.call import Call
from setops.cli.definition import format as form
from setops.cli.definition import secrets
from setops.cli.definition.reading import File, read
from setops.cli.definition.schema import schema as made_schema
from setops.cli.definition.writing import Head, write
from setops.cli.preview import Ground
from setops.cli.problems import failure
from setops.cli.scope import Scope
from setops.cli.session import Session
from setops.cli.terminal import can_ask, echo
from setops.kube.errors import NotFound
from setops.language.command import Level


def dump(call: Call) -> int:
    """Write the committed definition."""
    session = call.session
    place, on = session.place(), preview.ground(session, None)
    head = Head(
        project=place.project,
        stage=place.stage,
        log_retention=int(place.resource["spec"].get("logRetentionDays", 14)),
        repositories=_known_repositories(on),
        templates=filled.templates(session, on.base),
    )
    sys.stdout.write(write(on.base, head))
    return 0


def schema(call: Call) -> int:
    """Write the JSON Schema."""
    del call
    echo(schema_text().rstrip("\n"))
    return 0


def schema_text() -> str:
    """The JSON Schema as a file."""
    return json.dumps(made_schema(), indent=2, ensure_ascii=False) + "\n"


def apply(call: Call) -> int:
    """Stage what a file says, or other images, and commit it."""
    tags = _tags(call.flags.get("tag") or ())
    if not call.text("file") and not tags:
        raise failure(
            Code.VALIDATION_FAILED,
            "stage:apply needs a file or tags, as in: setops stage:apply --file FILE, "
            "or: setops stage:apply --tag web=1.4",
            Validator.REQUIRED,
            "--file",
        )
    file = read(_text(call.text("file"))) if call.text("file") else None
    session = _session(call, file)
    on = preview.ground(session, None)
    _check_tags(tags, on, file)
    draft = _of_file(call, session, on, file, tags) if file else Draft(_of_tags(on, tags))
    folded = fold(on.base, preview.spec_of(draft.spec), on.context)
    if folded.problems:
        placed = map(file.placed, folded.problems) if file else folded.problems
        raise ProblemsError(placed)
    days = _retention(session, file)
    if not diff(on.base, folded.definition):
        _retain(session, days)
        echo("Nothing to change." if days is None else "Nothing else to change.")
        return 0
    code = _commit(replace(call, session=session), session, draft)
    if code == 0:
        _retain(session, days)
        filled.tidy_up(session)
    return code


@dataclass(frozen=True, slots=True)
class Draft:
    """The content of a Changeset, and the Secret that it refers to, if that is yet to be made."""

    spec: Mapping[str, Any]
    secret: Object | None = None


def _commit(call: Call, session: Session, draft: Draft) -> int:
    changeset = changesets.begin(session, draft.spec, ", which isn't in the file")
    agreed = False
    try:
        if draft.secret is not None:
            session.cluster.create(draft.secret)
        shown = commit.present(call, changeset)
        agreed = commit.is_agreed(call, unasked=False)
    finally:
        if not agreed:
            _withdraw(session, changeset, draft)
    if not agreed and can_ask():
        echo("Nothing was changed.")
        return 1
    if not agreed:
        raise failure(
            Code.VALIDATION_FAILED,
            "nothing was changed; to do it without being asked: --auto-approve",
            Validator.REQUIRED,
            "--auto-approve",
        )
    return commit.carry_out(call, shown)


def _withdraw(session: Session, changeset: Object, draft: Draft) -> None:
    try:
        commit.throw_away(session, changeset)
    finally:
        if draft.secret is not None:
            metadata = draft.secret["metadata"]
            with contextlib.suppress(NotFound):
                session.cluster.delete(SECRET, metadata["namespace"], metadata["name"])


def _session(call: Call, file: File | None) -> Session:
    """The session on the Stage that is meant: that of the line, else that of the file."""
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
    return call.session.narrowed(Scope({**given.flags, **flags}))


def _of_file(
    call: Call, session: Session, on: Ground, file: File, tags: Mapping[str, str]
) -> Draft:
    definition = file.definition
    for app, tag in {**file.tags, **tags}.items():
        entry = definition["apps"][app]
        entry["image"] = f"{_repository(on, app)}:{tag}"
        entry.pop("activeRelease", None)
    problems = [file.placed(each) for each in secrets.misplaced(definition)]
    if problems:
        raise ProblemsError(problems)
    definition, secret = filled.in_place(session, on.base, file, _secrets(call))
    return Draft({"definition": definition, "prune": True}, secret)


def _secrets(call: Call) -> Mapping[str, str]:
    """The secrets that the user gives in a file."""
    return secrets.read_file(_text(call.text("secrets"))) if call.text("secrets") else {}


def _of_tags(on: Ground, tags: Mapping[str, str]) -> dict[str, Any]:
    """Moves images: as new releases, or in place where an App has a plain image."""
    images, commands = {}, []
    for name, tag in tags.items():
        app = on.base.apps[name]
        image = f"{_repository_in_use(on, name, app)}:{tag}"
        if app.running_image == image:
            continue
        if app.image is not None:
            images[name] = {"image": image}
            continue
        number = max(map(int, app.releases or {}), default=0) + 1
        commands += [
            f"--app {name} release:create {image}",
            f"--app {name} release:activate {number}",
        ]
    spec: dict[str, Any] = {"definition": {"apps": images}} if images else {}
    return {**spec, "commands": commands} if commands else spec


def _check_tags(tags: Mapping[str, str], on: Ground, file: File | None) -> None:
    known = list(file.definition["apps"] if file else on.base.apps)
    problems = []
    for app in tags:
        if app not in known:
            guess = nearest(app, known)
            hint = f"did you mean {quoted(guess)}?" if guess else f"there are: {', '.join(known)}"
            message = f"--tag names App {quoted(app)}, which doesn't exist; {hint}"
            problems.append(Problem("--tag", Validator.NOT_FOUND, message, Code.APP_DOES_NOT_EXIST))
    if problems:
        raise ProblemsError(problems)


def _repository_in_use(on: Ground, name: str, app: AppSpec) -> str:
    image = (app.running_image or "").partition("@")[0]
    if not image:
        return _repository(on, name)
    path, colon, last = image.rpartition(":")
    return path if colon and "/" not in last else image


def _repository(on: Ground, app: str) -> str:
    """Where an App's images lie. Raises ProblemsError where nobody tells the registry."""
    here = on.context
    if here.registry in (None, preview.UNKNOWN_REGISTRY):
        why = (
            f"the Organization {quoted(here.organization)} has no registry"
            if here.registry is None
            else "you may not look at the Organization, which names the registry"
        )
        raise failure(
            Code.VALIDATION_FAILED,
            f"the tag of App {quoted(app)} can't become an image: {why}; write the whole image in "
            "the file: image: registry.example.com/web:1.4",
            Validator.REQUIRED,
            f"apps.{app}.image",
        )
    return form.repository(str(here.registry), here.organization, here.project, here.stage, app)


def _known_repositories(on: Ground) -> dict[str, str]:
    """The same for all Apps, as far as it is known."""
    with contextlib.suppress(ProblemsError):
        return {app: _repository(on, app) for app in on.base.apps}
    return {}


def _tags(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (each for text in given for each in text.split(",")):
        app, equals, tag = part.partition("=")
        if not (app and equals and tag):
            message = f"--tag is {quoted(part)}; write APP=TAG, several with commas between"
            raise ProblemsError([Problem("--tag", Validator.INVALID_FORMAT, message)])
        found[app] = tag
    return found


def _text(name: str) -> str:
    """The text of a file; `-` is standard input."""
    try:
        if name == "-":
            return sys.stdin.read(MAX_TEXT * 5)
        with Path(name).open(encoding="utf-8") as opened:
            return opened.read(MAX_TEXT * 5)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise failure(
            Code.VALIDATION_FAILED, f"{name} can't be read: {reason}", Validator.INVALID, name
        ) from None


def _retention(session: Session, file: File | None) -> int | None:
    """The log retention, if the file has another than the Stage."""
    if file is None or file.log_retention is None:
        return None
    now = session.place().resource["spec"].get("logRetentionDays", 14)
    return None if file.log_retention == now else file.log_retention


def _retain(session: Session, days: int | None) -> None:
    if days is None:
        return
    place = session.place()
    session.cluster.patch(STAGE, place.home, place.stage, {"spec": {"logRetentionDays": days}})
    echo(f"Logs are kept for {days} days from now on.")
