"""References to images: which ones are valid, and how a registry's name begins one.

As strict as the kubelet, so that no pod fails with InvalidImageName, and no stricter. Source: the
library `distribution/reference`, by which the kubelet and the container runtimes read references.
A test compares the rules with that library.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import StringConstraints

from setops.api.model import Form, Not

MAX_LENGTH: Final = 1024
"""Longer than any reference whose host has a length that DNS knows."""

_LABEL: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_PORT: Final = r":[0-9]+"
_HOSTS: Final = (
    "localhost",
    # What begins a reference is a host if it has a dot, a port or an uppercase letter.
    rf"{_LABEL}(?:\.{_LABEL})+",
    rf"{_LABEL}(?:\.{_LABEL})*{_PORT}",
    rf"{_LABEL}(?:\.{_LABEL})+{_PORT}",
    r"[A-Z](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?",
    r"[a-z0-9][a-zA-Z0-9-]*[A-Z](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?",
    rf"\[[a-fA-F0-9]*[A-F:][a-fA-F0-9:]*\](?:{_PORT})?",
    rf"\[[a-f0-9]+\]{_PORT}",
)
_HOST: Final = f"(?:{'|'.join(_HOSTS)})"
_PART: Final = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_PATH: Final = rf"{_PART}(?:/{_PART})*"
TAG: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST: Final = r"(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})"

_SUFFIX: Final = r"(?::[^/:@]*)?(?:@[^/@]*)?"
"""A tag and a digest, whatever they look like."""

BARE_ID: Final = r"[a-f0-9]{64}"
"""What looks like a digest without its algorithm; the runtimes take it for the id of an image."""

Image = Annotated[
    str,
    StringConstraints(max_length=MAX_LENGTH),
    Form(
        rf"(?:{_HOST}/)?{_PATH}(?::{TAG})?(?:@{DIGEST})?",
        "an image reference, lowercase but for its host and tag, such as "
        "registry.example.com/app:1.0 or registry.example.com/app@sha256:…",
    ),
    Form(
        rf"(?:{_HOST}/)?[^:@]{{1,255}}{_SUFFIX}",
        "an image whose path, without host and tag, has at most 255 characters",
    ),
    Not(
        rf"(?:(?:index\.)?docker\.io/)?[^/:@]{{248,}}{_SUFFIX}",
        "an image whose path on Docker Hub, library/ included, has at most 255 characters",
    ),
    Not(BARE_ID, "an image's name, not a bare id; a digest is written registry/app@sha256:…"),
]

Registry = Annotated[
    str,
    StringConstraints(max_length=255),
    Form(
        rf"(?:{_HOST}|{_PART})(?:/{_PART})*",
        "a registry's host and path without https://, such as registry.example.com/team",
    ),
]
