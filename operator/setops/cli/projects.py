"""`project:create`, `project:destroy`: they act at once."""

from __future__ import annotations

from setops.api import names
from setops.api.errors import Code, ProblemsError, Validator, nearest, quoted
from setops.api.kinds import ORGANIZATION, PROJECT, STAGE, Object
from setops.cli import places
from setops.cli.call import Call
from setops.cli.problems import failure
from setops.cli.session import Session
from setops.cli.settings import settings
from setops.cli.terminal import echo
from setops.kube.errors import AlreadyExists
from setops.language.command import Level


def create(call: Call) -> int:
    """Create a Project and wait until it has its namespace."""
    session, (name,) = call.session, call.arguments
    if problem := names.PROJECT_NAME.problem("NAME", name):
        raise ProblemsError([problem])
    organization = call.text("organization") or settings().organization or only(session)
    require_organization(session, organization, "--organization")
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
    places.wait_ready(session, PROJECT, "", name)
    echo(f"Project {name} created in Organization {organization}.")
    return 0


def destroy(call: Call) -> int:
    """Destroy a Project; without --force say what would go."""
    session = call.session
    name = call.name or session.require(Level.PROJECT)
    home = session.home(name)
    if not call.given("force"):
        stages = [str(item["metadata"]["name"]) for item in session.cluster.list(STAGE, home)]
        lost = [text for text in (places.counted(stages, "Stage"),) if text]
        return places.refuse_without_force(f"Project {name}", lost, f"project:destroy {name}")
    _require_named(call, name)
    places.destroy(session, PROJECT, ("", name), call.given("detach"))
    return 0


def _require_named(call: Call, name: str) -> None:
    """A default that isn't in sight must not decide what is destroyed."""
    if call.name is None:
        raise failure(
            Code.VALIDATION_FAILED,
            f"name the Project that you want to destroy: setops project:destroy {name} --force",
            Validator.REQUIRED,
            "NAME",
        )


def only(session: Session) -> str:
    """The Organization, where there is one."""
    known = [str(item["metadata"]["name"]) for item in session.cluster.list(ORGANIZATION)]
    if len(known) == 1:
        return known[0]
    if not known:
        raise failure(
            Code.ORGANIZATION_DOES_NOT_EXIST,
            "there is no Organization yet; whoever runs the cluster creates one with kubectl",
            Validator.NOT_FOUND,
        )
    raise failure(
        Code.VALIDATION_FAILED,
        f"there are several Organizations; write --organization with one of: {', '.join(known)}, "
        "or choose one for good: setops organization:switch",
        Validator.REQUIRED,
        "--organization",
    )


def require_organization(session: Session, name: str, field: str = "NAME") -> Object:
    """The Organization of that name. Raises ProblemsError with OrganizationDoesNotExist."""
    found = session.cluster.find(ORGANIZATION, "", name)
    if found is not None:
        return found
    known = [str(item["metadata"]["name"]) for item in session.cluster.list(ORGANIZATION)]
    guess = nearest(name, known)
    hint = f"did you mean {quoted(guess)}?" if guess else f"there are: {', '.join(known) or 'none'}"
    raise failure(
        Code.ORGANIZATION_DOES_NOT_EXIST,
        f"Organization {quoted(name)} doesn't exist; {hint}",
        Validator.NOT_FOUND,
        field,
    )
