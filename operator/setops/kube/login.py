"""Finds the credentials of a kubeconfig's user: reads them, or asks a program for them.

Which of several counts is decided as client-go decides it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from setops.kube.access import (
    Basic,
    ClusterAccess,
    KubeconfigError,
    LoginProgram,
    content_of,
    system_text,
)
from setops.kube.kubeconfig_file import parsed
from setops.kube.login_policy import check_login

_KIND: Final = "ExecCredential"
_NOT_FOUND: Final = (FileNotFoundError, NotADirectoryError)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)", re.ASCII)
_LEEWAY: Final = 10.0
"""Seconds before its end at which a token counts as expired."""


class LoginError(Exception):
    """The login of a kubeconfig gave no credentials."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who sends a request."""

    token: str = ""
    basic: Basic | None = None
    certificate: bytes = b""
    key: bytes = b""

    @property
    def authorization(self) -> str:
        """The Authorization header, or nothing."""
        if self.basic:
            pair = f"{self.basic.user}:{self.basic.password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return f"Bearer {self.token}" if self.token else ""


def credentials(access: ClusterAccess) -> Credentials:
    """Read the user's credentials, or run the program that the kubeconfig names for that.

    Raises LoginError when that gives none, KubeconfigError for a file that can't be read.
    """
    user, address = access.user, access.address
    if not address.is_secure:
        # Everybody on the way could read them.
        return Credentials(basic=address.basic)
    certificate = key = b""
    if user.has_certificate:
        certificate = user.certificate_data or content_of(user.certificate_file)
        key = user.key_data or content_of(user.key_file)
        if not certificate or not key:
            raise KubeconfigError(
                f"the client certificate of context {access.context!r} or its key is empty; get "
                "both anew"
            )
    token, basic = "", address.basic
    if user.has_token:
        token = _token(access)
    elif user.user:
        basic = basic or Basic(user.user, user.password)
    elif user.program and not certificate:
        return _by_program(user.program, access, basic)
    elif user.provider and not basic:
        token = _of_provider(*user.provider)
    return Credentials(token, basic, certificate, key)


def _token(access: ClusterAccess) -> str:
    """The token, or that of the file, which is newer if it is there."""
    user = access.user
    found = user.token
    if user.token_file:
        try:
            found = content_of(user.token_file).decode("utf-8").strip() or found
        except UnicodeDecodeError:
            raise KubeconfigError(f"{user.token_file} holds no token: it is no UTF-8") from None
        except KubeconfigError:
            if not found:
                raise
        if not found:
            raise KubeconfigError(f"the token file {user.token_file} is empty; log in again")
    if not found.isprintable() or " " in found:
        raise KubeconfigError(
            f"the token of context {access.context!r} has a line break or a blank in it; store it "
            "without"
        )
    return found


def _of_provider(name: str, settings: Mapping[str, str]) -> str:
    """The token that kubectl has stored for an identity provider."""
    if name != "oidc":
        raise KubeconfigError(
            f"the auth-provider {name!r} isn't part of Kubernetes any more; use an exec entry (for "
            "EKS: aws eks update-kubeconfig writes one)"
        )
    for needed in ("idp-issuer-url", "client-id"):
        if not settings.get(needed):
            raise KubeconfigError(f"the auth-provider oidc lacks {needed} in its config")
    token = settings.get("id-token", "")
    if token and _end(token) > time.time() + _LEEWAY:
        return token
    raise LoginError(
        "the id-token of the auth-provider oidc has expired or is missing, and setops can't renew "
        "it; let kubectl do that (kubectl auth whoami), or use an exec entry such as kubelogin"
    )


def _end(token: str) -> float:
    """When a JSON Web Token expires, in seconds since 1970."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return float(claims["exp"])
    except (ValueError, LookupError, TypeError):
        raise KubeconfigError(
            "the id-token of the auth-provider oidc is no JSON Web Token"
        ) from None


def _by_program(program: LoginProgram, access: ClusterAccess, basic: Basic | None) -> Credentials:
    """Credentials of a login program, such as `aws eks get-token`.

    What it says on standard error is for the user, so it goes there as it comes.
    """
    line = [_path(program), *program.arguments]
    # Its arguments may hold passwords.
    shown = program.command
    check_login(program.command, line[0], _found)
    asks = _may_ask(program)
    asked: dict[str, Any] = {"interactive": asks}
    if program.wants_cluster:
        asked["cluster"] = _cluster(access)
    info = json.dumps({"apiVersion": program.api_version, "kind": _KIND, "spec": asked})
    added = {**dict(program.variables), "KUBERNETES_EXEC_INFO": info}
    environment = {os.fsencode(name): os.fsencode(value) for name, value in os.environ.items()}
    environment |= {system_text(name): system_text(value) for name, value in added.items()}
    try:
        done = subprocess.run(
            [system_text(word) for word in line],
            env=environment,
            stdin=None if asks else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
    except _NOT_FOUND:
        raise _missing(program) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise LoginError(f"`{shown}` could not be run: {why}") from None
    if done.returncode < 0:
        raise LoginError(f"`{shown}` was ended by {signal.Signals(-done.returncode).name}")
    if done.returncode != 0:
        raise LoginError(f"`{shown}` failed with exit code {done.returncode}; see what it said")
    return _answer(done.stdout, program.api_version, f"`{shown}`", basic)


def _path(program: LoginProgram) -> str:
    """Where a login program is; its own variables don't matter for that."""
    if os.sep in program.command:
        return program.command
    found = _found(program.command)
    if not found:
        raise _missing(program)
    if not os.path.isabs(found):
        raise LoginError(
            f"{program.command} would be {found}, since PATH has a folder that depends on where "
            "one is; take that out of PATH, or write the whole path in the kubeconfig"
        )
    return found


def _found(command: str) -> str:
    """The first program of that name in PATH, or nothing."""
    path = os.environ.get("PATH", "")
    for folder in path.split(os.pathsep) if path else ():
        found = os.path.join(folder or ".", command)
        if os.path.isfile(system_text(found)) and os.access(system_text(found), os.X_OK):
            return found
    return ""


def _missing(program: LoginProgram) -> LoginError:
    way = "mend the kubeconfig" if os.sep in program.command else f"install {program.command}"
    hint = program.install_hint or f"{way}, or use another context"
    return LoginError(f"{program.command} isn't installed, which logs in here; {hint}")


def _may_ask(program: LoginProgram) -> bool:
    """Whether the program may ask on the terminal. Raises LoginError if it must and can't."""
    if program.interactive == "Never":
        return False
    try:
        terminal = os.isatty(0)
    except OSError:
        terminal = False
    if program.interactive == "Always" and not terminal:
        raise LoginError(
            f"{program.command} has to ask something, and standard input is no terminal; run this "
            "in a terminal"
        )
    return terminal


def _cluster(access: ClusterAccess) -> Mapping[str, Any]:
    """What a login program is told of the cluster."""
    cluster = access.cluster
    authority = cluster.authority_data or content_of(cluster.authority_file)
    found = {
        "tls-server-name": cluster.server_name,
        "insecure-skip-tls-verify": cluster.insecure,
        "certificate-authority-data": base64.b64encode(authority).decode(),
        "proxy-url": cluster.proxy,
        "disable-compression": cluster.uncompressed,
    }
    told = {name: value for name, value in found.items() if value}
    return {"server": cluster.server, **told, "config": cluster.login_config}


def _answer(content: bytes, version: str, shown: str, basic: Basic | None) -> Credentials:
    """The credentials in an ExecCredential of the version that was asked for."""
    try:
        # YAML takes things for JSON that are none.
        is_json = content.lstrip().startswith(b"{")
        found = json.loads(content) if is_json else parsed(content, shown)
    except (KubeconfigError, ValueError, RecursionError):
        found = None
    if not isinstance(found, Mapping) or found.get("kind") != _KIND:
        raise LoginError(f"{shown} printed no {_KIND}")
    if found.get("apiVersion") != version:
        raise LoginError(
            f"{shown} printed an {_KIND} of {found.get('apiVersion')}, but the kubeconfig asks for "
            f"{version}; make both the same"
        )
    if not isinstance(found.get("spec") or {}, Mapping):
        raise LoginError(f"{shown} printed an {_KIND} whose spec is no map")
    status = found.get("status")
    _check_end(status, shown)
    fields = ("token", "clientCertificateData", "clientKeyData")
    values = [status.get(name) or "" for name in fields] if isinstance(status, Mapping) else []
    if not any(values) or not all(isinstance(value, str) for value in values):
        raise LoginError(f"{shown} printed an {_KIND} without token and without certificate")
    token, certificate, key = values
    if bool(certificate) != bool(key):
        raise LoginError(f"{shown} printed a certificate or a key alone; it must print both")
    if not token.isprintable() or " " in token:
        raise LoginError(f"{shown} printed a token with a line break or a blank in it")
    return Credentials(token, basic, certificate.encode(), key.encode())


def _check_end(status: Any, shown: str) -> None:
    """Raise LoginError for an end of the credentials that is no time."""
    end = status.get("expirationTimestamp") if isinstance(status, Mapping) else None
    if end is not None and not (isinstance(end, str) and _TIME.fullmatch(end)):
        raise LoginError(
            f"{shown} printed an expirationTimestamp that isn't written as 2026-01-02T15:04:05Z"
        )
