"""Log lines as a machine and as a person reads them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest

from setops.api.kinds import APP, PROJECT, Key
from setops.runtime.logging import about, configure


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]


async def log(name: str) -> None:
    with about(Key(APP, "shop-prod", name)):
        await asyncio.sleep(0)
        logging.getLogger("x").info("%s is ready", name)


def test_json_names_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")

    async def both() -> None:
        await asyncio.gather(log("web"), log("worker"))

    asyncio.run(both())
    logging.getLogger("x").debug("not shown")
    logging.getLogger("x").info("of nothing")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    shown = [(line.get("kind"), line.get("name"), line["message"]) for line in lines]
    assert shown == [
        ("App", "web", "web is ready"),
        ("App", "worker", "worker is ready"),
        (None, None, "of nothing"),
    ]
    assert lines[0]["level"] == "info"
    assert lines[0]["time"].endswith("Z")


def test_text_names_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure("warning", "text")
    with about(Key(PROJECT, "", "shop")):
        try:
            int("x")
        except ValueError:
            logging.getLogger("x").exception("That went wrong")
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.endswith("ERROR   [Project shop] That went wrong")
    assert rest[-1] == "ValueError: invalid literal for int() with base 10: 'x'"
