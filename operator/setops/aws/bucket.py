"""One S3 bucket of a Service: its owner, its settings, and how it is emptied.

The tags are in CreateBucket itself, so a bucket of our name without our tags was never made by
us, whatever was killed when. Every call names the account that the bucket must belong to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ClientError

from setops.aws.errors import code_of, tolerate
from setops.aws.ownership import Owner, owner_by, tag_list
from setops.aws.product import Difference
from setops.aws.target import Account, Identity

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
_BLOCKS: Final = 4
"""Settings of a public access block, all of which have to be on."""

# Pages of up to 1000 objects that one call of `empty` removes, so that a bucket with millions of
# them doesn't hold a thread for hours.
_PAGES_PER_CALL: Final = 50


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket `name` of a Service, whether it exists or not."""

    s3: S3Client
    account: Account
    name: str
    identity: Identity

    @property
    def arn(self) -> str:
        return f"arn:{self.s3.meta.partition}:s3:::{self.name}"

    def owner(self) -> Owner:
        try:
            tags = self.s3.get_bucket_tagging(**self._owned())["TagSet"]
        except ClientError as exc:
            match code_of(exc):
                case "NoSuchBucket":
                    return Owner.NOBODY
                case "NoSuchTagSet":
                    return Owner.FOREIGN
                # AWS says the same of another account's bucket and of a right that we lack.
                case "AccessDenied" if not self._is_in_account():
                    return Owner.FOREIGN
                case _:
                    raise
        return owner_by(tags, self.identity)

    def create(self) -> None:
        """Makes the bucket. One that exists is left as it is; look at its owner next."""
        tags = tag_list(self.identity.tags())
        configuration: CreateBucketConfigurationTypeDef = {"Tags": tags}
        # us-east-1 is the one region that must not be named.
        if self.account.region != "us-east-1":
            region = cast("BucketLocationConstraintType", self.account.region)
            configuration["LocationConstraint"] = region
        with tolerate("BucketAlreadyOwnedByYou"):
            self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=configuration)

    def differences(self, *, private: bool) -> Iterator[Difference]:
        """What of the settings isn't as wanted; `private`: public access is blocked."""
        blocks = self._blocks()
        if private and blocks < _BLOCKS:
            yield Difference(PUBLIC_ACCESS_BLOCK, "on", "partly" if blocks else "off")
        if not private and blocks:
            yield Difference(PUBLIC_ACCESS_BLOCK, "off", "on")
        if not self._is_encrypted():
            yield Difference(ENCRYPTION, "on", "off")
        wanted = _canonical(self._tls_statement())
        if not any(_canonical(each) == wanted for each in self._statements()):
            yield Difference(TLS_ONLY, "on", "off")

    def set_public_access_block(self, *, private: bool) -> None:
        if private:
            self.s3.put_public_access_block(
                **self._owned(),
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
            )
        else:
            self.s3.delete_public_access_block(**self._owned())

    def set_encryption(self) -> None:
        self.s3.put_bucket_encryption(
            **self._owned(),
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )

    def set_tls_only(self) -> None:
        """Adds the statement that refuses plain HTTP; what else the bucket policy says stays."""
        others = [each for each in self._statements() if each.get("Sid") != _TLS_SID]
        policy = {"Version": "2012-10-17", "Statement": [*others, self._tls_statement()]}
        self.s3.put_bucket_policy(**self._owned(), Policy=json.dumps(policy))

    def empty(self) -> bool:
        """Deletes uploads and objects in all versions; whether all of them are gone by now.

        Raises ClientError with the first object's error when AWS keeps one.
        """
        for page in self.s3.get_paginator("list_multipart_uploads").paginate(**self._owned()):
            for upload in page.get("Uploads", []):
                with tolerate("NoSuchUpload"):
                    self.s3.abort_multipart_upload(
                        **self._owned(), Key=upload["Key"], UploadId=upload["UploadId"]
                    )
        for _ in range(_PAGES_PER_CALL):
            # Always the first page: what it showed is gone by the next time, and a marker that
            # names a deleted version is nothing to build on.
            versions = self.s3.list_object_versions(**self._owned())
            objects: list[ObjectIdentifierTypeDef] = [
                {"Key": each["Key"], "VersionId": each["VersionId"]}
                for each in (*versions.get("Versions", []), *versions.get("DeleteMarkers", []))
            ]
            if not objects:
                return True
            self._delete_objects(objects)
        return False

    def delete(self) -> None:
        """Deletes the empty bucket."""
        with tolerate("NoSuchBucket"):
            self.s3.delete_bucket(**self._owned())

    def _owned(self) -> dict[str, Any]:
        return {"Bucket": self.name, "ExpectedBucketOwner": self.account.account_id}

    def _is_in_account(self) -> bool:
        pages = self.s3.get_paginator("list_buckets").paginate(Prefix=self.name)
        return any(each["Name"] == self.name for page in pages for each in page["Buckets"])

    def _blocks(self) -> int:
        try:
            found = self.s3.get_public_access_block(**self._owned())
        except ClientError as exc:
            if code_of(exc) == "NoSuchPublicAccessBlockConfiguration":
                return 0
            raise
        return sum(1 for on in found["PublicAccessBlockConfiguration"].values() if on)

    def _is_encrypted(self) -> bool:
        # Any rule will do: one with a key of the account's own is stronger than ours.
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
        # IAM's grammar lets a single statement stand without its list.
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
            return sorted(policy)
        case _:
            return [policy]
