"""Proxies: which one a request goes by, and how a connection is made through it.

Kubeconfig and environment are read as Go reads them. A kubeconfig's proxy counts always; one of the
environment doesn't count on loopback, nor for what NO_PROXY names.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from setops.kube.access import KubeconfigError, ServerAddress, address_of, host_of, masked
from setops.kube.transport import REQUEST_TIMEOUT

PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_LOGIN: Final = re.compile(r"(?:[A-Za-z0-9._:~!$&'()*+,;=@-]|%[0-9a-fA-F]{2})*")
"""What Go takes for user and password in a URL."""
_LONGEST: Final = 255
_MAPPED: Final = 96
"""Bits before an IPv4 address that is written as one of IPv6."""
_HEAD: Final = 1 << 16
_SOCKS_REFUSALS: Final = {
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and who one is there."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str = ""

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS rather than HTTP."""
        return self.scheme.startswith("socks")

    @property
    def authorization(self) -> str:
        """The Proxy-Authorization header, or nothing."""
        if self.user is None:
            return ""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


class ProxyError(OSError):
    """The proxy makes no connection; the message names it."""


def proxy_of(url: str) -> Proxy:
    """Take a proxy's URL apart. Raises KubeconfigError for what Go doesn't take, too."""
    parts, host, port = urlsplit(""), "", 0
    with suppress(ValueError, KeyError):
        parts = urlsplit(url)
        port = PORTS[parts.scheme] if parts.port is None else parts.port
        host = host_of(parts)
    login = parts.netloc.rpartition("@")[0]
    if not host or not url.isprintable() or " " in url or not _LOGIN.fullmatch(login):
        raise KubeconfigError(
            f"the proxy {masked(url)!r} can't be used; name one as http://HOST:PORT, "
            "https://HOST:PORT or socks5://HOST:PORT, signs in user and password as %XX"
        )
    user = None if parts.username is None else unquote(parts.username)
    made = Proxy(parts.scheme, host, port, user, unquote(parts.password or ""))
    if made.is_socks and user is not None and not 0 < len(user.encode()) <= _LONGEST:
        raise KubeconfigError(f"the proxy {made} needs a user of 1 to {_LONGEST} bytes")
    if made.is_socks and len(made.password.encode()) > _LONGEST:
        raise KubeconfigError(f"the proxy {made} takes no password over {_LONGEST} bytes")
    return made


def proxy_for(server: str) -> str | None:
    """The URL of the proxy that the environment names for a server, if any."""
    address = address_of(server)
    found = _variable(f"{address.scheme}_proxy")
    if not found or not _goes_by_proxy(address):
        return None
    if address.scheme == "http" and os.environ.get("REQUEST_METHOD"):
        # In a CGI script whoever sends a request chooses HTTP_PROXY.
        raise KubeconfigError(
            "HTTP_PROXY isn't used where REQUEST_METHOD is set; unset one of them"
        )
    return found if "://" in found else f"http://{found}"


def _variable(name: str) -> str:
    found = os.environ.get(name.upper()) or os.environ.get(name) or ""
    return os.fsencode(found).decode("utf-8", "replace")


def _goes_by_proxy(address: ServerAddress) -> bool:
    host, ip = address.host.lower(), _ip(address.host)
    if address.host == "localhost" or (ip and ip.is_loopback):
        return False
    return not any(
        _excepts(rule.strip().lower(), host, ip, address.port)
        for rule in _variable("no_proxy").split(",")
    )


def _excepts(
    rule: str, host: str, ip: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int
) -> bool:
    """Whether a rule of NO_PROXY is about a server."""
    if rule in ("", "*"):
        return rule == "*"
    network = _network(rule)
    if network is not None:
        return ip is not None and ip in network
    named, wanted = _host_and_port(rule)
    if not named or wanted not in ("", str(port)):
        return False
    if ip is not None:
        return _ip(named) == ip
    suffix = named.removeprefix("*") if named.startswith("*.") else named
    return host.endswith(suffix if suffix.startswith(".") else f".{suffix}") or host == suffix


def _network(rule: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network that a rule names as ADDRESS/BITS, or None."""
    if not rule.rpartition("/")[2].isdecimal():
        return None
    try:
        found = ipaddress.ip_network(rule, strict=False) if "/" in rule else None
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Network) and found.network_address.ipv4_mapped:
        within = (found.network_address.ipv4_mapped, found.prefixlen - _MAPPED)
        return ipaddress.IPv4Network(within)
    return found


def _host_and_port(rule: str) -> tuple[str, str]:
    if rule.startswith("["):
        host, bracket, port = rule[1:].partition("]:")
        return (host, port) if bracket else (rule, "")
    if rule.count(":") == 1:
        host, _, port = rule.partition(":")
        return host, port
    return rule, ""


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def connect(address: tuple[str, int]) -> socket.socket:
    """A connection on which small requests don't wait for acknowledgements."""
    # Text would be encoded as a host name in Unicode, which refuses some.
    host: Any = address[0].encode()
    made = socket.create_connection((host, address[1]), REQUEST_TIMEOUT)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def reach(proxy: Proxy, context: ssl.SSLContext | None, name: str) -> socket.socket:
    """A connection to a proxy itself.

    One of scheme https is trusted by `context`, as the cluster is, and known as `name`, else by its
    host.
    """
    made = connect((proxy.host, proxy.port))
    if proxy.scheme != "https":
        return made
    context = context or ssl.create_default_context()
    try:
        return context.wrap_socket(made, server_hostname=tls_name(name or proxy.host))
    except BaseException:
        made.close()
        raise


def tls_name(host: str) -> bytes:
    """A host as TLS names it: without the dot that may end it, and not encoded once more."""
    return host.rstrip(".").encode()


def tunnel(made: socket.socket, proxy: Proxy, address: ServerAddress) -> None:
    """Let a proxy connect to a server. Raises ProxyError."""
    if proxy.is_socks:
        _by_socks(made, proxy, address)
        return
    target = address.host_and_port
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", "User-Agent: setops"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    made.sendall("\r\n".join([*lines, "", ""]).encode())
    head = b""
    while not head.endswith((b"\r\n\r\n", b"\n\n")) and len(head) < _HEAD:
        # The bytes after the head are the server's.
        byte = made.recv(1)
        if not byte:
            break
        head += byte
    said = head.partition(b"\n")[0].rstrip().decode("latin-1")
    if said.split(" ")[1:2] != ["200"]:
        raise ProxyError(f"the proxy {proxy} makes no connection: {said or 'it said nothing'}")


def _by_socks(made: socket.socket, proxy: Proxy, address: ServerAddress) -> None:
    """SOCKS version 5; the proxy looks up the server's name. Sources: RFC 1928 and RFC 1929."""
    made.sendall(b"\x05\x02\x00\x02" if proxy.user is not None else b"\x05\x01\x00")
    _, method = _exactly(made, 2, proxy)
    if method == 2 and proxy.user is not None:
        user, password = proxy.user.encode(), proxy.password.encode()
        made.sendall(b"\x01" + _counted(user) + _counted(password))
        if _exactly(made, 2, proxy)[1] != 0:
            raise ProxyError(f"the proxy {proxy} doesn't accept its user and password")
    elif method != 0:
        raise ProxyError(f"the proxy {proxy} wants a user and password, or another login")
    ip = _ip(address.host)
    kind = {None: 3, 4: 1, 6: 4}[ip.version if ip else None]
    place = ip.packed if ip else _counted(address.host.encode())
    made.sendall(bytes((5, 1, 0, kind)) + place + address.port.to_bytes(2, "big"))
    _, code, _, kind = _exactly(made, 4, proxy)
    if code != 0:
        why = _SOCKS_REFUSALS.get(code, f"code {code}")
        raise ProxyError(f"the proxy {proxy} makes no connection: {why}")
    length = {1: 4, 4: 16}.get(kind) or _exactly(made, 1, proxy)[0]
    _exactly(made, length + 2, proxy)


def _counted(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def _exactly(made: socket.socket, count: int, proxy: Proxy) -> bytes:
    found = b""
    while len(found) < count:
        received = made.recv(count - len(found))
        if not received:
            raise ProxyError(f"the proxy {proxy} ended the connection; is it a SOCKS proxy?")
        found += received
    return found
