"""`stage:create`: acts at once."""

from __future__ import annotations

from setops.api import names
from setops.api.errors import Code, ProblemsError, Validator, quoted
from setops.api.kinds import STAGE, Object
from setops.api.validation import problems_of
from setops.cli.base import lifecycle
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.terminal import echo
from setops.kube.errors import AlreadyExists


def run(call: Call) -> int:
    """Create a Stage, and wait until it has its namespace."""
    session, (name,) = call.session, call.arguments
    if problem := names.STAGE_NAME.problem("NAME", name):
        raise ProblemsError([problem])
    project = session.project()
    home = session.home(project)
    days = call.flags.get("log-retention")
    spec = {} if days is None else {"logRetentionDays": days}
    _check(spec)
    manifest: Object = {
        "apiVersion": STAGE.api_version,
        "kind": STAGE.kind,
        "metadata": {"name": name, "namespace": home},
        "spec": spec,
    }
    try:
        session.cluster.create(manifest)
    except AlreadyExists:
        raise failure(
            Code.STAGE_ALREADY_EXISTS,
            f"Stage {quoted(name)} of Project {project} exists already; choose another name",
            Validator.TAKEN,
            "NAME",
        ) from None
    lifecycle.wait_ready(session, STAGE, home, name)
    echo(f"Stage {name} created in Project {project}.")
    return 0


def _check(spec: Object) -> None:
    """Raise ProblemsError for a spec that the API server would refuse, with a better message."""
    from pydantic import ValidationError

    from setops.api.stage import StageSpec

    try:
        StageSpec.model_validate(spec)
    except ValidationError as error:
        raise ProblemsError(problems_of(error, model=StageSpec)) from None
