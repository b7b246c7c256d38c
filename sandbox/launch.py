"""Bringing a control plane up: certificates, configuration, components in their order."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import yaml

from sandbox import certificates, components, kubeconfig, processes
from sandbox.api import Api, ApiError
from sandbox.certificates import Authority
from sandbox.components import (
    API_SERVER,
    AWS,
    CONTROLLER_MANAGER,
    ETCD,
    KWOK,
    SCHEDULER,
    START_ORDER,
    Surroundings,
)
from sandbox.errors import ComponentError, PortTakenError
from sandbox.ports import LOOPBACK
from sandbox.processes import Lifetime, Process

# User name of whoever holds the sandbox's own kubeconfig.
ADMINISTRATOR = "admin"

_PATIENCE = 60.0
_POLL = 0.05
# All of the components say it in these words.
_TAKEN = "already in use"


def write_files(around: Surroundings) -> None:
    """Writes everything that the components read."""
    directory = around.directory
    folder = directory.certificates
    authority = Authority.create("setops-sandbox")
    authority.pair.write(folder, "ca")
    # The API server takes a request's user from headers when this authority vouches for the
    # caller, so it must not be the one that signs the clients' certificates.
    Authority.create("setops-sandbox-front-proxy").pair.write(folder, "front-proxy-ca")
    names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    authority.server(API_SERVER, names, (LOOPBACK, "10.96.0.1")).write(folder, API_SERVER)
    authority.server("kubelet", ("localhost",), (LOOPBACK,)).write(folder, "kubelet")
    authority.client("kubelet-client", ("system:masters",)).write(folder, "kubelet-client")
    private, public = certificates.signing_key()
    certificates.write_secret(folder / "service-account.key", private)
    (folder / "service-account.pub").write_bytes(public)

    server = kubeconfig.Server(around.url(API_SERVER), authority.pair.certificate)
    users = {
        CONTROLLER_MANAGER: authority.client("system:kube-controller-manager"),
        SCHEDULER: authority.client("system:kube-scheduler"),
        KWOK: authority.client("kwok", ("system:masters",)),
    }
    for component, pair in users.items():
        kubeconfig.write(directory.kubeconfigs / f"{component}.kubeconfig", server, pair)
    administrator = authority.client(ADMINISTRATOR, ("system:masters",))
    administrator.write(folder, "admin")
    kubeconfig.write(directory.kubeconfig, server, administrator)

    (directory.run / "kwok.yaml").write_text(components.kwok_configuration(around))
    (directory.run / "container.log").write_text(
        "2026-01-01T00:00:00.000000000Z stdout F "
        "This pod is simulated: no container runs in the sandbox, so nothing is logged.\n"
    )
    (directory.data / "ministack").mkdir()


def administrator_api(around: Surroundings) -> Api:
    """The API server with the administrator's rights."""
    tls = ssl.create_default_context(cafile=around.certificate("ca.crt"))
    tls.load_cert_chain(around.certificate("admin.crt"), around.certificate("admin.key"))
    return Api(around.ports[API_SERVER], tls)


@dataclass
class Launcher:
    """Starts components and waits for them."""

    around: Surroundings
    lifetime: Lifetime
    # Called after each start, so that the record of what runs is never behind for long.
    started: Callable[[str, Process], None]
    running: dict[str, Process] = field(default_factory=dict)

    def start(self, component: str) -> None:
        """Starts a component without waiting for it."""
        made = components.command(component, self.around)
        log = self.around.directory.log(component)
        process = processes.start(made.line, made.environment, log, self.lifetime)
        self.running[component] = process
        self.started(component, process)

    def launch(self, *, aws: bool) -> None:
        """Brings everything up; returns when pods can be made and AWS can be called."""
        self.start(ETCD)
        self.start(API_SERVER)
        if aws:
            self.start(AWS)
        api = administrator_api(self.around)
        self._wait(API_SERVER, api.is_ready, (ETCD, API_SERVER))
        self.start(CONTROLLER_MANAGER)
        self.start(SCHEDULER)
        for node in yaml.safe_load(components.nodes())["items"]:
            api.request("POST", "/api/v1/nodes", node)
        self.start(KWOK)
        self.wait_for_pods(api)
        if aws:
            self._wait(AWS, self._aws_answers, (AWS,))

    def wait_for_pods(self, api: Api) -> None:
        """Waits until pods can be made and will run."""
        self._wait(
            CONTROLLER_MANAGER,
            lambda: _exists(api, "/api/v1/namespaces/default/serviceaccounts/default"),
            (CONTROLLER_MANAGER, SCHEDULER),
        )
        self._wait(KWOK, lambda: _nodes_ready(api), (KWOK,))

    def revive(self) -> list[str]:
        """Starts again what has ended, on the same ports and data; the names of that."""
        dead = [
            name for name in START_ORDER if name in self.running and not self.running[name].alive
        ]
        for component in dead:
            if component == ETCD:
                # Nothing tells that it is ready but the API server, which may have ended, too.
                self.start(ETCD)
            else:
                self.restart(component)
        if dead == [ETCD]:
            self._wait(API_SERVER, administrator_api(self.around).is_ready, (ETCD, API_SERVER))
        return dead

    def restart(self, component: str) -> None:
        """Ends a component and starts it again on the same ports and data."""
        api = administrator_api(self.around)
        if component not in self.running:
            raise ComponentError(
                f"this sandbox has no {component}; it has {', '.join(self.running)}"
            )
        self.running[component].stop(components.patience(component))
        if component == KWOK:
            # With the leases of the kwok before, new pods would stay Pending for up to a minute.
            api.request("DELETE", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")
        self.start(component)
        if component == AWS:
            self._wait(AWS, self._aws_answers, (AWS,))
            return
        self._wait(API_SERVER, api.is_ready, (component,))
        if component in self.around.ports:
            self._wait(component, lambda: self._listens(component), (component,))
        if component == KWOK:
            self._wait(KWOK, lambda: _leases(api) == _NODES, (KWOK,))

    def _aws_answers(self) -> bool:
        if not self._listens(AWS):
            return False
        connection = http.client.HTTPConnection(LOOPBACK, self.around.ports[AWS], timeout=5)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _listens(self, component: str) -> bool:
        # Another process could have got the port first; ours says so only after a while.
        address = (LOOPBACK, self.around.ports[component])
        return address in processes.listening(self.running[component].identity.pid)

    def _wait(self, what: str, ready: Callable[[], bool], needed: Iterable[str]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            is_ready = ready()
            for component in needed:
                if not self.running[component].alive:
                    raise self._ended(component)
            if is_ready:
                return
            if time.monotonic() > deadline:
                log = self.around.directory.log(what)
                raise ComponentError(
                    f"{what} was not ready after {_PATIENCE:.0f} s; the end of its log:\n"
                    f"{tail(log.read_text(errors='replace'))}"
                )
            time.sleep(_POLL)

    def _ended(self, component: str) -> ComponentError:
        text = self.around.directory.log(component).read_text(errors="replace")
        kind = PortTakenError if _TAKEN in text else ComponentError
        return kind(f"{component} ended while starting; the end of its log:\n{tail(text)}")


_NODES = 3


def _exists(api: Api, path: str) -> bool:
    try:
        api.request("GET", path)
    except ApiError:
        return False
    return True


def _nodes_ready(api: Api) -> bool:
    ready = 0
    for node in api.request("GET", "/api/v1/nodes")["items"]:
        conditions = {each["type"]: each["status"] for each in node["status"].get("conditions", [])}
        # Until the node controller has taken this off, no pod is scheduled.
        taints = node["spec"].get("taints", [])
        ready += conditions.get("Ready") == "True" and not taints
    return ready == _NODES


def _leases(api: Api) -> int:
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    return len(api.request("GET", path)["items"])


def tail(text: str, lines: int = 15) -> str:
    """The last lines of a text."""
    return "\n".join(text.splitlines()[-lines:])
