"""What would be called a loss of data, and what explains one."""

from __future__ import annotations

import pytest

from sandbox import Sandbox
from sandbox.proxy import Request
from tests.cluster.witness import Witness, by_services, is_explicit, loses_data
from tests.cluster.world import manifest

OPERATOR = {"user-agent": "Boto3/1.43 Botocore/1.43 setops"}


def query(action: str, **parameters: str) -> Request:
    form = "&".join(f"{key}={value}" for key, value in parameters.items())
    return Request("POST", "/", "", OPERATOR, f"Action={action}&{form}".encode())


@pytest.mark.parametrize(
    ("request_", "lost"),
    [
        (Request("DELETE", "/store", "", OPERATOR, b""), "store"),
        (Request("DELETE", "/store/a/b", "versionId=1", OPERATOR, b""), "store"),
        (Request("POST", "/store", "delete", OPERATOR, b""), "store"),
        (Request("DELETE", "/store", "policy", OPERATOR, b""), ""),
        (Request("POST", "/store/big", "uploads", OPERATOR, b""), ""),
        (Request("GET", "/store", "", OPERATOR, b""), ""),
        (query("DeleteDBInstance", DBInstanceIdentifier="db", SkipFinalSnapshot="true"), "db"),
        (query("DeleteDBInstance", DBInstanceIdentifier="db", FinalDBSnapshotIdentifier="s"), ""),
        (query("DeleteDBSubnetGroup", DBSubnetGroupName="db"), ""),
    ],
)
def test_what_loses_data(request_: Request, lost: str) -> None:
    assert loses_data(request_) == lost


def test_what_explains_it() -> None:
    service = {**manifest("Service", "store", {"type": "s3"}), "status": {}}
    assert not is_explicit(service)
    assert not is_explicit({**service, "spec": {"deletionPolicy": "Retain"}})
    assert is_explicit({**service, "spec": {"deletionPolicy": "Delete"}})
    mark = {"changeset": "broken", "uid": "u"}
    assert is_explicit({**service, "status": {"rolledBack": mark}})
    assert not is_explicit({**service, "status": {"rolledBack": mark, "adopted": True}})
    noted = {**service, "metadata": {"annotations": {"setops.co/rolled-back": "true"}}}
    assert not is_explicit(noted)


def test_a_deletion_that_no_service_explains_is_kept(sandbox: Sandbox) -> None:
    witness = Witness(by_services(sandbox.api()))
    witness(Request("DELETE", "/setops-nobody", "", OPERATOR, b""))
    witness(Request("DELETE", "/setops-nobody", "", {"user-agent": "a test"}, b""))
    assert witness.unexplained == ["DELETE /setops-nobody of setops-nobody"]
