"""An AWS emulator with TLS and IAM enforcement, as a process on loopback."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sandbox import ports

SECRET = "test"
"""Secret of every account's root key, whose id is the account's number."""

_ATTEMPTS: Final = 3
_LOOKS: Final = 1200
"""At 20 a second: it starts slowly beside other tests."""


@contextmanager
def running(directory: Path) -> Iterator[str]:
    """The URL of an emulator whose certificate is `directory/server.crt`."""
    certificate, key = _certificate(directory)
    program = Path(sys.executable).with_name("ministack")
    for _ in range(_ATTEMPTS):
        port = free_port()
        url = f"https://127.0.0.1:{port}"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "TMPDIR": str(directory),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "AUTH": "true",
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(certificate),
            "MINISTACK_SSL_KEY": str(key),
            # Listeners with ports of their own, on which two emulators would meet.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }
        with (directory / "emulator.log").open("ab") as log:
            process = subprocess.Popen([program], env=environment, stdout=log, stderr=log)
        try:
            if _comes_up(url, certificate, process):
                yield url
                return
        finally:
            # Its orderly end waits for connections that idle clients keep open.
            process.kill()
            process.wait()
    raise OSError(f"the emulator ends by itself; see {directory / 'emulator.log'}")


def credentials(account: str) -> Mapping[str, str]:
    """The root key of an account, for boto3."""
    return {"aws_access_key_id": account, "aws_secret_access_key": SECRET}


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    return ports.choose(["aws"])["aws"]


def _comes_up(url: str, certificate: Path, process: subprocess.Popen[bytes]) -> bool:
    """Whether it answers; False when it has ended, as where its port was taken meanwhile."""
    trust = ssl.create_default_context(cafile=str(certificate))
    for _ in range(_LOOKS):
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", context=trust):  # noqa: S310
                return True
        except OSError:
            if process.poll() is not None:
                return False
            time.sleep(0.05)
    raise TimeoutError("the emulator does not answer")


def _certificate(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "emulator")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = directory / "server.crt", directory / "server.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
