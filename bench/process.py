"""What the operator process has used, and whether it has come to rest."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sandbox.operator_process import Operator

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_SAMPLE: Final = re.compile(r"^(\w+)(?:\{.*\})? ([-+.\w]+)$", re.MULTILINE)


class Process:
    """An operator that runs; its CPU time and memory as the kernel counts them."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    @property
    def cpu(self) -> float:
        """CPU seconds since its start, in user and kernel mode."""
        stat = Path(f"/proc/{self._operator.pid}/stat").read_text()
        # The name, in parentheses, may itself hold spaces and parentheses.
        fields = stat[stat.rindex(")") + 2 :].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory(self) -> float:
        """Resident memory in MiB."""
        return _memory(self._operator.pid)

    @property
    def memory_with_children(self) -> float:
        """The same with that of the processes that it has started."""
        pid = self._operator.pid
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        children = {int(child) for task in tasks for child in task.read_text().split()}
        return _memory(pid) + sum(map(_memory, children))

    def reconciles(self) -> float:
        """How many reconciliations it has made since its start."""
        return totals(self._operator.metrics()).get("setops_reconciles_total", 0)

    def busy(self) -> bool:
        """Whether keys wait or are being handled."""
        values = totals(self._operator.metrics())
        return bool(values["setops_queue_depth"] or values["setops_queue_running"])


def _memory(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * _PAGE / 2**20


def totals(metrics: str) -> Mapping[str, float]:
    """The values by name, summed over labels, of metrics in the text format of Prometheus."""
    summed: dict[str, float] = {}
    for name, value in _SAMPLE.findall(metrics):
        summed[name] = summed.get(name, 0.0) + float(value)
    return summed
