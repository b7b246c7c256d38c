"""Kubeconfigs as kubectl reads them: contexts, files beside them, several files, login programs."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from setops.kube import kubeconfig
from setops.kube.kubeconfig import KubeconfigError, LoginError


def config(**user: Any) -> dict[str, Any]:
    return named("one", **user)


def named(name: str, **user: Any) -> dict[str, Any]:
    return {
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example.com/"}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


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

    return written


def test_the_current_context_counts(write: Any) -> None:
    write(config(token="secret"))
    found = kubeconfig.target()
    assert (found.context, found.server) == ("one", "https://one.example.com")
    assert found.credentials().token == "secret"


def test_a_context_can_be_named(write: Any) -> None:
    write(config(), named("two", token="b"))
    assert kubeconfig.target("two").credentials().token == "b"
    with pytest.raises(KubeconfigError, match="no context 'three'; there are: one, two"):
        kubeconfig.target("three")


def test_of_several_files_the_first_to_name_a_thing_wins(write: Any) -> None:
    write(config(token="a"), config(token="b"))
    assert kubeconfig.target().credentials().token == "a"


def test_files_are_relative_to_the_kubeconfig(write: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "crt").write_text("certificate")
    key = base64.b64encode(b"key").decode()
    write(config(**{"tokenFile": "token", "client-certificate": "crt", "client-key-data": key}))
    found = kubeconfig.target().credentials()
    assert (found.token, found.certificate, found.key) == ("from-file", b"certificate", b"key")


def plugin(tmp_path: Path, script: str) -> dict[str, Any]:
    path = tmp_path / "login"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    entry = {"command": "./login", "args": ["--cluster", "x"], "env": [{"name": "A", "value": "1"}]}
    return config(exec={"apiVersion": "client.authentication.k8s.io/v1beta1", **entry})


def test_a_login_program_is_asked_as_kubectl_asks_it(write: Any, tmp_path: Path) -> None:
    answer = json.dumps({"status": {"token": "$A-$2"}}).replace('"', '\\"')
    write(plugin(tmp_path, f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/asked; echo "{answer}"'))
    assert kubeconfig.target().credentials().token == "1-x"
    asked = json.loads((tmp_path / "asked").read_text())
    assert asked["apiVersion"] == "client.authentication.k8s.io/v1beta1"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo token expired >&2; exit 1", "token expired"),
        ("echo nonsense", "printed no ExecCredential"),
        ("echo '{\"status\": null}'", "printed no ExecCredential"),
    ],
)
def test_a_login_program_that_fails_is_told(
    write: Any, tmp_path: Path, script: str, said: str
) -> None:
    write(plugin(tmp_path, script))
    with pytest.raises(LoginError, match=said):
        kubeconfig.target().credentials()


def test_a_login_program_that_is_missing_is_told(write: Any) -> None:
    write(config(exec={"command": "no-such-program", "installHint": "get it from us"}))
    with pytest.raises(LoginError, match=r"no-such-program isn't installed.*get it from us"):
        kubeconfig.target().credentials()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("[1, 2]", "must be a map"),
        ("{", "is no YAML"),
        ("contexts: [3]", "each of contexts needs a name"),
        ("contexts: []", "no current context"),
        ("current-context: a", "no context 'a'; there are: none"),
        ({**config(), "clusters": []}, "for which the kubeconfig has no server"),
        (config(**{"client-key-data": "%"}), "client-key-data of the kubeconfig is no base64"),
        (config(tokenFile="missing"), "missing can't be read: No such file"),
        (config(**{"auth-provider": {"name": "oidc"}}), "aws eks update-kubeconfig"),
    ],
)
def test_what_is_wrong_is_told(write: Any, document: Any, said: str) -> None:
    write(document)
    with pytest.raises(KubeconfigError, match=said):
        kubeconfig.target().credentials()


def test_without_any_file_it_is_said_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(KubeconfigError, match=r"no kubeconfig at .*none; for EKS: aws eks"):
        kubeconfig.target()
