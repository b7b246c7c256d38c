"""What read commands share: finding resources, showing them in all formats, --watch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from setops.api.errors import Code, Validator, nearest, quoted
from setops.api.kinds import APP, POD, SERVICE, Kind, Object
from setops.api.names import LABEL_APP
from setops.cli.base import output
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.session import Session
from setops.cli.base.streams import is_read
from setops.cli.base.terminal import echo, is_terminal, repaint, table

Row = Sequence[object]
T = TypeVar("T")

_POLL: Final = 1.0
_CODES: Final = {APP: Code.APP_DOES_NOT_EXIST, SERVICE: Code.SERVICE_DOES_NOT_EXIST}


def show(
    call: Call, read: Callable[[], T], draw: Callable[[T], str], raw: Callable[[T], Any]
) -> int:
    """Show what `read` returns, as rendered by `draw` for people or by `raw` for programs."""
    found = read()
    if call.format != "table":
        output.write(call.format, raw(found))
        return 0
    if not call.given("watch"):
        echo(draw(found))
        return 0
    with contextlib.suppress(KeyboardInterrupt):
        _watch(read, draw, found)
    return 0


def _watch(read: Callable[[], T], draw: Callable[[T], str], found: T) -> None:
    """Draw again at every change, until interrupted or nobody reads it any more."""
    said = ""
    while is_read():
        text = draw(found)
        if text != said:
            repaint(text) if is_terminal() else echo(f"{text}\n")
            said = text
        time.sleep(_POLL)
        found = read()


def listing(header: Row, rows: Sequence[Row], nothing: str) -> str:
    """A table, or the sentence `nothing` if it has no rows."""
    return table([str(cell) for cell in header], rows) if rows else nothing


def pods_of(session: Session, app: Object) -> Sequence[Object]:
    """The pods of an App's containers, by the selector that its status names."""
    metadata = app["metadata"]
    selector = (app.get("status") or {}).get("selector") or f"{LABEL_APP}={metadata['name']}"
    return session.cluster.list(POD, metadata["namespace"], selector)


def named(session: Session, kind: Kind, name: str) -> Object:
    """An App or Service of the Stage. Raises ProblemsError with what exists instead."""
    namespace = session.place().namespace
    found = session.cluster.find(kind, namespace, name)
    if found is not None:
        return found
    known = [str(each["metadata"]["name"]) for each in session.cluster.list(kind, namespace)]
    guess = nearest(name, known)
    hint = f"did you mean {quoted(guess)}?" if guess else f"there are: {', '.join(known[:10])}"
    if not known:
        hint = f"the Stage has none; create one: setops {kind.kind.lower()}:create"
    raise failure(_CODES[kind], f"{kind} {quoted(name)} doesn't exist; {hint}", Validator.NOT_FOUND)


def app_of(call: Call) -> Object:
    """The App that the line is about, from its value or --app."""
    return named(call.session, APP, call.name or call.session.app())


def service_of(call: Call) -> Object:
    """The Service that the line is about, from its value or --service."""
    return named(call.session, SERVICE, call.name or call.session.service())


def of_stage(call: Call, kind: Kind) -> Sequence[Object]:
    """All resources of a kind in the Stage."""
    return call.session.cluster.list(kind, call.session.place().namespace)


def ready(obj: Object) -> Mapping[str, Any]:
    """The Ready condition. Its status is Unknown until the operator has seen the current spec."""
    status = obj.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition["type"] == "Ready":
            current = condition.get("observedGeneration") == obj["metadata"].get("generation")
            return dict(condition) if current else {**condition, "status": "Unknown"}
    return {"status": "Unknown", "reason": "", "message": "the operator hasn't looked at it yet"}


def state(obj: Object) -> str:
    """`Ready`, or the reason why it isn't."""
    if "deletionTimestamp" in obj["metadata"]:
        return "Deleting"
    found = ready(obj)
    if found["status"] == "True":
        return "Ready"
    return str(found["reason"] or "Unknown")


def age(time_text: str | None) -> str:
    """A time in the user's time zone."""
    if not time_text:
        return ""
    try:
        moment = datetime.fromisoformat(time_text.replace("Z", "+00:00"))
    except ValueError:
        return time_text
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def created(obj: Object) -> str:
    """When an object was created."""
    return age(obj["metadata"].get("creationTimestamp"))


def yes(value: object) -> str:
    """`true` or `false`, as commands write them."""
    return "true" if value else "false"
