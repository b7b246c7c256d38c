"""`project:create`: acts at once."""

from __future__ import annotations

from setops.api import names
from setops.api.errors import Code, ProblemsError, Validator, quoted
from setops.api.kinds import PROJECT, Object
from setops.cli.base import lifecycle
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.settings import settings
from setops.cli.base.terminal import echo
from setops.cli.organization import find
from setops.kube.errors import AlreadyExists


def run(call: Call) -> int:
    """Create a Project, and wait until it has its namespace."""
    session, (name,) = call.session, call.arguments
    if problem := names.PROJECT_NAME.problem("NAME", name):
        raise ProblemsError([problem])
    organization = call.text("organization") or settings().organization or find.only(session)
    find.named(session, organization, "--organization")
    manifest: Object = {
        "apiVersion": PROJECT.api_version,
        "kind": PROJECT.kind,
        "metadata": {"name": name},
        "spec": {"organization": organization},
    }
    try:
        session.cluster.create(manifest)
    except AlreadyExists:
        raise failure(
            Code.PROJECT_ALREADY_EXISTS,
            f"Project {quoted(name)} exists already; choose another name",
            Validator.TAKEN,
            "NAME",
        ) from None
    lifecycle.wait_ready(session, PROJECT, "", name)
    echo(f"Project {name} created in Organization {organization}.")
    return 0
