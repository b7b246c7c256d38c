"""Kubeconfigs: contexts, files beside them, several files, login programs, what is refused.

`tests/cluster/test_kubeconfigs.py` holds the reader against kubectl; here is what needs no cluster.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from setops.kube import kubeconfig
from setops.kube.access import KubeconfigError
from setops.kube.login import Credentials, LoginError, credentials


def config(**user: Any) -> dict[str, Any]:
    return named("one", **user)


def named(name: str, **user: Any) -> dict[str, Any]:
    return {
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example.com/"}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


def found(context: str = "") -> Credentials:
    return credentials(kubeconfig.target(context))


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def written(*documents: dict[str, Any] | str) -> None:
        paths = []
        for number, document in enumerate(documents):
            path = tmp_path / f"{number}.yaml"
            path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
            paths.append(str(path))
        monkeypatch.setenv("KUBECONFIG", ":".join(paths))
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        monkeypatch.delenv("KUBERNETES_MASTER", raising=False)

    return written


def test_the_current_context_counts(write: Any) -> None:
    write(config(token="secret"))
    chosen = kubeconfig.target()
    assert (chosen.context, chosen.server) == ("one", "https://one.example.com")
    assert credentials(chosen).token == "secret"


def test_a_context_can_be_named(write: Any) -> None:
    write(config(token="a"), named("two", token="b"))
    assert found("two").token == "b"
    with pytest.raises(KubeconfigError, match="no context 'three'; there are: one, two"):
        kubeconfig.target("three")


def test_a_file_may_be_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Any) -> None:
    write(config(token="a"))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = json.dumps(config(token="by-pipe"))
    writer = threading.Thread(target=pipe.write_text, args=(content,))
    writer.start()
    monkeypatch.setenv("KUBECONFIG", str(pipe))
    assert found().token == "by-pipe"
    writer.join()


def test_files_are_relative_to_the_kubeconfig(write: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "crt").write_text("certificate")
    key = base64.b64encode(b"key").decode()
    write(config(**{"tokenFile": "token", "client-certificate": "crt", "client-key-data": key}))
    assert found() == Credentials("from-file", None, b"certificate", b"key")


def test_what_cannot_be_sent_unchanged_is_refused(write: Any) -> None:
    # kubectl speaks HTTP/2, where a header may begin with a blank.
    write(config(**{"token": "a", "as": " ann "}))
    with pytest.raises(KubeconfigError, match="can't be sent"):
        kubeconfig.target()


@pytest.mark.parametrize(
    ("host", "server"),
    [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")],
)
@pytest.mark.parametrize("config_file", ["", "apiVersion: v1"])
def test_in_a_pod_its_account_counts_where_no_kubeconfig_chooses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, server: str, config_file: str
) -> None:
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text("pod")
    monkeypatch.setattr(kubeconfig, "POD_ACCOUNT", account)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    (tmp_path / ".kube").mkdir()
    home = tmp_path / ".kube" / "config"
    if config_file:
        home.write_text(config_file)
    chosen = kubeconfig.target()
    assert (chosen.context, chosen.server) == ("in-cluster", server)
    assert credentials(chosen).token == "pod"
    home.write_text(yaml.safe_dump(config(token="mine")))
    assert found().token == "mine"


@pytest.mark.parametrize("cluster", ["gone", ""])
def test_in_a_pod_its_account_counts_where_the_context_has_no_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Any, cluster: str
) -> None:
    (tmp_path / "token").write_text("pod")
    document = config(token="mine")
    document["contexts"][0]["context"]["cluster"] = cluster
    write(document)
    monkeypatch.setattr(kubeconfig, "POD_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    assert found().token == "pod"
    with pytest.raises(KubeconfigError, match="no server"):
        kubeconfig.target("one")
    write(
        {**named("", **{"token": "mine", "as": "ann"}), "clusters": named("x")["clusters"]}
        | {"contexts": [{"name": "", "context": {"cluster": "x", "user": ""}}]}
    )
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert found().token == "mine"


def plugin(tmp_path: Path, script: str, **entry: Any) -> dict[str, Any]:
    path = tmp_path / "login"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    made = {"command": "./login", "args": ["--cluster", "x"], "env": [{"name": "A", "value": "1"}]}
    return config(exec={"apiVersion": "client.authentication.k8s.io/v1beta1", **made, **entry})


def test_what_a_login_program_says_reaches_the_user(
    write: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(plugin(tmp_path, "echo enter the code 4711 >&2; exit 3"))
    with pytest.raises(LoginError, match="failed with exit code 3; see what it said"):
        found()
    assert capfd.readouterr().err == "enter the code 4711\n"


def test_a_login_program_that_is_missing_is_told(write: Any) -> None:
    version = "client.authentication.k8s.io/v1beta1"
    entry = {"command": "no-such-program", "installHint": "get it from us", "apiVersion": version}
    write(config(exec=entry))
    with pytest.raises(LoginError, match=r"no-such-program isn't installed.*get it from us"):
        found()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("[1, 2]", "must be a map"),
        ("{", r"is no YAML: .* \(line [12]\)"),
        ("contexts: [3]", r"contexts\[0\] must be a map, but is a number"),
        ("contexts: []", "no current context"),
        ("current-context: a", "no context 'a'; there are: none"),
        ("a: &a [*a]", "is no YAML"),
        ({**config(), "clusters": []}, "for which the kubeconfig has no server"),
        (config(**{"client-key-data": "%"}), r"users\[0\]: user: client-key-data is no base64"),
        (
            config(tokenFile="missing"),
            "missing can't be read: No such",
        ),
        (config(**{"auth-provider": {"name": "gcp"}}), "aws eks update-kubeconfig"),
    ],
)
def test_what_is_wrong_is_told(write: Any, document: Any, said: str) -> None:
    write(document)
    with pytest.raises(KubeconfigError, match=said):
        found()


def test_without_any_file_it_is_said_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(KubeconfigError, match=r"no kubeconfig at .*none; for EKS: aws eks"):
        kubeconfig.target()
