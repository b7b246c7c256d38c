"""TLS as Go's clients do it: what is trusted, how a client proves itself, TLS inside TLS."""

from __future__ import annotations

import base64
import binascii
import io
import os
import re
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from setops.kube.access import ClusterAccess, KubeconfigError, content_of
from setops.kube.login import Credentials

_BEGIN: Final = re.compile(rb"^-----BEGIN CERTIFICATE-----[ \t]*\r?\n", re.MULTILINE)
_END: Final = re.compile(rb"^-----END CERTIFICATE-----[ \t]*\r?$", re.MULTILINE)
_KEY: Final = re.compile(rb"^-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----", re.MULTILINE)
_BLOCK: Final = 1 << 16

T = TypeVar("T")


def context_for(access: ClusterAccess, credentials: Credentials) -> ssl.SSLContext:
    """How to speak TLS with a cluster. Raises KubeconfigError.

    A certificate that is trusted need not be a root, and a server is known by its alternative names
    alone.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.hostname_checks_common_name = False
    cluster = access.cluster
    authority = cluster.authority_data or content_of(cluster.authority_file)
    if cluster.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif cluster.authority_file or cluster.authority_data:
        _trust(context, authority, access.context)
    else:
        context.load_default_certs()
        _trust_folders(context)
    if credentials.certificate:
        _prove(context, credentials, access.context)
    return context


def _trust(context: ssl.SSLContext, bundle: bytes, name: str) -> None:
    """Trust the certificates of a bundle. All else in it is passed over, such as comments."""
    if not _add(context, bundle):
        raise KubeconfigError(
            f"the certificate authority of context {name!r} holds no certificate; get the "
            "kubeconfig anew"
        )


def _trust_folders(context: ssl.SSLContext) -> None:
    """Trust every file of SSL_CERT_DIR. OpenSSL itself reads those named by a hash alone."""
    for folder in filter(None, os.environ.get("SSL_CERT_DIR", "").split(os.pathsep)):
        with suppress(OSError):
            for entry in Path(folder).iterdir():
                with suppress(OSError):
                    _add(context, entry.read_bytes())


def _add(context: ssl.SSLContext, bundle: bytes) -> bool:
    """Trust the certificates of a bundle; whether there is one."""
    trusted = False
    for body in _bodies(bundle):
        try:
            der = base64.b64decode(b"".join(body.split()), validate=True)
            context.load_verify_locations(cadata=der)
        except (binascii.Error, ssl.SSLError, ValueError):
            continue
        trusted = True
    return trusted


def _bodies(bundle: bytes) -> Iterator[bytes]:
    after = 0
    for end in _END.finditer(bundle):
        begin = _BEGIN.search(bundle, after, end.start())
        after = end.end()
        if begin is not None:
            # A block that was begun and not ended is no block.
            block = bundle[begin.end() : end.start()]
            yield block.rpartition(b"\n-----BEGIN CERTIFICATE-----")[2]


def _prove(context: ssl.SSLContext, credentials: Credentials, name: str) -> None:
    def refuse() -> NoReturn:
        raise KubeconfigError(
            f"the client key of context {name!r} is encrypted, which kubectl can't read either; "
            "store it without a passphrase"
        )

    if not any(_bodies(credentials.certificate)) or not _KEY.search(credentials.key):
        raise KubeconfigError(
            f"the client certificate of context {name!r} and its key can't be used: one of them "
            "has no block of PEM for it; get both anew"
        )
    try:
        with ExitStack() as files:
            certificate = files.enter_context(_readable(credentials.certificate))
            key = files.enter_context(_readable(credentials.key))
            context.load_cert_chain(certificate, key, password=refuse)
    except ssl.SSLError as error:
        raise KubeconfigError(
            f"the client certificate of context {name!r} and its key can't be used "
            f"({error.reason or 'they are no PEM'}); get both anew"
        ) from None


@contextmanager
def _readable(content: bytes) -> Iterator[str]:
    """A path under which OpenSSL reads `content`, which it takes from no memory.

    On Linux nothing is written to any file system.
    """
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile(prefix="setops-") as file:
            file.write(content)
            file.flush()
            yield file.name
        return
    with os.fdopen(os.memfd_create("setops"), "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


class InnerTls:
    """TLS to a server by way of TLS to a proxy, with what http.client needs of a socket."""

    def __init__(self, outer: socket.socket, context: ssl.SSLContext, name: bytes) -> None:
        self._outer = outer
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=name)
        self._exchange(self._tls.do_handshake)

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        sent = 0
        while sent < len(data):
            sent += self._exchange(partial(self._tls.write, data[sent : sent + _BLOCK]))

    def receive(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        try:
            return self._exchange(partial(self._tls.read, size))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """A reader of what the server sends."""
        return io.BufferedReader(_Received(self))

    def close(self) -> None:
        """Close the connection to the proxy."""
        self._outer.close()

    def _exchange(self, act: Callable[[], T]) -> T:
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                self._flush()
                received = self._outer.recv(_BLOCK)
                if received:
                    self._received.write(received)
                else:
                    self._received.write_eof()
                continue
            self._flush()
            return result

    def _flush(self) -> None:
        if self._to_send.pending:
            self._outer.sendall(self._to_send.read())


class _Received(io.RawIOBase):
    def __init__(self, tls: InnerTls) -> None:
        self._tls = tls

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._tls.receive(len(buffer))
        buffer[: len(found)] = found
        return len(found)
