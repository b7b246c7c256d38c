"""Apps and Stages to build objects from."""

from __future__ import annotations

from typing import Any, Final

from setops.api.app import AppSpec
from setops.api.kinds import APP, NAMESPACE, Kind, Object, key_of
from setops.desired.app import AppObjects, app_objects
from setops.desired.metadata import Owner, StageNames
from setops.desired.pod import LinkSecret

PLACE: Final = StageNames("shop", "production", "shop-production")
STAGE_OWNER: Final = Owner(NAMESPACE, PLACE.namespace, "uid-of-namespace")
STORE: Final = LinkSecret("service-store", "digest-1")


def described(spec: Object, name: str = "web", **around: Any) -> AppObjects:
    """An App of the sample Stage with this spec, in the resources' own spelling."""
    owner = Owner(APP, name, f"uid-of-{name}")
    settings = {"stage": PLACE, "owner": owner, "link_secrets": {}, **around}
    return AppObjects(name=name, spec=AppSpec.model_validate(spec), **settings)


def build(spec: Object, name: str = "web", **around: Any) -> dict[Kind, Object]:
    """The objects of an App by kind; no kind comes twice."""
    made = app_objects(described({"image": "nginx:1", **spec}, name, **around))
    by_kind = {key_of(obj).kind: obj for obj in made}
    assert len(by_kind) == len(made)
    return by_kind
