"""The rules for names, and the constants on objects: labels, annotations, finalizers, managers.

Source of the name rules: the platform's concepts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from setops.api.errors import Code, Problem, Validator, quoted
from setops.api.kinds import GROUP


@dataclass(frozen=True, slots=True)
class NameRule:
    """The rule for the names of a kind.

    It is used by commands and definition files (`section`), by the API server when an object is
    created (`crds`), and by the CLI's `create` commands.

    `pattern` must match the whole name, and `says` explains it. `code` is the error code of a name
    that doesn't match.
    """

    pattern: str
    says: str
    code: Code = Code.VALIDATION_FAILED

    def matches(self, name: str) -> bool:
        """Whether a name follows the rule."""
        return re.fullmatch(self.pattern, name) is not None

    def problem(self, field: str, name: str) -> Problem | None:
        """What is wrong with a name, or None. `field` is where the name was given."""
        if self.matches(name):
            return None
        message = f"{quoted(name)} is not a valid name: {self.says}"
        return Problem(field, Validator.INVALID_FORMAT, message, self.code)


ORGANIZATION_NAME: Final = NameRule(
    r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
    "an Organization's name has 1 to 40 lowercase letters, digits and dashes",
)
PROJECT_NAME: Final = NameRule(
    r"[a-z][a-z0-9]{2,19}",
    "a Project's name has 3 to 20 lowercase letters and digits, and begins with a letter",
)
STAGE_NAME: Final = NameRule(
    r"[a-z][a-z0-9]{2,11}",
    "a Stage's name has 3 to 12 lowercase letters and digits, and begins with a letter",
    Code.STAGE_NAME_INVALID,
)
# On the platform a name may end in a dash; a Kubernetes object's name can't.
APP_NAME: Final = NameRule(
    r"[a-z][a-z0-9-]{1,14}[a-z0-9]",
    "an App's name has 3 to 16 lowercase letters, digits and dashes, begins with a letter and "
    "ends with a letter or digit",
    Code.APP_NAME_INVALID,
)
SERVICE_NAME: Final = NameRule(
    r"[a-z][a-z0-9-]{1,16}[a-z0-9]",
    "a Service's name has 3 to 18 lowercase letters, digits and dashes, begins with a letter and "
    "ends with a letter or digit",
    Code.SERVICE_NAME_INVALID,
)
# Kubernetes names are lowercase; the platform's own rule is [a-zA-Z0-9_-]+.
NOTIFICATION_NAME: Final = NameRule(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    "a Notification's name has at most 63 lowercase letters, digits and dashes, begins and ends "
    "with a letter or digit",
    Code.NOTIFICATION_NAME_INVALID,
)

ENV_KEY: Final = r"[A-Za-z_][A-Za-z0-9_]{0,255}"
RESERVED_ENV_KEYS: Final = ("APP_ENV_ID", "PORT", "PORTS", "PROTOCOL")

RESERVED_NAMESPACES: Final = frozenset({"default"})
RESERVED_NAMESPACE_PREFIX: Final = "kube-"

MANAGER: Final = "setops"
"""The field manager of every write, and the `managed-by` label of every child object."""

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_PART_OF: Final = "app.kubernetes.io/part-of"
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
COMPONENT_APP: Final = "app"
"""The component of an App's long-running pods."""
LABEL_ORGANIZATION: Final = f"{GROUP}/organization"
LABEL_PROJECT: Final = f"{GROUP}/project"
LABEL_STAGE: Final = f"{GROUP}/stage"
LABEL_APP: Final = f"{GROUP}/app"
LABEL_DELETION_PROTECTION: Final = f"{GROUP}/deletion-protection"
"""On the namespace of a protected Stage. An admission policy refuses to delete it."""
LABEL_SERVICE: Final = f"{GROUP}/service"

ANNOTATION_VERSION_PUT_BACK: Final = f"{GROUP}/version-put-back"
"""Where an earlier version of the operator noted, as `15 from 16`, that a rollback had restored a
version. Only read; see `ServiceStatus.version_put_back`."""

ANNOTATION_PAUSED: Final = f"{GROUP}/paused"
ANNOTATION_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""Where client-side apply, of kubectl and of Argo CD, leaves what it applied."""

ANNOTATION_SECRET_HASH: Final = f"{GROUP}/secret-hash"
"""On a pod template. It changes when a linked Secret does, so that the pods are replaced."""

ANNOTATION_CHANGESET: Final = f"{GROUP}/changeset"
"""On a revision: the name of the Changeset that created it."""

FINALIZER: Final = f"{GROUP}/operator"
"""Keeps an object of ours until everything behind it is gone."""


def project_namespace(project: str, prefix: str = "") -> str:
    """The namespace that holds a Project's Stages."""
    return f"{prefix}{project}"


def stage_namespace(project: str, stage: str, prefix: str = "") -> str:
    """The namespace that holds a Stage's Apps, Services and Changesets."""
    return namespace_beside(project_namespace(project, prefix), stage)


def namespace_beside(home: str, stage: str) -> str:
    """The namespace of a Stage that stands in its Project's namespace, `home`."""
    return f"{home}-{stage}"


def home_and_stage(namespace: str) -> tuple[str, str]:
    """The other way round. Whether there can be such a Project and Stage isn't looked at."""
    home, _, stage = namespace.rpartition("-")
    return home, stage


def project_of_namespace(namespace: str, prefix: str = "") -> str | None:
    """The Project whose namespace would have this name; None if no Project's would."""
    if not namespace.startswith(prefix) or is_reserved_namespace(namespace):
        return None
    name = namespace.removeprefix(prefix)
    return name if PROJECT_NAME.matches(name) else None


def stage_of_namespace(namespace: str, prefix: str = "") -> tuple[str, str] | None:
    """The Project and the Stage whose namespace would have this name; None if no Stage's would.

    The name of neither holds a dash, so there is never a second answer.
    """
    home, stage = home_and_stage(namespace)
    project = project_of_namespace(home, prefix)
    if project is None or is_reserved_namespace(namespace):
        return None
    return (project, stage) if STAGE_NAME.matches(stage) else None


def revision_name(stage: str, number: int) -> str:
    """The ControllerRevision, in the Stage's namespace, that holds a revision of it."""
    return f"{stage}-{number}"


def ledger_name(stage: str, number: int) -> str:
    """The ControllerRevision, in the Stage's namespace, that holds its ledger."""
    return f"{stage}-ledger-{number}"


def is_reserved_namespace(namespace: str) -> bool:
    """Whether a namespace belongs to the cluster itself, so that no Project can have that name."""
    return namespace in RESERVED_NAMESPACES or namespace.startswith(RESERVED_NAMESPACE_PREFIX)
