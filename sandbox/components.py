"""The components of the control plane: how each is started, and what belongs to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.build import Tools
from sandbox.ports import LOOPBACK
from sandbox.processes import MARKER
from sandbox.state import StateDirectory

ETCD = "etcd"
API_SERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
KWOK = "kwok"
AWS = "ministack"
OPERATOR = "operator"

# In this order a sandbox is started; the operator comes last, and by itself.
START_ORDER = (ETCD, API_SERVER, AWS, CONTROLLER_MANAGER, SCHEDULER, KWOK)

# In this order a sandbox is ended: nobody is left without the server it talks to.
STOP_ORDER = (OPERATOR, KWOK, SCHEDULER, CONTROLLER_MANAGER, API_SERVER, ETCD, AWS)


def patience(component: str) -> float:
    """Seconds until a component that was asked to end is killed.

    The API server would wait for every request in flight, up to ten seconds and more.
    """
    return {API_SERVER: 2.0, OPERATOR: 10.0}.get(component, 5.0)


# Names of ports; every component with a server has one.
PORTS = (ETCD, "etcd-peer", API_SERVER, KWOK, AWS)

_KWOK_CONFIGURATION = Path(__file__).parent / "kwok"


@dataclass(frozen=True)
class Surroundings:
    """What the command lines are made of."""

    tools: Tools
    directory: StateDirectory
    ports: Mapping[str, int]

    def url(self, component: str) -> str:
        scheme = "https" if component == API_SERVER else "http"
        return f"{scheme}://{LOOPBACK}:{self.ports[component]}"

    def program(self, name: str) -> str:
        return str(self.tools.path(name))

    def certificate(self, file: str) -> str:
        return str(self.directory.certificates / file)

    def kubeconfig(self, component: str) -> str:
        return str(self.directory.kubeconfigs / f"{component}.kubeconfig")


@dataclass(frozen=True)
class Command:
    """A command line and the environment that it needs besides the marker."""

    line: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def _etcd(around: Surroundings) -> Command:
    client, peer = around.url(ETCD), f"http://{LOOPBACK}:{around.ports['etcd-peer']}"
    return Command(
        [
            around.program("etcd"),
            f"--data-dir={around.directory.data / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            # The data of a sandbox may be lost with the machine.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
    )


def _api_server(around: Surroundings) -> Command:
    certificate = around.certificate
    return Command(
        [
            around.program(API_SERVER),
            f"--etcd-servers={around.url(ETCD)}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--secure-port={around.ports[API_SERVER]}",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--tls-cert-file={certificate('kube-apiserver.crt')}",
            f"--tls-private-key-file={certificate('kube-apiserver.key')}",
            f"--client-ca-file={certificate('ca.crt')}",
            "--anonymous-auth=false",
            # Without these, controller manager and scheduler complain for ever.
            f"--requestheader-client-ca-file={certificate('front-proxy-ca.crt')}",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={certificate('service-account.pub')}",
            f"--service-account-signing-key-file={certificate('service-account.key')}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--profiling=false",
            # The way to kwok's kubelets, for logs.
            f"--kubelet-certificate-authority={certificate('ca.crt')}",
            f"--kubelet-client-certificate={certificate('kubelet-client.crt')}",
            f"--kubelet-client-key={certificate('kubelet-client.key')}",
            "--kubelet-preferred-address-types=InternalIP",
        ]
    )


def _controller_manager(around: Surroundings) -> Command:
    return Command(
        [
            around.program(CONTROLLER_MANAGER),
            f"--kubeconfig={around.kubeconfig(CONTROLLER_MANAGER)}",
            "--leader-elect=false",
            # Nobody scrapes it, so it listens nowhere.
            "--secure-port=0",
            "--use-service-account-credentials",
            f"--root-ca-file={around.certificate('ca.crt')}",
            f"--service-account-private-key-file={around.certificate('service-account.key')}",
            f"--cluster-signing-cert-file={around.certificate('ca.crt')}",
            f"--cluster-signing-key-file={around.certificate('ca.key')}",
            # With the default rate a namespace gets its `default` ServiceAccount after seconds.
            "--kube-api-qps=300",
            "--kube-api-burst=600",
            "--profiling=false",
        ]
    )


def _scheduler(around: Surroundings) -> Command:
    return Command(
        [
            around.program(SCHEDULER),
            f"--kubeconfig={around.kubeconfig(SCHEDULER)}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=300",
            "--kube-api-burst=600",
            "--profiling=false",
        ]
    )


def _kwok(around: Surroundings) -> Command:
    port = around.ports[KWOK]
    return Command(
        [
            around.program(KWOK),
            f"--kubeconfig={around.kubeconfig(KWOK)}",
            f"--config={around.directory.run / 'kwok.yaml'}",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--node-lease-duration-seconds=40",
            f"--node-ip={LOOPBACK}",
            f"--node-port={port}",
            # Its kubelet port asks for no credentials; without an address it is open to all.
            f"--server-address={LOOPBACK}:{port}",
            f"--tls-cert-file={around.certificate('kubelet.crt')}",
            f"--tls-private-key-file={around.certificate('kubelet.key')}",
        ],
        # It looks for a configuration of the user's in the home directory.
        {"HOME": str(around.directory.run)},
    )


def _aws(around: Surroundings) -> Command:
    data = around.directory.data / "ministack"
    return Command(
        [sys.executable, "-m", "ministack"],
        {
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(around.ports[AWS]),
            "HOME": str(data),
            "TMPDIR": str(around.directory.run),
            "STATE_DIR": str(data / "state"),
            "S3_DATA_DIR": str(data / "s3"),
            # It would open these on fixed ports, and start containers where there is Docker.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{around.directory.run / 'no-docker.sock'}",
            "PYTHONUNBUFFERED": "1",
        },
    )


_COMMANDS: Mapping[str, Callable[[Surroundings], Command]] = {
    ETCD: _etcd,
    API_SERVER: _api_server,
    CONTROLLER_MANAGER: _controller_manager,
    SCHEDULER: _scheduler,
    KWOK: _kwok,
    AWS: _aws,
}


def command(component: str, around: Surroundings) -> Command:
    """The command line of a component, with its whole environment."""
    made = _COMMANDS[component](around)
    environment = {"PATH": os.environ["PATH"], MARKER: str(around.directory.path)}
    if "GOGC" in os.environ:  # less garbage collection, for whoever has memory to spare
        environment["GOGC"] = os.environ["GOGC"]
    return Command(made.line, environment | made.environment)


def kwok_configuration(around: Surroundings) -> str:
    """The configuration of kwok: its options and the Stages of everything that it simulates."""
    log = around.directory.run / "container.log"
    names = ("configuration", "node", "pod", "pod-failure", "load-balancer", "logs")
    texts = [(_KWOK_CONFIGURATION / f"{name}.yaml").read_text() for name in names]
    return "---\n".join(texts).replace("{logs}", str(log))


def nodes() -> str:
    """The simulated nodes, as YAML."""
    return (_KWOK_CONFIGURATION / "nodes.yaml").read_text()
