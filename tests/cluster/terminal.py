"""The installed `setops` program, run as an ordinary user of a sandbox."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sandbox import Sandbox
from sandbox.operator_process import OperatorSettings, install
from tests.cluster.forks import Forks, Line, Said
from tests.cluster.world import Object, World, manifest, organization

PROGRAM: Final = Path(sys.executable).with_name("setops")

_forks: Final = Forks()
_numbers = itertools.count(1)

BOSS: Final = "boss@example.com"
"""The administrator of every module that has one; the rights stay for the whole run."""
DEV: Final = "dev@example.com"
OPS: Final = "ops@example.com"


@dataclass(frozen=True)
class Terminal:
    """One terminal of a user: a kubeconfig, a directory, an environment."""

    sandbox: Sandbox
    user: str
    kubeconfig: Path
    directory: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables without those of the one who runs the tests."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "KUBECONFIG": str(self.kubeconfig),
            "XDG_CONFIG_HOME": str(self.directory / "config"),
            **self.variables,
        }

    def run(self, line: str | Sequence[str], *, input: str = "") -> Said:  # noqa: A002
        """Run a line, well or badly. A text is split at blanks, with `setops` left out or not."""
        words = line.split() if isinstance(line, str) else list(line)
        words = words[1:] if words[:1] == ["setops"] else words
        done = _forks.run(Line(words, self.environment, self.directory), input)
        assert "--debug" in words or "Traceback" not in done.err, done.err
        return done

    def does(self, line: str | Sequence[str], *, input: str = "") -> str:  # noqa: A002
        """Run a line, which must do well; its standard output."""
        said = self.run(line, input=input)
        assert said.code == 0, f"{line}: {said.err}{said.out}"
        return said.out

    def fails(self, line: str | Sequence[str], code: int = 1, *, input: str = "") -> str:  # noqa: A002
        """Run a line, which must end with that exit code; its standard error."""
        said = self.run(line, input=input)
        assert said.code == code, f"{line}: {said.err}{said.out}"
        return said.err

    def runs(self, lines: Sequence[str]) -> Sequence[Said]:
        """Run lines one after another, well or badly, each read as a shell would read it."""
        return [self.run(shlex.split(line)) for line in lines]

    def begins(self, line: str) -> subprocess.Popen[str]:
        """Start a line and don't wait for it."""
        return subprocess.Popen(
            [PROGRAM, *line.split()],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_interruptible,
        )

    @property
    def project(self) -> str:
        """The Project that it is on."""
        return self.variables["SETOPS_PROJECT"]

    def elsewhere(self, user: str) -> Terminal:
        """A terminal on another computer, on the same Stage."""
        found = terminal(self.sandbox, self.directory.parent / f"{user}-too", user)
        return replace(found, variables=self.variables)

    def on(self, project: str, stage: str = "production") -> Terminal:
        """The same terminal, in which Project and Stage are set by environment variables."""
        chosen = {"SETOPS_PROJECT": project, "SETOPS_STAGE": stage}
        return replace(self, variables={**self.variables, **chosen})


def _interruptible() -> None:
    # Whoever starts the tests in the background has SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def terminal(sandbox: Sandbox, directory: Path, user: str = "dev@example.com") -> Terminal:
    """A terminal of a user who has no rights yet."""
    directory.mkdir(parents=True, exist_ok=True)
    return Terminal(sandbox, user, sandbox.user_kubeconfig(user), directory)


@contextmanager
def alone(sandbox: Sandbox, folder: Path, project: str) -> Iterator[Terminal]:
    """A Stage that was there before the operator went, and an administrator in front of it."""
    install(sandbox, OperatorSettings())
    user = f"{project}@example.com"
    found = terminal(sandbox, folder / "admin", user)
    binding = ("create", "clusterrolebinding", project, "--clusterrole=cluster-admin")
    sandbox.kubectl(*binding, f"--user={user}")
    for namespace in (project, f"{project}-production"):
        sandbox.kubectl("create", "namespace", namespace)
    for obj in (
        manifest("Project", project, {"organization": "acme"}),
        manifest("Stage", "production", {}, project),
    ):
        sandbox.kubectl("apply", "-f", "-", input=json.dumps(obj))
    yield found.on(project)
    # No operator has ever held them, so they go at once, and no other test meets them.
    sandbox.kubectl("delete", "stages.setops.co", "--all", "-n", project)
    sandbox.kubectl("delete", "projects.setops.co", project)
    sandbox.kubectl("delete", "namespace", project, f"{project}-production")
    sandbox.kubectl("delete", "clusterrolebinding", project)


def grant(world: World, user: str, role: str, namespace: str = "") -> str:
    """Bind a ClusterRole to a user, in a namespace or in the whole cluster; the binding's name."""
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    binding: Object = manifest(kind, f"cli-{next(_numbers)}", {}, namespace)
    group = "rbac.authorization.k8s.io"
    binding.pop("spec")
    binding |= {
        "apiVersion": f"{group}/v1",
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    world.apply(binding)
    return str(binding["metadata"]["name"])


def administrator(world: World, folder: Path) -> Terminal:
    """Somebody who may create Projects and Stages, with an Organization to do it in."""
    world.apply(organization())
    grant(world, BOSS, "cluster-admin")
    found = terminal(world.sandbox, folder / BOSS, BOSS)
    # Other tests have Organizations of their own in the same cluster.
    found.does("organization:switch acme")
    return found


def developer(world: World, admin: Terminal) -> Terminal:
    """A developer with the rights of `edit` on one new Stage, and nothing else; so has OPS."""
    project = new_project()
    admin.does(f"project:create {project}")
    admin.does(f"--project {project} stage:create production")
    for user in (DEV, OPS):
        grant(world, user, "edit", f"{project}-production")
        grant(world, user, "view", project)
    return terminal(world.sandbox, admin.directory.parent / DEV, DEV).on(project)


def new_project() -> str:
    """A name for a Project that no other test uses."""
    return f"cli{next(_numbers)}of{os.getpid()}"
