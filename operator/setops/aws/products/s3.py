"""The product `s3`: a bucket, an IAM user that works in it and nowhere else, and its access key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote, unquote, urlsplit

from setops.api.catalogue import resolve_options
from setops.aws.clients import AccountClients
from setops.aws.naming import resource_name
from setops.aws.observation import Found, Observation
from setops.aws.part import Part
from setops.aws.parts.bucket import Bucket
from setops.aws.parts.user import ACCESS_KEY_ID, SECRET_ACCESS_KEY, User
from setops.aws.product import Assembly, Product
from setops.aws.target import Target

NAME_LIMIT: Final = 63

# The operator alone may delete the bucket, change the tags that make it ours, and change the
# settings that it keeps. Object locks could make the deletion impossible.
_GUARDED: Final = (
    "s3:DeleteBucket",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutEncryptionConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
# These make objects public. While public access is blocked, an App doesn't need them.
_GUARDED_WHILE_PRIVATE: Final = (
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
)


class S3(Product):
    """The product `s3`. Bucket and user have the same name. AWS issues the credentials."""

    type_name: ClassVar[str] = "s3"
    noun: ClassVar[str] = "a bucket"
    part_types: ClassVar[tuple[type[Part], ...]] = (Bucket, User)
    part_keys: ClassVar[tuple[str, ...]] = (Bucket.kind, User.kind)
    # Whoever deleted the bucket had to empty it first, so no data is lost by creating it again.
    replaces_lost: ClassVar[bool] = True

    def name(self, target: Target, key: str) -> str:  # noqa: ARG002 - both have the same name
        return resource_name(target.identity, NAME_LIMIT)

    def assemble(self, clients: AccountClients, target: Target, main: Found | None) -> Assembly:  # noqa: ARG002
        ids, private = self.ids(target), _is_private(target)
        bucket = Bucket(
            id=ids[Bucket.kind],
            identity=target.identity,
            s3=clients.client("s3"),
            account=target.account,
            private=private,
        )
        user = User(
            id=ids[User.kind],
            identity=target.identity,
            iam=clients.client("iam"),
            policy=_user_policy(bucket.arn, private=private),
            held=target.credentials,
        )
        return Assembly((bucket, user), bucket)

    def usable(self, held: Mapping[str, str]) -> Mapping[str, str]:
        """AWS never shows the secret of a key, so it can only be compared with the one in `url`.

        If they differ, one of the two was edited, and nobody knows which.
        """
        key, secret = _key_in(held.get("url", ""))
        edited = key == held.get(ACCESS_KEY_ID) and secret != held.get(SECRET_ACCESS_KEY)
        return {k: v for k, v in held.items() if not (edited and k == SECRET_ACCESS_KEY)}

    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:
        """`url` is `s3://KEY:SECRET@bucket?region=…&endpoint=…`; source: the platform's Services.

        Raises KeyError for a Target without credentials.
        """
        key, secret = target.credentials[ACCESS_KEY_ID], target.credentials[SECRET_ACCESS_KEY]
        bucket, region = self.ids(target)[Bucket.kind], target.account.region
        endpoint = observation.main.endpoint
        query = f"region={_quoted(region)}&endpoint={_quoted(endpoint)}"
        return {
            "url": f"s3://{_quoted(key)}:{_quoted(secret)}@{bucket}?{query}",
            "bucket": bucket,
            "region": region,
            "endpoint": endpoint,
            ACCESS_KEY_ID: key,
            SECRET_ACCESS_KEY: secret,
        }


def _key_in(url: str) -> tuple[str | None, str | None]:
    """The id and the secret of the access key in a link's value; None for what isn't there."""
    try:
        found = urlsplit(url)
    except ValueError:
        return None, None
    key, secret = found.username, found.password
    return key and unquote(key), secret and unquote(secret)


def _is_private(target: Target) -> bool:
    return resolve_options(target.type, target.options)["blockPublicAccess"] is True


def _user_policy(arn: str, *, private: bool) -> dict[str, Any]:
    """Everything in the bucket, and nothing else, apart from what only the operator may change."""
    guarded = (*_GUARDED, *_GUARDED_WHILE_PRIVATE) if private else _GUARDED
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]},
            {"Effect": "Deny", "Action": list(guarded), "Resource": [arn]},
        ],
    }


def _quoted(text: str) -> str:
    return quote(text, safe="")
