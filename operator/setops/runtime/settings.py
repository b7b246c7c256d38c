"""The settings of the operator. Each is an argument and an environment variable."""

from __future__ import annotations

import argparse
import functools
import os
import socket
import typing
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from setops.kube.lease import Durations

PREFIX: Final = "SETOPS_"
"""`--lease-name` is `SETOPS_LEASE_NAME` in the environment; an argument wins."""

_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["json", "text"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one operator process. Times are in seconds."""

    kubeconfig: Annotated[
        str, "kubeconfig file; else KUBECONFIG, the pod's ServiceAccount, ~/.kube/config"
    ] = ""
    namespace: Annotated[
        str, "the operator's own namespace, where its Lease lives; default: the pod's"
    ] = ""
    identity: Annotated[str, "name of this replica in the Lease; default: the host's name"] = ""
    lease_name: Annotated[str, "name of the Lease"] = "setops-operator"
    lease_duration: Annotated[float, "after how long a silent leader is replaced"] = 15.0
    lease_renew_deadline: Annotated[
        float, "after how long a leader that can't renew its Lease gives up"
    ] = 10.0
    lease_retry_period: Annotated[float, "how often to renew the Lease, or to ask for it"] = 2.0

    listen: Annotated[str, "address for probes and metrics"] = "0.0.0.0"  # noqa: S104 - in a pod
    health_port: Annotated[int, "port of /healthz and /readyz; 0 for a free one"] = 8080
    metrics_port: Annotated[int, "port of /metrics; may be the same"] = 8080
    log_level: Annotated[LogLevel, "least severity that is logged"] = "info"
    log_format: Annotated[LogFormat, "one JSON object or one text line per record"] = "json"

    workers: Annotated[int, "how many objects are reconciled at a time"] = 16
    aws_threads: Annotated[int, "how many AWS calls run at a time in each account"] = 8
    cluster_name: Annotated[
        str, "tag by which resources at AWS are kept apart from other clusters'; empty for none"
    ] = ""
    changesets_kept: Annotated[int, "how many Changesets that have ended a Stage keeps"] = 50
    changeset_days: Annotated[float, "for how many days they are kept"] = 30.0
    plan_seconds: Annotated[float, "how much CPU the plan of one Changeset may take"] = 10.0
    plan_memory: Annotated[int, "how much memory it may take, in MiB"] = 192
    retry_cap: Annotated[float, "longest wait before an object that fails is tried again"] = 300.0
    resync: Annotated[float, "how often every object is reconciled unasked; 0 for never"] = 600.0
    drift_interval: Annotated[float, "how often resources at AWS are looked at unasked"] = 60.0
    shutdown_grace: Annotated[
        float, "how long running reconciliations may take to finish at the end"
    ] = 20.0

    namespace_prefix: Annotated[str, "put before the name of every namespace that is made"] = ""
    git_managers: Annotated[
        tuple[str, ...],
        "field managers that act for Git: no Changeset overwrites what they hold",
    ] = ("argocd-controller", "kustomize-controller", "helm-controller")
    ingress_namespace_labels: Annotated[
        Mapping[str, str],
        "labels of the ingress controller's namespace, which every NetworkPolicy lets in",
    ] = field(default_factory=lambda: {"kubernetes.io/metadata.name": "kube-system"})

    @property
    def lease(self) -> Durations:
        """The times of the Lease. Raises ValueError when they don't shrink."""
        return Durations(self.lease_duration, self.lease_renew_deadline, self.lease_retry_period)


def parse(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the arguments, else from the environment, else the defaults.

    Like argparse, exits with code 2 and a message on standard error if a value is invalid.
    """
    environment = os.environ if environment is None else environment
    options = _options()
    parser = _parser(options)
    arguments_given = vars(parser.parse_args(arguments))
    values: dict[str, Any] = {}
    for option in options:
        text = arguments_given[option.name]
        if text is None:
            text = environment.get(option.variable)
        if text is None:
            continue
        try:
            values[option.name] = option.value_type.convert(text)
        except ValueError as error:
            parser.error(f"{option.flag} ({option.variable}): {error}")
    values["namespace"] = values.get("namespace") or _own_namespace()
    values["identity"] = values.get("identity") or f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"
    settings = Settings(**values)
    try:
        _check(settings)
    except ValueError as error:
        parser.error(str(error))
    return settings


def _parser(options: Sequence[_Option]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="setops-operator",
        description="Reconciles the resources of setops.co.",
        epilog="Each option is also a variable of the environment, as named in brackets.",
    )
    for option in options:
        parser.add_argument(
            option.flag,
            dest=option.name,
            metavar=option.value_type.metavar,
            help=f"{option.help} [{option.variable}]".replace("%", "%%"),
        )
    return parser


def _check(settings: Settings) -> None:
    _ = settings.lease
    for name in (
        *("workers", "aws_threads", "retry_cap", "drift_interval"),
        *("changesets_kept", "changeset_days", "plan_seconds", "plan_memory"),
    ):
        if getattr(settings, name) <= 0:
            raise ValueError(f"--{name.replace('_', '-')} must be more than 0")
    for name in ("resync", "shutdown_grace", "health_port", "metrics_port"):
        if getattr(settings, name) < 0:
            raise ValueError(f"--{name.replace('_', '-')} must not be less than 0")


def _own_namespace() -> str:
    try:
        return _NAMESPACE_FILE.read_text().strip() or "default"
    except OSError:
        return "default"


@dataclass(frozen=True, slots=True)
class _ValueType:
    """How the text of a setting becomes a value of its type."""

    convert: Callable[[str], object]
    metavar: str


def _value_type(hint: object) -> _ValueType:
    choices = typing.get_args(hint)
    if typing.get_origin(hint) is Literal:
        return _ValueType(functools.partial(_choice, choices), "|".join(choices))
    return _VALUE_TYPES[hint]


def _choice(choices: tuple[str, ...], text: str) -> str:
    if text not in choices:
        raise ValueError(f"{text!r} is none of {', '.join(choices)}")
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _labels(text: str) -> Mapping[str, str]:
    pairs = [word.partition("=") for word in _words(text)]
    for key, equals, value in pairs:
        if not equals:
            raise ValueError(f"{key + value!r} is not key=value")
    return {key.strip(): value.strip() for key, _, value in pairs}


_VALUE_TYPES: Final[Mapping[object, _ValueType]] = {
    str: _ValueType(str, "TEXT"),
    int: _ValueType(int, "N"),
    float: _ValueType(float, "SECONDS"),
    tuple[str, ...]: _ValueType(_words, "A,B"),
    Mapping[str, str]: _ValueType(_labels, "K=V,K=V"),
}


@dataclass(frozen=True, slots=True)
class _Option:
    """One setting as the command line shows it."""

    name: str
    help: str
    value_type: _ValueType

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


def _options() -> tuple[_Option, ...]:
    hints = typing.get_type_hints(Settings, include_extras=True)
    return tuple(_option(name, *typing.get_args(hints[name])) for name in hints)


def _option(name: str, hint: object, help_: str) -> _Option:
    default = getattr(Settings(), name)
    if isinstance(default, Mapping):
        default = tuple(f"{key}={value}" for key, value in default.items())
    if isinstance(default, tuple):
        default = ",".join(default)
    shown = f"; default: {default:g}" if isinstance(default, float) else f"; default: {default}"
    return _Option(name, help_ + (shown if default != "" else ""), _value_type(hint))
