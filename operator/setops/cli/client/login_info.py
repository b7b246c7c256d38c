"""`login:info`: the cluster, and the user's name there."""

from __future__ import annotations

from setops.cli.base import output
from setops.cli.base.call import Call
from setops.cli.base.settings import settings
from setops.cli.base.terminal import block, echo


def run(call: Call) -> int:
    """Show the cluster and the user."""
    session = call.session
    review = session.review()
    target = session.target
    if call.format != "table":
        shown = {
            "name": review["username"],
            "uid": review.get("uid") or "",
            "groups": review.get("groups") or [],
            "extra": review.get("extra") or {},
            "context": target.context,
            "server": target.shown_server,
        }
        output.write(call.format, shown)
        return 0
    acting = target.user.impersonate
    rows: list[tuple[str, object]] = [
        ("User", review["username"]),
        ("Groups", ", ".join(review.get("groups") or ())),
        ("Context", target.context),
        ("Cluster", target.shown_server),
        ("Logs in by", target.user.method),
        ("Acts as", acting.user if acting else ""),
        ("Organization", settings().organization),
    ]
    echo(block((name, value) for name, value in rows if value))
    return 0
