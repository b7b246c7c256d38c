"""`{{ .Secrets.NAME }}`: values that stand neither in a file nor in a Changeset, but in a Secret.

The values of one application of a file lie in one Secret of the Stage, which is never changed: new
values make a new Secret, so that Apps roll with the commit and an older revision finds its own.

A text that is more than one template, such as `postgres://app:{{ .Secrets.PASSWORD }}@db`, lies in
the Secret put together, and beside it as it is written, so that a file can be made of it again.
`{{ "{{" }}` stands for braces that are meant as such.
"""

from __future__ import annotations

import base64
import hashlib
import os
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
"""A Secret's name, and a key in it."""

_TEMPLATE: Final = re.compile(r"\{\{\s*\.Secrets\.([A-Za-z_][A-Za-z0-9_]{0,252})\s*\}\}")
_ANY_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}")
_BRACES: Final = "{{"
_ESCAPED: Final = '{{ "{{" }}'
_ESCAPE: Final = re.compile(r"\{\{\s*\"\{\{\"\s*\}\}")
_PIECE: Final = re.compile(f"{_TEMPLATE.pattern}|{_ESCAPE.pattern}")
_TEXT: Final = ".template"
"""Behind the key of a text that was put together: the text as it is written."""
_LONGEST: Final = 253 - len(_TEXT)
"""Of a Secret's keys."""


@dataclass(frozen=True, slots=True)
class Use:
    """A variable whose value has templates in it, by the path of its entry in the definition."""

    app: str
    key: str
    text: str

    @property
    def path(self) -> str:
        return f"apps.{self.app}.env.{self.key}"

    @property
    def names(self) -> list[str]:
        """The secrets that it needs."""
        return _TEMPLATE.findall(self.text)

    @property
    def entry(self) -> str:
        """The key in the Secret: the secret's own name, where the value is nothing else."""
        whole = _TEMPLATE.fullmatch(self.text)
        if whole:
            return whole[1]
        name = f"{self.app}.{self.key}"
        if len(name) > _LONGEST:
            name = f"{self.app}.{hashlib.sha256(self.key.encode()).hexdigest()}"
        return name


@dataclass(slots=True)
class Filled:
    """What a file's templates become: the Secret's data, and the references to put in place."""

    data: dict[str, str] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)


def uses(definition: Mapping[str, Any]) -> Iterator[Use]:
    """The variables of a definition that have templates."""
    for app, entry in definition.get("apps", {}).items():
        for key, variable in (entry.get("env") or {}).items():
            text = variable.get("value")
            if isinstance(text, str) and _TEMPLATE.search(text):
                yield Use(app, key, text)


def misplaced(definition: Mapping[str, Any]) -> Iterator[Problem]:
    """Templates where none are filled in, and those that name no secret."""
    for path, text in _texts(definition, ""):
        for template in _ANY_TEMPLATE.findall(_ESCAPE.sub(" ", text)):
            if not re.fullmatch(r"apps\.[^.]+\.env\..+\.value", path):
                message = f"{path}: {template} is filled in only in values of env"
            elif not _TEMPLATE.fullmatch(template):
                message = (
                    f"{path}: {template} is no template; write {{{{ .Secrets.NAME }}}}, or "
                    f"{_ESCAPED} for braces that are meant as such"
                )
            else:
                continue
            yield Problem(path, Validator.INVALID_FORMAT, message)


def fill(found: Iterable[Use], given: Mapping[str, str], known: Mapping[str, str]) -> Filled:
    """Put values in place: those given, else those of the environment, else the ones in use.

    `known` are the values of the Secrets in use, by entry. Raises ProblemsError for those that
    nobody tells.
    """
    told = {**known, **os.environ, **given}
    filled = Filled()
    problems = []
    for use in found:
        filled.uses.append(use)
        missing = [name for name in use.names if name not in told]
        problems += [_untold(use, name) for name in dict.fromkeys(missing)]
        if not missing:
            # The secrets themselves are kept beside what is made of them, so that the next
            # application of a file can make something else of them.
            filled.data.update({name: told[name] for name in use.names})
            if use.entry not in use.names:
                filled.data[use.entry] = _put_together(use.text, told)
                filled.data[use.entry + _TEXT] = use.text
    if problems:
        raise ProblemsError(problems)
    return filled


def replaced(definition: Mapping[str, Any], filled: Filled, secret: str) -> dict[str, Any]:
    """The definition with references to the Secret in place of the templates."""
    apps = dict(definition.get("apps", {}))
    for use in filled.uses:
        entry = apps[use.app]
        variable = {key: value for key, value in entry["env"][use.key].items() if key != "value"}
        variable["secretRef"] = {"name": secret, "key": use.entry}
        apps[use.app] = {**entry, "env": {**entry["env"], use.key: variable}}
    return {**definition, "apps": apps}


def values(secret: Object) -> dict[str, str]:
    """What a Secret holds."""
    return {
        key: base64.b64decode(value).decode(errors="replace")
        for key, value in (secret.get("data") or {}).items()
    }


def secret_of(namespace: str, stage: str, data: Mapping[str, str]) -> Object:
    """A new Secret with these values. Its name tells nothing of them."""
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
    """The texts of a Secret as they are written, by the key of what they were put together to."""
    return {
        key.removesuffix(_TEXT): text for key, text in values(secret).items() if key.endswith(_TEXT)
    }


def as_template(reference: Mapping[str, str], texts: Mapping[Reference, str]) -> str | None:
    """How a file writes a reference to one of these Secrets; None for any other."""
    name, key = reference["name"], reference["key"]
    if not name.startswith(PREFIX):
        return None
    return texts.get((name, key)) if "." in key else f"{{{{ .Secrets.{key} }}}}"


def escaped(text: str) -> str:
    """A text as a file writes it, so that its braces are no template."""
    return text.replace(_BRACES, _ESCAPED)


def plain(value: Any) -> Any:
    """Anything that a file has, with its braces as they are meant."""
    match value:
        case str():
            return _ESCAPE.sub(_BRACES, value)
        case dict():
            return {key: plain(child) for key, child in value.items()}
        case list():
            return [plain(child) for child in value]
        case _:
            return value


def read_file(text: str) -> dict[str, str]:
    """NAME=VALUE lines; `#` begins a line of comment. Raises ProblemsError."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,252}", name.strip()):
            message = f"line {number} of the secrets is not NAME=VALUE"
            raise ProblemsError([Problem("--secrets", Validator.INVALID_FORMAT, message)])
        found[name.strip()] = value
    return found


def _put_together(text: str, told: Mapping[str, str]) -> str:
    """The text with its templates filled in; what is filled in is taken as it is."""
    return _PIECE.sub(lambda found: told[found[1]] if found[1] else _BRACES, text)


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
        f"no value for the secret {quoted(name)} of App {use.app}: give it in --secrets FILE as "
        f"{name}=VALUE, or in the environment",
        Code.VALIDATION_FAILED,
    )
