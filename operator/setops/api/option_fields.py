"""The fields of a Service's options, made from the options of the types of Services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints
from pydantic.alias_generators import to_snake
from pydantic.fields import FieldInfo

from setops.api.model import Form
from setops.api.service_option import ItemForm, OptionKind, OptionSpec
from setops.api.service_type import ServiceType

_MAX_ITEMS: Final = 64


def option_fields(types: Iterable[ServiceType]) -> dict[str, tuple[Any, FieldInfo]]:
    """Every option of the types as (annotation, field), by its name in the model.

    Types with an option of the same name share its field, which has the widest of their bounds. The
    catalogue checks the narrower ones.
    """
    owners: dict[str, list[tuple[str, OptionSpec]]] = {}
    for kind in types:
        for spec in kind.options:
            owners.setdefault(spec.name, []).append((kind.name, spec))
    return {
        to_snake(name): (
            _annotation([spec for _, spec in found]) | None,
            FieldInfo(default=None, description=_description(found)),
        )
        for name, found in owners.items()
    }


def _annotation(specs: Sequence[OptionSpec]) -> Any:
    (kind,) = {spec.kind for spec in specs}
    match kind:
        case OptionKind.BOOLEAN:
            return bool
        case OptionKind.INTEGER:
            low = [spec.minimum for spec in specs if spec.minimum is not None]
            high = [spec.maximum for spec in specs if spec.maximum is not None]
            # One type without a bound makes the field unbounded.
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


def _description(owners: Sequence[tuple[str, OptionSpec]]) -> str:
    """What the option means; for types that differ in it, one after the other."""
    texts: dict[str, list[str]] = {}
    for kind, spec in owners:
        texts.setdefault(_meaning(spec), []).append(kind)
    return " ".join(f"{', '.join(kinds)}: {text}" for text, kinds in texts.items())


def _meaning(spec: OptionSpec) -> str:
    text = spec.description
    if spec.minimum is not None and spec.maximum is not None:
        text += f" From {spec.minimum} to {spec.maximum}."
    if spec.later:
        text += " Currently not supported."
    match spec.default:
        case None:
            return text
        case bool() as default:
            return f"{text} Unset: {str(default).lower()}."
        case default:
            return f"{text} Unset: {default}."
