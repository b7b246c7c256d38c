"""Kubeconfig files."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import yaml

from sandbox.certificates import KeyPair, write_secret

_NAME = "setops-sandbox"


@dataclass(frozen=True)
class Server:
    """Where the API server is, and the authority that signed its certificate.

    `authority` is None for a server that speaks plain HTTP.
    """

    url: str
    authority: bytes | None


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def write(path: Path, server: Server, credential: KeyPair | str) -> Path:
    """Writes a kubeconfig that holds all it needs; the credential is a certificate or a token."""
    cluster = {"server": server.url}
    if server.authority is not None:
        cluster["certificate-authority-data"] = _encoded(server.authority)
    if isinstance(credential, KeyPair):
        user = {
            "client-certificate-data": _encoded(credential.certificate),
            "client-key-data": _encoded(credential.key),
        }
    else:
        user = {"token": credential}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": _NAME,
        "clusters": [{"name": _NAME, "cluster": cluster}],
        "users": [{"name": _NAME, "user": user}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME}}],
    }
    write_secret(path, yaml.safe_dump(document, sort_keys=False).encode())
    return path
