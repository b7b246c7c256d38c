"""`project:destroy`: acts at once."""

from __future__ import annotations

from setops.api.errors import Code, Validator
from setops.api.kinds import PROJECT, STAGE
from setops.cli.base import lifecycle
from setops.cli.base.call import Call
from setops.cli.base.problems import failure
from setops.language.command import Level


def run(call: Call) -> int:
    """Destroy a Project. Without --force, only say what would be destroyed."""
    session = call.session
    name = call.name or session.require(Level.PROJECT)
    home = session.home(name)
    if not call.given("force"):
        stages = [str(item["metadata"]["name"]) for item in session.cluster.list(STAGE, home)]
        lost = [text for text in (lifecycle.counted(stages, "Stage"),) if text]
        return lifecycle.refuse_without_force(f"Project {name}", lost, f"project:destroy {name}")
    _require_named(call, name)
    lifecycle.destroy(session, PROJECT, ("", name), call.given("detach"))
    return 0


def _require_named(call: Call, name: str) -> None:
    """Refuse to destroy a Project that only a default names."""
    if call.name is None:
        raise failure(
            Code.VALIDATION_FAILED,
            f"name the Project that you want to destroy: setops project:destroy {name} --force",
            Validator.REQUIRED,
            "NAME",
        )
