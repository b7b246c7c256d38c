"""Names of things, and the constants that mark objects: labels, annotations, finalizers, managers.

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
    """How the names of a kind are made.

    `pattern` must match the whole name, `says` is the same in words, and `code` is that of a name
    that doesn't match.
    """

    pattern: str
    says: str
    code: Code = Code.VALIDATION_FAILED

    def problem(self, field: str, name: str) -> Problem | None:
        """What is wrong with a name that stands at `field`, or None."""
        if re.fullmatch(self.pattern, name):
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
# The platform lets a name end in a dash; a Kubernetes object can't.
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
"""Field manager of every write, and value of the `managed-by` label of every child object."""

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_PART_OF: Final = "app.kubernetes.io/part-of"
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_ORGANIZATION: Final = f"{GROUP}/organization"
LABEL_PROJECT: Final = f"{GROUP}/project"
LABEL_STAGE: Final = f"{GROUP}/stage"
LABEL_APP: Final = f"{GROUP}/app"
LABEL_DELETION_PROTECTION: Final = f"{GROUP}/deletion-protection"
"""On the namespace of a protected Stage; an admission policy refuses to delete it."""
LABEL_SERVICE: Final = f"{GROUP}/service"

ANNOTATION_PAUSED: Final = f"{GROUP}/paused"
ANNOTATION_SECRET_HASH: Final = f"{GROUP}/secret-hash"
"""On a pod template: changes when a linked Secret does, so that the App rolls."""

ANNOTATION_CHANGESET: Final = f"{GROUP}/changeset"
"""On a revision: the name of the Changeset that made it."""

ANNOTATION_ROLLED_BACK: Final = f"{GROUP}/rolled-back"
"""On a Service that a failed commit takes back: what was created for it at AWS is deleted with it,
whatever its deletion policy. What was there before is not."""

ANNOTATION_VERSION_PUT_BACK: Final = f"{GROUP}/version-put-back"
"""Set on a Service when a rollback restores an older version, as `15 from 16`. If AWS has already
upgraded it, the newer version stays, since no version goes back. Removed when AWS turns out not to
have upgraded it, and when another version is wanted."""

FINALIZER: Final = f"{GROUP}/operator"
"""Holds an object of ours until what stands behind it is gone."""


def project_namespace(project: str, prefix: str = "") -> str:
    """The namespace that holds a Project's Stages."""
    return f"{prefix}{project}"


def stage_namespace(project: str, stage: str, prefix: str = "") -> str:
    """The namespace that holds a Stage's Apps, Services and Changesets."""
    return f"{prefix}{project}-{stage}"


def revision_name(stage: str, number: int) -> str:
    """The ControllerRevision, in the Project's namespace, that holds a revision of a Stage."""
    return f"{stage}-{number}"


def is_reserved_namespace(namespace: str) -> bool:
    """Whether a namespace belongs to the cluster itself, so that no Project may be named so."""
    return namespace in RESERVED_NAMESPACES or namespace.startswith(RESERVED_NAMESPACE_PREFIX)
