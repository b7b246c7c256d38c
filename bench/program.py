"""How long the `setops` program takes: help and completion, reading, staging onto a long Changeset.

Each figure is a ratio to something measured in the same run, so that it means the same on any
machine. Wall-clock times are the best of several, since nothing makes a program faster than it is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench import work
from bench.figures import Figure
from bench.lab import Lab
from bench.lab import lab as new_lab
from setops.api.kinds import CHANGESET, Object
from setops.cli.changeset.naming import changeset_name

_PROGRAM: Final = Path(sys.executable).with_name("setops")
_STAGE: Final = "program"
_LONG: Final = 500
_BARE_CLIENT: Final = f"""
from kubernetes import client, config
config.load_kube_config()
apps = client.CustomObjectsApi().list_namespaced_custom_object(
    "setops.co", "v1alpha1", "{work.namespace_of(_STAGE)}", "apps")
print(*(app["metadata"]["name"] for app in apps["items"]))
"""
_EMPTY: Final = "import click"


async def run(quick: bool) -> list[Figure]:
    """Ratios of the best of several runs."""
    rounds = 5 if quick else 15
    async with new_lab() as (lab, _):
        await lab.project()
        await lab.ready(work.stage(_STAGE))
        await lab.client.create(work.app(work.namespace_of(_STAGE), "web", scale=0))
        measure = _Measure(lab, rounds)
        nothing = measure.best([sys.executable, "-c", _EMPTY])
        bare = measure.best([sys.executable, "-c", _BARE_CLIENT])
        helped = measure.best([str(_PROGRAM), "--help"])
        completed = measure.best([str(_PROGRAM), "__complete", "container:se"])
        read = measure.best([str(_PROGRAM), "app"])
        first = measure.best(_stage_one(), before=lambda: _begin(lab, 0))
        late = measure.best(_stage_one(), before=lambda: _begin(lab, _LONG))
    print(
        f"  import of click {_ms(nothing)}; --help {_ms(helped)}, completion {_ms(completed)}, "
        f"app {_ms(read)} beside the bare client's {_ms(bare)}; staging one {_ms(first)}, onto "
        f"{_LONG} {_ms(late)}",
        flush=True,
    )
    return [
        Figure("setops --help", helped / nothing, "of an import of click", 2.0),
        Figure("completion of a command", completed / nothing, "of an import of click", 2.0),
        Figure("setops app", read / bare, "of the bare client's import and list", 1.3),
        Figure(f"staging one onto {_LONG} commands", late / first, "of staging the first", 1.5),
    ]


class _Measure:
    def __init__(self, lab: Lab, rounds: int) -> None:
        self._rounds = rounds
        self._environment: Mapping[str, str] = {
            **lab.sandbox.environment,
            "KUBECONFIG": str(lab.sandbox.kubeconfig),
            "SETOPS_PROJECT": work.PROJECT_NAME,
            "SETOPS_STAGE": _STAGE,
        }

    def best(self, line: Sequence[str], before: Callable[[], None] | None = None) -> float:
        """Seconds of the fastest run."""
        found = []
        for _ in range(self._rounds):
            if before is not None:
                before()
            started = time.perf_counter()
            subprocess.run(line, env=self._environment, capture_output=True, check=True)
            found.append(time.perf_counter() - started)
        return min(found)


def _stage_one() -> Sequence[str]:
    return [str(_PROGRAM), "--app", "web", "env:set", "ONE=1"]


def _begin(lab: Lab, count: int) -> None:
    """Leave the user with an open Changeset of so many commands."""
    kubectl = lab.sandbox.kubectl
    namespace = work.namespace_of(_STAGE)
    kubectl("delete", "scs", "--all", "-n", namespace)
    if count:
        made = _changeset(namespace, count)
        kubectl("create", "-f", "-", input=json.dumps(made))
        name = made["metadata"]["name"]
        planned = "--for=jsonpath={.status.observedGeneration}=1"
        kubectl("wait", planned, f"scs/{name}", "-n", namespace, "--timeout=60s")


def _changeset(namespace: str, count: int) -> Object:
    user = "admin"
    return {
        "apiVersion": CHANGESET.api_version,
        "kind": CHANGESET.kind,
        "metadata": {
            "name": changeset_name(user, namespace, 0, set()),
            "namespace": namespace,
        },
        "spec": {
            "user": user,
            "commands": [f"--app web env:set KEY{number}=value" for number in range(count)],
        },
    }


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
