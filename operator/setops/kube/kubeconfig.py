"""Reads kubeconfig files: which server a context means, and how to log in there.

For the command line, since the `kubernetes` library's loader is too slow for it; the operator uses
that one. Several files in `KUBECONFIG` are merged as kubectl does it: the first to name a thing
wins.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

POD_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_EXEC_PATIENCE: Final = 60.0


class KubeconfigError(ValueError):
    """There is no usable kubeconfig; the message says what is wrong, where, and what to do."""


class LoginError(Exception):
    """The login program that a kubeconfig names gave no credentials."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who sends a request; all of it is absent for an anonymous user."""

    token: str | None = None
    certificate: bytes | None = None
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """How to reach the cluster of a context.

    `user` is the context's entry of `users`; `credentials` reads what it refers to.
    """

    context: str
    server: str
    namespace: str
    authority: bytes | None = None
    insecure: bool = False
    server_name: str | None = None
    proxy: str | None = None
    folder: Path = field(default_factory=Path)
    user: Mapping[str, Any] = field(default_factory=dict)

    def credentials(self) -> Credentials:
        """Read the user's credentials, or run the program that the kubeconfig names for that.

        Raises LoginError when that program gives none, KubeconfigError for a file that can't be
        read.
        """
        user, folder = self.user, self.folder
        if "exec" in user:
            return _executed(user["exec"], self)
        if "auth-provider" in user:
            raise KubeconfigError(
                f"the user of context {self.context!r} logs in by auth-provider, which Kubernetes "
                "has dropped; use an exec entry: aws eks update-kubeconfig writes one"
            )
        token = user.get("token")
        if not token and user.get("tokenFile"):
            token = _read(folder / user["tokenFile"]).decode().strip()
        return Credentials(
            token=token or None,
            certificate=_content(user, "client-certificate", folder),
            key=_content(user, "client-key", folder),
        )


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The merged files. Entries carry the folder of their file, for relative paths."""

    current: str
    contexts: Mapping[str, Mapping[str, Any]]
    clusters: Mapping[str, tuple[Mapping[str, Any], Path]]
    users: Mapping[str, tuple[Mapping[str, Any], Path]]

    def target(self, context: str = "") -> ClusterAccess:
        """The context of that name, or the current one. Raises KubeconfigError."""
        name = context or self.current
        known = ", ".join(sorted(self.contexts)) or "none"
        if not name:
            raise KubeconfigError(
                f"the kubeconfig has no current context; choose one of: {known} (setops login)"
            )
        if name not in self.contexts:
            raise KubeconfigError(f"the kubeconfig has no context {name!r}; there are: {known}")
        chosen = self.contexts[name]
        cluster = self.clusters.get(str(chosen.get("cluster")))
        if cluster is None or not cluster[0].get("server"):
            raise KubeconfigError(
                f"context {name!r} names the cluster {chosen.get('cluster')!r}, for which the "
                "kubeconfig has no server"
            )
        entry, folder = cluster
        user, user_folder = self.users.get(str(chosen.get("user")), ({}, folder))
        return ClusterAccess(
            context=name,
            server=str(entry["server"]).rstrip("/"),
            namespace=str(chosen.get("namespace") or "default"),
            authority=_content(entry, "certificate-authority", folder),
            insecure=bool(entry.get("insecure-skip-tls-verify")),
            server_name=entry.get("tls-server-name"),
            proxy=entry.get("proxy-url"),
            folder=user_folder,
            user=user,
        )


def paths() -> Sequence[Path]:
    """The files that count: those of KUBECONFIG, else ~/.kube/config."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [Path(part) for part in named] or [Path.home() / ".kube" / "config"]


def load() -> Kubeconfig:
    """Read and merge the files. Raises KubeconfigError."""
    found = [path for path in paths() if path.is_file()]
    if not found:
        raise KubeconfigError(
            f"there is no kubeconfig at {' or '.join(map(str, paths()))}; for EKS: "
            "aws eks update-kubeconfig --name CLUSTER, or setops login --eks CLUSTER"
        )
    current, contexts = "", dict[str, Mapping[str, Any]]()
    clusters = dict[str, tuple[Mapping[str, Any], Path]]()
    users = dict[str, tuple[Mapping[str, Any], Path]]()
    for path in found:
        document = _document(path)
        current = current or str(document.get("current-context") or "")
        for name, entry in _entries(document, "context", path):
            contexts.setdefault(name, entry)
        for name, entry in _entries(document, "cluster", path):
            clusters.setdefault(name, (entry, path.parent))
        for name, entry in _entries(document, "user", path):
            users.setdefault(name, (entry, path.parent))
    return Kubeconfig(current, contexts, clusters, users)


def target(context: str = "") -> ClusterAccess:
    """Where to connect to: the named context, the pod's ServiceAccount, or the current context."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    in_pod = host and not os.environ.get("KUBECONFIG") and (POD_ACCOUNT / "token").is_file()
    if in_pod and not context:
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        return ClusterAccess(
            context="in-cluster",
            server=f"https://{f'[{host}]' if ':' in str(host) else host}:{port}",
            namespace="default",
            authority=_read(POD_ACCOUNT / "ca.crt"),
            folder=POD_ACCOUNT,
            user={"tokenFile": "token"},
        )
    return load().target(context)


def _document(path: Path) -> Mapping[str, Any]:
    # Reading YAML is a third of what a short command imports.
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(_read(path), Loader=loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise KubeconfigError(f"{path} is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, Mapping):
        raise KubeconfigError(f"{path} is no kubeconfig: it must be a map")
    return document


def _entries(
    document: Mapping[str, Any], what: str, path: Path
) -> Sequence[tuple[str, Mapping[str, Any]]]:
    entries = document.get(f"{what}s") or []
    try:
        return [(str(entry["name"]), entry.get(what) or {}) for entry in entries]
    except (TypeError, KeyError, AttributeError):
        raise KubeconfigError(
            f"{path} is no kubeconfig: each of {what}s needs a name and a {what}"
        ) from None


def _content(entry: Mapping[str, Any], name: str, folder: Path) -> bytes | None:
    """A value from the kubeconfig itself (`…-data`), or from a file that it names."""
    data = entry.get(f"{name}-data")
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise KubeconfigError(f"{name}-data of the kubeconfig is no base64") from None
    return _read(folder / entry[name]) if entry.get(name) else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KubeconfigError(f"{path} can't be read: {error.strerror}") from None


def _executed(entry: Mapping[str, Any], access: ClusterAccess) -> Credentials:
    """Credentials of an exec plugin, such as `aws eks get-token`."""
    command = str(entry.get("command") or "")
    version = str(entry.get("apiVersion") or "client.authentication.k8s.io/v1")
    # A command with a slash is relative to the kubeconfig, as kubectl has it.
    program = str(access.folder / command) if os.sep in command else command
    line = [program, *map(str, entry.get("args") or ())]
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    variables = {str(item["name"]): str(item["value"]) for item in entry.get("env") or ()}
    environment = {**os.environ, **variables, "KUBERNETES_EXEC_INFO": json.dumps(asked)}
    shown = shlex.join(line)
    try:
        done = subprocess.run(
            line, env=environment, capture_output=True, timeout=_EXEC_PATIENCE, check=False
        )
    except FileNotFoundError:
        hint = entry.get("installHint") or f"install {command}, or use another context"
        raise LoginError(f"{command} isn't installed, which logs in here; {hint}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LoginError(f"`{shown}` could not be run: {error}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise LoginError(f"`{shown}` gave no credentials: {said}")
    try:
        status = json.loads(done.stdout)["status"]
        return Credentials(
            token=status.get("token"),
            certificate=_encoded(status.get("clientCertificateData")),
            key=_encoded(status.get("clientKeyData")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LoginError(f"`{shown}` printed no ExecCredential with a status") from None


def _encoded(text: str | None) -> bytes | None:
    return text.encode() if text else None
