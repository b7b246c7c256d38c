"""AWS's API models, of which clients get only what this package calls.

botocore makes a method of each operation in each client, so that the whole models, with the
hundreds of operations of EC2 alone, take nearly 3 MiB in every account; what is called, a tenth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from botocore.loaders import JSONFileLoader, Loader

OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "ec2": (
        "AuthorizeSecurityGroupIngress",
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
        "DescribeSecurityGroups",
        "RevokeSecurityGroupIngress",
    ),
    "iam": (
        "CreateAccessKey",
        "CreateUser",
        "DeleteAccessKey",
        "DeleteUser",
        "DeleteUserPolicy",
        "DetachUserPolicy",
        "GetUser",
        "GetUserPolicy",
        "ListAccessKeys",
        "ListAttachedUserPolicies",
        "ListUserPolicies",
        "PutUserPolicy",
    ),
    "rds": (
        "AddTagsToResource",
        "CreateDBInstance",
        "CreateDBParameterGroup",
        "CreateDBSubnetGroup",
        "DeleteDBInstance",
        "DeleteDBParameterGroup",
        "DeleteDBSubnetGroup",
        "DescribeDBEngineVersions",
        "DescribeDBInstances",
        "DescribeDBParameterGroups",
        "DescribeDBParameters",
        "DescribeDBSubnetGroups",
        "ListTagsForResource",
        "ModifyDBInstance",
        "ModifyDBParameterGroup",
    ),
    "s3": (
        "AbortMultipartUpload",
        "CreateBucket",
        "DeleteBucket",
        "DeleteObjects",
        "DeletePublicAccessBlock",
        "GetBucketEncryption",
        "GetBucketPolicy",
        "GetBucketTagging",
        "GetPublicAccessBlock",
        "ListBuckets",
        "ListMultipartUploads",
        "ListObjectVersions",
        "PutBucketEncryption",
        "PutBucketPolicy",
        "PutPublicAccessBlock",
    ),
    "sts": (
        "AssumeRole",
        "GetCallerIdentity",
    ),
}
"""What is called, by the client that does."""

BY_BOTOCORE: Final[Mapping[str, tuple[str, ...]]] = {
    "s3": ("HeadBucket",),
    "sts": ("AssumeRoleWithWebIdentity",),
}
"""What botocore itself calls, beside AssumeRole: to find the region of a bucket that is in another
one, and to get own credentials where a ServiceAccount has a role (IRSA) or a profile names one.
Its clients for single sign-on and login are of products that aren't here, and so stay whole."""


def loader() -> Loader:
    """A loader for botocore's sessions; what it has read it keeps, for all of them."""
    # The extras of botocore complete operations that nobody here calls, such as those of copies.
    return Loader(file_loader=_Called(), include_default_extras=False)


class _Called(JSONFileLoader):
    """Reads a model and forgets the operations that nobody calls, with the shapes of those."""

    def load_file(self, file_path: str) -> Any:
        model = super().load_file(file_path)
        path = Path(file_path)
        product = path.parent.parent.name
        if model is None or path.name != "service-2" or product not in OPERATIONS:
            return model
        called = (*OPERATIONS[product], *BY_BOTOCORE.get(product, ()))
        operations = {name: model["operations"][name] for name in called}
        shapes = model["shapes"]
        return {**model, "operations": operations, "shapes": _used(operations, shapes)}


def _used(operations: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """The shapes that operations are made of, and those that these are made of in turn."""
    used: dict[str, Any] = {}
    left: list[Any] = list(operations.values())
    while left:
        node = left.pop()
        if isinstance(node, list):
            left += node
        if not isinstance(node, Mapping):
            continue
        left += node.values()
        name = node.get("shape")
        if isinstance(name, str) and name not in used:
            used[name] = shapes[name]
            left.append(shapes[name])
    return used
