"""AWS's API models, reduced to the operations that this package calls.

botocore makes a method of each operation in each client. EC2 alone has hundreds of operations, so
whole models take nearly 3 MiB for every account. The operations that we call take a tenth of that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader


def loader(operations: Mapping[str, Collection[str]]) -> Loader:
    """A loader for botocore's sessions, given the operations that are called, by client.

    All sessions share what it has read.
    """
    # botocore's extras only concern operations that aren't called here, such as copies.
    return Loader(file_loader=_Called(operations), include_default_extras=False)


class _Called(JSONFileLoader):
    """Reads a model and drops the operations that aren't called, with their shapes.

    Other models stay whole. botocore's own clients for single sign-on and login use them.
    """

    def __init__(self, operations: Mapping[str, Collection[str]]) -> None:
        self._operations = operations

    def load_file(self, file_path: str) -> Any:
        model = super().load_file(file_path)
        path = Path(file_path)
        product = path.parent.parent.name
        called = self._operations.get(product)
        if model is None or path.name != "service-2" or called is None:
            return model
        operations = {name: model["operations"][name] for name in sorted(called)}
        shapes = model["shapes"]
        return {**model, "operations": operations, "shapes": _used(operations, shapes)}


def _used(operations: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """The shapes that operations refer to, directly or through other shapes."""
    used: dict[str, Any] = {}
    left: list[Any] = list(operations.values())
    while left:
        node = left.pop()
        if isinstance(node, list):
            left += node
        if not isinstance(node, Mapping):
            continue
        left += node.values()
        name = node.get("shape")
        if isinstance(name, str) and name not in used:
            used[name] = shapes[name]
            left.append(shapes[name])
    return used
