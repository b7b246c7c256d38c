"""Our rule for images against the library by which the kubelet reads them.

The table's verdicts are the library's own. Beside it, tens of thousands of texts that differ from
those of the table in a character or a part are judged by both.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from pydantic import TypeAdapter, ValidationError

from sandbox import build
from sandbox.toolchain import find
from setops.api.image import MAX_LENGTH, Image
from tests.unit.api.images import INVALID, VALID

HERE: Final = Path(__file__).parent
MODULE: Final = Path(build.__file__).parent
"""Its go.mod requires the library, as the kubelet's own does."""
SEED: Final = 20261126
VARIANTS: Final = 30_000
PARTS: Final = (
    *"aZ0.-_:/@[] \n\0äA", "__", "::", "//", "..", "localhost/", "docker.io/", "index.docker.io/",
    "library/", ":latest", "@sha256:", "a" * 63, "b" * 128, "f" * 64, "[::1]", ":5000", "R",
)  # fmt: skip

_IMAGE: Final[TypeAdapter[str]] = TypeAdapter(Image)


@pytest.fixture(scope="module")
def go() -> Path:
    """The go command that builds the sandbox."""
    toolchain = find(build.cache_directory())
    toolchain.fetch()
    return toolchain.program


def by_the_library(go: Path, texts: Sequence[str]) -> list[bool]:
    """Which of these the kubelet takes."""
    environment = {**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
    done = subprocess.run(
        [go, "-C", str(MODULE), "run", str(HERE / "reference" / "main.go")],
        input=json.dumps(texts).encode(),
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: list[bool] = json.loads(done.stdout)
    return found


def by_our_rule(text: str) -> bool:
    try:
        _IMAGE.validate_python(text)
    except ValidationError:
        return False
    return True


def variants() -> list[str]:
    """Texts like those of the table, of a length that we take."""
    dice = random.Random(SEED)  # noqa: S311
    known = [*VALID, *INVALID]
    found: list[str] = []
    while len(found) < VARIANTS:
        text = dice.choice(known)
        for _ in range(dice.randint(1, 3)):
            place = dice.randint(0, len(text))
            match dice.randint(0, 3):
                case 0:
                    text = text[:place] + dice.choice(PARTS) + text[place:]
                case 1:
                    text = text[:place] + text[place + dice.randint(1, 8) :]
                case 2:
                    other = dice.choice(known)
                    text = text[:place] + other[dice.randint(0, len(other)) :]
                case _:
                    text = text[:place] + text[place:].swapcase()
        if len(text) <= MAX_LENGTH:
            found.append(text)
    return found


def test_the_rule_is_the_librarys(go: Path) -> None:
    texts = [*VALID, *INVALID, *variants()]
    verdicts = by_the_library(go, texts)
    assert verdicts[: len(VALID)] == [True] * len(VALID)
    assert verdicts[len(VALID) : len(VALID) + len(INVALID)] == [False] * len(INVALID)
    wrong = [
        (text, verdict)
        for text, verdict in zip(texts, verdicts, strict=True)
        if by_our_rule(text) is not verdict
    ]
    assert wrong == []
    assert 3000 < sum(verdicts) < len(verdicts) - 3000, "both kinds are there"
