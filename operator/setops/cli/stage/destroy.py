"""`stage:destroy`: acts at once."""

from __future__ import annotations

from setops.api.errors import Code, Validator
from setops.api.kinds import APP, NOTIFICATION, SERVICE, STAGE, Kind, Object
from setops.cli.base import lifecycle
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.cli.base.session import CurrentStage, Session
from setops.language.command import Level


def run(call: Call) -> int:
    """Destroy a Stage. Without --force, only say what would be destroyed."""
    session = call.session
    name = call.name or session.require(Level.STAGE)
    place = session.stage_named(name)
    if not call.given("force"):
        lost = [
            text
            for kind in (APP, SERVICE, NOTIFICATION)
            if (text := lifecycle.counted(_told(session, place, kind), kind.kind))
        ]
        what = f"Stage {name} of Project {place.project}"
        again = f"--project {place.project} stage:destroy {name}"
        return lifecycle.refuse_without_force(what, lost, again)
    if call.name is None:
        raise failure(
            Code.VALIDATION_FAILED,
            f"name the Stage that you want to destroy: setops stage:destroy {name} --force",
            Validator.REQUIRED,
            "NAME",
        )
    lifecycle.destroy(session, STAGE, (place.home, name), call.given("detach"))
    return 0


def _told(session: Session, place: CurrentStage, kind: Kind) -> list[str]:
    """The names of all objects of a kind. For Services, also what happens to their data."""
    found = session.cluster.list(kind, place.namespace)
    return [f"{item['metadata']['name']}{_fate(item) if kind is SERVICE else ''}" for item in found]


def _fate(service: Object) -> str:
    from pydantic import ValidationError

    from setops.api.service import ServiceSpec
    from setops.changes.effects import data_loss

    try:
        return f": {data_loss(ServiceSpec.model_validate(service['spec']))}"
    except ValidationError:  # of another version of SetOps
        return ""
