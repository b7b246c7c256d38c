"""`stage:info`: one Stage."""

from __future__ import annotations

from setops.api.kinds import STAGE, Object
from setops.cli.base.call import Call
from setops.cli.base.terminal import block
from setops.cli.base.view import created, ready, show, state
from setops.cli.stage.index import counts
from setops.language.command import Level


def run(call: Call) -> int:
    """Show one Stage."""
    session = call.session
    name = call.name or session.require(Level.STAGE)
    place = session.stage_named(name)

    def draw(stage: Object) -> str:
        spec, status = stage["spec"], stage.get("status") or {}
        lock = status.get("currentChangeset")
        revision, apps, services = counts(stage)
        shown = state(stage)
        rows = {
            "Name": name,
            "Project": place.project,
            "Namespace": place.namespace,
            "Revision": revision,
            "Apps": apps,
            "Services": services,
            "Log retention": f"{spec.get('logRetentionDays', 14)} days",
            "Deletion protection": "on" if spec.get("deletionProtection") else "off",
            "Committing now": f"{lock['changeset']} of {lock.get('user')} since {lock['since']}"
            if lock
            else "",
            "Created": created(stage),
            "Status": shown if shown == "Ready" else f"{shown}: {ready(stage)['message']}",
        }
        return block((key, value) for key, value in rows.items() if value != "")

    return show(
        call, lambda: session.cluster.get(STAGE, place.home, name), draw, lambda found: found
    )
