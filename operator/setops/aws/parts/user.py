"""An IAM user: tagged, with one inline policy and at most one access key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from botocore.exceptions import ClientError

from setops.aws.api_use import ACCOUNT, PARAMETER, TAGGED, TAGGING, UNCLAIMED, ApiUse, Statement
from setops.aws.errors import WaitError, code_of, tolerate
from setops.aws.identity import MANAGED_BY
from setops.aws.observation import Found
from setops.aws.ownership import tag_list, tags_by_key
from setops.aws.part import Field, Issuer

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ACCESS_KEY_ID: Final = "accessKeyId"
SECRET_ACCESS_KEY: Final = "secretAccessKey"  # noqa: S105
"""The entries of the Secret that hold an access key."""

PATH: Final = "/setops/"
"""The path of our users, so that the operator's own rights can be limited to it."""

POLICY: Final = "setops"
"""Name of the inline policy."""

USER_POLICY: Final = "user.policy"
SURPLUS_KEYS: Final = "user.accessKeys"

Policy = Mapping[str, Any]
"""A policy document as the JSON of IAM."""

_USERS: Final = f"arn:aws:iam::{ACCOUNT}:user{PATH}{MANAGED_BY}-*"
# A user that doesn't exist has no path, and IAM checks the right before it says so.
_MISSING_USERS: Final = f"arn:aws:iam::{ACCOUNT}:user/{MANAGED_BY}-*"

API: Final = ApiUse(
    client="iam",
    operations=(
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
        "ListUsers",
        "PutUserPolicy",
    ),
    statements=(
        Statement(
            "IamRead",
            "To see the IAM user of a Service. The ARN without the path is that of a user who "
            "doesn't exist yet.",
            (
                "iam:GetUser",
                "iam:GetUserPolicy",
                "iam:ListAccessKeys",
                "iam:ListAttachedUserPolicies",
                "iam:ListUserPolicies",
            ),
            (_USERS, _MISSING_USERS),
        ),
        Statement(
            "IamList",
            "To find users that no Service has any more. AWS has no condition for listing.",
            ("iam:ListUsers",),
            ("*",),
        ),
        Statement(
            "IamCreate",
            f"To make the IAM user of a Service below the path {PATH}, with its tags in the same "
            "call. IAM has no condition that tells that call's tags from those of a later call.",
            ("iam:CreateUser", "iam:TagUser"),
            (_USERS,),
            TAGGING,
        ),
        Statement(
            "IamGrant",
            "To give that user its bucket and its access key. Bound by path and name: the tags of "
            "a user who was just made don't show everywhere at once.",
            ("iam:CreateAccessKey", "iam:PutUserPolicy"),
            (_USERS,),
            UNCLAIMED,
        ),
        Statement(
            "IamDelete",
            "To take access keys and policies away, and to delete the user.",
            (
                "iam:DeleteAccessKey",
                "iam:DeleteUser",
                "iam:DeleteUserPolicy",
                "iam:DetachUserPolicy",
            ),
            (_USERS,),
            TAGGED,
        ),
    ),
    actions={"CreateUser": ("iam:CreateUser", "iam:TagUser")},
    wait_codes=frozenset(
        {
            "ConcurrentModification",
            "DeleteConflict",
            "EntityAlreadyExists",
            "EntityTemporarilyUnmodifiable",
            "NoSuchEntity",
        }
    ),
    stall_codes={"MalformedPolicyDocument": PARAMETER},
)


@dataclass(frozen=True)
class User(Issuer):
    """The user `id`, who may do what `policy` says. `held` is the Secret's access key."""

    kind: ClassVar[str] = "user"
    label: ClassVar[str] = "IAM user"
    api: ClassVar[ApiUse] = API
    gone_codes: ClassVar[frozenset[str]] = frozenset({"NoSuchEntity"})

    iam: IAMClient
    policy: Policy
    held: Mapping[str, str] = field(repr=False)

    def find(self) -> Found | None:
        try:
            return self.iam.get_user(UserName=self.id)["User"]
        except ClientError as exc:
            if code_of(exc) == "NoSuchEntity":
                return None
            raise

    def tags(self, found: Found) -> Mapping[str, str]:
        return tags_by_key(found.get("Tags", []))

    def create(self, ids: Mapping[str, str]) -> None:  # noqa: ARG002
        tags = tag_list(self.identity.tags())
        with tolerate("EntityAlreadyExists"):
            self.iam.create_user(UserName=self.id, Path=PATH, Tags=tags)

    def examine(self, found: Found) -> Found:
        return {**found, "Policy": self._policy(), "Keys": self._keys()}

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:  # noqa: ARG002
        alone = "this Service's alone"
        actual = alone if found["Policy"] == self.policy else "another policy"
        yield Field(USER_POLICY, alone, actual, {"PolicyDocument": json.dumps(self.policy)})
        # Without a valid key in the Secret, `issue` deletes all keys before it creates one.
        if self.accepts(found, self.held):
            yield Field(SURPLUS_KEYS, 1, len(found["Keys"]))

    def put(self, found: Found, fields: Sequence[Field]) -> Iterator[str]:  # noqa: ARG002
        for each in fields:
            if each.path == USER_POLICY:
                self.iam.put_user_policy(UserName=self.id, PolicyName=POLICY, **each.argument)
            elif each.path == SURPLUS_KEYS:
                self._delete_keys(but=self.held[ACCESS_KEY_ID])
            yield each.path

    def accepts(self, found: Found, credentials: Mapping[str, str]) -> bool:
        return _is_good(found["Keys"], credentials)

    def is_revoked(self, found: Found) -> bool:  # noqa: ARG002
        """Revoking deletes the user, so one that exists isn't revoked."""
        return False

    def revoke(self, found: Found) -> None:
        self.delete(found)

    def issue(self, credentials: Mapping[str, str]) -> Mapping[str, str]:
        if _is_good(self._keys(), credentials):
            return {name: credentials[name] for name in (ACCESS_KEY_ID, SECRET_ACCESS_KEY)}
        # A key whose secret is lost is useless, and counts against AWS's limit of two.
        self._delete_keys()
        return self._create_key()

    def delete(self, found: Found) -> bool:  # noqa: ARG002
        """Delete the user, and before that its keys and policies, whoever added them."""
        with tolerate("NoSuchEntity"):
            self._delete_keys()
            for page in self.iam.get_paginator("list_user_policies").paginate(UserName=self.id):
                for policy in page["PolicyNames"]:
                    self.iam.delete_user_policy(UserName=self.id, PolicyName=policy)
            attached = self.iam.get_paginator("list_attached_user_policies")
            for attachments in attached.paginate(UserName=self.id):
                for attachment in attachments["AttachedPolicies"]:
                    self.iam.detach_user_policy(UserName=self.id, PolicyArn=attachment["PolicyArn"])
            self.iam.delete_user(UserName=self.id)
        return True

    def _policy(self) -> Policy | None:
        try:
            found = self.iam.get_user_policy(UserName=self.id, PolicyName=POLICY)
        except ClientError as exc:
            if code_of(exc) == "NoSuchEntity":
                return None
            raise
        # The stubs say that it is text, but botocore has parsed it.
        document: Any = found["PolicyDocument"]
        return document  # type: ignore[no-any-return]

    def _keys(self) -> dict[str, str]:
        """The state, `Active` or `Inactive`, of each access key by its id."""
        pages = self.iam.get_paginator("list_access_keys").paginate(UserName=self.id)
        return {
            key["AccessKeyId"]: key["Status"] for page in pages for key in page["AccessKeyMetadata"]
        }

    def _delete_keys(self, but: str = "") -> None:
        """Delete the access keys, except the one with the id `but`."""
        for key in self._keys():
            if key != but:
                with tolerate("NoSuchEntity"):
                    self.iam.delete_access_key(UserName=self.id, AccessKeyId=key)

    def _create_key(self) -> Mapping[str, str]:
        """Raises WaitError while AWS still counts keys that were just deleted."""
        try:
            made = self.iam.create_access_key(UserName=self.id)["AccessKey"]
        except ClientError as exc:
            if code_of(exc) != "LimitExceeded":
                raise
            raise WaitError(
                f"{self.message} has all the access keys that AWS allows, although they "
                "were deleted; it is tried again",
                code="LimitExceeded",
                operation="CreateAccessKey",
            ) from exc
        return {ACCESS_KEY_ID: made["AccessKeyId"], SECRET_ACCESS_KEY: made["SecretAccessKey"]}


def _is_good(keys: Mapping[str, str], held: Mapping[str, str]) -> bool:
    """Whether the Secret holds an active key together with its secret."""
    return bool(held.get(SECRET_ACCESS_KEY)) and keys.get(held.get(ACCESS_KEY_ID, "")) == "Active"
