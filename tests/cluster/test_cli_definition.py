"""`stage:dump` and `stage:apply` against the real control plane."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.cluster.keyboard import keyboard
from tests.cluster.terminal import PROGRAM, Terminal, administrator, developer, grant, terminal
from tests.cluster.world import World


@pytest.fixture(scope="module")
def admin(world: World, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return administrator(world, tmp_path_factory.mktemp("terminals"))


@pytest.fixture
def dev(world: World, admin: Terminal) -> Iterator[Terminal]:
    found = developer(world, admin)
    for line in (
        "app:create web",
        "-a web release:create registry.example.com/web:1.0",
        "-a web release:activate 1",
        "-a web env:set A=1.10",
        "service:create store --type s3",
        "-a web link:create store --env-key STORE_URL",
        "notification:create ops --type email --target ops@example.com",
    ):
        found.does(line)
    found.does("changeset:commit")
    yield found
    world.delete("project.setops.co", found.project)


def dumped(dev: Terminal) -> Path:
    path = dev.directory / "stage.setops.yaml"
    path.write_text(dev.does("stage:dump"))
    return path


def test_dump_and_apply_is_an_empty_plan(dev: Terminal) -> None:
    path = dumped(dev)
    assert f"project: {dev.project}" in path.read_text()
    assert dev.does("stage:apply -f stage.setops.yaml") == "Nothing to change.\n"
    assert dev.does("stage:apply -f -", input=path.read_text()) == "Nothing to change.\n"


def test_apply_makes_the_stage_what_the_file_says(dev: Terminal, admin: Terminal) -> None:
    path = dumped(dev)
    text = path.read_text().replace("A:", "B:").replace("log_retention: 14", "log_retention: 30")
    path.write_text(text + "  admins:\n    type: email\n    target: a@example.com\n")
    said = dev.run("stage:apply -f stage.setops.yaml")
    assert "env.A: 1.10 → (unset)" in said.out
    assert "+ Notification admins" in said.out
    assert "nothing was changed; to do it without being asked: --auto-approve" in said.err
    dev.fails("changeset:info", 78)
    done = admin.on(dev.project).run(["stage:apply", f"-f{path}", "--auto-approve"])
    assert "Commit successful!" in done.out, done.err
    assert "Log retention is set to 30 days" in done.out
    assert dev.does("stage:apply -f stage.setops.yaml") == "Nothing to change.\n"
    assert "admins" in dev.does("notification")


def test_the_stage_that_the_file_names_counts_where_the_line_names_none(
    dev: Terminal, admin: Terminal
) -> None:
    path = dumped(dev)
    assert admin.does(["stage:apply", "-f", str(path)]) == "Nothing to change.\n"


def test_tags_move_images(dev: Terminal) -> None:
    said = dev.does("stage:apply -t web=2.0 --auto-approve")
    assert "releases.2.image: (unset) → registry.example.com/web:2.0" in said
    assert "Commit successful!" in said
    assert dev.does("stage:apply -t web=2.0 --auto-approve") == "Nothing to change.\n"
    assert "did you mean 'web'?" in dev.fails("stage:apply -t wbe=1")
    assert "write APP=TAG" in dev.fails("stage:apply -t web")
    assert "needs a file or tags" in dev.fails("stage:apply")


def test_a_tag_in_a_file_is_an_image_of_the_organizations_registry(
    dev: Terminal, world: World
) -> None:
    (dev.directory / "tag.yaml").write_text(
        "schema_version: 2\napps:\n  web:\n    image_tag: 1.10\n"
    )
    said = dev.does("stage:apply -f tag.yaml --auto-approve")
    image = f"registry.example.com/apps/acme/{dev.project}/production/web:1.10"
    assert f"image: (unset) → {image}" in said
    assert "image_tag: '1.10'" in dev.does("stage:dump")
    assert dev.does("stage:apply -f tag.yaml") == "Nothing to change.\n"
    web = world.get("sapp", "web", f"{dev.project}-production")
    assert web is not None
    assert web["spec"]["image"] == image


def test_a_file_without_an_image_keeps_what_runs(dev: Terminal, world: World) -> None:
    """CI applies such a file before every deployment."""
    path, namespace = dumped(dev), f"{dev.project}-production"
    content = yaml.safe_load(path.read_text())
    web = content["apps"]["web"]
    del web["releases"], web["active_release"]
    web["env"]["A"] = "2"
    path.write_text(yaml.safe_dump(content))
    kept = "= App web keeps release 1 (registry.example.com/web:1.0), since the definition names no"
    line = "stage:apply -f stage.setops.yaml"
    said = dev.does(f"{line} --auto-approve")
    assert kept in said
    assert "env.A: 1.10 → 2" in said
    assert "elease" not in said.replace(kept, ""), "nothing else is said of releases"
    live = world.get("sapp", "web", namespace)
    assert live is not None
    assert live["spec"]["releases"] == {"1": {"image": "registry.example.com/web:1.0"}}
    assert live["spec"]["activeRelease"] == 1
    assert live["spec"]["env"]["A"] == {"value": "2"}
    assert world.get("deployment", "web", namespace) is not None
    again = dev.does(line)
    assert again.startswith("Nothing to change.\n")
    assert kept in again
    content["apps"]["new"] = {"image_tag": None}
    path.write_text(yaml.safe_dump(content))
    line = f"{line} --auto-approve --timeout 900"
    assert "! runs nothing until a release is activated" in dev.does(line)
    assert any(each["spec"].get("timeout") == 900 for each in world.list("scs", namespace))
    assert world.get("deployment", "web", namespace) is not None
    dev.does("changeset:revert 2")
    dev.does("changeset:commit")


def test_errors_have_line_and_column(dev: Terminal) -> None:
    path = dumped(dev)
    path.write_text(path.read_text().replace("type: s3", "type: s4"))
    said = dev.fails("stage:apply -f stage.setops.yaml")
    assert "line 20, column 5" in said
    assert "s4" in said
    assert "can't be read: No such file" in dev.fails("stage:apply -f none.yaml")


def test_something_staged_is_in_the_way(dev: Terminal) -> None:
    path = dumped(dev)
    path.write_text(path.read_text().replace("1.10", "2"))
    dev.does("app:create other")
    said = dev.fails("stage:apply -f stage.setops.yaml --auto-approve")
    assert "you have something staged already" in said
    assert "app:create other" in dev.does("changeset:info")


def test_secrets_go_into_a_secret_and_nowhere_else(dev: Terminal, world: World) -> None:
    path = dumped(dev)
    path.write_text(path.read_text().replace("'1.10'", "'x{{ .Secrets.KEY }}'"))
    careless = replace(dev, variables={**dev.variables, "KEY": "hush-hush"})
    said = careless.fails("stage:apply -f stage.setops.yaml")
    assert "no value for the secret 'KEY'" in said, "of the environment nothing is taken unasked"
    for handed in (["--secret", "KEY"], ["--secret", "KEY", "--secrets", "-"]):
        shown = careless.run(["stage:apply", "-f", "stage.setops.yaml", *handed], input="KEY=x\n")
        assert "nothing was changed; to do it" in shown.err, "all it lacked was a yes"
    (dev.directory / "secrets").write_text("KEY=hush-hush\n")
    line = "stage:apply -f stage.setops.yaml --secrets secrets --auto-approve"
    said = dev.does(line)
    namespace = f"{dev.project}-production"
    web = world.get("sapp", "web", namespace)
    assert web is not None
    reference = web["spec"]["env"]["A"]["secretRef"]
    secret = world.get("secret", reference["name"], namespace)
    assert secret is not None
    assert base64.b64decode(secret["data"][reference["key"]]) == b"xhush-hush"
    changesets = json.dumps(world.list("scs", namespace))
    assert "hush-hush" not in changesets + said
    assert dev.does("stage:apply -f stage.setops.yaml") == "Nothing to change.\n", "known by now"
    dump = dev.does("stage:dump")
    assert "value: x{{ .Secrets.KEY }}" in dump
    assert dev.does("stage:apply -f -", input=dump) == "Nothing to change.\n"
    (dev.directory / "secrets").write_text("KEY=other\n")
    namesake = {**secret, "metadata": {**secret["metadata"], "name": f"{reference['name']}0"}}
    for field in ("uid", "resourceVersion", "managedFields"):
        namesake["metadata"].pop(field, None)
    world.apply(namesake)
    path.write_text(dump)
    assert "restarts its containers" in dev.does(line)
    kept = {each["metadata"]["name"] for each in world.list("secret", namespace)}
    assert reference["name"] in kept, "the revision before has it"
    assert namesake["metadata"]["name"] not in kept, "nothing refers to it"
    dev.does("changeset:revert 2")
    dev.does("changeset:commit")
    again = world.get("sapp", "web", namespace)
    assert again is not None
    assert again["spec"]["env"]["A"]["secretRef"] == reference


def test_who_says_no_takes_no_secret_from_another(
    dev: Terminal, admin: Terminal, world: World
) -> None:
    """Two apply the same file; one of them is asked still when the other one's is committed."""
    path = dumped(dev)
    path.write_text(path.read_text().replace("'1.10'", "'{{ .Secrets.KEY }}'"))
    (dev.directory / "secrets").write_text("KEY=hush\n")
    line = f"stage:apply -f {path} --secrets {dev.directory / 'secrets'}"
    environment = {**dev.environment, "TERM": "xterm"}
    with keyboard([str(PROGRAM), *line.split()], environment, dev.directory) as screen:
        screen.until("Commit this? [y/N]: ")
        admin.on(dev.project).does(f"{line} --auto-approve")
        screen.type("n\n")
        screen.until("Nothing was changed.")
        assert screen.end() == 1
    namespace = f"{dev.project}-production"
    web = world.get("sapp", "web", namespace)
    assert web is not None
    assert world.get("secret", web["spec"]["env"]["A"]["secretRef"]["name"], namespace) is not None


def test_whoever_may_not_see_secrets_dumps_references_to_them(
    dev: Terminal, admin: Terminal, world: World
) -> None:
    path = dumped(dev)
    path.write_text(path.read_text().replace("'1.10'", "'{{ .Secrets.KEY }}:{{ .Secrets.KEY }}'"))
    dev.does("stage:apply -f stage.setops.yaml --secrets - --auto-approve", input="KEY=hush\n")
    visitor = terminal(world.sandbox, admin.directory.parent / "visitor", "visitor@example.com")
    for namespace in (f"{dev.project}-production", dev.project):
        grant(world, visitor.user, "view", namespace)
    dump = visitor.on(dev.project).does("stage:dump")
    assert "secret_ref:" in dump
    assert "key: web.A" in dump
    assert dev.does("stage:apply -f -", input=dump) == "Nothing to change.\n"


def test_braces_that_are_no_template_come_back_as_they_were(dev: Terminal) -> None:
    dev.does(["-a", "web", "env:set", "A={{ .Secrets.NONE }} and {{ name }}"])
    dev.does("changeset:commit")
    dump = dev.does("stage:dump")
    assert dev.does("stage:apply -f -", input=dump) == "Nothing to change.\n"
    assert "{{ .Secrets.NONE }} and {{ name }}" in dev.does("env -a web")


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MERGED = "a0: &a0 {a: 1, b: 2, c: 3}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
)
HOSTILE = {
    "": "the file is empty",
    BOMB: "more than 200000 values",
    MERGED: "more than 200000 values",
    "apps: " + "{a: " * 3000: "too many levels",
    "apps: {web: {env: {A: '" + "x" * 1_000_000 + "'}}}": "at most 32768 characters",
    "apps: {web: {env: {" + ", ".join(f"K{n}: v" for n in range(1001)) + "}}}": "at most 1000",
    "apps: {" + ", ".join(f"app{n}: {{}}" for n in range(2000)) + "}": "… and 1750 more errors",
    "apps: {wéb: {}, '🙂': {}, \"a\\u202eb\": {}}": "'wéb' is not a valid name",
    "apps: {web: {resources: {scale: .inf, cpu: 1e3}}}": "is '.inf'; it must be a whole number",
    "apps: {web: {resources: {scale: " + "9" * 5000 + "}}}": "must be a whole number",
    "apps: !!python/object/apply:os.system ['true']": "the tag !!python/object/apply:os.system",
    '"a\\nb\\e[2J": 1': "has no key 'a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}[2J'",
    "project: [1]": "project is a text",
    "\x00": "this isn't YAML",
}


def test_hostile_files_are_answered_in_words(dev: Terminal) -> None:
    """Through the program; what a reader makes of random ones is the unit tests' matter."""
    for number, text in enumerate(HOSTILE):
        head = "schema_version: 2\n" if text else ""
        (dev.directory / f"hostile{number}").write_text(head + text)
    lines = [f"stage:apply -f hostile{number} --auto-approve" for number in range(len(HOSTILE))]
    for said, words in zip(dev.runs(lines), HOSTILE.values(), strict=True):
        assert said.code == 1, words
        assert words in said.err
        assert "bug" not in said.err
        assert len(said.err) < 20_000
    dev.fails("changeset:info", 78)


def test_the_schema_is_json(dev: Terminal) -> None:
    assert json.loads(dev.does("stage:schema"))["properties"]["schema_version"] == {"const": 2}
