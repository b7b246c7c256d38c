"""`logout`: forgets the chosen context."""

from __future__ import annotations

import os
from dataclasses import replace

from setops.cli.base.call import Call
from setops.cli.base.connect import CONTEXT
from setops.cli.base.settings import save, settings
from setops.cli.base.terminal import echo


def run(call: Call) -> int:
    """Forget the chosen context. The kubeconfig isn't changed."""
    del call
    save(replace(settings(), context=""))
    echo("Forgotten; the current context of your kubeconfig counts again.")
    if os.environ.get(CONTEXT):
        echo(f"{CONTEXT} is still set, and counts.")
    return 0
