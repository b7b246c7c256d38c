"""Log records as JSON or text. Each names the object that it is about."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime

from setops.api.kinds import Key
from setops.runtime.settings import LogFormat, LogLevel

_subject: ContextVar[Key | None] = ContextVar("subject", default=None)


@contextlib.contextmanager
def about(key: Key) -> Iterator[None]:
    """Name `key` in all records of this task, and of tasks that it starts in here."""
    token = _subject.set(key)
    try:
        yield
    finally:
        _subject.reset(token)


def configure(level: LogLevel, format_: LogFormat) -> None:
    """Log to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format_ == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Otherwise they log every request and every connection.
    quieter = max(root.level, logging.WARNING)
    for name in ("kopf", "aiohttp.access", "asyncio", "botocore", "boto3", "urllib3"):
        logging.getLogger(name).setLevel(quieter)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        key = _subject.get()
        if key is not None:
            line |= {"kind": key.kind.kind, "namespace": key.namespace, "name": key.name}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        key = _subject.get()
        where = f" [{key}]" if key is not None else ""
        line = f"{_time(record)} {record.levelname:<7}{where} {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
