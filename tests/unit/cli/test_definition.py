"""Definition files: what is written is read back; what is wrong is told with line and column."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from setops.api.definition import StageDefinition
from setops.api.errors import ProblemsError
from setops.changes.diff import diff
from setops.changes.fold import fold
from setops.cli.changeset.preview import spec_of
from setops.cli.stage.file import secrets
from setops.cli.stage.file.json_schema import schema
from setops.cli.stage.file.nodes import MAX_BYTES
from setops.cli.stage.file.reading import File, read
from setops.cli.stage.file.writing import Head, write
from tests.unit.changes.definitions import CONTEXT, DEFINITIONS

HEAD = Head("shop", "production", 14, {"web": "registry.example.com/acme/shop/production/web"})
EMPTY = StageDefinition()


def filled(file: File) -> dict[str, Any]:
    """The definition with images in place of tags."""
    for app, tag in file.tags.items():
        file.definition["apps"][app]["image"] = f"{HEAD.repositories[app]}:{tag}"
    plain: dict[str, Any] = secrets.plain(file.definition)
    return plain


@given(DEFINITIONS)
def test_what_is_written_is_read_back_and_changes_nothing(definition: StageDefinition) -> None:
    file = read(write(definition, HEAD))
    assert list(secrets.misplaced(file.definition)) == []
    assert (file.project, file.stage, file.log_retention) == ("shop", "production", 14)
    for kept in (False, True):
        spec = {"definition": filled(file), "prune": True, "keepImages": kept}
        folded = fold(definition, spec_of(spec), CONTEXT)
        assert folded.problems == ()
        assert diff(definition, folded.definition) == ()


TRICKY = st.one_of(
    st.text(max_size=300),
    st.sampled_from(["1.10", "no", "12:30", "0x1f", "null", "~", "", " a ", "a: b", "# c", "- d",
                     "\n", "a\nb\n", "'", '"', "\\", "{{", "*a", "&b", "!c", "%d", "\u2028",
                     "{{ name }}", "{{ .Secrets.A }}", "{{{ a }}}", '{{ "{{" }}', '{{{{ "{{" }}',
                     "{{\n.Secrets.A\n}}"]),
    st.text('{}" .', max_size=12),
)  # fmt: skip


@given(TRICKY)
def test_any_text_survives_as_a_variables_value(text: str) -> None:
    variable = {"value": text}
    spec = {"definition": {"apps": {"web": {"env": {"A": variable}}}}}
    folded = fold(EMPTY, spec_of(spec), CONTEXT)
    if not folded.problems:
        again = read(write(folded.definition, HEAD)).definition
        assert not [*secrets.uses(again), *secrets.misplaced(again)]
        assert secrets.plain(again)["apps"]["web"]["env"]["A"] == variable


@pytest.mark.parametrize("tag", ["", "~", "null"])
def test_a_tag_that_is_null_is_as_none(tag: str) -> None:
    file = read(f"schema_version: 2\napps:\n  web:\n    image_tag: {tag}\n")
    assert (file.tags, file.definition["apps"]["web"]) == ({}, {})
    with pytest.raises(ProblemsError, match="isn't an image tag"):
        read('schema_version: 2\napps:\n  web:\n    image_tag: ""\n')


def test_a_file_of_the_platforms_shape_is_read() -> None:
    file = read(
        """
schema_version: 2
project: shop
stage: production
log_retention: 30
apps:
  web:
    image_tag: 1.10        # no number
    container:
      command: [bundle, exec, puma]
      health_check: {command: [curl, -f, "localhost:3000"], interval: 5, start_period: 20}
    network: {ports: [3000], public: true, protocol: http, health_check: {path: /up, status: 200}}
    resources: {cpu: 256, memory: 512, scale: 2}
    env:
      RAILS_ENV: production
      SECRET_KEY: {value: "{{ .Secrets.KEY }}", description: What signs cookies}
    links:
      database: {env_key: DATABASE_URL}
    custom_domains: [www.example.com]
    schedule: {night: {at: 12:30, weekdays: [Sat], scale: 0}}
services:
  database: {type: postgresql, version: 16.4, plan: db.t3.micro, options: {min_storage: 30}}
notifications:
  ops: {type: email, target: ops@example.com}
"""
    )
    assert file.tags == {"web": "1.10"}
    assert file.definition["apps"]["web"] == {
        "container": {
            "command": ["bundle", "exec", "puma"],
            "healthCheck": {
                "command": ["curl", "-f", "localhost:3000"],
                "interval": 5,
                "startPeriod": 20,
            },
        },
        "network": {
            "port": 3000,
            "public": True,
            "protocol": "http",
            "healthCheck": {"path": "/up", "status": "200"},
        },
        "resources": {"cpu": 256, "memory": 512, "scale": 2},
        "env": {
            "RAILS_ENV": {"value": "production"},
            "SECRET_KEY": {"value": "{{ .Secrets.KEY }}", "description": "What signs cookies"},
        },
        "links": {"database": {"envKey": "DATABASE_URL"}},
        "domains": {"www.example.com": {}},
        "schedule": {"night": {"at": "12:30", "weekdays": ["Sat"], "scale": 0}},
    }
    assert file.definition["services"]["database"]["version"] == "16.4"


def test_aliases_are_followed() -> None:
    file = read("schema_version: 2\napps:\n  web: &w\n    resources: {scale: 2}\n  worker: *w\n")
    assert file.definition["apps"]["worker"] == {"resources": {"scale": 2}}


def test_merge_keys_take_over_what_the_map_does_not_say_itself() -> None:
    file = read(
        """
schema_version: 2
apps:
  web: &web
    image: a:1
    resources: &small {cpu: 256, scale: 2}
    env: &env {A: "1", B: "2"}
  worker:
    <<: *web
    resources: {<<: *small, scale: 4}
    env: {<<: [{B: "first"}, *env], C: "3"}
"""
    )
    assert file.definition["apps"]["worker"] == {
        "image": "a:1",
        "resources": {"cpu": 256, "scale": 4},
        "env": {"A": {"value": "1"}, "B": {"value": "first"}, "C": {"value": "3"}},
    }
    assert file.marks["apps.worker.image"].line == 5, "where it is written"


V = "schema_version: 2\n"
WRONG = {
    "": "line 1, column 1: the file is empty",
    "[]": "line 1, column 1: a definition is a map",
    "apps: {}": "line 1, column 1: schema_version is missing; write schema_version: 2",
    "schema_version: 3": "line 1, column 17: this version reads schema_version 2 only",
    f"{V}app: {{}}": "line 2, column 1: a definition has no key 'app'; did you mean apps?",
    f"{V}apps: [web]": "line 2, column 7: apps is a map by name",
    f"{V}apps:\n  web: 3": "line 3, column 8: apps.web is a map of fields",
    f"{V}apps:\n  web:\n    imgae_tag: 1": "line 4, column 5: apps.web has no key 'imgae_tag'; did "
    "you mean image_tag?",
    f"{V}apps:\n  web: {{}}\n  web: {{}}": "line 4, column 3: 'web' is there "
    "twice, first in line 3",
    f"{V}apps: {{web: {{resources: {{scale: two}}}}}}": "line 2, column 33: "
    "apps.web.resources.scale is 'two'; it must be a whole number",
    f"{V}apps: {{web: {{resources: {{scale: '2'}}}}}}": "it must be a whole number",
    f"{V}apps: {{web: {{network: {{public: perhaps}}}}}}": "must be true or false",
    f"{V}apps: {{web: {{network: {{ports: [1, 2]}}}}}}": "ports is a list with one port",
    f"{V}apps: {{web: {{network: {{port: 1}}}}}}": "no key 'port'; did you mean ports?",
    f"{V}apps: {{web: {{env: [A]}}}}": "apps.web.env is a map by name",
    f"{V}apps: {{web: {{env: {{A: {{value: [1]}}}}}}}}": "apps.web.env.A.value is a text",
    f"{V}apps: {{web: {{container: {{command: a b}}}}}}": "apps.web.container.command is a list",
    f"{V}apps: {{web: {{image_tag: 'a b'}}}}": "'a b' isn't an image tag",
    f"{V}apps: {{web: {{domains: {{}}}}}}": "has no key 'domains'",
    f"{V}? [a]\n: b": "line 2, column 3: a key must be a single word",
    f"{V}apps: *a": "line 2, column 7: *a names nothing that stands before it",
    f"{V}apps: {{web: {{<<: x}}}}": "line 2, column 18: << takes a map, or a list of maps",
    f"{V}apps: {{web: {{<<: [{{}}, [a]]}}}}": "line 2, column 23: << takes a map",
    f"{V}apps: {{web: {{<<: {{}}, <<: {{}}}}}}": "line 2, column 22: '<<' is there twice",
    f"{V}apps: {{web: {{'<<': {{}}}}}}": "line 2, column 14: apps.web has no key '<<'",
    f"{V}apps: {{web: !vault {{image: a}}}}": "line 2, column 13: the tag !vault means nothing",
    f"{V}apps: !!python/object:os.x {{}}": "the tag !!python/object:os.x means nothing here",
    f"{V}apps: {{web: {{resources: {{scale: !!str 2}}}}}}": "it must be a whole number",
    f"{V}---\n{V}": "line 2, column 1: a second document begins here",
    f"{V}a: [": "this isn't YAML",
    "a: b: c": "line 1, column 5: this isn't YAML",
    "\t": "this isn't YAML",
    "\0": "this isn't YAML",
    "&a [*a]": "*a names nothing that stands before it",
    "[" * 5000: "too many levels",
    "{a: " * 5000: "too many levels",
    "a: " + "x" * MAX_BYTES: f"the file has more than {MAX_BYTES} bytes",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items(), ids=range(len(WRONG)))
def test_what_is_wrong_is_told_where_it_stands(text: str, message: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read(text)
    assert any(message in problem.message for problem in caught.value.problems), caught.value


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ProblemsError) as caught:
        read(f"{V}apps: {{web: {{a: 1, resources: {{scale: x, cpu: y}}}}}}\nservice: 1\n")
    assert len(caught.value.problems) == 4


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ProblemsError, match="more than 200000 values, aliases counted in"):
        read("\n".join(lines))


YAMLS = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(["{{ .Secrets.A }}", "x{{ .Secrets.B }}", "{{ c }}", '{{ "{{" }}']),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.text(max_size=10),
                st.sampled_from(["apps", "web", "env", "network", "ports", "links", "services",
                                 "schema_version", "resources", "image_tag", "type"]),
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=30,
)  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(YAMLS.map(lambda value: yaml.safe_dump(value, allow_unicode=True)),
                 st.text(max_size=200), st.binary(max_size=200).map(lambda b: b.decode("latin1")),
                 YAMLS.map(lambda value: V + yaml.safe_dump({"apps": value}))))  # fmt: skip
def test_nothing_but_problems_ever_comes_of_a_file(text: str) -> None:
    try:
        file = read(text)
    except ProblemsError:
        return
    definition = filled_anyhow(file)
    list(secrets.misplaced(definition))
    with contextlib.suppress(ProblemsError):
        found = secrets.fill(secrets.uses(definition), {"A": "a"}, {})
        definition = secrets.replaced(definition, found, "made")
    fold(EMPTY, spec_of({"definition": secrets.plain(definition), "prune": True}), CONTEXT)


def filled_anyhow(file: File) -> dict[str, Any]:
    """Images in place of tags, whatever the Apps are called."""
    for app, tag in file.tags.items():
        file.definition["apps"][app]["image"] = f"web:{tag}"
    return file.definition


def test_the_schema_knows_what_the_reader_knows() -> None:
    made = schema()
    app = made["properties"]["apps"]["additionalProperties"]["properties"]
    assert {"image_tag", "custom_domains", "links", "env", "releases", "active_release"} <= set(app)
    assert set(app["network"]["properties"]) == {"protocol", "public", "ports", "health_check"}
    assert app["network"]["additionalProperties"] is False
    assert "x-kubernetes" not in str(made)


# --- secrets


def of(value: str) -> dict[str, Any]:
    return {"apps": {"web": {"env": {"URL": {"value": value, "description": "d"}}}}}


def test_a_secret_becomes_a_reference() -> None:
    definition = of("{{ .Secrets.KEY }}")
    found = secrets.fill(secrets.uses(definition), {"KEY": "s3cret"}, {})
    assert found.data == {"KEY": "s3cret"}
    assert secrets.replaced(definition, found, "made")["apps"]["web"]["env"]["URL"] == {
        "description": "d",
        "secretRef": {"name": "made", "key": "KEY"},
    }
    assert definition == of("{{ .Secrets.KEY }}"), "what is given stays as it is"


def test_a_secret_inside_of_a_text_is_put_together() -> None:
    found = secrets.fill(secrets.uses(of("a:{{.Secrets.P}}@b")), {"P": r"\1"}, {})
    written = "a:{{.Secrets.P}}@b"
    assert found.data == {"P": r"\1", "web.URL": r"a:\1@b", "web.URL.template": written}


def test_what_is_filled_in_is_taken_as_it_is() -> None:
    value = "{{ .Secrets.Q }}" + '{{ "{{" }}'
    text = '{{ "{{" }} .Secrets.Q }}={{ .Secrets.P }}'
    found = secrets.fill(secrets.uses(of(text)), {"P": value}, {})
    assert found.data["web.URL"] == "{{ .Secrets.Q }}=" + value
    assert "Q" not in found.data


def test_blanks_around_a_secret_are_part_of_the_text_and_not_of_the_secret() -> None:
    found = secrets.fill(secrets.uses(of(" {{ .Secrets.P }}")), {"P": "p"}, {})
    assert found.data == {"P": "p", "web.URL": " p", "web.URL.template": " {{ .Secrets.P }}"}


def test_keys_of_a_secret_are_no_longer_than_kubernetes_takes() -> None:
    long = "A" * 256
    definition = {"apps": {"web-of-sixteen-c": {"env": {long: {"value": "a{{ .Secrets.P }}"}}}}}
    found = secrets.fill(secrets.uses(definition), {"P": "p"}, {})
    assert max(map(len, found.data)) <= 253
    assert [key for key in found.data if found.data[key] == "ap"] != []


TEXTS = st.lists(
    st.sampled_from(
        ["{{ .Secrets.P }}", "{{ .Secrets.Q }}", '{{ "{{" }}', "x", "@", "{", "}", " "]
    ),
    min_size=1,
    max_size=5,
).map("".join)


@settings(max_examples=50)
@given(TEXTS)
def test_what_was_filled_in_is_written_as_it_was(text: str) -> None:
    """Dump, apply, dump: the same file, the same Secret, and the secrets in neither."""
    definition = of(text)
    assume(not list(secrets.misplaced(definition)))
    uses = list(secrets.uses(definition))
    assume(uses)
    given_ = {"P": "hush-p", "Q": "hush-q"}
    filled_in = secrets.fill(uses, given_, {})
    secret = secrets.secret_of("ns", "production", filled_in.data)
    name = secret["metadata"]["name"]
    raw = secrets.plain(secrets.replaced(definition, filled_in, name))
    folded = fold(EMPTY, spec_of({"definition": raw, "prune": True}), CONTEXT)
    assert folded.problems == ()
    texts = {(name, key): text for key, text in secrets.templates(secret).items()}
    dumped = write(folded.definition, replace(HEAD, templates=texts))
    assert "hush" not in dumped + str(raw)
    again = read(dumped).definition
    assert again["apps"]["web"]["env"] == definition["apps"]["web"]["env"]
    known = secrets.fill(secrets.uses(again), {}, secrets.values(secret))
    assert known.data == filled_in.data, "so the Secret in use is found again"


def test_what_is_given_counts_before_what_is_in_use_and_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uses = list(secrets.uses(of("{{ .Secrets.SETOPS_T }}")))
    monkeypatch.setenv("SETOPS_T", "environment")
    assert secrets.fill(uses, {}, {"SETOPS_T": "used"}).data == {"SETOPS_T": "used"}
    assert secrets.fill(uses, {"SETOPS_T": "given"}, {"SETOPS_T": "used"}).data == {
        "SETOPS_T": "given"
    }
    with pytest.raises(ProblemsError, match="no value for the secret 'SETOPS_T' of App web") as no:
        secrets.fill(uses, {}, {})
    assert "--secrets FILE" in str(no.value)
    assert "--secret SETOPS_T, or set SETOPS_SECRET_SETOPS_T" in str(no.value)


def test_templates_where_none_are_filled_in_are_refused() -> None:
    definition = of("{{ .Other }}")
    definition["apps"]["web"]["image"] = "a:{{ .Secrets.T }}"
    assert [problem.field for problem in secrets.misplaced(definition)] == [
        "apps.web.env.URL.value",
        "apps.web.image",
    ]
    assert list(secrets.misplaced(of('{{ "{{" }} .Other }}'))) == []
