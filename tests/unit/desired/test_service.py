"""The Secret of a Service."""

from __future__ import annotations

import base64

from setops.desired.metadata import StageNames
from setops.desired.service import secret_name, service_secret

SERVICE = {"metadata": {"name": "db", "namespace": "shop-live", "uid": "1a2b"}}


def test_the_secret_holds_every_entry_and_goes_with_its_service() -> None:
    entries = {"url": "postgresql://app:ä@host/app", "empty": ""}
    made = service_secret(SERVICE, StageNames("shop", "live", "shop-live"), entries)
    assert (made["kind"], made["type"]) == ("Secret", "Opaque")
    metadata = made["metadata"]
    assert (metadata["name"], metadata["namespace"]) == (secret_name("db"), "shop-live")
    assert metadata["labels"]["setops.co/service"] == "db"
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Service", "db", "1a2b")
    held = {name: base64.b64decode(value).decode() for name, value in made["data"].items()}
    assert held == entries


def test_no_name_that_a_user_would_choose_is_taken() -> None:
    assert secret_name("db") == "service-db"
