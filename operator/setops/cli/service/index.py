"""`service`: the Services of the Stage."""

from __future__ import annotations

from setops.api.kinds import SERVICE
from setops.cli.base.call import Call
from setops.cli.base.view import listing, of_stage, show, state


def run(call: Call) -> int:
    """List all Services."""
    return show(
        call,
        lambda: of_stage(call, SERVICE),
        lambda found: listing(
            ("Name", "Type", "Version", "Plan", "Status"),
            [
                (
                    each["metadata"]["name"],
                    each["spec"]["type"],
                    each["spec"].get("version", ""),
                    each["spec"].get("plan", ""),
                    state(each),
                )
                for each in found
            ],
            "The Stage has no Service yet; create one: setops service:create NAME --type TYPE",
        ),
        list,
    )
