"""`app`: the Apps of the Stage."""

from __future__ import annotations

from setops.api.kinds import APP
from setops.cli.base.call import Call
from setops.cli.base.view import listing, of_stage, show, state, yes


def run(call: Call) -> int:
    """All Apps."""
    return show(
        call,
        lambda: of_stage(call, APP),
        lambda found: listing(
            ("Name", "Scale", "Running", "Release", "Public", "Status"),
            [
                (
                    each["metadata"]["name"],
                    each["spec"]["resources"]["scale"],
                    (each.get("status") or {}).get("readyReplicas") or 0,
                    (each.get("status") or {}).get("release") or "none",
                    yes(each["spec"]["network"]["public"]),
                    state(each),
                )
                for each in found
            ],
            "The Stage has no App yet; create one: setops app:create NAME",
        ),
        list,
    )
