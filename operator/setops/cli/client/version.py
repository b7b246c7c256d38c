"""`version`: the versions of the client, the operator and the API."""

from __future__ import annotations

from importlib.metadata import version as installed

from setops.api.kinds import DEPLOYMENT, GROUP, PROJECT, VERSION
from setops.cli.base import output
from setops.cli.base.call import Call
from setops.cli.base.connect import is_uninstalled, problem_of
from setops.cli.base.session import Session
from setops.cli.base.terminal import block, echo
from setops.kube.access import KubeconfigError
from setops.kube.errors import ApiError, Forbidden, NotFound
from setops.kube.login import LoginError

_LABEL = "app.kubernetes.io/version"
_SELECTOR = "app.kubernetes.io/name=setops"


def run(call: Call) -> int:
    """Show the versions. A cluster that doesn't answer is not an error."""
    client = installed("setops")
    try:
        operator, api = _operator(call.session), _api(call.session)
    except (ApiError, KubeconfigError, LoginError) as error:
        operator = api = f"unknown: {problem_of(error).message}"
    if call.format != "table":
        found = {"name": "setops", "client": client, "operator": operator, "api": api}
        output.write(call.format, found)
        return 0
    echo(block([("Client", client), ("Operator", operator), ("API", api)]))
    if operator[:1].isdigit() and operator.split()[0] != client:
        echo("The operator is of another version than this program; what only one of them knows "
             "doesn't work.")  # fmt: skip
    return 0


def _operator(session: Session) -> str:
    try:
        found = session.cluster.list(DEPLOYMENT, selector=_SELECTOR)
    except Forbidden:
        return "unknown: you may not look at its Deployment"
    if not found:
        return "no Deployment found"
    one = found[0]
    said = str((one["metadata"].get("labels") or {}).get(_LABEL, "of unknown version"))
    ready = (one.get("status") or {}).get("readyReplicas") or 0
    return said if ready else f"{said} (none of its pods is ready)"


def _api(session: Session) -> str:
    try:
        session.cluster.list(PROJECT)
    except Forbidden:
        pass
    except NotFound as error:
        if is_uninstalled(error):
            return "not installed"
        raise
    return f"{GROUP}/{VERSION}"
