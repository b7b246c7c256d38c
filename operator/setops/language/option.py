"""`option:set`, `option:unset`: options of a Service's type."""

from __future__ import annotations

from typing import Any, Final

from pydantic.alias_generators import to_camel

from setops.api import catalogue
from setops.api.definition import StageDefinition, of_service, service_problems
from setops.api.errors import Problem, ProblemsError
from setops.api.section import SERVICES
from setops.api.service_option import OptionValue
from setops.language import edit
from setops.language.command import OF_SERVICE, Argument, Command, CommandContext, Invocation, Type


def _set(
    definition: StageDefinition, invocation: Invocation, _context: CommandContext
) -> StageDefinition:
    name, text = invocation.arguments
    options, option = _options(definition, invocation, name, text)
    return _change(definition, invocation, {**options, **option})


def _unset(
    definition: StageDefinition, invocation: Invocation, _context: CommandContext
) -> StageDefinition:
    (name,) = invocation.arguments
    options, _ = _options(definition, invocation, name, None)
    options.pop(_spelled(name), None)
    return _change(definition, invocation, options)


def _options(
    definition: StageDefinition, invocation: Invocation, name: str, text: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Service's current options, and the named option with its new value if there is one."""
    service = edit.service_of(definition, invocation.service)
    problems = catalogue.check_type(service.type)
    option = _spelled(name)
    value: OptionValue | Problem | None = None
    if not problems:
        # Without a text only the name is checked, so any text will do.
        value = catalogue.parse_option(service.type, option, text or "")
        unknown = catalogue.TYPES[service.type].option(option) is None
        if isinstance(value, Problem) and (unknown or text is not None):
            problems = [value]
    if problems:
        raise ProblemsError(of_service(invocation.service, problems))
    options = service.options.to_json() if service.options else {}
    return options, {} if text is None else {option: value}


def _change(
    definition: StageDefinition, invocation: Invocation, options: dict[str, Any]
) -> StageDefinition:
    name = invocation.service
    changed = edit.change(definition, SERVICES, name, {"options": options or None})
    problems = service_problems(name, changed.services[name])
    if problems:
        raise ProblemsError(problems)
    return changed


def _spelled(name: str) -> str:
    """An option's name as resources spell it. The platform writes `min_storage`."""
    return to_camel(name.replace("-", "_")) if "_" in name or "-" in name else name


COMMANDS: Final = (
    Command(
        name="option:set",
        scopes=OF_SERVICE,
        help="Sets an option of a Service.",
        example="--service store option:set blockPublicAccess false",
        arguments=(
            Argument("NAME", "Name of the option.", Type.OPTION),
            Argument("VALUE", "Value of the option."),
        ),
        apply=_set,
    ),
    Command(
        name="option:unset",
        scopes=OF_SERVICE,
        help="Sets an option of a Service back to the default of its type.",
        example="--service store option:unset blockPublicAccess",
        arguments=(Argument("NAME", "Name of the option.", Type.OPTION),),
        apply=_unset,
    ),
)
