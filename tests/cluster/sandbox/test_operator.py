"""A program is run as the Deployment of its chart says, with the rights of its ServiceAccount."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, SandboxError
from sandbox.errors import ComponentError
from sandbox.operator_process import NAMESPACE, Operator
from sandbox.proxy import Fail, Proxy, at_write
from sandbox.waiting import until

CHART = {
    "Chart.yaml": """
apiVersion: v2
name: dummy
version: 1.0.0
""",
    "values.yaml": "{greeting: hello, lease: {duration: 15}}",
    "templates/all.yaml": """
apiVersion: v1
kind: ServiceAccount
metadata: {name: dummy}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: dummy}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: dummy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: dummy}
subjects:
- {kind: ServiceAccount, name: dummy, namespace: "{{ .Release.Namespace }}"}
---
apiVersion: v1
kind: Secret
metadata: {name: dummy}
stringData: {key: secret-value}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: dummy}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: dummy}}
  template:
    metadata: {labels: {app: dummy}}
    spec:
      serviceAccountName: dummy
      containers:
      - name: main
        image: dummy:1
        command: [replaced]
        args:
        - --health-port=8080
        - --metrics-address=0.0.0.0:9090
        - --lease={{ .Values.lease.duration }}
        env:
        - {name: GREETING, value: "{{ .Values.greeting }}"}
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        - {name: KEY, valueFrom: {secretKeyRef: {name: dummy, key: key}}}
        - {name: ADDRESS, value: "$(POD_NAME).$(POD_NAMESPACE)"}
        ports:
        - {name: health, containerPort: 8080}
        - {name: metrics, containerPort: 9090}
        readinessProbe: {httpGet: {path: /readyz, port: health}}
""",
}

PROGRAM = """
import http.server, json, os, ssl, sys, threading, urllib.error, urllib.request
import yaml

arguments = dict(argument.lstrip("-").split("=", 1) for argument in sys.argv[1:])
config = yaml.safe_load(open(os.environ["KUBECONFIG"]).read())
cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
tls = None
if cluster["server"].startswith("https"):
    import base64
    tls = ssl.create_default_context(
        cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())

def create(namespace):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "dummy-"}}
    request = urllib.request.Request(
        f"{cluster['server']}/api/v1/namespaces/{namespace}/configmaps",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {user['token']}", "Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(request, context=tls).status
    except urllib.error.HTTPError as error:
        return error.code

known = {name: os.environ.get(name) for name in (
    "GREETING", "POD_NAME", "POD_NAMESPACE", "KEY", "ADDRESS", "AWS_ENDPOINT_URL", "EXTRA",
    "UNRELATED")}
print(json.dumps({
    "arguments": arguments, "environment": known,
    "own": create(os.environ["POD_NAMESPACE"]), "other": create("default")}), flush=True)
if "END" in os.environ:
    sys.exit(int(os.environ["END"]))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        content = {"/readyz": b"ok", "/metrics": b"dummy 1"}.get(self.path)
        self.send_response(200 if content else 404)
        self.end_headers()
        self.wfile.write(content or b"")

host, _, port = arguments["metrics-address"].partition(":")
metrics = http.server.HTTPServer((host, int(port)), Handler)
threading.Thread(target=metrics.serve_forever, daemon=True).start()
http.server.HTTPServer(("127.0.0.1", int(arguments["health-port"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chart")
    (folder / "templates").mkdir()
    for name, content in CHART.items():
        (folder / name).write_text(content)
    return folder


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    script = tmp_path_factory.mktemp("program") / "program.py"
    script.write_text(PROGRAM)
    return [sys.executable, str(script)]


@pytest.fixture
def operator(
    sandbox: Sandbox, chart: Path, program: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    monkeypatch.setenv("UNRELATED", "of the developer's shell")
    with sandbox.operator(
        chart=chart, program=program, values={"greeting": "hi"}, extra_environment={"EXTRA": "1"}
    ) as running:
        yield running


def said(operator: Operator) -> dict[str, Any]:
    """What the program said about itself at its last start."""
    lines = [line for line in operator.log.splitlines() if line.startswith("{")]
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def test_it_runs_as_the_deployment_says(sandbox: Sandbox, operator: Operator) -> None:
    found = said(operator)
    assert found["environment"] == {
        "GREETING": "hi",
        "POD_NAME": "dummy-operator",
        "POD_NAMESPACE": NAMESPACE,
        "KEY": "secret-value",
        "ADDRESS": f"dummy-operator.{NAMESPACE}",
        "AWS_ENDPOINT_URL": sandbox.aws_endpoint,
        "EXTRA": "1",
        "UNRELATED": None,
    }
    # The pod's ports are free ones on loopback; the Lease is short, so that tests needn't wait.
    assert found["arguments"]["health-port"] != "8080"
    assert found["arguments"]["metrics-address"].startswith("127.0.0.1:")
    assert int(found["arguments"]["lease"]) < 15
    assert operator.metrics() == "dummy 1"


def test_it_has_the_rights_of_its_service_account_and_no_others(operator: Operator) -> None:
    found = said(operator)
    assert (found["own"], found["other"]) == (201, 403)


def test_no_simulated_pod_of_it_remains(sandbox: Sandbox, operator: Operator) -> None:
    assert operator.alive
    until(
        lambda: not sandbox.kubectl("get", "pods", "-n", NAMESPACE, "--output=name").stdout,
        "the simulated pods to go",
    )


def test_it_is_killed_and_started_again(operator: Operator) -> None:
    before = operator.pid
    operator.kill()
    assert operator.wait_exit() == -9
    operator.start()
    operator.wait_ready()
    assert operator.pid != before


def test_its_requests_pass_through_a_proxy(
    sandbox: Sandbox, chart: Path, program: list[str]
) -> None:
    with (
        Proxy(sandbox.server, sandbox.authority, at_write(1, Fail(500))) as proxy,
        sandbox.operator(chart=chart, program=program, api_proxy=proxy.url),
    ):
        assert [record.status for record in proxy.writes] == [500, 403]


def test_two_run_beside_each_other(
    sandbox: Sandbox, operator: Operator, chart: Path, program: list[str]
) -> None:
    with sandbox.operator(chart=chart, program=program, name="second") as second:
        assert "dummy-second" in second.log
        assert operator.alive
    assert not second.alive


def test_one_that_ends_at_once_says_so_with_its_log(
    sandbox: Sandbox, chart: Path, program: list[str]
) -> None:
    broken = sandbox.operator(chart=chart, program=program, extra_environment={"END": "3"})
    with pytest.raises(ComponentError, match=r"(?s)exit code 3 .*GREETING"), broken:
        pass


def test_a_wrong_chart_is_refused_with_what_helm_says(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="helm upgrade"):
        sandbox.operator(chart=tmp_path)
