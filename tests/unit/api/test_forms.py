"""What values users may write: the models and the schemas agree, and refuse with the same words."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Final

import pytest
from pydantic import ValidationError

from setops.api.app import AppSpec
from setops.api.errors import Problem, Validator, quoted
from setops.api.kinds import Object
from setops.api.model import CEL, Model
from setops.api.notification import NotificationSpec
from setops.api.organization import OrganizationSpec
from setops.api.project import ProjectSpec
from setops.api.service import ServiceSpec
from setops.api.stage import StageSpec
from setops.api.validation import problems_of
from tests.unit.api.schemas import WRITTEN, at

AWS: Final = {"accountId": "123456789012", "region": "eu-central-1"}
BASES: Final[dict[str, tuple[type[Model], Object]]] = {
    "Organization": (OrganizationSpec, {"aws": AWS, "domain": "apps.example.com"}),
    "Project": (ProjectSpec, {"organization": "acme"}),
    "Stage": (StageSpec, {}),
    "App": (AppSpec, {}),
    "Service": (ServiceSpec, {"type": "postgresql"}),
    "Notification": (NotificationSpec, {"type": "webhook", "target": "https://example.com"}),
}
DIGEST: Final = "sha256:" + "0123456789abcdef" * 4

PASSABLE: Final = (
    "App.spec.env.*.value",
    "App.spec.container.command.*",
    "App.spec.container.entrypoint.*",
    "App.spec.container.healthCheck.command.*",
)
"""Texts that are handed to a program: anything but NUL."""
DEAR: Final = PASSABLE[0]
"""So many and so long that the API server checks them by a pattern, and has no words of ours."""

TEXTS: Final[list[tuple[str, list[str], list[str]]]] = [
    ("App.spec.image",
     ["nginx", "nginx:1.27", "localhost:5000/app", "r.example.com/a/b_c/d--e:V1", f"a@{DIGEST}",
      f"r.example.com:5000/a__b:1.0@{DIGEST}"],
     ["", "my image", "Nginx", "https://r.example.com/a"]),  # more in test_images
    ("App.spec.releases.*.image", ["nginx:1"], ["my image"]),
    ("App.spec.network.healthCheck.path", ["/", "/up?a=b", "/\xfc"],
     ["", "up", "/a b", "/a\n", "/\0", "/\x0b", "/\x7f"]),
    ("App.spec.network.healthCheck.status", ["200", "200-499", "200-299,301"],
     ["", "99", "600", "200-", "200,", "200, 301", "2xx", "200-299\n"]),
    ("App.spec.links.*.path", ["/data", "/a b", "/\U0001f600"],
     ["", "data", "/a:b", "/a\nb", "/a\0", "/\x1b"]),
    ("App.spec.env.*.secretRef.name", ["a", "a-1.b", "x" * 253],
     ["", "A", "a_b", "a.", ".a", "a..b", "-a", "a b", "\xe4", "x" * 254, "a\0"]),
    ("App.spec.env.*.secretRef.key", ["a", "A.b_c-1", ".a", "_", "-", "..."[:1] + "a" * 252],
     ["", ".", "..", "..a", "a b", "a/b", "\xe4", "a\0", "a" * 254]),
    ("App.spec.links.*.envKey", ["A", "_a1", "A" * 256], ["", "1A", "A-B", "Ä", "A" * 257]),
    ("App.spec.schedule.*.at", ["00:00", "07:30", "23:59"], ["24:00", "7:30", "07:60", "0730"]),
    ("Service.spec.version", ["16", "16.4", "6.x"], ["", "v16", "16.", "16.4-beta"]),
    ("Service.spec.plan", ["shared", "db.t3.micro.ha"], ["", "DB", ".x", "db t3"]),
    ("Service.spec.options.extensions.*", ["pg_trgm", "uuid-ossp"], ["", "pg trgm", "1a", "A"]),
    ("Organization.spec.aws.accountId", ["012345678901"], ["12345678901", "1234-5678-9012", ""]),
    ("Organization.spec.aws.region", ["eu-central-1", "us-gov-west-1"],
     ["", "Frankfurt", "eu-central", "eu-central-1a"]),
    ("Organization.spec.aws.roleArn",
     ["arn:aws:iam::123456789012:role/a/b", "arn:aws-us-gov:iam::123456789012:role/a"],
     ["role/a", "arn:aws:iam::1:role/a", "arn:aws:iam::123456789012:user/a"]),
    ("Organization.spec.aws.endpointUrl", ["http://127.0.0.1:4566", "https://vpce.example.com"],
     ["localhost:4566", "ftp://a", "http://", "http://a\0", "http://a\x0b"]),
    ("Organization.spec.domain", ["example.com", "a-b.c.example.co"],
     ["example", "Example.com", "-a.com", "a..com", "https://example.com"]),
    ("Organization.spec.registry", ["registry.example.com", "localhost:5000/team/apps"],
     ["https://registry", "registry/", "a b"]),
    ("Organization.spec.network.vpcId", ["vpc-0a1b"], ["subnet-0a1b", "vpc-", "vpc-A"]),
    ("Organization.spec.network.privateSubnetIds.*", ["subnet-0a1b"], ["vpc-0a1b"]),
    ("Organization.spec.network.publicSubnetIds.*", ["subnet-0a1b"], ["vpc-0a1b"]),
    ("Organization.spec.network.securityGroupIds.*", ["sg-0a1b"], ["subnet-0a1b"]),
    ("Project.spec.organization", ["a", "acme-1"], ["", "Acme", "acme-", "a" * 41]),
    *((path, ["", "a", " ", "\n\t", "\x01\x7f", "\x85\ufeff\uffff", "\U0001f600", "$(A)$$"],
       ["\0", "a\0", "\0a", "a\0b"]) for path in PASSABLE),
]  # fmt: skip

KEYS: Final[list[tuple[str, Any, list[str], list[str]]]] = [
    ("App.spec.env", {"value": "x"}, ["A", "_", "a1_B"], ["", "1A", "A-B", "A B", "PORT", "PORTS",
     "PROTOCOL", "APP_ENV_ID"]),
    ("App.spec.domains", {}, ["www.example.com", "*.example.com"],
     ["", "www", "WWW.example.com", "a.*.com", "*example.com"]),
]  # fmt: skip

NUMBERS: Final[list[tuple[str, list[int], list[int]]]] = [
    ("App.spec.resources.cpu", [128, 1024, 196608], [0, 127, 129, 196608 + 128]),
    ("App.spec.resources.memory", [128, 256, 3145728], [0, 100, 3145728 + 128]),
    ("App.spec.resources.scale", [0, 16], [-1, 17]),
    ("App.spec.network.port", [1, 65535], [0, 65536]),
    ("App.spec.container.healthCheck.interval", [1, 30], [0, 31]),
    ("App.spec.container.healthCheck.timeout", [1, 30], [0, 31]),
    ("App.spec.container.healthCheck.retries", [1, 30], [0, 31]),
    ("App.spec.container.healthCheck.startPeriod", [0, 60], [-1, 61]),
    ("Stage.spec.logRetentionDays", [1, 3653], [0, 3654]),
    ("Service.spec.options.minStorage", [20], [19]),
    ("Service.spec.options.storage", [1, 1024], [0, 1025]),
    ("Service.spec.options.scale", [0, 14], [-1, 15]),
    ("Service.spec.backupRetentionDays", [0, 35], [-1, 36]),
]

NEEDED: Final[dict[str, Object]] = {
    "App.spec.container.healthCheck": {"command": ["true"]},
    "App.spec.schedule.*": {"scale": 1, "at": "07:30"},
    "App.spec.env.*.secretRef": {"name": "creds", "key": "token"},
}
"""What else must stand beside a value."""
KEY_OF: Final = {"App.spec.releases": "1", "App.spec.env": "KEY"}


def nested(base: Object, path: str, value: Any) -> Object:
    """A spec with a value at a path; `*` becomes the key `store`, or a list of that one item."""
    kind, _, rest = path.partition(".spec.")
    parts, made = rest.split("."), value
    for index in reversed(range(1, len(parts))):
        above = ".".join([f"{kind}.spec", *parts[:index]])
        if parts[index] == "*":
            made = [made] if at(above)["type"] == "array" else {KEY_OF.get(above, "store"): made}
        else:
            made = {**NEEDED.get(above, {}), parts[index]: made}
    top = base.get(parts[0])
    return {**base, parts[0]: {**top, **made} if isinstance(top, dict) else made}


def refusals(path: str, value: Any) -> tuple[Problem, ...]:
    """What the models say to a value at a path."""
    model, base = BASES[path.partition(".")[0]]
    try:
        model.model_validate(nested(base, path, value), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        return problems_of(error, model=model)
    return ()


def cases(table: list[Any], *, good: bool) -> list[Any]:
    """One case for each value of a table, named after place and value."""
    return [
        pytest.param(*row[:-2], value, id=f"{row[0]}={str(value)[:40]!r}")
        for row in table
        for value in (row[-2] if good else row[-1])
    ]


def schema_takes(path: str, value: str) -> bool:
    """Whether the rules and the length of a text's schema take a value."""
    schema = at(path)
    fits = re.fullmatch(schema.get("pattern", "(?s:.*)"), value) is not None
    rules = schema.get(CEL, ())
    return fits and len(value) <= schema["maxLength"] and all(map(partial(obeys, value), rules))


def obeys(value: str, rule: Object) -> bool:
    """What CEL would say of a rule."""
    if rule["rule"] == r"!self.contains('\x00')":
        return "\0" not in value
    found = re.fullmatch(r"(!?)self\.matches\(r'\^(.*)\$'\)", rule["rule"])
    assert found, rule
    return (re.fullmatch(found[2], value, re.ASCII) is not None) is not bool(found[1])


@pytest.mark.parametrize(("path", "value"), cases(TEXTS, good=True))
def test_text_is_taken(path: str, value: str) -> None:
    assert refusals(path, value) == ()
    assert schema_takes(path, value)


@pytest.mark.parametrize(("path", "value"), cases(TEXTS, good=False))
def test_text_is_refused(path: str, value: str) -> None:
    assert refusals(path, value)
    assert not schema_takes(path, value)


@pytest.mark.parametrize("path", [row[0] for row in TEXTS if row[0] != DEAR])
def test_both_doors_refuse_with_the_same_words(path: str) -> None:
    bad = "\0" if path in PASSABLE else "~"
    (problem,) = refusals(path, bad)
    rule = next(rule for rule in at(path)[CEL] if not obeys(bad, rule))
    assert problem.validator is Validator.INVALID_FORMAT
    assert problem.message == f"{problem.field}: {quoted(bad)} is not valid; it {rule['message']}"


def test_the_table_has_every_text_with_a_form() -> None:
    formed = {
        node.path for node in WRITTEN if node.schema["type"] == "string" and _is_ruled(node.schema)
    }
    assert formed == {row[0] for row in TEXTS}


def _is_ruled(schema: Object) -> bool:
    rules = [rule["rule"] for rule in schema.get(CEL, ())]
    return "pattern" in schema or any(re.match(r"!?self\.", rule) for rule in rules)


@pytest.mark.parametrize(("path", "value", "key"), cases(KEYS, good=True))
def test_key_is_taken(path: str, value: Any, key: str) -> None:
    assert refusals(path, {key: value}) == ()


@pytest.mark.parametrize(("path", "value", "key"), cases(KEYS, good=False))
def test_key_is_refused(path: str, value: Any, key: str) -> None:
    assert refusals(path, {key: value})


def schema_takes_number(path: str, value: int) -> bool:
    schema = at(path)
    step = schema.get("multipleOf", 1)
    low: int = schema.get("minimum", value)
    high: int = schema.get("maximum", value)
    return low <= value <= high and value % step == 0


@pytest.mark.parametrize(("path", "value"), cases(NUMBERS, good=True))
def test_number_is_taken(path: str, value: int) -> None:
    assert refusals(path, value) == ()
    assert schema_takes_number(path, value)


@pytest.mark.parametrize(("path", "value"), cases(NUMBERS, good=False))
def test_number_is_refused(path: str, value: int) -> None:
    assert len(refusals(path, value)) == 1
    assert not schema_takes_number(path, value)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        pytest.param({"image": "a", "releases": {"1": {"image": "a"}}, "activeRelease": 1},
                     "either image or activeRelease", id="two images"),
        pytest.param({"activeRelease": 1}, "release 1 doesn't exist", id="an image of nothing"),
        pytest.param({"network": {"protocol": "tcp", "healthCheck": {"path": "/"}}},
                     "needs protocol http", id="an http check of a tcp port"),
        pytest.param({"env": {"A": {}}}, "either value or secretRef", id="no source"),
        pytest.param({"env": {"A": {"value": "", "secretRef": {"name": "a", "key": "b"}}}},
                     "either value or secretRef", id="two sources"),
        pytest.param({"links": {"store": {}}}, "either envKey or", id="no way to link"),
        pytest.param({"links": {"store": {"envKey": "A", "path": "/a"}}}, "either envKey or",
                     id="two ways to link"),
        pytest.param({"links": {"store": {"envKey": "A", "readOnly": True}}},
                     "readOnly goes with path", id="a variable can't be read-only"),
        pytest.param({"links": {"store": {"envKey": "PORT"}}}, "is reserved", id="reserved"),
        pytest.param({"domains": {"a.example.com": {"primary": True},
                                  "b.example.com": {"primary": True}}},
                     "at most one domain can be primary", id="two primaries"),
        pytest.param({"scale": 2}, "there is no field scale", id="a field that doesn't exist"),
    ],
)  # fmt: skip
def test_fields_that_do_not_go_together(spec: Object, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        AppSpec.model_validate(spec)
    assert said in " ".join(problem.message for problem in problems_of(refused.value))


@pytest.mark.parametrize("field", ["env", "links", "releases", "domains", "schedule"])
def test_an_empty_map_is_the_same_as_none(field: str) -> None:
    assert AppSpec.model_validate({field: {}}) == AppSpec()


def test_what_is_stored_reads_as_what_was_written() -> None:
    spec = AppSpec.model_validate({"image": "nginx", "env": {"A": {"value": "1"}}})
    stored = spec.to_json()
    assert AppSpec.model_validate(stored) == spec
    assert "container" not in stored
    assert stored["network"] == {"protocol": "http", "public": False, "port": 5000}
