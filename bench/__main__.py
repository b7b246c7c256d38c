"""`python -m bench`: measure, print a table, write build/bench.json."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from bench import commands, crowd, fleet, program, race, services
from bench.figures import Figure, table, to_json

_FILE: Final = Path(__file__).resolve().parent.parent / "build" / "bench.json"

_Bench = Callable[[bool], Coroutine[Any, Any, list[Figure]]]
"""Measures, with small sizes if told so."""

_BENCHES: Final[Mapping[str, _Bench]] = {
    "commands": commands.run,
    "program": program.run,
    "race": race.run,
    "crowd": crowd.run,
    "fleet": fleet.run,
    "services": services.run,
}


def main() -> int:
    """Run the benches; exit code 1 when a target is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures the operator on a control plane of its own.",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, for development")
    parser.add_argument("--only", choices=_BENCHES, help="one of the benches")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    started = time.monotonic()
    for name, bench in _BENCHES.items():
        if arguments.only in (None, name):
            print(f"{name} …", flush=True)
            figures += asyncio.run(bench(arguments.quick))
    _FILE.parent.mkdir(exist_ok=True)
    _FILE.write_text(to_json(figures) + "\n", encoding="utf-8")
    print(f"\n{table(figures)}\n\nmeasured in {time.monotonic() - started:.0f} s")
    return int(any(figure.met is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
