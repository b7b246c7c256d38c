"""Chooses from the kubeconfig files which server a line is for, and who asks there.

For the command line, whose start the loader of the `kubernetes` library would make four times as
long; the operator uses that one. The rules are those of client-go, so that `setops` and kubectl
always reach the same server as the same user, or both refuse to. What kubectl can do and this
can't is refused by name, since credentials that are passed over may give more rights than their
user asked for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from setops.kube.access import (
    ClusterAccess,
    ClusterEntry,
    ContextEntry,
    KubeconfigError,
    LoginProgram,
    UserEntry,
    content_of,
    masked,
)
from setops.kube.kubeconfig_file import read
from setops.kube.proxy import PORTS, proxy_of

POD_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_DEFAULT_SERVER: Final = "KUBERNETES_MASTER"
_LOGIN_VERSIONS: Final = tuple(f"client.authentication.k8s.io/{v}" for v in ("v1", "v1beta1"))
_INTERACTIVE: Final = ("Never", "IfAvailable", "Always")
_PROXIES: Final = tuple(scheme for scheme in PORTS if scheme != "socks5h")


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The merged files."""

    current: str = ""
    contexts: Mapping[str, ContextEntry] = field(default_factory=dict)
    clusters: Mapping[str, ClusterEntry] = field(default_factory=dict)
    users: Mapping[str, UserEntry] = field(default_factory=dict)

    def target(self, context: str = "") -> ClusterAccess:
        """The context of that name, or the current one. Raises KubeconfigError."""
        name = context or self.current
        known = ", ".join(sorted(self.contexts)) or "none"
        if name and name not in self.contexts:
            raise KubeconfigError(f"the kubeconfig has no context {name!r}; there are: {known}")
        # An empty name is a name like any other.
        chosen = self.contexts.get(name, ContextEntry())
        cluster = self.clusters.get(chosen.cluster, ClusterEntry())
        server = cluster.server or os.environ.get(_DEFAULT_SERVER, "")
        access = ClusterAccess(
            context=name,
            server=server.rstrip("/"),
            namespace=chosen.namespace or "default",
            cluster=replace(cluster, server=server),
            user=self.users.get(chosen.user, UserEntry()),
        )
        _check_user(access, chosen.user)
        if not server:
            kind = NoClusterError if cluster == ClusterEntry() else KubeconfigError
            raise kind(
                f"context {name!r} names the cluster {chosen.cluster!r}, for which the "
                "kubeconfig has no server"
                if name
                else f"the kubeconfig has no current context; choose one of: {known} (setops login)"
            )
        _check_cluster(access)
        _check_login(access, chosen.user, known=chosen.user in self.users)
        return access


class NoClusterError(KubeconfigError):
    """Nothing says which cluster is meant; in a pod it is the pod's own."""


def paths() -> Sequence[Path]:
    """The files that count: those of KUBECONFIG, else ~/.kube/config."""
    named = os.environ.get("KUBECONFIG", "")
    if named:
        return [Path(part) for part in dict.fromkeys(named.split(os.pathsep)) if part]
    return [Path(os.environ.get("HOME", ""), ".kube", "config")]


def load() -> Kubeconfig:
    """Read and merge the files: the first to name a thing wins. Raises KubeconfigError.

    Files that don't exist are passed over if there is another one.
    """
    found = [document for path in paths() if (document := read(path)) is not None]
    if not found and not os.environ.get(_DEFAULT_SERVER):
        raise NoClusterError(
            f"there is no kubeconfig at {' or '.join(map(str, paths())) or 'KUBECONFIG'}; for "
            "EKS: aws eks update-kubeconfig --name CLUSTER, or setops login --eks CLUSTER"
        )
    contexts: dict[str, ContextEntry] = {}
    clusters: dict[str, ClusterEntry] = {}
    users: dict[str, UserEntry] = {}
    for document in found:
        contexts = {**document.contexts, **contexts}
        clusters = {**document.clusters, **clusters}
        users = {**document.users, **users}
    current = next((document.current for document in found if document.current), "")
    return Kubeconfig(current, contexts, clusters, users)


def target(context: str = "") -> ClusterAccess:
    """Where to connect to: the named context, the current one, or the pod's ServiceAccount.

    The pod's account counts where no kubeconfig chooses anything, as with kubectl. Raises
    KubeconfigError.
    """
    try:
        return load().target(context)
    except NoClusterError:
        if context or not _in_pod():
            raise
        return _pod()


def _in_pod() -> bool:
    named = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    return all(named) and (POD_ACCOUNT / "token").is_file()


def _pod() -> ClusterAccess:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    cluster = ClusterEntry(server=server, authority_file=str(POD_ACCOUNT / "ca.crt"))
    return ClusterAccess(
        context="in-cluster",
        server=server,
        cluster=cluster,
        user=UserEntry(token_file=str(POD_ACCOUNT / "token")),
    )


def _check_user(access: ClusterAccess, user_name: str) -> None:
    """Raise KubeconfigError for a user that kubectl refuses, too."""
    user, place = access.user, f"the user {user_name!r} of context {access.context!r}"
    wrong = [*_wrong_login(user), *_wrong_certificate(user), *_wrong_program(user)]
    if user.impersonate and not user.impersonate.user:
        wrong.append("asks for as-uid, as-groups or as-user-extra without `as`: name a user there")
    if user.impersonate and not all(_can_be_sent(text) for _, text in user.impersonate.headers()):
        wrong.append(
            "acts as somebody whose name, groups or extra have a control character, or a blank at "
            "an end, which can't be sent"
        )
    if wrong:
        raise KubeconfigError(f"{place} {wrong[0]}")
    for file in (user.certificate_file, user.key_file if user.has_certificate else ""):
        content_of(file)


def _check_login(access: ClusterAccess, user_name: str, *, known: bool) -> None:
    """Raise KubeconfigError for somebody without any credentials."""
    place = f"the user {user_name!r} of context {access.context!r}"
    if access.address.is_secure and not access.user.method:
        missing = "has no credentials" if known else "isn't in the kubeconfig"
        missing = missing if user_name else "isn't named in that context"
        raise KubeconfigError(
            f"{place} {missing}, and nobody may ask a cluster without; log in again (for EKS: "
            "setops login --eks CLUSTER), or choose another context (setops login)"
        )


def _can_be_sent(text: str) -> bool:
    """Whether a header can hold a text unchanged."""
    return text == text.strip(" \t") and not any(char < " " or char == "\x7f" for char in text)


def _check_cluster(access: ClusterAccess) -> None:
    cluster, place = access.cluster, f"the cluster of context {access.context!r}"
    if cluster.authority_file and cluster.authority_data:
        raise KubeconfigError(
            f"{place} has certificate-authority and certificate-authority-data; remove one of them"
        )
    if cluster.insecure and (cluster.authority_file or cluster.authority_data):
        raise KubeconfigError(
            f"{place} has insecure-skip-tls-verify and a certificate authority; remove one of them"
        )
    content_of(cluster.authority_file)
    name = cluster.server_name
    if not name.isascii() or not name.isprintable() or name.startswith(".") or " " in name:
        raise KubeconfigError(
            f"{place} has the tls-server-name {name!r}, which is no name of a server; write it in "
            "ASCII"
        )
    scheme, found, _ = cluster.proxy.partition("://")
    if cluster.proxy and (not found or scheme.lower() not in _PROXIES):
        raise KubeconfigError(
            f"{place} has the proxy-url {masked(cluster.proxy)!r}; it must begin with http://, "
            "https:// or socks5://"
        )
    if cluster.proxy:
        proxy_of(cluster.proxy)


def _wrong_login(user: UserEntry) -> Sequence[str]:
    if user.has_token and (user.user or user.password):
        return ["has a token and a user name with password; remove one of them"]
    if user.program and user.provider:
        return ["has exec and auth-provider; remove one of them"]
    return ()


def _wrong_certificate(user: UserEntry) -> Sequence[str]:
    if not user.has_certificate:
        return ()
    if user.certificate_file and user.certificate_data:
        return ["has client-certificate and client-certificate-data; remove one of them"]
    if user.key_file and user.key_data:
        return ["has client-key and client-key-data; remove one of them"]
    if not user.key_file and not user.key_data:
        return ["has a client certificate without its key; add client-key or client-key-data"]
    return ()


def _wrong_program(user: UserEntry) -> Sequence[str]:
    program: LoginProgram | None = user.program
    if program is None:
        return ()
    if not program.command:
        return ["has an exec without command"]
    if program.api_version not in _LOGIN_VERSIONS:
        return [
            f"has an exec of apiVersion {program.api_version!r}; it must be "
            f"{' or '.join(_LOGIN_VERSIONS)}"
        ]
    if not all(name for name, _ in program.variables):
        return ["has an exec with a variable in `env` that lacks its name"]
    if program.interactive not in _INTERACTIVE:
        return [
            f"has an exec with interactiveMode {program.interactive!r}; it must be "
            f"{', '.join(_INTERACTIVE[:-1])} or {_INTERACTIVE[-1]}"
        ]
    return ()
