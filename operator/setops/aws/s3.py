"""The product `s3`: a bucket, an IAM user that works in it and nowhere else, and its access key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from setops.api.catalogue import resolve_options
from setops.api.errors import Code
from setops.api.service_type import DeletionPolicy
from setops.aws import bucket as settings
from setops.aws import iam
from setops.aws.bucket import Bucket
from setops.aws.clients import AccountClients
from setops.aws.errors import StalledError, WaitError
from setops.aws.iam import User
from setops.aws.ownership import Owner
from setops.aws.product import Difference, Observation, Presence, Survey
from setops.aws.target import Target, resource_name

ACCESS_KEY_ID: Final = "accessKeyId"
SECRET_ACCESS_KEY: Final = "secretAccessKey"  # noqa: S105

NAME_LIMIT: Final = 63

_REGION: Final = "check aws.region of the Organization"
_TERMINAL: Final[Mapping[str, str]] = {
    "IllegalLocationConstraintException": _REGION,
    "InvalidLocationConstraint": _REGION,
    "InvalidBucketName": "give the Service, its Stage or its Project another name",
    "InvalidTag": "give the Organization a name that AWS takes as the value of a tag",
}

# What would take the bucket out of our hands: its existence, the tags by which it is ours, locks
# that make its deletion impossible, and the settings that are kept in place here.
_GUARDED: Final = (
    "s3:DeleteBucket",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutEncryptionConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
# These make objects public; while that is blocked an App has no use for them.
_GUARDED_WHILE_PRIVATE: Final = (
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
)


class S3:
    """The product `s3`. Bucket and user have the same name."""

    @property
    def type(self) -> str:
        return "s3"

    @property
    def terminal_codes(self) -> Mapping[str, str]:
        return _TERMINAL

    def ids(self, target: Target) -> Mapping[str, str]:
        name = resource_name(target.identity, NAME_LIMIT)
        return {"bucket": name, "user": name}

    def survey(self, clients: AccountClients) -> Survey:  # noqa: ARG002 - S3 has nothing to list
        return {}

    def observe(self, clients: AccountClients, target: Target, survey: Survey) -> Observation:  # noqa: ARG002
        bucket, user = self._bucket(clients, target), self._user(clients, target)
        bucket_owner, user_owner = bucket.owner(), user.owner()
        differences: list[Difference] = []
        if bucket_owner is Owner.OURS:
            differences += bucket.differences(private=_is_private(target))
        valid = False
        if user_owner is Owner.OURS:
            if not user.has_policy(_user_policy(bucket.arn, target)):
                differences.append(
                    Difference(iam.USER_POLICY, "this bucket alone", "another policy")
                )
            keys = user.keys()
            valid = _is_usable(target, keys)
            if valid and len(keys) > 1:
                differences.append(Difference(iam.SURPLUS_KEYS, "1", str(len(keys))))
        owned = (bucket_owner, user_owner).count(Owner.OURS)
        presence = (Presence.ABSENT, Presence.PARTIAL, Presence.PRESENT)[owned]
        found = {f"S3 bucket {bucket.name}": bucket_owner, f"IAM user {user.name}": user_owner}
        return Observation(
            presence=presence,
            state=presence.value,
            conflicts=tuple(name for name, owner in found.items() if owner is Owner.FOREIGN),
            differences=tuple(differences),
            credentials_valid=valid,
            released=user_owner is not Owner.OURS,
            arn=bucket.arn,
            endpoint=clients.s3.meta.endpoint_url,
            ids=self.ids(target),
        )

    def create(self, clients: AccountClients, target: Target) -> None:
        bucket, user = self._bucket(clients, target), self._user(clients, target)
        bucket_owner, user_owner = bucket.owner(), user.owner()
        if Owner.FOREIGN in (bucket_owner, user_owner):
            return
        if bucket_owner is Owner.NOBODY:
            bucket.create()
        if user_owner is Owner.NOBODY:
            user.create()
        # The owners are read again: in us-east-1 CreateBucket also succeeds on a bucket that
        # somebody else in the account made meanwhile.
        observation = self.observe(clients, target, {})
        if not observation.conflicts:
            self.update(clients, target, observation)

    def update(self, clients: AccountClients, target: Target, observation: Observation) -> None:
        bucket, user = self._bucket(clients, target), self._user(clients, target)
        for difference in observation.differences:
            match difference.path:
                case settings.PUBLIC_ACCESS_BLOCK:
                    bucket.set_public_access_block(private=_is_private(target))
                case settings.ENCRYPTION:
                    bucket.set_encryption()
                case settings.TLS_ONLY:
                    bucket.set_tls_only()
                case iam.USER_POLICY:
                    user.set_policy(_user_policy(bucket.arn, target))
                case iam.SURPLUS_KEYS:
                    user.delete_keys(but=target.credentials[ACCESS_KEY_ID])

    def release(self, clients: AccountClients, target: Target) -> None:
        user = self._user(clients, target)
        if user.owner() is Owner.OURS:
            user.delete()

    def delete(self, clients: AccountClients, target: Target) -> None:
        """Access goes first, so that nobody fills the bucket while it is emptied.

        Returns early on a large bucket; the next observation shows what is left. Raises
        StalledError for any policy but Delete.
        """
        if target.deletion_policy is not DeletionPolicy.DELETE:
            raise StalledError(
                f"deletionPolicy {target.deletion_policy} does not delete a bucket; "
                "set Delete to lose the data, or Retain to keep it",
                code=Code.VALIDATION_FAILED,
            )
        self.release(clients, target)
        bucket = self._bucket(clients, target)
        if bucket.owner() is Owner.OURS and bucket.empty():
            bucket.delete()

    def issue_credentials(self, clients: AccountClients, target: Target) -> Mapping[str, str]:
        """As in the protocol. Raises WaitError when the user isn't this Service's by now."""
        user = self._user(clients, target)
        if user.owner() is not Owner.OURS:
            message = f"IAM user {user.name} is not this Service's; it is looked at again"
            raise WaitError(message, code="NoSuchEntity", operation="CreateAccessKey")
        if _is_usable(target, user.keys()):
            return {name: target.credentials[name] for name in (ACCESS_KEY_ID, SECRET_ACCESS_KEY)}
        # A key whose secret nobody holds is of no use, and counts against AWS's limit of two.
        user.delete_keys()
        key, secret = user.create_key()
        return {ACCESS_KEY_ID: key, SECRET_ACCESS_KEY: secret}

    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:
        """`url` is `s3://KEY:SECRET@bucket?region=…&endpoint=…`; source: the platform's Services.

        Raises KeyError for a Target without credentials.
        """
        key, secret = target.credentials[ACCESS_KEY_ID], target.credentials[SECRET_ACCESS_KEY]
        bucket, region = self.ids(target)["bucket"], target.account.region
        query = f"region={_quoted(region)}&endpoint={_quoted(observation.endpoint)}"
        return {
            "url": f"s3://{_quoted(key)}:{_quoted(secret)}@{bucket}?{query}",
            "bucket": bucket,
            "region": region,
            "endpoint": observation.endpoint,
            ACCESS_KEY_ID: key,
            SECRET_ACCESS_KEY: secret,
        }

    def _bucket(self, clients: AccountClients, target: Target) -> Bucket:
        name = self.ids(target)["bucket"]
        return Bucket(clients.s3, target.account, name, target.identity)

    def _user(self, clients: AccountClients, target: Target) -> User:
        return User(clients.iam, self.ids(target)["user"], target.identity)


def _is_private(target: Target) -> bool:
    return resolve_options(target.type, target.options)["blockPublicAccess"] is True


def _is_usable(target: Target, keys: Mapping[str, str]) -> bool:
    held = target.credentials
    return bool(held.get(SECRET_ACCESS_KEY)) and keys.get(held.get(ACCESS_KEY_ID, "")) == "Active"


def _user_policy(arn: str, target: Target) -> dict[str, Any]:
    """Everything in the bucket and nothing else, but for what the operator itself looks after."""
    guarded = (*_GUARDED, *_GUARDED_WHILE_PRIVATE) if _is_private(target) else _GUARDED
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]},
            {"Effect": "Deny", "Action": list(guarded), "Resource": [arn]},
        ],
    }


def _quoted(text: str) -> str:
    return quote(text, safe="")
