"""The command line of the sandbox: python -m sandbox build | up | down | status | env | logs."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sandbox import build, processes
from sandbox.components import API_SERVER, AWS, OPERATOR
from sandbox.control_plane import Sandbox
from sandbox.errors import AlreadyRunningError, NotRunningError, SandboxError
from sandbox.processes import Lifetime
from sandbox.state import StateDirectory

_DEFAULT_DIRECTORY = Path(__file__).resolve().parent.parent / "build" / "sandbox"
_POLL = 0.3
_NOT_RUNNING = 3


def _say(text: str) -> None:
    print(f"sandbox: {text}", flush=True)


def _command(sandbox: Sandbox, command: str) -> str:
    """What to type for a command on this sandbox."""
    path = sandbox.directory.path
    option = "" if path == _DEFAULT_DIRECTORY else f" --dir={shlex.quote(str(path))}"
    return f"python -m sandbox {command}{option}"


def _use(sandbox: Sandbox) -> str:
    return f'eval "$({_command(sandbox, "env")})"'


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Turns the first request to end into KeyboardInterrupt, and ignores those that follow.

    A second Ctrl-C would otherwise break off the cleaning up.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    previous = {each: signal.signal(each, interrupt) for each in signals}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


def _build(_: argparse.Namespace) -> int:
    if build.is_built():
        _say(f"the tools are built already, in {build.tools().directory}")
    else:
        _say(f"the tools are in {build.tools().directory}")
    return 0


def _up(options: argparse.Namespace) -> int:
    lifetime = Lifetime.ATTACHED if options.foreground else Lifetime.DETACHED
    build.tools()
    started = time.monotonic()
    try:
        sandbox = Sandbox.start(options.dir, lifetime=lifetime)
    except AlreadyRunningError:
        if options.foreground:
            raise
        return _use_again(Sandbox.attach(options.dir), operator=options.operator)
    with contextlib.ExitStack() as stack:
        stack.callback(sandbox.stop)
        _say(f"ready after {time.monotonic() - started:.1f} s: {sandbox.server}")
        if options.operator:
            _start_operator(sandbox)
        if options.foreground:
            return _watch(sandbox)
        stack.pop_all()
    _say(f"it stays until `{_command(sandbox, 'down')}`; to use it: {_use(sandbox)}")
    return 0


def _use_again(sandbox: Sandbox, *, operator: bool) -> int:
    """Goes on with a sandbox that is there already; what has ended is started again."""
    for component in sandbox.revive():
        kept = "; what was made at AWS is gone" if component == AWS else ", with the same data"
        _say(f"{component} had ended and was started again{kept}")
    _say(f"runs already: {sandbox.server}")
    found = sandbox.processes.get(OPERATOR)
    ended = found is not None and not found.alive
    if ended:
        _say(f"the operator had ended; see `{_command(sandbox, f'logs {OPERATOR}')}`")
    if operator and (found is None or ended):
        _start_operator(sandbox)
    elif ended:
        _say(f"to start it again: {_command(sandbox, 'up')} --operator")
    return 0


def _start_operator(sandbox: Sandbox) -> None:
    _say("installing the chart and starting the operator")
    operator = sandbox.operator()
    operator.start()
    try:
        operator.wait_ready()
    except BaseException:
        operator.kill()
        raise
    _say(f"the operator is ready: {operator.url}")


def _watch(sandbox: Sandbox) -> int:
    """Waits for Ctrl-C, or for a component to end by itself."""
    try:
        _say(f"Ctrl-C ends it; to use it, in another shell: {_use(sandbox)}")
        while not sandbox.dead:
            time.sleep(_POLL)
    except KeyboardInterrupt:
        _say("ending")
        return 0
    if not sandbox.directory.path.exists():
        return 0
    names = ", ".join(sandbox.dead)
    log = sandbox.directory.log(sandbox.dead[0]).read_text(errors="replace")
    print(log[-2000:], file=sys.stderr)
    raise SandboxError(f"{names} ended by itself, so everything is ended; its log ends as above")


def _down(options: argparse.Namespace) -> int:
    try:
        sandbox = Sandbox.attach(options.dir)
    except NotRunningError:
        # Somebody may have removed the directory under a running sandbox.
        found = list(processes.marked(options.dir.resolve()))
        for identity in found:
            processes.Process(identity).kill()
        if found:
            StateDirectory(options.dir.resolve()).remove_remains()
        _say(
            f"ended {len(found)} left over processes" if found else f"nothing runs in {options.dir}"
        )
        return 0
    sandbox.stop()
    _say("ended, and its data removed")
    return 0


def _status(options: argparse.Namespace) -> int:
    try:
        sandbox = Sandbox.attach(options.dir)
    except NotRunningError as error:
        _say(str(error))
        return _NOT_RUNNING
    addresses = {API_SERVER: sandbox.server}
    if sandbox.state.aws:
        addresses[AWS] = sandbox.aws_endpoint
    for name, process in sandbox.processes.items():
        where = addresses.get(name, "")
        if process.alive:
            memory = f"{process.identity.memory / 2**20:.0f} MiB"
            print(f"{name:24} running {process.identity.pid:8} {memory:>9}  {where}")
        else:
            print(f"{name:24} ended; see `{_command(sandbox, f'logs {name}')}`")
    print(f"state in {sandbox.directory.path}")
    return _NOT_RUNNING if sandbox.dead else 0


def _env(options: argparse.Namespace) -> int:
    sandbox = Sandbox.attach(options.dir)
    for name, value in sandbox.exports.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f'export PATH={shlex.quote(str(sandbox.tools))}:"$PATH"')
    return 0


def _logs(options: argparse.Namespace) -> int:
    directory = Sandbox.attach(options.dir).directory
    log = directory.log(options.component)
    if not log.exists():
        names = ", ".join(sorted(path.stem for path in directory.logs.glob("*.log")))
        raise SandboxError(f"there is no log of {options.component}; there is one of {names}")
    with log.open("rb") as file:
        while True:
            content = file.read()
            if content:
                sys.stdout.buffer.write(content)
                sys.stdout.buffer.flush()
            elif not options.follow or not log.exists():
                return 0
            else:
                time.sleep(_POLL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A real Kubernetes control plane on this machine, without containers.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument(
            "--dir",
            type=Path,
            default=_DEFAULT_DIRECTORY,
            help="state directory (default: build/sandbox)",
        )
        return made

    command("build", "build the programs, once").set_defaults(run=_build)
    up = command("up", "start, and return when it is ready")
    up.add_argument("--operator", action="store_true", help="install the chart, run the operator")
    up.add_argument("--foreground", action="store_true", help="run until Ctrl-C, then end it all")
    up.set_defaults(run=_up)
    command("down", "end it and remove its data").set_defaults(run=_down)
    command("status", "say what runs").set_defaults(run=_status)
    command("env", "print the exports that lead kubectl, helm and AWS clients to it").set_defaults(
        run=_env
    )
    logs = command("logs", "print the log of a component")
    logs.add_argument("component")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until it is ended")
    logs.set_defaults(run=_logs)
    return parser


def main() -> int:
    """Runs a command; its exit code."""
    options = _parser().parse_args()
    try:
        with _interruptible():
            code: int = options.run(options)
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
