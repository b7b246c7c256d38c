"""An IAM user of one Service: tagged, with one inline policy and at most one access key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from setops.aws.errors import WaitError, code_of, tolerate
from setops.aws.ownership import Owner, owner_by, tag_list
from setops.aws.target import Identity

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

PATH: Final = "/setops/"
"""Path of our users, so that the operator's own rights can be bound to what lies below it."""

POLICY: Final = "setops"
"""Name of the inline policy."""

USER_POLICY: Final = "user.policy"
SURPLUS_KEYS: Final = "user.accessKeys"
"""Paths of differences."""

Policy = Mapping[str, Any]
"""A policy document as the JSON of IAM."""


@dataclass(frozen=True, slots=True)
class User:
    """The user `name` of a Service, whether it exists or not."""

    iam: IAMClient
    name: str
    identity: Identity

    def owner(self) -> Owner:
        try:
            user = self.iam.get_user(UserName=self.name)["User"]
        except ClientError as exc:
            if code_of(exc) == "NoSuchEntity":
                return Owner.NOBODY
            raise
        return owner_by(user.get("Tags", []), self.identity)

    def create(self) -> None:
        """Makes the user. One that exists is left as it is; look at its owner next."""
        tags = tag_list(self.identity.tags())
        with tolerate("EntityAlreadyExists"):
            self.iam.create_user(UserName=self.name, Path=PATH, Tags=tags)

    def has_policy(self, policy: Policy) -> bool:
        try:
            found = self.iam.get_user_policy(UserName=self.name, PolicyName=POLICY)
        except ClientError as exc:
            if code_of(exc) == "NoSuchEntity":
                return False
            raise
        return bool(found["PolicyDocument"] == policy)

    def set_policy(self, policy: Policy) -> None:
        self.iam.put_user_policy(
            UserName=self.name, PolicyName=POLICY, PolicyDocument=json.dumps(policy)
        )

    def keys(self) -> dict[str, str]:
        """The state, `Active` or `Inactive`, of each access key by its id."""
        pages = self.iam.get_paginator("list_access_keys").paginate(UserName=self.name)
        return {
            key["AccessKeyId"]: key["Status"] for page in pages for key in page["AccessKeyMetadata"]
        }

    def delete_keys(self, but: str = "") -> None:
        """Deletes the access keys, except the one with the id `but`."""
        for key in self.keys():
            if key != but:
                with tolerate("NoSuchEntity"):
                    self.iam.delete_access_key(UserName=self.name, AccessKeyId=key)

    def create_key(self) -> tuple[str, str]:
        """A new access key: its id and its secret. Delete the others first: AWS allows two.

        Raises WaitError while AWS still counts keys that were just deleted.
        """
        try:
            made = self.iam.create_access_key(UserName=self.name)["AccessKey"]
        except ClientError as exc:
            if code_of(exc) != "LimitExceeded":
                raise
            raise WaitError(
                f"IAM user {self.name} has all the access keys that AWS allows, although they "
                "were deleted; it is tried again",
                code="LimitExceeded",
                operation="CreateAccessKey",
            ) from exc
        return made["AccessKeyId"], made["SecretAccessKey"]

    def delete(self) -> None:
        """Deletes the user with all that would hold it: keys, and policies whoever added them."""
        with tolerate("NoSuchEntity"):
            self.delete_keys()
            for page in self.iam.get_paginator("list_user_policies").paginate(UserName=self.name):
                for policy in page["PolicyNames"]:
                    self.iam.delete_user_policy(UserName=self.name, PolicyName=policy)
            attached = self.iam.get_paginator("list_attached_user_policies")
            for attachments in attached.paginate(UserName=self.name):
                for attachment in attachments["AttachedPolicies"]:
                    self.iam.detach_user_policy(
                        UserName=self.name, PolicyArn=attachment["PolicyArn"]
                    )
            self.iam.delete_user(UserName=self.name)
