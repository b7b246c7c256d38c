"""Finds out whether a live object has what we want, without a write. Pure.

The desired object is compared as a subset. Defaults of the API server are no difference, nor is
what others added to a map, such as a label. A list that we set is ours as a whole: an item that
somebody added to it is a difference, since an extra environment variable or port changes what runs.
So is an extra entry in a selector, in resource limits or in a Secret, and a command or a volume
where we set none.

A field that we once set and no longer want looks like a default here. `Cluster.apply` finds those
by the hash of the desired object, which it leaves on the live one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from setops.api.kinds import SECRET, Object, kind_of
from setops.kube import quantity
from setops.kube.trim import hash_of
from setops.kube.watched import WATCHED, MergeKeys

_MERGE_KEYS: Final[MergeKeys] = {"ownerReferences": ("uid",)}
"""For all kinds; `watched` has those of each kind. The order of such lists doesn't matter."""

_OPEN_LISTS: Final = frozenset({"ownerReferences", "finalizers"})
"""Lists to which others may add items."""

_CLOSED_MAPS: Final = frozenset(
    {"selector", "matchLabels", "podSelector", "nodeSelector", "data", "requests", "limits", "hard"}
)
"""Maps to which nobody may add."""

_RUNS: Final = frozenset(
    {
        # Of a container,
        "args",
        "command",
        "envFrom",
        "lifecycle",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "volumeMounts",
        "workingDir",
        # of a pod,
        "hostAliases",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "initContainers",
        "volumes",
        # of a Deployment.
        "paused",
    }
)
"""Fields that nobody else may set even where we don't.

They change what runs and have no default. Where it runs, such as a node selector or a toleration,
others may decide.
"""

_QUANTITIES: Final = frozenset({"requests", "limits", "hard"})
"""Maps whose values are quantities."""

_RULES: Final = frozenset({"ingress", "egress"})
"""Lists of a NetworkPolicy. Emptiness counts in them: an empty selector matches everything."""

_OMITTED: Final = frozenset(
    {
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "initialDelaySeconds",
        "minReadySeconds",
        "paused",
        "publishNotReadyAddresses",
        "readOnly",
        "stdin",
        "stdinOnce",
        "tty",
    }
)
"""Fields that the API server leaves out when they are false or zero."""

_DEFAULTS: Final[Mapping[str, object]] = {"protocol": "TCP"}
_IDENTITY: Final = frozenset({"labels", "annotations", "ownerReferences", "finalizers"})
"""The metadata that is compared."""


def differences(desired: Object, live: Object) -> tuple[str, ...]:
    """The paths at which `live` lacks what `desired` asks for; empty if there are none.

    `live` may be trimmed, and either may have hashes for the values of a Secret. Paths look like
    `spec.template.spec.containers[web].env[MODE].value`. They never contain values.
    """
    kind = kind_of(desired)
    if kind == SECRET:
        desired, live = _secret(desired), _secret(live)
    row = WATCHED.get(kind)
    compared = _Comparison({**_MERGE_KEYS, **(row.merge_keys if row else {})})
    return tuple(compared.objects(desired, live))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Yields the paths of differences. `name` is the name of the field that is compared."""

    merge_keys: MergeKeys

    def objects(self, desired: Object, live: Object) -> Iterator[str]:
        metadata = live.get("metadata") or {}
        for name, want in desired["metadata"].items():
            if name in _IDENTITY:
                yield from self._values(f"metadata.{name}", name, want, metadata.get(name))
        for name, want in desired.items():
            if name not in ("apiVersion", "kind", "metadata", "status"):
                yield from self._values(name, name, want, live.get(name))

    def _values(self, path: str, name: str, want: Any, have: Any) -> Iterator[str]:
        if want == have and type(want) is type(have):
            return
        if name in _RULES and isinstance(want, list):
            if _with_protocol(want) != _with_protocol(have or []):
                yield path
        elif isinstance(want, dict):
            if isinstance(have, dict) or _empty(have):
                yield from self._maps(path, name, want, have or {})
            else:
                yield path
        elif isinstance(want, list):
            if isinstance(have, list) or _empty(have):
                yield from self._lists(path, name, want, have or [])
            else:
                yield path
        elif not _equal(name, want, have):
            yield path

    def _maps(
        self, path: str, name: str, want: Mapping[str, Any], have: Mapping[str, Any]
    ) -> Iterator[str]:
        for key, value in want.items():
            where = f"{path}.{key}"
            if name in _QUANTITIES:
                if key not in have or not quantity.equal(value, have[key]):
                    yield where
            else:
                yield from self._values(where, key, value, have.get(key))
        for key, value in have.items():
            if key not in want and key in _RUNS and value:
                yield f"{path}.{key}"
            if key not in want and name in _CLOSED_MAPS and not _empty(value):
                yield f"{path}.{key}"

    def _lists(
        self, path: str, name: str, want: Sequence[Any], have: Sequence[Any]
    ) -> Iterator[str]:
        identify = self._identifier(name, want, have)
        if identify is None:
            if len(want) != len(have):
                yield path
            for index, (one, other) in enumerate(zip(want, have, strict=False)):
                yield from self._values(f"{path}[{index}]", "", one, other)
            return
        there = {identify(item): item for item in have}
        for item in want:
            identity = identify(item)
            where = f"{path}[{identity}]"
            if identity not in there:
                yield where
            else:
                other = there.pop(identity)
                yield from self._values(where, "", item, other)
                if name == "env":  # a union: `valueFrom` next to our `value` is another variable
                    yield from (f"{where}.{key}" for key in other if key not in item)
        if name not in _OPEN_LISTS:
            yield from (f"{path}[{identity}]" for identity in there)

    def _identifier(
        self, name: str, want: Sequence[Any], have: Sequence[Any]
    ) -> Callable[[Any], str] | None:
        """What names an item of a list; None if only its position does."""
        if name == "finalizers":
            return str
        fields = self.merge_keys.get(name)
        items = [*want, *have]
        if not fields or not all(isinstance(item, dict) and fields[0] in item for item in items):
            return None

        def identify(item: Mapping[str, Any]) -> str:
            return "/".join(str(item.get(field, _DEFAULTS.get(field, ""))) for field in fields)

        has_no_twins = all(len({*map(identify, side)}) == len(side) for side in (want, have))
        return identify if has_no_twins else None


def _equal(name: str, want: object, have: object) -> bool:
    if _empty(want):
        return _empty(have)
    if have is None:
        return name in _OMITTED and not want
    if isinstance(want, bool) or isinstance(have, bool):
        return want is have
    if isinstance(want, int | float) and isinstance(have, int | float):
        return want == have
    return str(want) == str(have)  # int-or-string


def _empty(value: object) -> bool:
    return value is None or value == "" or value == {} or value == []


def _with_protocol(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """NetworkPolicy rules with the default that the API server fills in."""
    return [
        {**rule, "ports": [_DEFAULTS | port for port in rule["ports"]]}
        if rule.get("ports")
        else dict(rule)
        for rule in rules
    ]


def _secret(secret: Object) -> Object:
    """A Secret with hashes of all its values in `data`."""
    text = secret.get("stringData") or {}
    data = (secret.get("data") or {}) | {
        key: base64.b64encode(value.encode()).decode() for key, value in text.items()
    }
    rest = {name: value for name, value in secret.items() if name not in ("data", "stringData")}
    return {**rest, "data": {key: hash_of(value) for key, value in data.items()}}
