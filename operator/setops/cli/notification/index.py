"""`notification`: the targets that are notified of events."""

from __future__ import annotations

from setops.api.kinds import NOTIFICATION
from setops.cli.base.call import Call
from setops.cli.base.view import listing, of_stage, show, state, yes


def run(call: Call) -> int:
    """List all Notifications."""
    return show(
        call,
        lambda: of_stage(call, NOTIFICATION),
        lambda found: listing(
            ("Name", "Type", "Target", "Confirmed", "Status"),
            [
                (
                    each["metadata"]["name"],
                    each["spec"]["type"],
                    each["spec"]["target"],
                    yes((each.get("status") or {}).get("confirmed")),
                    state(each),
                )
                for each in found
            ],
            "The Stage has no Notification yet; create one: "
            "setops notification:create NAME --type TYPE --target TARGET",
        ),
        list,
    )
