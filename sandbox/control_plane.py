"""A sandbox: its life, and how tests and benches use it."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict, Unpack

from sandbox import build, kubeconfig, launch, leftovers, ports, processes
from sandbox.api import Api
from sandbox.certificates import Authority, KeyPair
from sandbox.components import (
    API_SERVER,
    AWS,
    OPERATOR,
    PORTS,
    STOP_ORDER,
    Surroundings,
    patience,
)
from sandbox.errors import (
    CommandError,
    NotRunningError,
    PortTakenError,
    SandboxError,
)
from sandbox.launch import Launcher
from sandbox.operator_process import CHART, Operator, OperatorSettings
from sandbox.processes import Lifetime, Process, ProcessId
from sandbox.state import State, StateDirectory

_ATTEMPTS = 3
_OWNER_PATIENCE = 30.0
_COMMAND_PATIENCE = 60.0
_REGION = "eu-central-1"


class Options(TypedDict, total=False):
    """How kubectl and helm are run."""

    # Standard input; empty by default.
    input: str | None
    # Whether an exit code other than 0 raises CommandError; it does by default.
    check: bool
    # Seconds, 60 by default.
    timeout: float
    # Whose rights are used; the administrator's by default.
    kubeconfig: Path


class Sandbox:
    """A running control plane; as a context manager it is stopped at the end."""

    def __init__(self, around: Surroundings, state: State, running: dict[str, Process]) -> None:
        self._around = around
        self._state = state
        self._running = running
        # Fingerprint of the chart and its values, once they are installed.
        self.installed: str | None = None
        # URL of a proxy that everybody takes for the AWS emulator.
        self.aws_proxy: str | None = None

    @classmethod
    def start(
        cls,
        directory: Path | None = None,
        *,
        aws: bool = True,
        lifetime: Lifetime = Lifetime.ATTACHED,
    ) -> Sandbox:
        """Starts a control plane and waits until pods can be made.

        Builds the programs first where that has not been done. `directory` becomes the state
        directory; without it a temporary one is made. Attached, everything ends with this process,
        whatever happens to it.

        Raises AlreadyRunningError if there is a sandbox in that directory, ComponentError if a
        component does not come up.
        """
        tools = build.tools()
        state_directory = StateDirectory(
            leftovers.temporary() if directory is None else directory.resolve()
        )
        owner = ProcessId.of(os.getpid()) if lifetime is Lifetime.ATTACHED else None
        with state_directory.locked():
            leftovers.reclaim(state_directory)
            for attempt in range(1, _ATTEMPTS + 1):
                around = Surroundings(tools, state_directory, ports.choose(PORTS))
                state = State(str(tools.directory), dict(around.ports), aws, owner)
                sandbox = cls(around, state, {})
                try:
                    sandbox._launch()
                except BaseException as error:
                    sandbox._end()
                    if attempt < _ATTEMPTS and isinstance(error, PortTakenError):
                        state_directory.clear()
                        continue
                    if not isinstance(error, SandboxError):
                        state_directory.remove()
                    raise
                return sandbox
        raise AssertionError

    @classmethod
    def attach(cls, directory: Path) -> Sandbox:
        """The sandbox that was started in this state directory; it may have died meanwhile.

        Raises NotRunningError if there is none.
        """
        state_directory = StateDirectory(directory.resolve())
        state = state_directory.read()
        if state is None:
            raise NotRunningError(
                f"no sandbox runs in {state_directory.path}; start one with "
                "`python -m sandbox up`, or name its directory with --dir"
            )
        around = Surroundings(build.Tools(Path(state.tools)), state_directory, state.ports)
        running = {name: Process(identity) for name, identity in state.processes.items()}
        return cls(around, state, running)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _launch(self) -> None:
        self.directory.create()
        self._change(self._state)
        launch.write_files(self._around)
        self._launcher().launch(aws=self._state.aws)
        self._change(dataclasses.replace(self._state, ready=True))

    def _launcher(self) -> Launcher:
        return Launcher(self._around, self._lifetime, self.record, self._running)

    def _change(self, state: State) -> None:
        self._state = state
        self.directory.write(state)

    def record(self, component: str, process: Process) -> None:
        """Takes note of a process, so that it is ended with the sandbox."""
        self._running[component] = process
        known = self._state.processes | {component: process.identity}
        self._change(dataclasses.replace(self._state, processes=known))

    def stop(self) -> None:
        """Ends everything and removes the state directory.

        A sandbox that belongs to another process is ended by ending that process.
        """
        owner = self._state.owner
        if owner is not None and owner.pid != os.getpid() and owner.alive:
            owner.signal(signal.SIGTERM)
            Process(owner).wait(_OWNER_PATIENCE)
        with self.directory.locked():
            self._end()
            self.directory.remove()

    def _end(self) -> None:
        names = [name for name in self._running if name not in STOP_ORDER]
        for component in [*names, *STOP_ORDER]:
            if component in self._running:
                self._running[component].stop(patience(component))
        for identity in processes.marked(self.directory.path):
            Process(identity).kill()

    def revive(self) -> Sequence[str]:
        """Starts again what has ended by itself, but the operator, with the same data.

        Returns the names of these components. Raises ComponentError if one doesn't come up.
        """
        with self.directory.locked():
            # Somebody else may have revived it since it was read, or was killed while doing so.
            self._read_again()
            for stray in processes.strays(self.directory.path, self._state.processes.values()):
                Process(stray).kill()
            return self._launcher().revive()

    def _read_again(self) -> None:
        now = Sandbox.attach(self.directory.path)
        self._state, self._running = now.state, dict(now.processes)

    def restart(self, component: str) -> None:
        """Ends a component and starts it again with the same data, such as kwok."""
        self._launcher().restart(component)

    def operator(
        self,
        *,
        values: Mapping[str, Any] | None = None,
        extra_environment: Mapping[str, str] | None = None,
        api_proxy: str | None = None,
        chart: Path = CHART,
        program: Sequence[str] | None = None,
        name: str = OPERATOR,
    ) -> Operator:
        """The operator as its chart would run it; enter it to have it started and ready.

        Installs the chart, or upgrades it if it or the values changed.
        """
        settings = OperatorSettings(
            values or {}, extra_environment or {}, api_proxy, chart, program, name
        )
        return Operator(self, settings, self._lifetime)

    @property
    def _lifetime(self) -> Lifetime:
        return Lifetime.DETACHED if self._state.owner is None else Lifetime.ATTACHED

    @property
    def directory(self) -> StateDirectory:
        """The state directory."""
        return self._around.directory

    @property
    def state(self) -> State:
        """What is recorded of the sandbox."""
        return self._state

    @property
    def processes(self) -> Mapping[str, Process]:
        """The processes by component."""
        return self._running

    @property
    def dead(self) -> list[str]:
        """Components that have ended by themselves."""
        return [name for name, process in self._running.items() if not process.alive]

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory.kubeconfig

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self._around.url(API_SERVER)

    @property
    def authority(self) -> Path:
        """The certificate of the authority that signed the API server's."""
        return self.directory.certificates / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The API server's certificate, good for any server on loopback; its key is beside it."""
        return self.directory.certificates / f"{API_SERVER}.crt"

    @property
    def aws_endpoint(self) -> str:
        """The AWS emulator's URL, or that of the proxy in front of it.

        Raises SandboxError if the sandbox was started without it.
        """
        if not self._state.aws:
            raise SandboxError("this sandbox was started without the AWS emulator")
        return self.aws_proxy or self._around.url(AWS)

    @property
    def exports(self) -> Mapping[str, str]:
        """The variables that lead kubectl, helm and AWS clients here, PATH not included."""
        cache = self.directory.run
        values = {
            "KUBECONFIG": str(self.kubeconfig),
            # In the home directory it would be shared by all that ever get the same port.
            "KUBECACHEDIR": str(cache / "kube-cache"),
            "HELM_CACHE_HOME": str(cache / "helm" / "cache"),
            "HELM_CONFIG_HOME": str(cache / "helm" / "config"),
            "HELM_DATA_HOME": str(cache / "helm" / "data"),
        }
        if self._state.aws:
            values |= {
                "AWS_ENDPOINT_URL": self.aws_endpoint,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": _REGION,
            }
        return values

    @property
    def tools(self) -> Path:
        """The directory of kubectl and helm."""
        return self._around.tools.directory

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this process with the sandbox's exports, kubectl and helm first."""
        path = f"{self.tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**os.environ, **self.exports, "PATH": path}

    def kubectl(
        self, *arguments: str, **options: Unpack[Options]
    ) -> subprocess.CompletedProcess[str]:
        """Runs kubectl, as the administrator unless another kubeconfig is given.

        Raises CommandError with what kubectl said, unless `check` is off.
        """
        return self._run("kubectl", arguments, options)

    def helm(self, *arguments: str, **options: Unpack[Options]) -> subprocess.CompletedProcess[str]:
        """Runs helm, like `kubectl`."""
        return self._run("helm", arguments, options)

    def _run(
        self, program: str, arguments: Sequence[str], options: Options
    ) -> subprocess.CompletedProcess[str]:
        environment = self.environment
        if "kubeconfig" in options:
            environment["KUBECONFIG"] = str(options["kubeconfig"])
        result = subprocess.run(
            [self._around.program(program), *arguments],
            env=environment,
            input=options.get("input") or "",
            capture_output=True,
            text=True,
            timeout=options.get("timeout", _COMMAND_PATIENCE),
            check=False,
        )
        if options.get("check", True) and result.returncode != 0:
            raise CommandError(
                f"`{program} {' '.join(arguments)}` ended with exit code {result.returncode}:\n"
                f"{result.stdout}{result.stderr}"
            )
        return result

    def api(self) -> Api:
        """A light client for the API server, as the administrator."""
        return launch.administrator_api(self._around)

    def user_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig with which requests are this user's, in these groups."""
        authority = Authority(KeyPair.read(self.directory.certificates, "ca"))
        server = kubeconfig.Server(self.server, authority.pair.certificate)
        descriptor, path = tempfile.mkstemp(".kubeconfig", "user-", self.directory.kubeconfigs)
        os.close(descriptor)
        return kubeconfig.write(Path(path), server, authority.client(user, groups))
