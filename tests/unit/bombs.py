"""Hostile texts for everything that parses what users write: run as a program.

Prints each case before it is tried, and what came of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from setops.api.engine_version import EngineVersion
from setops.api.errors import ProblemsError
from setops.cli.base import scope
from setops.cli.stage import given_secrets
from setops.cli.stage.file.reading import read
from setops.kube import kubeconfig_file, quantity, tls
from setops.kube.access import KubeconfigError
from setops.language.words import split

MANY: Final = 50_000

TEXTS: Final = {
    "JSON arrays": "[" * MANY * 2,
    "JSON objects": '{"a":' * MANY,
    "sequences in YAML": "- " * MANY,
    "maps in YAML": "{a: " * MANY,
    "keys of keys": "? " * MANY,
    "indents": "".join(" " * depth + "a:\n" for depth in range(1000)),
    "an alias of itself": "a: &a [*a]",
    "a merge of itself": "a: &a {<<: *a}",
    "a billion laughs": "a0: &a0 [x, x]\n"
    + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 200)),
    "merges": "a0: &a0 {a: 1, b: 2, c: 3}\n"
    + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 14)),
    "anchors": "".join(f"a{n}: &a{n} x\n" for n in range(MANY // 10)),
    "comments": "#" * MANY * 10,
    "quotes": '"' * MANY * 2,
    "single quotes": "'" * MANY * 2,
    "backslashes": "\\" * MANY * 2,
    "an open quote": '"' + "\\u0041" * MANY,
    "blocks": "|\n" * MANY,
    "tags": "!a " * MANY,
    "a tag that runs code": "!!python/object/apply:os.system ['true']",
    "tabs": "\t" * MANY * 2,
    "colons": ":" * MANY * 2,
    "directives": "%" * MANY * 2,
    "documents": "---\n" * MANY,
    "braces": "{{" * MANY,
    "templates": "{{ .Secrets.A }}" * (MANY // 10),
    "a number": "schema_version: " + "9" * MANY,
    "a number in another base": "schema_version: 0x" + "f" * MANY,
    "a number of base 60": "schema_version: " + "1:" * MANY + "1",
    "a power": "schema_version: 1e" + "9" * MANY,
    "a date": "schema_version: 2020-01-01T" + "0" * MANY,
    "versions": "1." * MANY,
    "begun certificates": "-----BEGIN CERTIFICATE-----\n" * (MANY // 10),
    "ended certificates": "-----END CERTIFICATE-----\n" * (MANY // 10),
    "assignments": "A=" * MANY,
    "lines": "A=1\n" * MANY,
    "nothing": "",
    "zeros": "\0" * MANY,
}


def _scope(text: str) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, ".setops")
        path.write_text(text)
        return scope.read(path)


def _kubeconfig(text: str) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config")
        path.write_text(text)
        return kubeconfig_file.read(path)


PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "a definition file": read,
    "a definition file with an App": lambda text: read(f"schema_version: 2\napps: {{web: {text}"),
    "a command": split,
    "secrets": given_secrets.parse,
    "a default": _scope,
    "a kubeconfig": _kubeconfig,
    "a version": EngineVersion.find,
    "a quantity": quantity.parse,
    "certificates": lambda text: list(tls._bodies(text.encode())),
}
EXPECTED: Final = (ProblemsError, KubeconfigError, ValueError)


def main() -> None:
    for parser, parse in PARSERS.items():
        for name, text in TEXTS.items():
            print(f"{parser}: {name}", end=": ", flush=True)
            try:
                parse(text)
            except EXPECTED as error:
                print("refused", len(str(error)), flush=True)
            else:
                print("read", 0, flush=True)


if __name__ == "__main__":
    main()
