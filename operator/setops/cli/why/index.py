"""`why`: the first thing that blocks, from the Stage down to a pod or to AWS."""

from __future__ import annotations

from setops.api.kinds import Object
from setops.cli.base import output
from setops.cli.base.call import Call
from setops.cli.base.terminal import block, echo
from setops.cli.base.view import age
from setops.cli.why.blockers import Blocker, blockers


def run(call: Call) -> int:
    """Show the first blocker."""
    found = next(blockers(call.session, call.arguments), None)
    if call.format != "table":
        output.write(call.format, _raw(found))
        return 0
    if found is None:
        echo("Nothing blocks: all is as it should be.")
        return 0
    rows: list[tuple[str, object]] = [
        ("Blocked", found.what),
        ("Why", found.message),
        ("Code", found.code),
        ("Since", age(found.since)),
        ("Again", "by itself, as soon as it can" if found.again else "only after it is changed"),
        ("To do", found.advice),
    ]
    echo(block((name, value) for name, value in rows if value))
    return 0


def _raw(found: Blocker | None) -> Object:
    if found is None:
        return {"name": "", "blocked": False}
    return {
        "name": found.what,
        "blocked": True,
        "code": found.code,
        "since": found.since,
        "message": found.message,
        "triedAgain": found.again,
        "advice": found.advice,
    }
