"""Arguments and environment as settings."""

from __future__ import annotations

import dataclasses

import pytest

from setops.runtime.settings import Settings, parse


def test_an_argument_wins_over_the_environment() -> None:
    environment = {"SETOPS_WORKERS": "3", "SETOPS_LEASE_NAME": "x", "SETOPS_NAMESPACE": "ns"}
    settings = parse(["--workers", "4"], environment)
    assert (settings.workers, settings.lease_name, settings.namespace) == (4, "x", "ns")
    assert settings.aws_threads == Settings().aws_threads


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("git_managers", "argocd-controller, flux ,", ("argocd-controller", "flux")),
        ("git_managers", "", ()),
        ("ingress_namespace_labels", "a=b, c=", {"a": "b", "c": ""}),
        ("resync", "0", 0.0),
        ("lease_duration", "60.5", 60.5),
        ("log_level", "debug", "debug"),
    ],
)
def test_values(name: str, text: str, value: object) -> None:
    assert getattr(parse([], {f"SETOPS_{name.upper()}": text}), name) == value
    assert getattr(parse([f"--{name.replace('_', '-')}", text], {}), name) == value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "many"], "--workers (SETOPS_WORKERS): invalid literal"),
        (["--workers", "0"], "--workers must be more than 0"),
        (["--resync", "-1"], "--resync must not be less than 0"),
        (["--log-level", "loud"], "'loud' is none of debug, info, warning, error"),
        (["--ingress-namespace-labels", "a"], "'a' is not key=value"),
        (["--lease-duration", "5"], "duration > renew deadline > retry period"),
        (["--no-such"], "unrecognized arguments"),
    ],
)
def test_what_makes_no_sense(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments, {})
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_replicas_have_names_of_their_own() -> None:
    assert parse([], {}).identity != parse([], {}).identity
    assert parse([], {"SETOPS_IDENTITY": "pod-1"}).identity == "pod-1"


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"], {})
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for field in dataclasses.fields(Settings):
        assert f"--{field.name.replace('_', '-')} " in shown
        assert f"[SETOPS_{field.name.upper()}]" in " ".join(shown.split())
