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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from setops.kube.access import (
    ClusterEntry,
    ContextEntry,
    Impersonation,
    KubeconfigError,
    LoginProgram,
    UserEntry,
)

_LOGIN_EXTENSION: Final = "client.authentication.k8s.io/exec"
_OLD_LOGIN: Final = (
    "client.authentication.k8s.io/v1beta1",
    "client.authentication.k8s.io/v1alpha1",
)


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

    loader = _loader()(content)
    try:
        return loader.get_data() if loader.check_data() else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise KubeconfigError(f"{where} is no YAML: {str(error).splitlines()[0]}{place}") from None
    finally:
        loader.dispose()


class _Rule(NamedTuple):
    """What a plain word of YAML means if it looks like this."""

    tag: str
    pattern: str
    begins: str


_RULES: Final = (
    _Rule("null", r"~|null|Null|NULL|", "~nN"),
    _Rule("bool", r"y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON", "yYtToO"),
    _Rule("bool", r"n|N|no|No|NO|false|False|FALSE|off|Off|OFF", "nNfFoO"),
    _Rule("int", r"[-+]?(0b[01_]+|0[xX][0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    _Rule(
        "float",
        r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    _Rule("merge", r"<<", "<"),
)
"""Go's reading of YAML. PyYAML's own reads dates, and numbers to the base of 60, out of names."""


def _loader() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    made: Any = type(
        "GoLoader",
        (base,),
        {
            "yaml_implicit_resolvers": {},
            "bool_values": {**base.bool_values, "y": True, "n": False},
        },
    )
    made.add_constructor("tag:yaml.org,2002:map", _mapping)
    for rule in _RULES:
        begins = [*rule.begins, ""] if rule.tag == "null" else list(rule.begins)
        pattern = re.compile(rf"(?:{rule.pattern})\Z")
        made.add_implicit_resolver(f"tag:yaml.org,2002:{rule.tag}", pattern, begins)
    return made


def _mapping(loader: Any, node: Any) -> dict[str, Any]:
    """A map by text. As Python has it, the keys 1 and true are the same."""
    loader.flatten_mapping(node)
    return {
        _key(loader.construct_object(key, deep=True)): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


def _context(entry: _Fields) -> ContextEntry:
    return ContextEntry(entry.text("cluster"), entry.text("user"), entry.text("namespace"))


def _cluster(entry: _Fields, folder: str) -> ClusterEntry:
    extensions = dict(entry.named("extension"))
    login = extensions.get(_LOGIN_EXTENSION)
    return ClusterEntry(
        server=entry.text("server"),
        server_name=entry.text("tls-server-name"),
        insecure=entry.switch("insecure-skip-tls-verify"),
        authority_file=entry.path("certificate-authority", folder),
        authority_data=entry.data("certificate-authority-data"),
        proxy=entry.text("proxy-url"),
        uncompressed=entry.switch("disable-compression"),
        login_config=login.raw if login else None,
    )


def _user(entry: _Fields, folder: str) -> UserEntry:
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


def _program(entry: _Fields, folder: str) -> LoginProgram:
    command, version = entry.text("command"), entry.text("apiVersion")
    # A mere name is looked for in PATH, anything else is relative to the kubeconfig.
    if os.sep in command:
        command = os.path.join(folder, command)
    default = "IfAvailable" if version in _OLD_LOGIN else ""
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
        return os.path.join(folder, found) if found else ""

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
        found: dict[str, _Fields] = {}
        for entry in self.items(f"{what}s"):
            name = entry.text("name")
            if name in found:
                raise KubeconfigError(
                    f"{self._where}: {what}s has {name!r} twice; remove one of them"
                )
            found[name] = entry.fields(what) or _Fields({}, self._where)
        return list(found.items())

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


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _kind(value: Any) -> str:
    kinds = {str: "a text", bool: "true or false", int: "a number", float: "a number"}
    kinds |= {list: "a list", dict: "a map", bytes: "binary", type(None): "empty"}
    return kinds.get(type(value), "something else")
