"""Odd kubeconfigs: kubectl and setops reach the same server as the same user, or both refuse."""

from __future__ import annotations

import json
import os
import posixpath
import re
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization

from sandbox import Sandbox
from sandbox.certificates import Authority, KeyPair
from setops.cli.main import run
from tests.cluster.forwarder import Forwarder
from tests.cluster.keyboard import keyboard
from tests.cluster.kubeconfigs.certificates import CERTIFICATES
from tests.cluster.kubeconfigs.files import FILES
from tests.cluster.kubeconfigs.identities import IDENTITIES
from tests.cluster.kubeconfigs.lab import API, Case, Lab, credential
from tests.cluster.kubeconfigs.programs import PROGRAMS
from tests.cluster.kubeconfigs.proxies import PROXIES
from tests.cluster.terminal import PROGRAM

CASES: Sequence[Case] = [
    replace(case, name=f"{group}: {case.name}")
    for group, cases in (
        ("who", IDENTITIES),
        ("certificates", CERTIFICATES),
        ("files", FILES),
        ("programs", PROGRAMS),
        ("proxies", PROXIES),
    )
    for case in cases
]


@dataclass(frozen=True)
class Outcome:
    """What came of one program: whom it was taken for and where, or that it failed."""

    user: Mapping[str, Any] | None
    server: str
    asked: frozenset[str]
    """What proxies and login programs were asked on the way."""


@pytest.fixture(scope="module")
def lab(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The sandbox's API server, directly and behind proxies of every kind."""
    authority = Authority(KeyPair.read(sandbox.authority.parent, "ca"))
    boss = authority.client("boss@example.com", ("system:masters",))
    host, port = urlsplit(sandbox.server).hostname or "", urlsplit(sandbox.server).port or 0
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(sandbox.certificate, sandbox.certificate.with_suffix(".key"))
    with ExitStack() as open_:
        gateway = open_.enter_context(_gateway(sandbox))
        plain = urlsplit(gateway)
        forwarders = {
            name: open_.enter_context(Forwarder((host, port), context))
            for name, context in (("http", None), ("https", tls), ("socks", None))
        }
        # Nobody answers there, so it hangs up.
        forwarders["broken"] = open_.enter_context(Forwarder((host, 1)))
        forwarders["plain"] = open_.enter_context(
            Forwarder((plain.hostname or "", plain.port or 0))
        )
        key = serialization.load_pem_private_key(boss.key, None)
        yield Lab(
            folder=tmp_path_factory.mktemp("lab"),
            server=sandbox.server,
            authority=authority.pair.certificate,
            other_authority=Authority.create("another").pair.certificate,
            boss=boss,
            dev=authority.client("dev@example.com", ("devs",)),
            token=sandbox.kubectl("create", "token", "default").stdout.strip(),
            gateway=gateway,
            server_certificate=sandbox.certificate.read_bytes(),
            encrypted_key=key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.BestAvailableEncryption(b"secret"),
            ),
            forwarders=forwarders,
        )


class _gateway:  # noqa: N801 - used as a function
    """`kubectl proxy`, by which anybody is the administrator over plain HTTP."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __enter__(self) -> str:
        self._process = subprocess.Popen(
            [self._sandbox.tools / "kubectl", "proxy", "--port=0"],
            env=self._sandbox.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        return f"http://127.0.0.1:{self._process.stdout.readline().rpartition(':')[2].strip()}"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_setops_reads_it_as_kubectl_does(
    case: Case,
    lab: Lab,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    here = replace(lab, folder=tmp_path)
    made = dict(case.make(here))
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **made}
    monkeypatch.chdir(tmp_path)
    theirs = _by_kubectl(here, sandbox, variables)
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in {**variables, "XDG_CONFIG_HOME": str(tmp_path / "settings")}.items():
        monkeypatch.setenv(name, value)
    ours, said = _by_setops(here, capfd)
    assert ours == theirs, said
    assert (ours.user is None) is bool(case.said), said
    assert "bug" not in said
    assert case.said in said


def _by_kubectl(lab: Lab, sandbox: Sandbox, variables: Mapping[str, str]) -> Outcome:
    done = subprocess.run(
        [sandbox.tools / "kubectl", "auth", "whoami", "-o", "json", "-v=6"],
        env={**variables, "KUBECACHEDIR": str(lab.folder / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        return Outcome(None, "", _asked(lab))
    url = re.search(r'url="(.*)/apis/authentication', done.stderr)
    assert url, done.stderr
    info = json.loads(done.stdout)["status"]["userInfo"]
    return Outcome(info, url[1], _asked(lab))


def _by_setops(lab: Lab, capfd: pytest.CaptureFixture[str]) -> tuple[Outcome, str]:
    line = ["login:info", "-o", "json"]
    if "PYTHONUTF8" in os.environ:
        # Which encoding Python uses is settled when it starts.
        done = subprocess.run([PROGRAM, *line], capture_output=True, check=False)
        code, out, err = done.returncode, done.stdout.decode(), done.stderr.decode()
    else:
        code = run(line)
        out, err = capfd.readouterr()
    if code != 0:
        assert code == 1
        assert not out
        return Outcome(None, "", _asked(lab)), err
    found = json.loads(out)
    names = {"username": "name", "groups": "groups", "uid": "uid", "extra": "extra"}
    info = {name: found[ours] for name, ours in names.items() if found.get(ours)}
    server = urlsplit(found["server"] if "://" in found["server"] else f"http://{found['server']}")
    # kubectl shows the host encoded, and the path that is asked for.
    path = posixpath.normpath(unquote(server.path) or "/").strip("/")
    shown = f"{server.scheme}://{quote(server.netloc, safe=':@[]')}/{path}".rstrip("/")
    return Outcome(info, shown, _asked(lab)), err


def _asked(lab: Lab) -> frozenset[str]:
    """What was asked since the last time."""
    found: set[str] = set()
    for forwarder in lab.forwarders.values():
        found |= set(forwarder.asked)
        forwarder.asked.clear()
    trace = lab.folder / "trace"
    if trace.exists():
        lines = trace.read_text().splitlines()
        found |= {
            json.dumps(json.loads(line), sort_keys=True) if line.startswith("{") else line
            for line in lines
            if line
        }
        trace.unlink()
    return frozenset(found)


@pytest.mark.parametrize("mode", ["IfAvailable", "Always"])
def test_a_login_program_can_ask_on_the_terminal(
    mode: str, lab: Lab, sandbox: Sandbox, tmp_path: Path
) -> None:
    here = replace(lab, folder=tmp_path)
    login = here.program("", before="printf 'Your code? ' >&2; read -r code; printf '%s' \"$code\"")
    # The program's other lines would take the answer away.
    Path(login).write_text(Path(login).read_text().replace("cat > /dev/null\n", ""))
    entry = {"command": login, "apiVersion": f"{API}/v1", "interactiveMode": mode}
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    variables |= here.config(user={"exec": entry})
    answer = json.dumps(credential({"token": here.token}))
    (tmp_path / "answer").write_text(answer)
    asking = Path(login).read_text().replace("printf '%s' \"$code\"", f"cat {tmp_path}/answer")
    Path(login).write_text(asking)
    for program in ([sandbox.tools / "kubectl", "auth", "whoami"], [PROGRAM, "login:info"]):
        with keyboard([str(word) for word in program], variables, tmp_path) as keys:
            keys.until("Your code?")
            keys.type("4711\n")
            assert "system:serviceaccount:default:default" in keys.until("serviceaccount:default")
            assert keys.end() == 0
