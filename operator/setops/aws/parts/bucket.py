"""An S3 bucket: its ownership, its settings, its bucket policy, and how it is emptied.

The call that creates a bucket also sets its tags. So a bucket of our name without our tags wasn't
created by us, even if the operator was killed. Every call names the account that the bucket must
belong to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from botocore.exceptions import ClientError

from setops.aws.api_use import ACCOUNT, PARAMETER, QUOTA, TAGGING, ApiUse, Conditions, Statement
from setops.aws.errors import code_of, tolerate
from setops.aws.identity import MANAGED_BY, TAG_MANAGED_BY
from setops.aws.observation import Found, PartStatus
from setops.aws.ownership import tag_list, tags_by_key
from setops.aws.part import Field, Part
from setops.aws.target import Account

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_s3.type_defs import (
        CreateBucketConfigurationTypeDef,
        ObjectIdentifierTypeDef,
    )

PUBLIC_ACCESS_BLOCK: Final = "bucket.publicAccessBlock"
ENCRYPTION: Final = "bucket.encryption"
TLS_ONLY: Final = "bucket.tlsOnly"

_TLS_SID: Final = "SetopsTlsOnly"
_BLOCK: Final = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}

# How many pages of up to 1000 objects one call of `delete` removes, so that a bucket with millions
# of them doesn't occupy a thread for hours.
_PAGES_PER_CALL: Final = 50

_BUCKETS: Final = f"arn:aws:s3:::{MANAGED_BY}-*"
_IN_ACCOUNT: Final[Conditions] = {
    "StringEquals": {"s3:ResourceAccount": ACCOUNT},
    "StringEqualsIfExists": {f"s3:BucketTag/{TAG_MANAGED_BY}": MANAGED_BY},
}
"""Limits a statement to the account, since the ARN of a bucket doesn't name it, and leaves out
buckets whose tag names another manager, where S3 looks at tags."""
_REGION: Final = "check aws.region of the Organization"

API: Final = ApiUse(
    client="s3",
    operations=(
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
    # To find the region of a bucket in another region.
    by_botocore=("HeadBucket",),
    statements=(
        Statement(
            "S3List",
            "To tell a bucket of another account, whose name is taken, from a right that is "
            "missing.",
            ("s3:ListAllMyBuckets",),
            ("*",),
        ),
        Statement(
            "S3Create",
            "To make a bucket, with its tags in the same call.",
            ("s3:CreateBucket", "s3:TagResource"),
            (_BUCKETS,),
            TAGGING,
        ),
        Statement(
            "S3Buckets",
            "To see and set public access, encryption and TLS of a bucket, and to delete one. S3 "
            "looks at the tags of a bucket only where that was switched on for it (ABAC), hence "
            "the name.",
            (
                "s3:DeleteBucket",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketTagging",
                "s3:GetEncryptionConfiguration",
                "s3:ListBucketMultipartUploads",
                "s3:ListBucketVersions",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutEncryptionConfiguration",
            ),
            (_BUCKETS,),
            _IN_ACCOUNT,
        ),
        Statement(
            "S3Objects",
            "To empty a bucket whose deletionPolicy is Delete. Objects are never read.",
            ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"),
            (f"{_BUCKETS}/*",),
            _IN_ACCOUNT,
        ),
    ),
    actions={
        "CreateBucket": ("s3:CreateBucket", "s3:TagResource"),
        "DeleteObjects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
        "DeletePublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
        "GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
        "GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
        "ListBuckets": ("s3:ListAllMyBuckets",),
        "ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
        "ListObjectVersions": ("s3:ListBucketVersions",),
        "PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
        "PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    },
    wait_codes=frozenset(
        {"BucketAlreadyOwnedByYou", "BucketNotEmpty", "NoSuchBucket", "OperationAborted"}
    ),
    stall_codes={
        "BucketAlreadyExists": (
            "bucket names are unique among all AWS accounts and this one is taken; "
            "give the Service another name"
        ),
        "IllegalLocationConstraintException": _REGION,
        "InvalidBucketName": "give the Service, its Stage or its Project another name",
        "InvalidLocationConstraint": _REGION,
        "InvalidTag": "give the Organization a name that AWS takes as the value of a tag",
        "MalformedPolicy": PARAMETER,
        "TooManyBuckets": QUOTA,
    },
)


@dataclass(frozen=True)
class Bucket(Part):
    """The bucket `id`; `private`: public access is blocked."""

    kind: ClassVar[str] = "bucket"
    label: ClassVar[str] = "S3 bucket"
    api: ClassVar[ApiUse] = API
    gone_codes: ClassVar[frozenset[str]] = frozenset({"NoSuchBucket"})

    s3: S3Client
    account: Account
    private: bool

    @property
    def arn(self) -> str:
        return f"arn:{self.s3.meta.partition}:s3:::{self.id}"

    def find(self) -> Found | None:
        """Its tags, which say whose it is. A bucket of another account seems to have none."""
        try:
            tags = self.s3.get_bucket_tagging(**self._owned())["TagSet"]
        except ClientError as exc:
            match code_of(exc):
                case "NoSuchBucket":
                    return None
                case "NoSuchTagSet":
                    return {"Tags": []}
                # AWS answers the same for another account's bucket and for a missing right.
                case "AccessDenied" if not self._is_in_account():
                    return {"Tags": []}
                case _:
                    raise
        return {"Tags": tags}

    def tags(self, found: Found) -> Mapping[str, str]:
        return tags_by_key(found["Tags"])

    def create(self, ids: Mapping[str, str]) -> None:  # noqa: ARG002
        """Create the bucket.

        In us-east-1 this also succeeds if the account already has the bucket. So the caller has to
        check whose it is.
        """
        tags = tag_list(self.identity.tags())
        configuration: CreateBucketConfigurationTypeDef = {"Tags": tags}
        # AWS refuses a location only for us-east-1.
        if self.account.region != "us-east-1":
            region = cast("BucketLocationConstraintType", self.account.region)
            configuration["LocationConstraint"] = region
        with tolerate("BucketAlreadyOwnedByYou"):
            self.s3.create_bucket(Bucket=self.id, CreateBucketConfiguration=configuration)

    def status(self, found: Found) -> PartStatus:  # noqa: ARG002
        return PartStatus(arn=self.arn, endpoint=self.s3.meta.endpoint_url)

    def examine(self, found: Found) -> Found:
        return {
            **found,
            "PublicAccessBlock": self._public_access_block(),
            "Encrypted": self._is_encrypted(),
            "Statements": self._statements(),
        }

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:  # noqa: ARG002
        on = sum(found["PublicAccessBlock"].values())
        if self.private:
            actual = "on" if on == len(_BLOCK) else "partly" if on else "off"
            block = {"PublicAccessBlockConfiguration": _BLOCK}
            yield Field(PUBLIC_ACCESS_BLOCK, "on", actual, block)
        else:
            yield Field(PUBLIC_ACCESS_BLOCK, "off", "on" if on else "off")
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        encryption = {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}
        yield Field(ENCRYPTION, "on", "on" if found["Encrypted"] else "off", encryption)
        statement = _canonical(self._tls_statement())
        forced = any(_canonical(each) == statement for each in found["Statements"])
        yield Field(TLS_ONLY, "on", "on" if forced else "off")

    def put(self, found: Found, fields: Sequence[Field]) -> Iterator[str]:  # noqa: ARG002
        for each in fields:
            if each.path == PUBLIC_ACCESS_BLOCK and self.private:
                self.s3.put_public_access_block(**self._owned(), **each.argument)
            elif each.path == PUBLIC_ACCESS_BLOCK:
                self.s3.delete_public_access_block(**self._owned())
            elif each.path == ENCRYPTION:
                self.s3.put_bucket_encryption(**self._owned(), **each.argument)
            elif each.path == TLS_ONLY:
                self._force_tls()
            yield each.path

    def _force_tls(self) -> None:
        """Add the statement that refuses plain HTTP. The policy's other statements stay."""
        others = [each for each in self._statements() if each.get("Sid") != _TLS_SID]
        policy = {"Version": "2012-10-17", "Statement": [*others, self._tls_statement()]}
        self.s3.put_bucket_policy(**self._owned(), Policy=json.dumps(policy))

    def delete(self, found: Found) -> bool:  # noqa: ARG002
        """Empty it and delete it; False if there are more objects than one call deletes.

        Raises ClientError with the error of the first object that AWS doesn't delete.
        """
        if not self._empty():
            return False
        with tolerate("NoSuchBucket"):
            self.s3.delete_bucket(**self._owned())
        return True

    def _empty(self) -> bool:
        """Delete uploads and objects in all versions; returns whether none are left."""
        for page in self.s3.get_paginator("list_multipart_uploads").paginate(**self._owned()):
            for upload in page.get("Uploads", []):
                with tolerate("NoSuchUpload"):
                    self.s3.abort_multipart_upload(
                        **self._owned(), Key=upload["Key"], UploadId=upload["UploadId"]
                    )
        for _ in range(_PAGES_PER_CALL):
            # Always the first page, since its objects are deleted before the next call. A marker
            # would name a deleted version.
            versions = self.s3.list_object_versions(**self._owned())
            objects: list[ObjectIdentifierTypeDef] = [
                {"Key": each["Key"], "VersionId": each["VersionId"]}
                for each in (*versions.get("Versions", []), *versions.get("DeleteMarkers", []))
            ]
            if not objects:
                return True
            self._delete_objects(objects)
        return False

    def _owned(self) -> dict[str, Any]:
        return {"Bucket": self.id, "ExpectedBucketOwner": self.account.account_id}

    def _is_in_account(self) -> bool:
        pages = self.s3.get_paginator("list_buckets").paginate(Prefix=self.id)
        return any(each["Name"] == self.id for page in pages for each in page["Buckets"])

    def _public_access_block(self) -> Mapping[str, bool]:
        try:
            found = self.s3.get_public_access_block(**self._owned())
        except ClientError as exc:
            if code_of(exc) == "NoSuchPublicAccessBlockConfiguration":
                return {}
            raise
        return dict(cast("Mapping[str, bool]", found["PublicAccessBlockConfiguration"]))

    def _is_encrypted(self) -> bool:
        # Any rule will do: one with a key of the account is stronger than ours.
        try:
            found = self.s3.get_bucket_encryption(**self._owned())
        except ClientError as exc:
            if code_of(exc) == "ServerSideEncryptionConfigurationNotFoundError":
                return False
            raise
        return bool(found["ServerSideEncryptionConfiguration"]["Rules"])

    def _statements(self) -> list[dict[str, Any]]:
        try:
            policy = json.loads(self.s3.get_bucket_policy(**self._owned())["Policy"])
        except ClientError as exc:
            if code_of(exc) == "NoSuchBucketPolicy":
                return []
            raise
        found = policy.get("Statement", [])
        # In IAM's grammar, a single statement needs no list.
        return found if isinstance(found, list) else [found]

    def _tls_statement(self) -> dict[str, Any]:
        return {
            "Sid": _TLS_SID,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [self.arn, f"{self.arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }

    def _delete_objects(self, objects: list[ObjectIdentifierTypeDef]) -> None:
        answer = self.s3.delete_objects(**self._owned(), Delete={"Objects": objects, "Quiet": True})
        for error in answer.get("Errors", []):
            message = f"{error.get('Key')}: {error.get('Message', '')}"
            code = error.get("Code", "Unknown")
            raise ClientError({"Error": {"Code": code, "Message": message}}, "DeleteObjects")


def _canonical(policy: Any) -> Any:
    """A part of a policy in one spelling: AWS may return lists in another order, or unwrapped."""
    match policy:
        case dict():
            return {key: _canonical(value) for key, value in policy.items()}
        case list():
            # Somebody else's statement may mix text, numbers and objects.
            return sorted(policy, key=json.dumps)
        case _:
            return [policy]
