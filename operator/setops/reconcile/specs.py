"""Specs as models, each validated once and not at every look."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, TypeVar

from setops.api.kinds import Object
from setops.api.model import Model

S = TypeVar("S", bound=Model)

CAPACITY: Final = 512
"""How many specs are kept. More would cost memory for objects that rarely change."""


class Specs:
    """The specs that were validated last, by the object's uid and generation.

    A generation never gets another spec, and models can't be changed, so they are shared.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], Model] = OrderedDict()

    def of(self, obj: Object, model: type[S]) -> S:
        """The spec of an object; an absent one counts as empty. Raises ValidationError."""
        metadata = obj["metadata"]
        key = (str(metadata.get("uid", "")), int(metadata.get("generation", 0)))
        known = self._kept.get(key)
        if isinstance(known, model):
            self._kept.move_to_end(key)
            return known
        spec = model.model_validate(obj.get("spec") or {})
        self._kept[key] = spec
        if len(self._kept) > CAPACITY:
            self._kept.popitem(last=False)
        return spec
