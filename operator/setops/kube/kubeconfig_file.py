"""Reads one kubeconfig file into typed entries, as strictly as kubectl does.

Every entry of a file is checked, not only what the current context needs: kubectl refuses a file
with a mistake anywhere in it. Fields that kubectl doesn't know are passed over, as it does.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from setops.kube.access import (
    ClusterEntry,
    ContextEntry,
    Impersonation,
    KubeconfigError,
    LoginProgram,
    UserEntry,
)
from setops.kube.go_words import meaning, number, truth

_LOGIN_EXTENSION: Final = "client.authentication.k8s.io/exec"
_OLD_LOGIN: Final = "client.authentication.k8s.io/v1beta1"
"""The version in which a program may ask unless it is said otherwise."""
_TAG: Final = "tag:yaml.org,2002:"
_LEVELS: Final = 200
_ENTRIES: Final = 20_000
_OPENING: Final = (b"[", b"{", b"- ", b"-\n", b"-\r", b"? ", b"?\n")
"""What may open a level without a line of its own."""
_OTHER_YAML: Final = re.compile(rb"^%YAML[ \t]+(?!1\.1\b)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """What one file says."""

    current: str = ""
    contexts: Mapping[str, ContextEntry] = field(default_factory=dict)
    clusters: Mapping[str, ClusterEntry] = field(default_factory=dict)
    users: Mapping[str, UserEntry] = field(default_factory=dict)


def read(path: Path) -> Document | None:
    """Read a file; None if there is none. Raises KubeconfigError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KubeconfigError(
            f"the kubeconfig {path} can't be read: {error.strerror}; mend that, or name another "
            "file in KUBECONFIG"
        ) from None
    said = parsed(content, str(path))
    found = _Fields({} if said is None else said, str(path))
    if found.text("kind") not in ("", "Config") or found.text("apiVersion") not in ("", "v1"):
        raise KubeconfigError(
            f"{path} is no kubeconfig: its kind must be Config, and its apiVersion v1"
        )
    found.fields("preferences")
    found.extensions()
    folder = os.path.dirname(os.path.abspath(path))
    return Document(
        found.text("current-context"),
        {name: _context(entry) for name, entry in found.named("context")},
        {name: _cluster(entry, folder) for name, entry in found.named("cluster")},
        {name: _user(entry, folder) for name, entry in found.named("user")},
    )


def parsed(content: bytes, where: str) -> Any:
    """The first document of a YAML or JSON text. Raises KubeconfigError."""
    # Reading YAML is a third of what a short command imports.
    import yaml

    if _OTHER_YAML.search(content):
        raise KubeconfigError(f"{where} is no YAML of version 1.1; remove the line %YAML")
    if sum(map(content.count, _OPENING)) > _LEVELS and _is_deep(content):
        raise KubeconfigError(f"{where} has more than {_LEVELS} levels; it is no kubeconfig")
    loader = _loader()(content)
    try:
        return loader.get_data() if loader.check_data() else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise KubeconfigError(f"{where} is no YAML: {str(error).splitlines()[0]}{place}") from None
    finally:
        loader.dispose()


def _is_deep(content: bytes) -> bool:
    """Whether there are more levels than can be read: the reader in C would overrun its stack."""
    import yaml

    depth = 0
    with suppress(yaml.YAMLError, ValueError):
        for event in yaml.parse(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _LEVELS:
                return True
    return False


def _loader() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class GoLoader(base):  # type: ignore[misc]
        def flatten_mapping(self, node: Any) -> None:
            super().flatten_mapping(node)
            if len(node.value) > _ENTRIES:
                raise ValueError(f"a map has more than {_ENTRIES} entries")

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            if kind is yaml.ScalarNode and implicit[0]:
                return f"{_TAG}{meaning(value)}"
            return super().resolve(kind, value, (False, False))

    GoLoader.add_constructor(f"{_TAG}map", _mapping)
    GoLoader.add_constructor(f"{_TAG}bool", lambda _, node: truth(node.value))
    GoLoader.add_constructor(f"{_TAG}int", _number)
    GoLoader.add_constructor(f"{_TAG}float", _number)
    return GoLoader


def _number(loader: Any, node: Any) -> float:
    found = number(node.value)
    return loader.construct_yaml_float(node) if found is None else found


def _mapping(loader: Any, node: Any) -> dict[str, Any]:
    """A map by text. As Python has it, the keys 1 and true are the same."""
    loader.flatten_mapping(node)
    return {
        _key(loader, key): loader.construct_object(value, deep=True) for key, value in node.value
    }


def _key(loader: Any, node: Any) -> str:
    key = loader.construct_object(node, deep=True)
    if key is None or isinstance(key, list | dict | bytes):
        line = node.start_mark.line + 1
        raise ValueError(f"a key is {_kind(key)}; it must be a word (line {line})")
    return str(key).lower() if isinstance(key, bool) else str(key)


def _context(entry: _Fields) -> ContextEntry:
    entry.extensions()
    return ContextEntry(entry.text("cluster"), entry.text("user"), entry.text("namespace"))


def _cluster(entry: _Fields, folder: str) -> ClusterEntry:
    return ClusterEntry(
        server=entry.text("server"),
        server_name=entry.text("tls-server-name"),
        insecure=entry.switch("insecure-skip-tls-verify"),
        authority_file=entry.path("certificate-authority", folder),
        authority_data=entry.data("certificate-authority-data"),
        proxy=entry.text("proxy-url"),
        uncompressed=entry.switch("disable-compression"),
        login_config=entry.extensions().get(_LOGIN_EXTENSION),
    )


def _user(entry: _Fields, folder: str) -> UserEntry:
    entry.extensions()
    provider = entry.fields("auth-provider")
    program = entry.fields("exec")
    return UserEntry(
        certificate_file=entry.path("client-certificate", folder),
        certificate_data=entry.data("client-certificate-data"),
        key_file=entry.path("client-key", folder),
        key_data=entry.data("client-key-data"),
        token=entry.text("token"),
        token_file=entry.path("tokenFile", folder),
        user=entry.text("username"),
        password=entry.text("password"),
        provider=None if provider is None else (provider.text("name"), provider.settings("config")),
        program=None if program is None else _program(program, folder),
        impersonate=_impersonation(entry),
    )


def _below(folder: str, path: str) -> str:
    """A path as Go joins it: `..` takes a word away, and follows no link."""
    return path if os.path.isabs(path) else os.path.normpath(os.path.join(folder, path))


def _program(entry: _Fields, folder: str) -> LoginProgram:
    command, version = entry.text("command"), entry.text("apiVersion")
    # A mere name is looked for in PATH, anything else is relative to the kubeconfig.
    if os.sep in command:
        command = _below(folder, command)
    default = "IfAvailable" if version == _OLD_LOGIN else ""
    return LoginProgram(
        command=command,
        arguments=entry.texts("args"),
        variables=tuple((each.text("name"), each.text("value")) for each in entry.items("env")),
        api_version=version,
        interactive=entry.text("interactiveMode") or default,
        install_hint=entry.text("installHint"),
        wants_cluster=entry.switch("provideClusterInfo"),
    )


def _impersonation(entry: _Fields) -> Impersonation | None:
    extra = entry.fields("as-user-extra")
    found = Impersonation(
        user=entry.text("as"),
        uid=entry.text("as-uid"),
        groups=entry.texts("as-groups"),
        extra=tuple((key, extra.texts(key)) for key in extra.raw) if extra else (),
    )
    return found if found.user or found.uid or found.groups or found.extra else None


class _Fields:
    """A map of a document, whose values are read with the types that they must have.

    What is missing or null is empty. Every method raises KubeconfigError for another type.
    """

    def __init__(self, raw: Any, where: str) -> None:
        self._where = where
        if not isinstance(raw, Mapping):
            raise KubeconfigError(f"{where} must be a map, but is {_kind(raw)}")
        self.raw: Mapping[str, Any] = raw

    def text(self, name: str) -> str:
        """A text."""
        return self._text(self.raw.get(name), f"{self._where}: {name}")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        where = f"{self._where}: {name}"
        return tuple(self._text(each, where) for each in self._list(name))

    def settings(self, name: str) -> dict[str, str]:
        """A map of texts."""
        found = self.fields(name)
        return {} if found is None else {key: found.text(key) for key in found.raw}

    def path(self, name: str, folder: str) -> str:
        """A path, which may be relative to `folder`."""
        found = self.text(name)
        return _below(folder, found) if found else ""

    def extensions(self) -> Mapping[str, Any]:
        """What other programs have stored there, by name; it may be anything."""
        return {
            name: entry.raw.get("extension")
            for name, entry in self._by_name("extensions", self.items("extensions")).items()
        }

    def switch(self, name: str) -> bool:
        """True or false."""
        found = self.raw.get(name)
        if found is None or isinstance(found, bool):
            return bool(found)
        raise KubeconfigError(f"{self._where}: {name} must be true or false, but is {_kind(found)}")

    def data(self, name: str) -> bytes:
        """Bytes, written in base64. Line breaks may be anywhere in it."""
        found = self.text(name)
        try:
            return base64.b64decode(found.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError):
            raise KubeconfigError(f"{self._where}: {name} is no base64") from None

    def fields(self, name: str) -> _Fields | None:
        """A map, or None."""
        found = self.raw.get(name)
        return None if found is None else _Fields(found, f"{self._where}: {name}")

    def items(self, name: str) -> Sequence[_Fields]:
        """A list of maps."""
        return [
            _Fields({} if each is None else each, f"{self._where}: {name}[{place}]")
            for place, each in enumerate(self._list(name))
        ]

    def named(self, what: str) -> Sequence[tuple[str, _Fields]]:
        """The entries of a list such as `contexts`: a name, and a map beside it."""
        entries = self._by_name(f"{what}s", self.items(f"{what}s"))
        return [
            (name, entry.fields(what) or _Fields({}, self._where))
            for name, entry in entries.items()
        ]

    def _by_name(self, what: str, entries: Sequence[_Fields]) -> Mapping[str, _Fields]:
        found: dict[str, _Fields] = {}
        for entry in entries:
            name = entry.text("name")
            if name in found:
                raise KubeconfigError(
                    f"{self._where}: {what} has {name!r} twice; remove one of them"
                )
            found[name] = entry
        return found

    def _list(self, name: str) -> Sequence[Any]:
        found = self.raw.get(name)
        if found is None or isinstance(found, list):
            return found or []
        raise KubeconfigError(f"{self._where}: {name} must be a list, but is {_kind(found)}")

    @staticmethod
    def _text(found: Any, where: str) -> str:
        if found is None or isinstance(found, str):
            return found or ""
        hint = "; write it in quotes" if isinstance(found, bool | int | float) else ""
        raise KubeconfigError(f"{where} must be a text, but is {_kind(found)}{hint}")


def _kind(value: Any) -> str:
    kinds = {str: "a text", bool: "true or false", int: "a number", float: "a number"}
    kinds |= {list: "a list", dict: "a map", bytes: "binary", type(None): "empty"}
    return kinds.get(type(value), "something else")
