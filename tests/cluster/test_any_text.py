"""Any text comes back as it was written, through every field and by every road.

The roads are commands and a definition in a Changeset, `kubectl apply` in both of its modes, the
command line, and a definition file. What is compared is what the containers get.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from setops.language.command import Invocation, Scope
from setops.language.parse import render
from tests.cluster.terminal import Terminal, administrator, developer
from tests.cluster.world import API, Object, World, changeset

TEXTS: Final[Mapping[str, str]] = {
    "EMOJI": "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "LAST": "\U0010ffff\U0001ffff\U00010000",
    "CONTROLS": "\x01\x1b\x7f\x80\x85\x9f",
    "BREAKS": "a\nb\r\nc\u2028d\u2029e\x0bf\x0c",
    "BLANKS": " \t\xa0\u200b\u3000 ",
    "MARKS": "\ufeffa\ufeff\ufffd\ufffe\uffff",
    "SCRIPTS": "Zürich Ελλάδα Москва 東京 한국 ไทย العربية עברית",
    "COMBINED": "e\u0301 \u00e9 \u1e69 s\u0323\u0307",
    "QUOTES": "'\"\\`$(PORT)$$ & <b> \\n %s {{ x }} #!;|*?~",
    "YAML": "- a: b # c\n? [d]: !!e &f *g | > %h @i",
}
MESSAGE: Final = f"why: {TEXTS['EMOJI']} {TEXTS['MARKS']} {TEXTS['SCRIPTS']}"
IMAGE: Final = "registry.example.com/web:1"
WORDS: Final = ["sh", "-c", *TEXTS.values()]


def spec_of(texts: Mapping[str, str]) -> Object:
    return {
        "image": IMAGE,
        "env": {key: {"value": text, "description": text} for key, text in texts.items()},
        "container": {
            "command": list(texts.values()),
            "entrypoint": WORDS[:2] + list(texts.values()),
            "healthCheck": {"command": list(texts.values())},
        },
    }


def expanded(text: str) -> str:
    """What the kubelet makes of a text that was escaped against its expansion."""
    return text.replace("$$", "$")


@pytest.fixture(scope="module")
def namespace(world: World) -> str:
    return world.stage("anytext")


def arrived(world: World, namespace: str, name: str, texts: Mapping[str, str] = TEXTS) -> None:
    """Compare what App, Deployment and the Stage's last revision have."""
    world.wait("sapp", name, namespace)
    app = world.get("sapp", name, namespace)
    assert app is not None
    wanted = spec_of(texts)
    assert app["spec"]["env"] == wanted["env"]
    assert app["spec"]["container"]["command"] == wanted["container"]["command"]
    assert app["spec"]["container"]["entrypoint"] == wanted["container"]["entrypoint"]
    check = app["spec"]["container"]["healthCheck"]["command"]
    assert check == wanted["container"]["healthCheck"]["command"]
    deployment = world.get("deployment", name, namespace)
    assert deployment is not None
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: expanded(each.get("value", "")) for each in container["env"]}
    assert {key: env[key] for key in texts} == texts
    assert list(map(expanded, container["args"])) == wanted["container"]["command"]
    assert list(map(expanded, container["command"])) == wanted["container"]["entrypoint"]
    probe = container["livenessProbe"]["exec"]["command"]
    assert list(map(expanded, probe)) == check


def recorded(world: World, namespace: str, name: str) -> Object:
    """The Stage's newest revision, which holds the App."""
    stage = namespace.rpartition("-")[2]
    found: list[Object] = []

    def comes() -> bool:
        found[:] = [
            item
            for item in world.list("controllerrevisions", namespace)
            if item["metadata"]["name"].startswith(f"{stage}-")
            and name in item["data"]["definition"]["apps"]
        ]
        return bool(found)

    world.until(comes, f"a revision with {name}")
    newest = max(found, key=lambda item: int(item["revision"]))
    return dict(newest["data"])


def commands_for(app: str, texts: Mapping[str, str]) -> list[str]:
    """The lines that make an App with these texts in every field."""

    def line(command: str, *arguments: str, **flags: str) -> str:
        return render(Invocation(command, Scope(app=app), arguments, flags))

    return [
        f"app:create {app}",
        f"--app {app} release:create {IMAGE}",
        f"--app {app} release:activate 1",
        *(line("env:set", f"{key}={text}", description=text) for key, text in texts.items()),
        line("container:set command", *texts.values()),
        line("container:set entrypoint", *WORDS[:2], *texts.values()),
        line("container:set health-check", *texts.values()),
    ]


def test_commands(world: World, namespace: str) -> None:
    ended = world.commit(namespace, *commands_for("lines", TEXTS), message=MESSAGE)
    assert ended["status"]["phase"] == "Committed", ended["status"]
    arrived(world, namespace, "lines")
    data = recorded(world, namespace, "lines")
    assert data["message"] == MESSAGE
    assert data["definition"]["apps"]["lines"]["env"] == spec_of(TEXTS)["env"]


def test_a_definition(world: World, namespace: str) -> None:
    definition = {
        "apps": {"parts": spec_of(TEXTS)},
        "notifications": {"ops": {"type": "webhook", "target": "https://example.com/\U0001f600ü"}},
    }
    ended = world.commit(namespace, definition=definition)
    assert ended["status"]["phase"] == "Committed", ended["status"]
    arrived(world, namespace, "parts")
    told = world.get("snotify", "ops", namespace)
    assert told is not None
    assert told["spec"]["target"] == "https://example.com/\U0001f600ü"
    assert recorded(world, namespace, "parts")["definition"]["notifications"]


def test_kubectl_apply(world: World, namespace: str) -> None:
    metadata = {"name": "applied", "namespace": namespace}
    world.apply({"apiVersion": API, "kind": "App", "metadata": metadata, "spec": spec_of(TEXTS)})
    arrived(world, namespace, "applied")
    found = recorded(world, namespace, "applied")["definition"]["apps"]["applied"]
    assert found["env"] == spec_of(TEXTS)["env"]


def test_kubectl_apply_at_the_server(world: World, namespace: str) -> None:
    # kubectl itself sends what YAML can't hold as it is, and is refused.
    texts = {key: text for key, text in TEXTS.items() if key not in ("CONTROLS", "BREAKS", "MARKS")}
    metadata = {"name": "merged", "namespace": namespace}
    manifest = {"apiVersion": API, "kind": "App", "metadata": metadata, "spec": spec_of(texts)}
    world.sandbox.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(manifest))
    arrived(world, namespace, "merged", texts)


def test_a_commit_beside_it_goes_on(world: World, namespace: str) -> None:
    """Whatever the texts are, they are in every revision that follows."""
    ended = world.commit(namespace, "app:create beside")
    assert ended["status"]["phase"] == "Committed", ended["status"]
    assert recorded(world, namespace, "beside")["definition"]["apps"]["lines"]["env"]


@pytest.fixture(scope="module")
def dev(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    admin = administrator(world, tmp_path_factory.mktemp("terminals"))
    found = developer(world, admin)
    yield found
    world.delete("project.setops.co", found.project)


def test_the_command_line_and_a_file(world: World, dev: Terminal) -> None:
    for words in (
        ["app:create", "typed"],
        ["--app", "typed", "release:create", IMAGE],
        ["--app", "typed", "release:activate", "1"],
        *(
            ["--app", "typed", "env:set", f"{k}={v}", f"--description={v}"]
            for k, v in TEXTS.items()
        ),
        ["--app", "typed", "container:set", "command", "--", *TEXTS.values()],
        ["--app", "typed", "container:set", "entrypoint", "--", *WORDS[:2], *TEXTS.values()],
        ["--app", "typed", "container:set", "health-check", "--", *TEXTS.values()],
        ["changeset:commit", "--message", MESSAGE],
    ):
        dev.does(words)
    namespace = f"{dev.project}-production"
    arrived(world, namespace, "typed")
    assert recorded(world, namespace, "typed")["message"] == MESSAGE
    assert dev.does("stage:apply -f -", input=dev.does("stage:dump")) == "Nothing to change.\n"


def test_any_name_of_a_user(world: World, namespace: str) -> None:
    """Administrators of the sandbox may sign for anybody."""
    user = "J\u00f6rg \U0001f600 <joerg@example.com>"
    ended = world.commit(namespace, "app:create signed", user=user, message=MESSAGE)
    assert ended["status"]["phase"] == "Committed", ended["status"]
    assert recorded(world, namespace, "signed")["user"] == user


def at_the_server(world: World, obj: Object) -> None:
    """Apply an object that is too large for the annotation that kubectl leaves otherwise."""
    world.sandbox.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(obj))


def test_what_is_too_large_is_told_before_anything_is_done(world: World, namespace: str) -> None:
    """Dollars are doubled in the pods, which a dry run takes and etcd doesn't."""
    env = {f"K{n:03}": {"value": "$" * 32_000} for n in range(27)}
    spec: dict[str, Any] = {"image": IMAGE, "env": env}
    at_the_server(world, changeset(namespace, "heavy", definition={"apps": {"heavy": spec}}))
    world.until(lambda: world.phase(namespace, "heavy") == "Failed", "its refusal")
    ended = world.get("scs", "heavy", namespace)
    assert ended is not None
    (error,) = ended["status"]["errors"]
    assert error["field"] == "apps.heavy"
    assert "its Deployment would have" in error["message"]
    assert world.get("sapp", "heavy", namespace) is None
    metadata = {"name": "heavy", "namespace": namespace}
    at_the_server(world, {"apiVersion": API, "kind": "App", "metadata": metadata, "spec": spec})
    said = world.says("sapp", "heavy", namespace, "Stalled", "ValidationFailed")
    assert "Deployment 'heavy' would be larger than Kubernetes can store" in said
    assert "move large values into Secrets" in said
    world.delete("sapp", "heavy", namespace=namespace)
