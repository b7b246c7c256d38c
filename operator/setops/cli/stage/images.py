"""The images that tags stand for, from a file or from `--tag`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from setops.api.app import AppSpec
from setops.api.errors import Code, Problem, ProblemsError, Validator, nearest, quoted
from setops.cli.base.problems import failure
from setops.cli.changeset import preview
from setops.cli.changeset.preview import Basis
from setops.cli.stage.file import format as form
from setops.cli.stage.file.reading import File


def tags_of(given: Sequence[str]) -> dict[str, str]:
    """The tags by App from the values of `--tag`. Raises ProblemsError for a malformed one."""
    found: dict[str, str] = {}
    for part in (each for text in given for each in text.split(",")):
        app, equals, tag = part.partition("=")
        if not (app and equals and tag):
            message = f"--tag is {quoted(part)}; write APP=TAG, several with commas between"
            raise ProblemsError([Problem("--tag", Validator.INVALID_FORMAT, message)])
        found[app] = tag
    return found


def check(tags: Mapping[str, str], on: Basis, file: File | None) -> None:
    """Raise ProblemsError for tags of Apps that exist neither in the file nor on the Stage."""
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


def moves(on: Basis, tags: Mapping[str, str]) -> dict[str, Any]:
    """The spec of a Changeset that moves Apps to other tags.

    An App with releases gets a new one. A plain image is replaced.
    """
    images, commands = {}, []
    for name, tag in tags.items():
        app = on.base.apps[name]
        image = f"{_in_use(on, name, app)}:{tag}"
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


def repository(on: Basis, app: str) -> str:
    """The path of an App's images. Raises ProblemsError if the registry isn't known."""
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


def known_repositories(on: Basis) -> dict[str, str]:
    """The paths of the images of all Apps. Empty if the registry isn't known."""
    with contextlib.suppress(ProblemsError):
        return {app: repository(on, app) for app in on.base.apps}
    return {}


def _in_use(on: Basis, name: str, app: AppSpec) -> str:
    image = (app.running_image or "").partition("@")[0]
    if not image:
        return repository(on, name)
    path, colon, last = image.rpartition(":")
    return path if colon and "/" not in last else image
