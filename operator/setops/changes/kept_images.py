"""Apps of a definition that names no image for them: with `keepImages`, what runs stays.

A definition file needn't say which image an App runs. CI applies such a file before every
deployment, so it must never stop containers. With `prune` alone, a field that is left out returns
to its default, and the default of an App is to run nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from setops.api.app import AppSpec
from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition
from setops.api.section import APPS

_NAMES_AN_IMAGE: Final = ("image", "activeRelease")

Json = Mapping[str, Any]


def with_images_kept(base: StageDefinition, spec: ChangesetSpec) -> Json:
    """The definition of a Changeset, in which such Apps have the image of the base."""
    definition = spec.definition or {}
    kept = {
        name: {**entry, **_what_runs(base.apps[name], entry)}
        for name, entry in _apps_without_image(spec)
        if name in base.apps
    }
    if not kept:
        return definition
    return {**definition, APPS.name: {**definition[APPS.name], **kept}}


def notes_on_images(
    spec: ChangesetSpec, before: StageDefinition, after: StageDefinition
) -> Iterator[str]:
    """What a plan says of Apps that go on running what they run, in a sentence for each."""
    for name, entry in _apps_without_image(spec):
        earlier, later = before.apps.get(name), after.apps.get(name)
        if earlier is None or later is None or _running(earlier) != _running(later):
            continue
        if running := _running(later):
            yield f"App {name} keeps {running}, {_although(later, entry)}"


def _although(app: AppSpec, entry: Json) -> str:
    number = str(app.active_release)
    own = entry.get("releases")
    named = (own.get(number) or {}).get("image") if isinstance(own, Mapping) else None
    if named not in (None, app.running_image):
        return f"although the definition names {named} for release {number}"
    return "since the definition names no image for it"


def _apps_without_image(spec: ChangesetSpec) -> Iterator[tuple[str, Json]]:
    """The entries by name. What isn't a map is left to the fold, which says what is wrong."""
    apps = (spec.definition or {}).get(APPS.name) if spec.prune and spec.keep_images else None
    if not isinstance(apps, Mapping):
        return
    for name, entry in apps.items():
        if isinstance(entry, Mapping) and all(entry.get(key) is None for key in _NAMES_AN_IMAGE):
            yield name, entry


def _what_runs(app: AppSpec, entry: Json) -> Json:
    """The fields that say what an App runs.

    An entry that has releases of its own keeps them beside the one that runs.
    """
    running, own = app.to_json(), entry.get("releases")
    if not own:
        return {name: running[name] for name in (*_NAMES_AN_IMAGE, "releases") if name in running}
    if app.active_release is None or not isinstance(own, Mapping):
        return {"image": app.image} if app.image else {}
    number = str(app.active_release)
    releases = {**own, number: running["releases"][number]}
    return {"activeRelease": app.active_release, "releases": releases}


def _running(app: AppSpec) -> str:
    if app.active_release is not None:
        return f"release {app.active_release} ({app.running_image})"
    return app.image or ""
