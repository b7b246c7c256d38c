"""Odd kubeconfigs and environments, each tried by kubectl and by setops."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from sandbox.certificates import KeyPair
from tests.cluster.forwarder import Forwarder

Entry = dict[str, Any]
Variables = Mapping[str, str]

API: Final = "client.authentication.k8s.io"
LATIN: Final = "# Z\xfcrich AG, \xa9 2026\n".encode("latin-1")
CLUSTER_NAME: Final = "kubernetes.default.svc"
"""A name that the API server's certificate is good for, and that only the proxies know."""


@dataclass(frozen=True)
class Lab:
    """What the cases are made of: an API server, people, proxies. `folder` is for one case."""

    folder: Path
    server: str
    authority: bytes
    other_authority: bytes
    boss: KeyPair
    """May do everything."""
    dev: KeyPair
    token: str
    """Of a ServiceAccount."""
    gateway: str
    """Plain HTTP: whoever asks there without a name is the administrator."""
    server_certificate: bytes
    encrypted_key: bytes
    """Of the boss, with a passphrase."""
    forwarders: Mapping[str, Forwarder] = field(default_factory=dict)

    @property
    def port(self) -> str:
        """The port of the API server."""
        return self.server.rpartition(":")[2]

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file; its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def document(
        self,
        user: Entry | None = None,
        cluster: Entry | None = None,
        context: Entry | None = None,
        **top: Any,
    ) -> Entry:
        """A kubeconfig with one context `it`; what is given is set over what works."""
        user = by(self.boss) if user is None else user
        place = {"server": self.server, "certificate-authority-data": encoded(self.authority)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "clusters": [{"name": "it", "cluster": _set({**place, **(cluster or {})})}],
            "users": [{"name": "it", "user": user}],
            "contexts": [
                {"name": "it", "context": {"cluster": "it", "user": "it"} | (context or {})}
            ],
            **{name.replace("_", "-"): value for name, value in top.items()},
        }

    def config(
        self, user: Entry | None = None, cluster: Entry | None = None, **more: Any
    ) -> Variables:
        """The variables that lead to a kubeconfig; see `document`."""
        return self.text(yaml.safe_dump(self.document(user, cluster, **more)))

    def text(self, content: str | bytes) -> Variables:
        """The variables that lead to a file of this content."""
        return {"KUBECONFIG": self.write("config", content)}

    def program(self, answer: Entry | str, name: str = "bin/login", before: str = "") -> str:
        """A login program that prints `answer`, and notes what it was asked; its path."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        trace = self.folder / "trace"
        script = f"""#!/bin/sh
printf '%s\\n' "$KUBERNETES_EXEC_INFO" >> {trace}
printf '%s\\n' "args $*" "extra $EXTRA" >> {trace}
cat > /dev/null
{before}
cat <<'END'
{text}
END
"""
        path = self.write(name, script)
        os.chmod(path, 0o700)
        return path

    def by_program(self, answer: Entry | str | None = None, **entry: Any) -> Variables:
        """A kubeconfig whose user logs in by a program."""
        answer = credential({"token": self.token}) if answer is None else answer
        cluster = entry.pop("cluster", None)
        made = {"apiVersion": f"{API}/v1", "interactiveMode": "Never", "command": "bin/login"}
        self.program(answer)
        return self.config(user={"exec": _set(made | entry)}, cluster=cluster)

    def proxied(self, name: str, login: str = "", **cluster: str) -> Variables:
        """A kubeconfig with a proxy."""
        scheme = "socks5" if name in ("socks", "broken") else name
        url = f"{scheme}://{login}127.0.0.1:{self.forwarders[name].port}"
        place: Entry = {"server": f"https://{CLUSTER_NAME}:{self.port}", "proxy-url": url}
        return self.config(cluster={**place, **cluster})

    def by_environment(
        self, name: str = "http", host: str = CLUSTER_NAME, **more: str
    ) -> Variables:
        """A kubeconfig without a proxy, and a proxy in the environment."""
        found = self.config(cluster={"server": f"https://{host}:{self.port}",
                                     "tls-server-name": "localhost"})  # fmt: skip
        scheme = "socks5" if name == "socks" else name
        url = f"{scheme}://127.0.0.1:{self.forwarders[name].port}"
        return {**found, **{key: value or url for key, value in more.items()}}


def encoded(content: bytes) -> str:
    """Bytes as a kubeconfig holds them."""
    return base64.b64encode(content).decode()


def by(pair: KeyPair, **more: Any) -> Entry:
    """A user who logs in by a certificate."""
    data = {"client-certificate-data": encoded(pair.certificate)}
    return {**data, "client-key-data": encoded(pair.key), **more}


def credential(status: Any, version: str = "v1", kind: str = "ExecCredential") -> Entry:
    """What a login program prints."""
    return {"apiVersion": f"{API}/{version}", "kind": kind, "status": status}


def _set(entry: Entry) -> Entry:
    return {name: value for name, value in entry.items() if value is not None}


def wrapped(content: bytes) -> str:
    return base64.encodebytes(content).decode()


def two(lab: Lab, first: Entry | str, second: Entry | str) -> Variables:
    """The variables that lead to two files."""
    paths = []
    for number, each in enumerate((first, second)):
        content = each if isinstance(each, str) else yaml.safe_dump(each)
        paths.append(lab.write(f"{number}/config", content))
    return {"KUBECONFIG": os.pathsep.join(paths)}


@dataclass(frozen=True)
class Case:
    """A kubeconfig. `said` is a word of what setops says when it refuses it; kubectl does too."""

    name: str
    make: Callable[[Lab], Variables]
    said: str = ""


def good(cases: Mapping[str, Callable[[Lab], Variables]]) -> Sequence[Case]:
    return [Case(name, make) for name, make in cases.items()]


def bad(cases: Mapping[str, tuple[Callable[[Lab], Variables], str]]) -> Sequence[Case]:
    return [Case(name, make, said) for name, (make, said) in cases.items()]
