"""`{{ .Secrets.NAME }}`: values that are kept in a Secret rather than in a file or a Changeset.

All values from one run of `stage:apply` are in one Secret of the Stage, which is never changed. New
values create a new Secret, so that Apps restart with the commit and an older revision finds its own
values.

A text that contains more than a template, such as `postgres://app:{{ .Secrets.PASSWORD }}@db`, is
stored in the Secret with its values filled in. The original text is stored beside it, so that a
file can be written from it again. `{{ "{{" }}` stands for literal braces.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import secrets as randoms
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from setops.api.errors import Code, Problem, ProblemsError, Validator, quoted
from setops.api.kinds import SECRET, Object
from setops.api.names import LABEL_STAGE

PREFIX: Final = "setops-definition-"

Reference = tuple[str, str]
"""The name of a Secret, and a key in it."""

_TEMPLATE: Final = re.compile(r"\{\{\s*\.Secrets\.([A-Za-z_][A-Za-z0-9_]{0,252})\s*\}\}")
_BRACES: Final = "{{"
_ESCAPED: Final = '{{ "{{" }}'
_ESCAPE: Final = re.compile(r"\{\{\s*\"\{\{\"\s*\}\}")
_PIECE: Final = re.compile(f"{_TEMPLATE.pattern}|{_ESCAPE.pattern}")
_TEXT: Final = ".template"
"""The suffix of the key under which the original of a filled-in text is stored."""
_LONGEST: Final = 253 - len(_TEXT)
"""The longest key that leaves room for the suffix."""


@dataclass(frozen=True, slots=True)
class Use:
    """A variable whose value contains templates."""

    app: str
    key: str
    text: str

    @property
    def path(self) -> str:
        return f"apps.{self.app}.env.{self.key}"

    @property
    def names(self) -> list[str]:
        """The names of the secrets that it needs."""
        return _TEMPLATE.findall(self.text)

    @property
    def entry(self) -> str:
        """The key in the Secret. For a value that is just one template, it is the secret's own
        name."""
        whole = _TEMPLATE.fullmatch(self.text)
        if whole:
            return whole[1]
        name = f"{self.app}.{self.key}"
        if len(name) > _LONGEST:
            name = f"{self.app}.{hashlib.sha256(self.key.encode()).hexdigest()}"
        return name


@dataclass(slots=True)
class Filled:
    """The result of filling in templates: the Secret's data, and the variables that refer to it."""

    data: dict[str, str] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)


def uses(definition: Mapping[str, Any]) -> Iterator[Use]:
    """The variables of a definition that contain templates."""
    for app, entry in definition.get("apps", {}).items():
        for key, variable in (entry.get("env") or {}).items():
            text = variable.get("value")
            if isinstance(text, str) and _TEMPLATE.search(text):
                yield Use(app, key, text)


def misplaced(definition: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems with templates outside values of env, and with malformed ones."""
    for path, text in _texts(definition, ""):
        for template in _templates(_ESCAPE.sub(" ", text)):
            if not re.fullmatch(r"apps\.[^.]+\.env\..+\.value", path):
                message = f"{path}: {template} is filled in only in values of env"
            elif not _TEMPLATE.fullmatch(template):
                message = (
                    f"{path}: {template} isn't a template; write {{{{ .Secrets.NAME }}}}, or "
                    f"{_ESCAPED} for braces that are meant as such"
                )
            else:
                continue
            yield Problem(path, Validator.INVALID_FORMAT, message)


def fill(found: Iterable[Use], given: Mapping[str, str], known: Mapping[str, str]) -> Filled:
    """Fill in values: those that the user hands over, else those in use.

    `known` are the values of the Secrets in use, by key. Raises ProblemsError for secrets without a
    value.
    """
    told = {**known, **given}
    filled = Filled()
    problems = []
    for use in found:
        filled.uses.append(use)
        missing = [name for name in use.names if name not in told]
        problems += [_untold(use, name) for name in dict.fromkeys(missing)]
        if not missing:
            # The secrets themselves are stored too, so that the next file can use them in other
            # texts.
            filled.data.update({name: told[name] for name in use.names})
            if use.entry not in use.names:
                filled.data[use.entry] = _put_together(use.text, told)
                filled.data[use.entry + _TEXT] = use.text
    if problems:
        raise ProblemsError(problems)
    return filled


def replaced(definition: Mapping[str, Any], filled: Filled, secret: str) -> dict[str, Any]:
    """The definition with references to the Secret instead of templates."""
    apps = dict(definition.get("apps", {}))
    for use in filled.uses:
        entry = apps[use.app]
        variable = {key: value for key, value in entry["env"][use.key].items() if key != "value"}
        variable["secretRef"] = {"name": secret, "key": use.entry}
        apps[use.app] = {**entry, "env": {**entry["env"], use.key: variable}}
    return {**definition, "apps": apps}


def values(secret: Object) -> dict[str, str]:
    """The decoded values of a Secret, without those that aren't text."""
    found = {}
    for key, value in (secret.get("data") or {}).items():
        with contextlib.suppress(UnicodeDecodeError):
            found[key] = base64.b64decode(value).decode()
    return found


def secret_of(namespace: str, stage: str, data: Mapping[str, str]) -> Object:
    """A new Secret with these values. Its name reveals nothing about them."""
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.kind,
        "metadata": {
            "name": f"{PREFIX}{randoms.token_hex(4)}",
            "namespace": namespace,
            "labels": {LABEL_STAGE: stage},
        },
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def templates(secret: Object) -> dict[str, str]:
    """The original texts in a Secret, by the key of the filled-in text."""
    return {
        key.removesuffix(_TEXT): text for key, text in values(secret).items() if key.endswith(_TEXT)
    }


def as_template(reference: Mapping[str, str], texts: Mapping[Reference, str]) -> str | None:
    """How a file writes a reference to one of these Secrets, or None for any other Secret."""
    name, key = reference["name"], reference["key"]
    if not name.startswith(PREFIX):
        return None
    return texts.get((name, key)) if "." in key else f"{{{{ .Secrets.{key} }}}}"


def escaped(text: str) -> str:
    """A text with its braces escaped for a file."""
    return text.replace(_BRACES, _ESCAPED)


def plain(value: Any) -> Any:
    """A value from a file, with its escaped braces resolved."""
    match value:
        case str():
            return _ESCAPE.sub(_BRACES, value)
        case dict():
            return {key: plain(child) for key, child in value.items()}
        case list():
            return [plain(child) for child in value]
        case _:
            return value


def _put_together(text: str, told: Mapping[str, str]) -> str:
    """The text with its templates filled in. Values aren't searched for templates again."""
    return _PIECE.sub(lambda found: told[found[1]] if found[1] else _BRACES, text)


def _templates(text: str) -> Iterator[str]:
    """What stands between double braces on a line, with the braces.

    Not by a regular expression, which would look for the end anew at each of many open braces.
    """
    for line in text.split("\n"):
        start = line.find(_BRACES)
        while start >= 0 and (end := line.find("}}", start + len(_BRACES))) >= 0:
            yield line[start : end + 2]
            start = line.find(_BRACES, end + 2)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from _texts(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _texts(child, f"{path}.{number}")


def _untold(use: Use, name: str) -> Problem:
    return Problem(
        use.path,
        Validator.REQUIRED,
        f"no value for the secret {quoted(name)} of App {use.app}: write {name}=VALUE into a file "
        f"for --secrets FILE, take a variable of your environment by --secret {name}, or set "
        f"SETOPS_SECRET_{name}",
        Code.VALIDATION_FAILED,
    )
