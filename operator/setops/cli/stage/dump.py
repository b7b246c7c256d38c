"""`stage:dump`: the committed definition as a file."""

from __future__ import annotations

from setops.cli.base.call import Call
from setops.cli.base.streams import emit
from setops.cli.changeset import preview
from setops.cli.stage import file_secrets, images
from setops.cli.stage.file.writing import Head, write


def run(call: Call) -> int:
    """Write the committed definition."""
    session = call.session
    place, on = session.place(), preview.basis(session, None)
    head = Head(
        project=place.project,
        stage=place.stage,
        log_retention=int(place.resource["spec"].get("logRetentionDays", 14)),
        repositories=images.known_repositories(on),
        templates=file_secrets.templates(session, on.base),
    )
    emit(write(on.base, head).removesuffix("\n"))
    return 0
