"""What a plan says of Apps that it doesn't change, or doesn't change in this respect. Pure.

An App may keep what it runs although the definition names no image for it. And it may have waited
for a Service that the plan creates, so that its containers start with that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition
from setops.changes import kept_images
from setops.changes.effects import runs

MAX_NOTES: Final = 20
"""Notes of each kind; of the rest a plan gives the number."""


def notes_of(spec: ChangesetSpec, before: StageDefinition, after: StageDefinition) -> list[str]:
    """The notes of a plan, a sentence each without a full stop."""
    waiting = list(_let_go(before, after))
    return [
        *_bounded(
            list(kept_images.notes_on_images(spec, before, after)), "more Apps keep what they run"
        ),
        *_bounded(waiting, "more Apps start or restart with Services that are created"),
    ]


def _let_go(before: StageDefinition, after: StageDefinition) -> Iterator[str]:
    """Unchanged Apps that link a Service which wasn't there before, and is now."""
    for name, app in after.apps.items():
        links = app.links or {}
        missed = [service for service in links if service not in before.services]
        if not missed or app != before.apps.get(name) or not runs(app):
            continue
        if all(service in after.services for service in links):
            services = ", ".join(sorted(missed))
            yield f"App {name} starts or restarts its containers, since {services} is created"


def _bounded(found: list[str], more: str) -> list[str]:
    left = len(found) - MAX_NOTES
    return [*found[:MAX_NOTES], *([f"{left} {more}"] if left > 0 else [])]
