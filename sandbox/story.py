"""Tells a story with kubectl: shows each command, and checks each claim."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from sandbox import Sandbox

PATIENCE: Final = 60.0
"""Seconds to wait for something that should take a few."""


class ClaimFailedError(Exception):
    """What the demo says isn't so."""


class Story:
    """Runs commands, shows them, and checks claims."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._bold, self._green, self._plain = (
            ("\033[1m", "\033[32m", "\033[0m")
            if sys.stdout.isatty() and "NO_COLOR" not in os.environ
            else ("", "", "")
        )
        self.claims = 0

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        print(f"\n{self._bold}== {title}{self._plain}", flush=True)

    def kubectl(self, *arguments: str, fails: bool = False) -> str:
        """Show and run kubectl; its standard output, or what it complained if that is expected."""
        shown = ["go-template=…" if word.startswith("go-template=") else word for word in arguments]
        print(f"{self._bold}$ kubectl {shlex.join(shown)}{self._plain}", flush=True)
        result = self._sandbox.kubectl(*arguments, check=False)
        said = result.stderr if fails else result.stdout
        print(result.stdout + result.stderr, end="", flush=True)
        if (result.returncode != 0) is not fails:
            raise ClaimFailedError(f"kubectl ended with exit code {result.returncode}")
        return said

    def as_user(self, user: str, *arguments: str, fails: bool = False) -> str:
        """The same in the name of a user, with that user's rights."""
        return self.kubectl("--as", user, *arguments, fails=fails)

    def follow(self, changeset: str, namespace: str) -> dict[str, Any]:
        """Show how far a Changeset is, line by line, until it has ended; its status then."""
        shown = ""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status: dict[str, Any] = self.read("get", f"scs/{changeset}", "-n", namespace).get(
                "status", {}
            )
            line = _progress(status)
            if line and line != shown:
                print(f"  {line}", flush=True)
                shown = line
            if status.get("phase") in ("Committed", "Failed", "Discarded"):
                return status
            time.sleep(0.1)
        raise ClaimFailedError(f"Changeset {changeset} ends")

    def read(self, *arguments: str) -> dict[str, Any]:
        """What kubectl gives as JSON, without showing it; empty when there is no such thing."""
        result = self._sandbox.kubectl(*arguments, "-o", "json", "--ignore-not-found", check=False)
        found: dict[str, Any] = json.loads(result.stdout) if result.stdout.strip() else {}
        return found

    def claim(self, what: str, holds: Callable[[], bool]) -> None:
        """Check that something holds, or comes to hold soon."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                raise ClaimFailedError(what)
            time.sleep(0.2)
        self.claims += 1
        print(f"{self._green}✓ {what}{self._plain}", flush=True)


def _progress(status: dict[str, Any]) -> str:
    """One line: phase, count, and what it waits for or how it ended."""
    phase, progress = status.get("phase", ""), status.get("progress") or {}
    if phase == "Applying":
        count = f" ({progress['done']}/{progress['total']})" if progress else ""
        waits = f" {progress['waitingFor']}" if progress.get("waitingFor") else ""
        return f"Applying…{count}{waits}"
    said = [c["message"] for c in status.get("conditions", ()) if c["type"] == "Ready"]
    return f"{phase}: {said[0]}" if said else phase
