"""What a kubeconfig says, as data: a server, a user, and how that user logs in there."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

PORTS: Final = {"http": 80, "https": 443}
_HEADER_NAME: Final = frozenset(
    b"!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
"""What a header's name may hold, but for the sign that escapes everything else."""
_BAD_ESCAPE: Final = re.compile("%(?![0-9a-fA-F]{2})")
_IN_PATH: Final = "/:@!$&'()*+,;=~"
_LONGEST_HOST: Final = 253
_NUMERIC: Final = re.compile(r"(^|\.)([0-9]+|0[xX][0-9a-fA-F]*)$")
_OTHERWISE: Final = frozenset("ßς\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")
"""What Python's encoding of host names, which is the older one, makes another host of."""


class KubeconfigError(ValueError):
    """There is no usable kubeconfig; the message says what is wrong, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password for HTTP's basic authentication."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The URL of an API server, taken apart. `path` has no slash at its end."""

    scheme: str
    host: str
    port: int
    path: str
    basic: Basic | None = None

    @property
    def is_secure(self) -> bool:
        """Whether it is spoken to by TLS. Credentials are sent to no other server."""
        return self.scheme == "https"

    @property
    def host_and_port(self) -> str:
        """Host and port, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class LoginProgram:
    """A program that prints credentials: an `exec` entry."""

    command: str
    """A name to look for in PATH, or an absolute path."""
    arguments: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    """What is added to the environment, in this order."""
    api_version: str
    interactive: str
    """`Never`, `IfAvailable` or `Always`: whether it may ask on the terminal."""
    install_hint: str
    wants_cluster: bool


@dataclass(frozen=True, slots=True)
class Impersonation:
    """As whom a user acts. Whoever leaves this out acts with the user's own rights."""

    user: str
    uid: str
    groups: tuple[str, ...]
    extra: tuple[tuple[str, tuple[str, ...]], ...]

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that ask for it; one name may come several times."""
        found = [("Impersonate-User", self.user)]
        if self.uid:
            found.append(("Impersonate-Uid", self.uid))
        found += [("Impersonate-Group", group) for group in self.groups]
        for key, values in self.extra:
            found += [(f"Impersonate-Extra-{_escaped(key)}", value) for value in values]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """An entry of `contexts`."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class ClusterEntry:
    """An entry of `clusters`. Paths are absolute."""

    server: str = ""
    server_name: str = ""
    insecure: bool = False
    authority_file: str = ""
    authority_data: bytes = b""
    proxy: str = ""
    uncompressed: bool = False
    login_config: Any = None
    """What the extension for login programs says, in their own form."""


@dataclass(frozen=True, slots=True)
class UserEntry:
    """An entry of `users`. Paths are absolute."""

    certificate_file: str = ""
    certificate_data: bytes = b""
    key_file: str = ""
    key_data: bytes = b""
    token: str = ""
    token_file: str = ""
    user: str = ""
    password: str = ""
    provider: tuple[str, dict[str, str]] | None = None
    """Name and settings of an `auth-provider`."""
    program: LoginProgram | None = None
    impersonate: Impersonation | None = None

    @property
    def has_token(self) -> bool:
        """Whether it logs in by a token."""
        return bool(self.token or self.token_file)

    @property
    def has_certificate(self) -> bool:
        """Whether it logs in by a certificate."""
        return bool(self.certificate_file or self.certificate_data)

    @property
    def method(self) -> str:
        """How it logs in, in a word or by the name of its program."""
        if self.has_token:
            return "token"
        if self.user:
            return "password"
        if self.has_certificate:
            return "certificate"
        if self.program:
            return self.program.command
        return f"auth-provider {self.provider[0]}" if self.provider else ""


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """How to reach the cluster of a context, and as whom."""

    context: str
    server: str
    """The server's URL, without a slash at the end."""
    namespace: str = "default"
    cluster: ClusterEntry = field(default_factory=ClusterEntry)
    user: UserEntry = field(default_factory=UserEntry)

    @property
    def shown_server(self) -> str:
        """The server's URL without user and password."""
        return masked(self.server)

    @property
    def address(self) -> ServerAddress:
        """The server's URL, taken apart. Raises KubeconfigError if it is none."""
        return address_of(self.server)


def content_of(path: str) -> bytes:
    """The content of a file that a kubeconfig names, empty for no file. Raises KubeconfigError."""
    if not path:
        return b""
    try:
        with open(system_text(path), "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise KubeconfigError(
            f"{path} can't be read: {why}; mend the kubeconfig or the file"
        ) from None


def system_text(text: str) -> bytes:
    """Text for the operating system: UTF-8, whatever the locale says."""
    return text.encode("utf-8", "surrogateescape")


def masked(url: str) -> str:
    """A URL, or what was meant as one, that can be shown: without user and password."""
    return re.sub(r"^([^/]*//)?.*@", r"\1…@", url, flags=re.DOTALL)


def host_of(url: SplitResult) -> str:
    """The host of a URL in ASCII, as it was written. Raises ValueError if it can be none."""
    place = url.netloc.rpartition("@")[2]
    host = place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]
    if not host.isascii():
        if set(host) & _OTHERWISE:
            raise ValueError(host)
        # UnicodeError is a ValueError.
        host = host.encode("idna").decode()
    if not host or host.startswith(".") or len(host) > _LONGEST_HOST:
        raise ValueError(host)
    if _NUMERIC.search(host) and not url.netloc.endswith("]"):
        # The system would take some for an address that others take for a name.
        ipaddress.IPv4Address(host)
    return host


def address_of(server: str) -> ServerAddress:
    """Take a server's URL apart; without a scheme it is plain HTTP, as kubectl has it.

    Raises KubeconfigError.
    """
    try:
        url = _split(server)
        host, default = host_of(url), PORTS[url.scheme]
        port = default if url.port is None else url.port
        path = posixpath.normpath("/" + unquote(url.path, errors="strict").lstrip("/"))
    except (ValueError, KeyError):
        raise KubeconfigError(
            f"the server {masked(server)!r} is no URL that can be connected to; write it as "
            "https://HOST:PORT in the kubeconfig's cluster"
        ) from None
    basic = None
    if url.username is not None:
        basic = Basic(unquote(url.username), unquote(url.password or ""))
    return ServerAddress(url.scheme, host, port, quote(path, safe=_IN_PATH).rstrip("/"), basic)


def _split(server: str) -> SplitResult:
    # `urlsplit` drops line breaks and blanks silently, wherever they are.
    if not server.isprintable() or " " in server or _BAD_ESCAPE.search(server):
        raise ValueError(server)
    url = urlsplit(server)
    if not url.scheme or not url.netloc:
        url = urlsplit(f"http://{server}")
        if url.path not in ("", "/"):
            raise ValueError(server)
    if not url.hostname or url.fragment:
        raise ValueError(server)
    return url


def _escaped(key: str) -> str:
    return "".join(chr(byte) if byte in _HEADER_NAME else f"%{byte:02X}" for byte in key.encode())
