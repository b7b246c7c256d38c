"""Proxies: which one a request goes by, and how a connection is made through it.

Kubeconfig and environment are read as Go reads them. A kubeconfig's proxy counts always; one of the
environment doesn't count on loopback, nor for what NO_PROXY names.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from setops.kube.access import KubeconfigError, ServerAddress, address_of
from setops.kube.transport import REQUEST_TIMEOUT

_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
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
    """Take a proxy's URL apart. Raises KubeconfigError."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    if not parts.hostname:
        raise KubeconfigError(
            f"the proxy {url!r} can't be used; name one as http://HOST:PORT, https://HOST:PORT or "
            "socks5://HOST:PORT"
        )
    user = None if parts.username is None else unquote(parts.username)
    return Proxy(parts.scheme, parts.hostname, port, user, unquote(parts.password or ""))


def proxy_for(server: str) -> str | None:
    """The URL of the proxy that the environment names for a server, if any."""
    address = address_of(server)
    found = _variable(f"{address.scheme}_proxy")
    if not found or not _goes_by_proxy(address):
        return None
    parts = urlsplit(found) if "://" in found else None
    return found if parts and parts.scheme and parts.netloc else f"http://{found}"


def _variable(name: str) -> str:
    return os.environ.get(name.upper()) or os.environ.get(name) or ""


def _goes_by_proxy(address: ServerAddress) -> bool:
    host, ip = address.host.lower(), _ip(address.host)
    if host == "localhost" or (ip and ip.is_loopback):
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
    if "/" in rule:
        try:
            return ip is not None and ip in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
    named, wanted = _host_and_port(rule)
    if not named or wanted not in ("", str(port)):
        return False
    if ip is not None:
        return _ip(named) == ip
    suffix = named.removeprefix("*")
    return host.endswith(suffix if suffix.startswith(".") else f".{suffix}") or host == suffix


def _host_and_port(rule: str) -> tuple[str, str]:
    if rule.startswith("["):
        host, _, port = rule[1:].partition("]")
        return host, port.removeprefix(":")
    if rule.count(":") == 1:
        host, _, port = rule.partition(":")
        return host, port
    return rule, ""


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def connect(address: tuple[str, int]) -> socket.socket:
    """A connection on which small requests don't wait for acknowledgements."""
    made = socket.create_connection(address, REQUEST_TIMEOUT)
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
        return context.wrap_socket(made, server_hostname=name or proxy.host)
    except BaseException:
        made.close()
        raise


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
    while not head.endswith(b"\r\n\r\n") and len(head) < _HEAD:
        # The bytes after the head are the server's.
        byte = made.recv(1)
        if not byte:
            break
        head += byte
    said = head.partition(b"\r\n")[0].decode("latin-1")
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
    place = ip.packed if ip else _counted(address.host.encode("idna"))
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
