"""`release:create`, `release:activate`: numbered aliases of images, and which of them runs."""

from __future__ import annotations

import re
from typing import Any, Final

from setops.api.app import MAX_RELEASES
from setops.api.definition import StageDefinition
from setops.api.errors import Code, Validator, quoted
from setops.api.image import DIGEST
from setops.api.section import APPS
from setops.language import edit
from setops.language.command import OF_APP, Argument, Command, CommandContext, Invocation, Type

_ALGORITHMS: Final = ("sha256:", "sha384:", "sha512:")
_BARE_HASH: Final = re.compile(r"[a-fA-F0-9]{64}")
"""A digest without its algorithm. Other lengths may be the names of images."""

_SHOWN: Final = 10
"""The most releases that a message lists."""


def _create(
    definition: StageDefinition, invocation: Invocation, context: CommandContext
) -> StageDefinition:
    (text,) = invocation.arguments
    app = edit.app_of(definition, invocation.app)
    releases: dict[str, Any] = dict(app.releases or {})
    number = max(map(int, releases), default=0) + 1
    field = APPS.path(invocation.app, "releases", str(number), "image")
    releases[str(number)] = {"image": _image(text, field, invocation.app, context)}
    for old in sorted(map(int, releases)):
        if len(releases) <= MAX_RELEASES:
            break
        if old not in (app.active_release, number):
            del releases[str(old)]
    return edit.change_app(definition, invocation.app, {"releases": releases})


def _image(text: str, field: str, app: str, context: CommandContext) -> str:
    """The image of a new release: a full reference, or a digest in the Organization's registry.

    Source of the path in the registry: the platform's releases.
    """
    _, at, digest = text.rpartition("@")
    is_digest = bool(at) or text.startswith(_ALGORITHMS) or _BARE_HASH.fullmatch(text) is not None
    if is_digest and not re.fullmatch(DIGEST, digest):
        edit.refuse(
            field,
            Validator.DIGEST_INVALID,
            f"{quoted(digest)} is not a digest; it is sha256: and 64 characters of 0-9 and a-f, "
            "as the push of the image printed it",
            Code.RELEASE_DIGEST_INVALID,
        )
    if not is_digest or at:
        return text
    if context.registry is None:
        edit.refuse(
            field,
            Validator.REQUIRED,
            f"the Organization {quoted(context.organization)} has no registry to find a bare "
            "digest in; set spec.registry on the Organization, or give the whole image: "
            f"registry.example.com/{app}@{text[:14]}…",
        )
    path = "/".join((context.organization, context.project, context.stage, app))
    return f"{context.registry}/{path}@{digest}"


def _activate(
    definition: StageDefinition, invocation: Invocation, _context: CommandContext
) -> StageDefinition:
    (text,) = invocation.arguments
    app = edit.app_of(definition, invocation.app)
    number = edit.integer(text, APPS.path(invocation.app, "activeRelease"))
    releases = app.releases or {}
    if str(number) not in releases:
        edit.refuse(
            APPS.path(invocation.app, "releases", str(number)),
            Validator.NOT_FOUND,
            f"App {quoted(invocation.app)} has no {_missing(number, sorted(map(int, releases)))}",
            Code.RELEASE_DOES_NOT_EXIST,
        )
    # A plain image and an active release exclude each other, so this replaces the plain image.
    fields = {"active_release": number, "image": None}
    return edit.change_app(definition, invocation.app, fields)


def _missing(number: int, known: list[int]) -> str:
    if not known:
        return "releases; create one: release:create DIGEST"
    what = "it has" if len(known) <= _SHOWN else "its last ones are"
    return f"release {number}; {what} {', '.join(map(str, known[-_SHOWN:]))}"


COMMANDS: Final = (
    Command(
        name="release:create",
        scopes=OF_APP,
        help="Makes a release of an image; it gets the next number and doesn't run before it is "
        f"activated. The last {MAX_RELEASES} are kept.",
        example="--app web release:create registry.example.com/web:1.4.2",
        arguments=(
            Argument(
                "IMAGE",
                "A whole image reference, or a digest (sha256:…) in the Organization's registry.",
                Type.IMAGE,
            ),
        ),
        apply=_create,
        makes=lambda invocation: APPS.path(invocation.app, "releases"),
    ),
    Command(
        name="release:activate",
        scopes=OF_APP,
        help="Makes a release the one that runs, in place of the one before, without downtime.",
        example="--app web release:activate 3",
        arguments=(Argument("NUMBER", "Number of the release.", Type.RELEASE),),
        apply=_activate,
    ),
)
