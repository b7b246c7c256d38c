"""`project`: the Projects."""

from __future__ import annotations

from setops.api.kinds import PROJECT
from setops.cli.base.call import Call
from setops.cli.base.view import listing, show, state


def run(call: Call) -> int:
    """List all Projects."""
    return show(
        call,
        lambda: call.session.cluster.list(PROJECT),
        lambda found: listing(
            ("Name", "Organization", "Stages", "Status"),
            [
                (
                    each["metadata"]["name"],
                    each["spec"]["organization"],
                    ", ".join((each.get("status") or {}).get("stages") or ()),
                    state(each),
                )
                for each in found
            ],
            "There is no Project yet; create one: setops project:create NAME",
        ),
        list,
    )
