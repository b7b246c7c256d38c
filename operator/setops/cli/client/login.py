"""`login`: chooses the cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace

from setops.api.errors import Code, Validator
from setops.cli.base.call import Call
from setops.cli.base.connect import CONTEXT
from setops.cli.base.problems import failure
from setops.cli.base.settings import save, settings
from setops.cli.base.terminal import bold, echo, table
from setops.kube import kubeconfig


def run(call: Call) -> int:
    """Choose a context. With --eks, import one with `aws` first. Without arguments, list them."""
    if call.text("eks"):
        name = _import(call)
    elif call.arguments:
        name = call.arguments[0]
    else:
        _list()
        return 0
    kubeconfig.load().target(name)
    session = call.session.to(name)
    try:
        user = session.user
    finally:
        session.close()
    save(replace(settings(), context=name))
    echo(f"You are {bold(user)} on {session.target.shown_server}.")
    return 0


def _list() -> None:
    known = kubeconfig.load()
    chosen = os.environ.get(CONTEXT) or settings().context or known.current
    rows = [
        ("*" if name == chosen else "", name, context.cluster)
        for name, context in sorted(known.contexts.items())
    ]
    if not rows:
        raise failure(
            Code.CREDENTIALS_INVALID,
            "your kubeconfig has no context; import a cluster: setops login --eks CLUSTER",
        )
    echo(table(("", "Context", "Cluster"), rows))
    echo("Choose one: setops login CONTEXT; import one of EKS: setops login --eks CLUSTER")


def _import(call: Call) -> str:
    """Let `aws` write the context of an EKS cluster. Returns the context's name."""
    if shutil.which("aws") is None:
        raise failure(
            Code.CREDENTIALS_INVALID,
            "the aws program isn't installed, which writes the login of an EKS cluster; install "
            "it, or choose a context that you have: setops login",
            Validator.REQUIRED,
        )
    cluster = call.text("eks")
    line = ["aws", "eks", "update-kubeconfig", "--name", cluster, "--alias", cluster]
    for flag in ("region", "profile"):
        if call.text(flag):
            line += [f"--{flag}", call.text(flag)]
    done = subprocess.run(
        line, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise failure(Code.CREDENTIALS_INVALID, f"aws could not import {cluster!r}: {said}")
    return cluster
