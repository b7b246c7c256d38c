"""`stage:create`, `stage:destroy`: they act at once."""

from __future__ import annotations

from setops.api import names
from setops.api.errors import Code, ProblemsError, Validator, quoted
from setops.api.kinds import APP, NOTIFICATION, SERVICE, STAGE, Kind, Object
from setops.api.validation import problems_of
from setops.cli import places
from setops.cli.call import Call
from setops.cli.problems import failure
from setops.cli.scope import Scope
from setops.cli.session import Place, Session
from setops.cli.terminal import echo
from setops.kube.errors import AlreadyExists
from setops.language.command import Level


def create(call: Call) -> int:
    """Create a Stage and wait until it has its namespace."""
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
    places.wait_ready(session, STAGE, home, name)
    echo(f"Stage {name} created in Project {project}.")
    return 0


def _check(spec: Object) -> None:
    """Raise ProblemsError for what the API server would refuse in its own words."""
    from pydantic import ValidationError

    from setops.api.stage import StageSpec

    try:
        StageSpec.model_validate(spec)
    except ValidationError as error:
        raise ProblemsError(problems_of(error, model=StageSpec)) from None


def destroy(call: Call) -> int:
    """Destroy a Stage; without --force say what would go."""
    session = call.session
    name = call.name or session.require(Level.STAGE)
    place = at(session, name)
    if not call.given("force"):
        lost = [
            text
            for kind in (APP, SERVICE, NOTIFICATION)
            if (text := places.counted(_told(session, place, kind), kind.kind))
        ]
        what = f"Stage {name} of Project {place.project}"
        again = f"--project {place.project} stage:destroy {name}"
        return places.refuse_without_force(what, lost, again)
    if call.name is None:
        raise failure(
            Code.VALIDATION_FAILED,
            f"name the Stage that you want to destroy: setops stage:destroy {name} --force",
            Validator.REQUIRED,
            "NAME",
        )
    places.destroy(session, STAGE, (place.home, name), call.given("detach"))
    return 0


def at(session: Session, name: str) -> Place:
    """The Stage of that name in the Project of the line."""
    scope = Scope({**session.scope.flags, Level.PROJECT: session.project(), Level.STAGE: name})
    return session.narrowed(scope).place()


def _told(session: Session, place: Place, kind: Kind) -> list[str]:
    """The names of all of a kind; of Services also what becomes of their data."""
    found = session.cluster.list(kind, place.namespace)
    return [f"{item['metadata']['name']}{_fate(item) if kind is SERVICE else ''}" for item in found]


def _fate(service: Object) -> str:
    from pydantic import ValidationError

    from setops.api.service import ServiceSpec
    from setops.changes.effects import loss

    try:
        return f": {loss(ServiceSpec.model_validate(service['spec']))}"
    except ValidationError:  # of another version of SetOps
        return ""
