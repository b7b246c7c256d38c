"""What the benches have the cluster do, as manifests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from setops.api.app import AppSpec
from setops.api.kinds import (
    APP,
    CHANGESET,
    NAMESPACE,
    ORGANIZATION,
    PROJECT,
    SERVICE,
    STAGE,
    Kind,
    Object,
)
from setops.api.names import LABEL_MANAGED_BY
from setops.desired.app import AppObjects, app_objects
from setops.desired.metadata import Owner, StageNames

PROJECT_NAME: Final = "bench"
_ORGANIZATION_NAME: Final = "acme"
_IMAGE: Final = "registry.example.com/web:1"
_OWNERS: Final = "ownerReferences"


def manifest(kind: Kind, name: str, spec: Mapping[str, Any], namespace: str = "") -> Object:
    """A manifest of one of our kinds."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "spec": dict(spec),
    }


def surroundings() -> tuple[Object, Object]:
    """An Organization and a Project."""
    spec = {
        "aws": {"accountId": "000000000000", "region": "eu-central-1"},
        "domain": "acme.example.com",
        # The network that the AWS emulator has from the start.
        "network": {
            "vpcId": "vpc-00000001",
            "privateSubnetIds": ["subnet-00000001", "subnet-00000002"],
            "securityGroupIds": ["sg-00000001"],
        },
    }
    return (
        manifest(ORGANIZATION, _ORGANIZATION_NAME, spec),
        manifest(PROJECT, PROJECT_NAME, {"organization": _ORGANIZATION_NAME}),
    )


def account(name: str, account_id: str, endpoint: str) -> tuple[Object, Object]:
    """An Organization in an AWS account of its own, and its Project of the same name."""
    aws = {
        "accountId": account_id,
        "region": "eu-central-1",
        "roleArn": f"arn:aws:iam::{account_id}:role/setops",
        "endpointUrl": endpoint,
    }
    return (
        manifest(ORGANIZATION, name, {"aws": aws, "domain": f"{name}.example.com"}),
        manifest(PROJECT, name, {"organization": name}),
    )


def database(namespace: str, name: str) -> Object:
    """A database that leaves nothing when it goes."""
    spec = {"type": "postgresql", "deletionPolicy": "Delete"}
    return manifest(SERVICE, name, spec, namespace)


def bucket(namespace: str, name: str) -> Object:
    """A bucket that leaves nothing when it goes."""
    return manifest(SERVICE, name, {"type": "s3", "deletionPolicy": "Delete"}, namespace)


def stage(name: str) -> Object:
    """A Stage; Apps go to `namespace_of` it."""
    return manifest(STAGE, name, {}, PROJECT_NAME)


def namespace_of(stage_name: str) -> str:
    """The namespace of a Stage."""
    return f"{PROJECT_NAME}-{stage_name}"


def app_names(count: int) -> list[str]:
    """As many names of Apps."""
    return [f"app{number}" for number in range(count)]


def app(namespace: str, name: str, *, scale: int) -> Object:
    """A public App with an image and some environment, so that it has every child there is."""
    spec = {
        "image": _IMAGE,
        "network": {"port": 3000, "public": True},
        "resources": {"scale": scale},
        "env": {"MODE": {"value": "production"}, "LEVEL": {"value": "info"}},
    }
    return manifest(APP, name, spec, namespace)


def creating_changeset(namespace: str, apps: Iterable[Object]) -> Object:
    """A Changeset that creates Apps as those manifests would."""
    definition = {"apps": {each["metadata"]["name"]: each["spec"] for each in apps}}
    return manifest(CHANGESET, "create", {"commit": True, "definition": definition}, namespace)


def changing_changeset(namespace: str, apps: Iterable[str], level: str) -> Object:
    """A Changeset that sets one variable of Apps."""
    changed = {name: {"env": {"LEVEL": {"value": level}}} for name in apps}
    spec = {"commit": True, "definition": {"apps": changed}}
    return manifest(CHANGESET, f"set-{level}", spec, namespace)


def children(apps: Iterable[Object], namespace: str) -> list[Object]:
    """The child objects that the operator makes of Apps, in a namespace where it has no part."""
    made: list[Object] = []
    for each in apps:
        described = AppObjects(
            name=each["metadata"]["name"],
            spec=AppSpec.model_validate(each["spec"]),
            stage=StageNames(PROJECT_NAME, "bare", namespace),
            owner=Owner(APP, each["metadata"]["name"], ""),
            link_secrets={},
            ingress_namespace_labels={"kubernetes.io/metadata.name": "kube-system"},
        )
        made += [_bare(obj) for obj in app_objects(described)]
    return made


def _bare(child: Object) -> Object:
    """A child without owner, and without the label by which the operator watches it."""
    metadata = {name: value for name, value in child["metadata"].items() if name != _OWNERS}
    labels = {**metadata["labels"], LABEL_MANAGED_BY: "bench"}
    return {**child, "metadata": {**metadata, "labels": labels}}


def bare_namespace(name: str) -> Object:
    """A namespace that admits pods as that of a Stage does."""
    modes = ("enforce", "audit", "warn")
    labels = {f"pod-security.kubernetes.io/{mode}": "baseline" for mode in modes}
    return {
        "apiVersion": NAMESPACE.api_version,
        "kind": NAMESPACE.kind,
        "metadata": {"name": name, "labels": labels},
    }
