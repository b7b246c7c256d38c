"""The fields of a Service's options, made from the options that the types in the catalogue have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints
from pydantic.alias_generators import to_snake
from pydantic.fields import FieldInfo

from setops.api.catalogue import TYPES
from setops.api.model import Form
from setops.api.service_option import ItemForm, OptionKind, OptionSpec

_MAX_ITEMS: Final = 64


def option_fields() -> dict[str, tuple[Any, FieldInfo]]:
    """Each option of any type as (annotation, field), by its name in the model.

    Types that share an option share its field, with the widest of their bounds: what a type takes
    of that is for the catalogue to check.
    """
    owners: dict[str, list[str]] = {}
    specs: dict[str, list[OptionSpec]] = {}
    for kind in TYPES.values():
        for spec in kind.options:
            owners.setdefault(spec.name, []).append(kind.name)
            specs.setdefault(spec.name, []).append(spec)
    return {
        to_snake(name): (
            _annotation(found) | None,
            FieldInfo(default=None, description=_description(owners[name], found[0])),
        )
        for name, found in specs.items()
    }


def _annotation(specs: Sequence[OptionSpec]) -> Any:
    (kind,) = {spec.kind for spec in specs}
    match kind:
        case OptionKind.BOOLEAN:
            return bool
        case OptionKind.INTEGER:
            low = [spec.minimum for spec in specs if spec.minimum is not None]
            high = [spec.maximum for spec in specs if spec.maximum is not None]
            # A type without a bound takes anything.
            ge = min(low) if len(low) == len(specs) else None
            le = max(high) if len(high) == len(specs) else None
            return Annotated[int, Field(ge=ge, le=le)]
        case OptionKind.LIST:
            (item,) = {spec.item for spec in specs}
            return Annotated[list[_item(item)], Field(max_length=_MAX_ITEMS)]  # type: ignore[misc]


def _item(form: ItemForm | None) -> Any:
    if form is None:
        return str
    return Annotated[
        str, StringConstraints(max_length=form.max_length), Form(form.pattern, form.what)
    ]


def _description(types: Sequence[str], spec: OptionSpec) -> str:
    bounds = "" if spec.minimum is None else f" From {spec.minimum} to {spec.maximum}."
    later = " Currently not supported." if spec.later else ""
    match spec.default:
        case None:
            unset = ""
        case bool() as default:
            unset = f" Unset: {str(default).lower()}."
        case default:
            unset = f" Unset: {default}."
    return f"{', '.join(types)}: {spec.description}{bounds}{later}{unset}"
