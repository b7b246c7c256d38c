"""The operator as a local process, with what its chart would give it in a pod.

The chart is installed with helm; command, arguments, environment and ServiceAccount are read from
the Deployment that it made, so that rights and settings are the real ones.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import sys
import time
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sandbox import kubeconfig, ports, processes
from sandbox.components import OPERATOR
from sandbox.errors import ComponentError, SandboxError
from sandbox.launch import ADMINISTRATOR, tail
from sandbox.ports import LOOPBACK
from sandbox.processes import MARKER, Lifetime, Process

if TYPE_CHECKING:
    from sandbox.control_plane import Sandbox

NAMESPACE = "setops-system"
RELEASE = "setops"
CHART = Path(__file__).resolve().parent.parent / "charts" / "setops"

# A killed leader is replaced when its Lease has run out: tests shouldn't wait for that long.
_VALUES: Mapping[str, Any] = {
    # Simulated pods of the operator would only look as if they did something.
    "replicas": 0,
    "lease": {"duration": 10, "renewDeadline": 8, "retryPeriod": 0.5},
    "logFormat": "text",
    # Manifests that name no spec.user can be applied with the sandbox's kubeconfig.
    "trustedAccounts": [ADMINISTRATOR],
}
_READY_PATIENCE = 60.0
_STOP_PATIENCE = 15.0
_POLL = 0.05
_TOKEN_LIFE = "24h"  # noqa: S105
# Of this process's environment, the operator gets only what programs need anywhere.
_INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ")

Object = dict[str, Any]


@dataclass(frozen=True)
class OperatorSettings:
    """How the operator is installed and run."""

    # Values of the chart, over the sandbox's own.
    values: Mapping[str, Any] = field(default_factory=dict)
    # Variables over those of the Deployment.
    environment: Mapping[str, str] = field(default_factory=dict)
    # URL of a proxy that the operator takes for the API server.
    api_proxy: str | None = None
    chart: Path = CHART
    # What runs instead of the container's command; its arguments are kept.
    program: Sequence[str] | None = None
    # Tells several operators in one sandbox apart: pod name, log, process.
    name: str = OPERATOR


def install(sandbox: Sandbox, settings: OperatorSettings) -> None:
    """Installs or upgrades the chart with helm, unless it is there with these values."""
    values = _merged(_VALUES, settings.values)
    print_of_it = _fingerprint(settings.chart, values)
    if sandbox.installed == print_of_it:
        return
    file = sandbox.directory.run / "values.json"
    file.write_text(json.dumps(values))
    arguments = ("--namespace", NAMESPACE, "--create-namespace")
    chart = str(settings.chart)
    sandbox.helm("upgrade", "--install", RELEASE, chart, "--values", str(file), *arguments)
    sandbox.installed = print_of_it


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Object:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged


def _fingerprint(chart: Path, values: Object) -> str:
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for file in sorted(chart.rglob("*")):
        if file.is_file():
            digest.update(str(file).encode() + file.read_bytes())
    return digest.hexdigest()


def _deployment(sandbox: Sandbox) -> Object:
    answer = sandbox.kubectl("get", "deployments", "--namespace", NAMESPACE, "--output=json")
    found: list[Object] = [
        each
        for each in json.loads(answer.stdout)["items"]
        if each["metadata"].get("annotations", {}).get("meta.helm.sh/release-name") == RELEASE
    ]
    if len(found) != 1:
        raise SandboxError(
            f"the chart made {len(found)} Deployments in {NAMESPACE}; the operator is run from "
            "the one Deployment of its chart"
        )
    return found[0]


@dataclass(frozen=True)
class _Container:
    """The operator's container, and the pod around it as far as it is asked for."""

    sandbox: Sandbox
    spec: Object
    account: str
    pod: str

    def environment(self) -> dict[str, str]:
        """The variables that a kubelet would set."""
        variables: dict[str, str] = {}
        for source in self.spec.get("envFrom", []):
            for kind in ("configMapRef", "secretRef"):
                if kind in source:
                    content = self._data(kind.removesuffix("Ref"), source[kind])
                    prefix = source.get("prefix", "")
                    variables |= {prefix + key: value for key, value in content.items()}
        for entry in self.spec.get("env", []):
            value = self._value(entry)
            if value is not None:
                variables[entry["name"]] = _expanded(value, variables)
        return variables

    def _value(self, entry: Object) -> str | None:
        source = entry.get("valueFrom")
        if source is None:
            return str(entry.get("value", ""))
        for kind in ("configMap", "secret"):
            if f"{kind}KeyRef" in source:
                reference = source[f"{kind}KeyRef"]
                return self._data(kind, reference).get(reference["key"])
        if "fieldRef" in source:
            fields = {
                "metadata.name": self.pod,
                "metadata.namespace": NAMESPACE,
                "metadata.uid": str(uuid.uuid4()),
                "spec.serviceAccountName": self.account,
                "spec.nodeName": "sandbox",
                "status.podIP": LOOPBACK,
                "status.hostIP": LOOPBACK,
            }
            path = source["fieldRef"]["fieldPath"]
            if path in fields:
                return fields[path]
        raise SandboxError(
            f"the Deployment's variable {entry['name']} comes from {json.dumps(source)}, which "
            "the sandbox can't give a local process: set it in extra_environment"
        )

    def _data(self, kind: str, reference: Object) -> dict[str, str]:
        answer = self.sandbox.kubectl(
            "get", kind, reference["name"], "--namespace", NAMESPACE, "--output=json", check=False
        )
        if answer.returncode != 0:
            if reference.get("optional"):
                return {}
            raise SandboxError(
                f"the operator's Deployment needs the {kind} {reference['name']} in {NAMESPACE}: "
                f"{answer.stderr.strip()}"
            )
        found: Object = json.loads(answer.stdout)
        data: dict[str, str] = found.get("data", {})
        if kind == "secret":
            return {key: base64.b64decode(value).decode() for key, value in data.items()}
        return data

    def declared_ports(self) -> dict[str, int]:
        """Container ports by name."""
        declared = self.spec.get("ports", [])
        return {
            each.get("name", str(each["containerPort"])): each["containerPort"] for each in declared
        }

    def health(self) -> tuple[int, str]:
        """Port and path of the readiness probe."""
        probe = self.spec.get("readinessProbe", {}).get("httpGet")
        if probe is None:
            raise SandboxError(
                "the operator's container has no readiness probe by HTTP, so nothing tells when "
                "it is ready: give the chart's Deployment one"
            )
        port = probe["port"]
        if isinstance(port, str):
            port = self.declared_ports()[port]
        return port, probe.get("path", "/")


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """Replaces $(NAME) as a kubelet does: unknown names stay as they are."""
    return re.sub(r"\$\(([^)]+)\)", lambda match: variables.get(match[1], match[0]), text)


def _relocated(text: str, moved: Mapping[int, int]) -> str:
    """An argument or a variable with loopback for every address, and free ports for the pod's."""
    match = re.fullmatch(r"(.*?=)?(0\.0\.0\.0|\[::\]|::|127\.0\.0\.1)?(?:(:?)(\d+))?", text)
    if match is None:
        return text
    start, address, colon, port = match.groups()
    if port is not None and int(port) in moved and (address is None or colon):
        port = str(moved[int(port)])
    return f"{start or ''}{LOOPBACK if address else ''}{colon or ''}{port or ''}"


class Operator:
    """A local operator process; as a context manager it is ready at the start, gone at the end."""

    def __init__(self, sandbox: Sandbox, settings: OperatorSettings, lifetime: Lifetime) -> None:
        self._sandbox = sandbox
        self._settings = settings
        self._lifetime = lifetime
        self._process: Process | None = None
        install(sandbox, settings)
        deployment = _deployment(sandbox)
        pod = deployment["spec"]["template"]["spec"]
        account = pod.get("serviceAccountName", "default")
        name = f"{deployment['metadata']['name']}-{settings.name}"
        container = _Container(sandbox, pod["containers"][0], account, name)
        health, self._ready_path = container.health()
        named = container.declared_ports()
        inside = {*named.values(), health}
        chosen = ports.choose(str(port) for port in inside)
        moved = {port: chosen[str(port)] for port in inside}
        self._health = moved[health]
        self._metrics = moved[named.get("metrics", health)]
        self._line, self._environment = self._command(container, moved)

    def _command(
        self, container: _Container, moved: Mapping[int, int]
    ) -> tuple[list[str], dict[str, str]]:
        variables = container.environment()
        # An image starts its entry point when the container names no command.
        command = container.spec.get("command") or ["setops-operator"]
        arguments = [*command[1:], *container.spec.get("args", [])]
        line = [_relocated(_expanded(each, variables), moved) for each in arguments]
        told = " ".join([*line, *(_relocated(value, moved) for value in variables.values())])
        if str(self._health) not in told:
            raise SandboxError(
                "the chart's Deployment doesn't tell the operator the port of its readiness probe, "
                "in an argument or a variable, so it can't be given a free one"
            )
        program = self._settings.program
        if program is None:
            program = [str(Path(sys.executable).with_name(command[0]))]
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        exported = dict(self._sandbox.exports)
        exported["KUBECONFIG"] = str(self._kubeconfig(container.account))
        relocated = {name: _relocated(value, moved) for name, value in variables.items()}
        given = self._settings.environment
        marker = {MARKER: str(self._sandbox.directory.path), "PYTHONUNBUFFERED": "1"}
        environment = {**inherited, **exported, **relocated, **given, **marker}
        return [*program, *line], environment

    def _kubeconfig(self, account: str) -> Path:
        arguments = ("create", "token", account, "--namespace", NAMESPACE)
        token = self._sandbox.kubectl(*arguments, f"--duration={_TOKEN_LIFE}").stdout.strip()
        url = self._settings.api_proxy or self._sandbox.server
        secure = url.startswith("https:")
        server = kubeconfig.Server(url, self._sandbox.authority.read_bytes() if secure else None)
        folder = self._sandbox.directory.kubeconfigs
        return kubeconfig.write(folder / f"{self._settings.name}.kubeconfig", server, token)

    def __enter__(self) -> Operator:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment that the process runs in."""
        return self._environment

    @property
    def command(self) -> Sequence[str]:
        """The command line of the process."""
        return self._line

    @property
    def pid(self) -> int:
        """The id of the process, which may have ended."""
        return self._started.identity.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.alive

    @property
    def _started(self) -> Process:
        if self._process is None:
            raise SandboxError(f"{self._settings.name} was not started; call start() first")
        return self._process

    @property
    def url(self) -> str:
        """Where its probes are answered."""
        return f"http://{LOOPBACK}:{self._health}"

    @property
    def log(self) -> str:
        """All that it wrote, in all its runs."""
        return self._sandbox.directory.log(self._settings.name).read_text(errors="replace")

    def metrics(self) -> str:
        """What it answers at /metrics."""
        return _get(f"http://{LOOPBACK}:{self._metrics}/metrics")

    def start(self) -> None:
        """Starts the process, on the same ports each time; does not wait for it."""
        if self.alive:
            raise SandboxError(f"{self._settings.name} runs already; end it first")
        log = self._sandbox.directory.log(self._settings.name)
        self._process = processes.start(self._line, self._environment, log, self._lifetime)
        self._sandbox.record(self._settings.name, self._process)

    def wait_ready(self, timeout: float = _READY_PATIENCE) -> None:
        """Waits until it says that it is ready.

        Raises ComponentError when it ends before, or is not ready after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                _get(self.url + self._ready_path)
                return
            if not self.alive:
                code = self.wait_exit()
                raise ComponentError(
                    f"{self._settings.name} ended with exit code {code} before it was ready; the "
                    f"end of its log:\n{tail(self.log)}"
                )
            if time.monotonic() > deadline:
                raise ComponentError(
                    f"{self._settings.name} was not ready after {timeout:.0f} s; the end of its "
                    f"log:\n{tail(self.log)}"
                )
            time.sleep(_POLL)

    def wait_exit(self, timeout: float = _READY_PATIENCE) -> int:
        """Waits until the process has ended; its exit code, negative for a signal.

        Raises TimeoutError when it still runs after `timeout` seconds.
        """
        process = self._started
        if not process.wait(timeout):
            raise TimeoutError(f"{self._settings.name} still runs after {timeout:.0f} s")
        assert process.child is not None  # noqa: S101
        return process.child.wait()

    def kill(self) -> None:
        """Kills the process: nothing that it holds is released."""
        self._started.kill()

    def stop(self) -> int:
        """Asks the process to end, as a kubelet would; its exit code."""
        self._started.stop(_STOP_PATIENCE)
        return self.wait_exit()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
        text: str = answer.read().decode()
    return text
