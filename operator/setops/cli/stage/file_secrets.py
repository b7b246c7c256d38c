"""The Secrets of a Stage with the values of `{{ .Secrets.NAME }}`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from setops.api.changeset import Phase, phase_of
from setops.api.definition import StageDefinition
from setops.api.errors import ProblemsError
from setops.api.kinds import CHANGESET, SECRET, Object
from setops.api.names import LABEL_STAGE
from setops.api.section import SECTIONS
from setops.cli.base.session import Session
from setops.cli.changeset import revisions
from setops.cli.stage.file import secrets
from setops.cli.stage.file.reading import File
from setops.cli.stage.file.secrets import Reference
from setops.kube.errors import ApiError, Forbidden


def in_place(
    session: Session, base: StageDefinition, file: File, given: Mapping[str, str]
) -> tuple[dict[str, Any], Object | None]:
    """The definition of a file with references instead of templates, and the Secret to create for
    them, if any.

    Raises ProblemsError for secrets without a value in `given` or in a Secret in use.
    """
    definition = file.definition
    uses = list(secrets.uses(definition))
    if not uses:
        plain: dict[str, Any] = secrets.plain(definition)
        return plain, None
    place = session.place()
    existing = {each["metadata"]["name"]: secrets.values(each) for each in _all(session)}
    used = [name for name, _ in _references(base)]
    known = {key: value for name in used for key, value in existing.get(name, {}).items()}
    try:
        filled = secrets.fill(uses, given, known)
    except ProblemsError as error:
        raise ProblemsError(map(file.placed, error.problems)) from None
    # Reuse a Secret with the same content only if it is in use. A new one would restart Apps for
    # nothing. One that isn't in use may belong to another user's unconfirmed stage:apply, and is
    # deleted if that user declines.
    for name in used:
        if filled.data.items() <= existing.get(name, {}).items():
            return secrets.plain(secrets.replaced(definition, filled, name)), None
    secret = secrets.secret_of(place.namespace, place.stage, filled.data)
    name = secret["metadata"]["name"]
    return secrets.plain(secrets.replaced(definition, filled, name)), secret


def templates(session: Session, definition: StageDefinition) -> Mapping[Reference, str]:
    """The original texts of values that were filled in. Empty for users who can't read Secrets."""
    needed = {name for name, key in _references(definition) if "." in key}
    if not needed:
        return {}
    try:
        found = _all(session)
    except Forbidden:
        return {}
    return {
        (name, key): text
        for each in found
        if (name := str(each["metadata"]["name"])) in needed
        for key, text in secrets.templates(each).items()
    }


def tidy_up(session: Session) -> None:
    """Delete Secrets that nothing refers to: no App, no revision, and no Changeset that can still
    be committed or retried."""
    with contextlib.suppress(ApiError):
        # The order matters: a Changeset exists before its Secret, and its revision before it is
        # deleted.
        names = [str(each["metadata"]["name"]) for each in _all(session)]
        if not names:
            return
        namespace = session.place().namespace
        changesets = session.cluster.list(CHANGESET, namespace)
        living: list[Object] = [each for each in changesets if not _is_discarded(each)]
        living += [each.resource for each in revisions.all_of(session)]
        for section in SECTIONS:
            living += session.cluster.list(section.kind, namespace)
        said = json.dumps(living)
        for name in names:
            if name not in said:
                session.cluster.delete(SECRET, namespace, name)


def _all(session: Session) -> Sequence[Object]:
    place = session.place()
    found = session.cluster.list(SECRET, place.namespace, f"{LABEL_STAGE}={place.stage}")
    return [each for each in found if each["metadata"]["name"].startswith(secrets.PREFIX)]


def _references(definition: StageDefinition) -> Sequence[Reference]:
    """The Apps' references to such Secrets."""
    return [
        (variable.secret_ref.name, variable.secret_ref.key)
        for app in definition.apps.values()
        for variable in (app.env or {}).values()
        if variable.secret_ref and variable.secret_ref.name.startswith(secrets.PREFIX)
    ]


def _is_discarded(changeset: Object) -> bool:
    return phase_of(changeset) is Phase.DISCARDED
