"""The product s3 against an emulator that enforces IAM policies and TLS."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from setops.api.service_type import DeletionPolicy
from setops.aws.decide import (
    Create,
    Delete,
    Done,
    Foreign,
    IssueCredentials,
    Relinquish,
    Update,
)
from setops.aws.errors import ConflictError, StalledError, WaitError
from setops.aws.observation import Presence
from setops.aws.target import Account
from tests.cluster.aws.story import Faults, KilledError, Operator, Root, app, hooked, recorded


def name_of(operator: Operator) -> str:
    return operator.ids()["bucket"]


def test_a_service_becomes_a_tagged_private_bucket_with_an_own_user(
    operator: Operator, root: Root
) -> None:
    assert operator.create() == [Create(), IssueCredentials(), Done()]

    name = name_of(operator)
    tags = operator.target.identity.tags()
    found = root.s3.get_bucket_tagging(Bucket=name)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in found} == tags
    found_user = root.iam.list_user_tags(UserName=name)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in found_user} == tags
    block = root.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    encryption = root.s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    assert len(encryption["Rules"]) == 1
    assert root.s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-central-1"
    assert root.keys(name) == [operator.secret["accessKeyId"]]
    observation = operator.observe()
    assert observation.ready
    assert observation.main.arn == f"arn:aws:s3:::{name}"
    assert observation.ids == {"bucket": name, "user": name}


def test_the_link_gives_everything_in_that_bucket_and_nothing_else(
    operator: Operator, another: Callable[[], Operator]
) -> None:
    operator.create()
    other = another()
    other.create()

    s3, bucket = app(operator.secret["url"])
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"data")
    assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"data"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="big", UploadId=upload)
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b"]
    s3.delete_object(Bucket=bucket, Key="a/b")

    refused: list[Callable[[], object]] = [
        lambda: s3.get_object(Bucket=name_of(other), Key="a"),
        lambda: s3.list_buckets(),
        lambda: s3.create_bucket(
            Bucket="setops-elsewhere",
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        ),
        lambda: s3.delete_bucket(Bucket=bucket),
        lambda: s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": []}),
        lambda: s3.delete_public_access_block(Bucket=bucket),
        lambda: s3.delete_bucket_policy(Bucket=bucket),
    ]
    for call in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_plain_http_is_refused(operator: Operator, root: Root) -> None:
    """The emulator speaks TLS only, so the policy itself is looked at."""
    operator.create()
    policy = json.loads(root.s3.get_bucket_policy(Bucket=name_of(operator))["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [
        f"arn:aws:s3:::{name_of(operator)}",
        f"arn:aws:s3:::{name_of(operator)}/*",
    ]


def test_the_link_value_survives_characters_with_a_meaning_in_urls(operator: Operator) -> None:
    held = {"accessKeyId": "AK/IA", "secretAccessKey": "a/b+c=d@e:f?g#h%"}
    target = replace(operator.target, credentials=held)
    operator.create()
    connection = operator.gateway().connection(target, operator.observe())
    parts = urlsplit(connection["url"])
    assert (parts.username, parts.password) == ("AK%2FIA", "a%2Fb%2Bc%3Dd%40e%3Af%3Fg%23h%25")
    assert parts.hostname == name_of(operator)
    assert parse_qs(parts.query) == {
        "region": ["eu-central-1"],
        "endpoint": [operator.target.account.endpoint_url],
    }


def test_us_east_1_is_not_named_as_a_location(operator: Operator) -> None:
    operator.target = replace(
        operator.target, account=replace(operator.target.account, region="us-east-1")
    )
    assert operator.create()[-1] == Done()
    assert operator.create() == [Done()]


def test_a_second_create_changes_nothing(operator: Operator, root: Root) -> None:
    operator.create()
    before = dict(operator.secret)
    operator.composite().create()
    assert operator.create() == [Done()]
    assert operator.secret == before
    assert root.keys(name_of(operator)) == [before["accessKeyId"]]


def test_a_settled_service_is_only_read(operator: Operator) -> None:
    operator.create()
    with recorded(operator.clients, operator.target.account) as calls:
        operator.create()
    assert {call for call in calls if not call.startswith(("Get", "List"))} == set()
    assert len(calls) == 7


def faulty(operator: Operator, faults: Faults, run: Callable[[], object]) -> bool:
    """Runs with faults; whether one struck."""
    account = operator.target.account
    try:
        with hooked(operator.clients, account, "after-call", faults):
            run()
    except (KilledError, WaitError):
        assert faults.struck
        return True
    return False


LOST = ReadTimeoutError(endpoint_url="https://aws")
FAULTS = {"the operator is killed": KilledError(), "the answer is lost": LOST}


@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS)
def test_a_creation_that_breaks_after_any_change_ends_the_same(
    error: Exception, another: Callable[[], Operator], root: Root
) -> None:
    for call in itertools.count(1):
        operator, faults = another(), Faults(call, error)
        if not faulty(operator, faults, operator.create):
            break
        where = faults.calls[-1]
        assert operator.create()[-1] == Done(), where
        name = name_of(operator)
        assert root.keys(name) == [operator.secret["accessKeyId"]], where
        s3, bucket = app(operator.secret["url"])
        s3.put_object(Bucket=bucket, Key="k", Body=b"v")
        operator.delete()
        assert name not in (*root.buckets(), *root.users()), where
    assert {"s3.CreateBucket", "iam.CreateUser", "iam.CreateAccessKey"} <= set(faults.calls)


@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS)
def test_a_deletion_that_breaks_after_any_change_leaves_nothing(
    error: Exception, another: Callable[[], Operator], root: Root
) -> None:
    for call in itertools.count(1):
        operator, faults = another(), Faults(call, error)
        operator.create()
        name = name_of(operator)
        root.s3.put_object(Bucket=name, Key="k", Body=b"v")
        root.s3.create_multipart_upload(Bucket=name, Key="half")
        if not faulty(operator, faults, operator.delete):
            break
        assert operator.delete()[-1] == Done(), faults.calls[-1]
        assert name not in (*root.buckets(), *root.users()), faults.calls[-1]
    expected = {"s3.AbortMultipartUpload", "s3.DeleteObjects", "s3.DeleteBucket", "iam.DeleteUser"}
    assert expected <= set(faults.calls)


def test_a_life_in_which_every_call_fails_once(operator: Operator, root: Root) -> None:
    for run in (operator.create, operator.delete):
        for call in itertools.count(1):
            if not faulty(operator, Faults(call, LOST, reads=True), run):
                break
        if run == operator.create:
            assert operator.observe().ready
            assert root.keys(name_of(operator)) == [operator.secret["accessKeyId"]]
    assert name_of(operator) not in (*root.buckets(), *root.users())


def test_delete_removes_all_versions_and_uploads_by_the_thousand(
    operator: Operator, root: Root
) -> None:
    operator.create()
    bucket = name_of(operator)
    s3 = root.s3
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for number in range(120):
        s3.put_object(Bucket=bucket, Key=f"{number % 100}", Body=b"")
    # Deleting in a versioned bucket adds a marker, which counts as a version too.
    for start in (0, 500):
        keys = [{"Key": f"{number}"} for number in range(start, start + 500)]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})  # type: ignore[typeddict-item]
    first_page = s3.list_object_versions(Bucket=bucket)
    assert first_page["IsTruncated"]
    assert len(first_page["Versions"]) + len(first_page["DeleteMarkers"]) == 1000
    s3.create_multipart_upload(Bucket=bucket, Key="half")

    assert operator.delete() == [Delete(), Done()]
    assert bucket not in root.buckets()
    assert bucket not in root.users()


def test_retain_keeps_the_data_takes_the_access_and_is_adopted_again(
    operator: Operator, root: Root
) -> None:
    operator.target = replace(operator.target, deletion_policy=DeletionPolicy.RETAIN)
    operator.create()
    old = operator.secret["url"]
    s3, bucket = app(old)
    s3.put_object(Bucket=bucket, Key="kept", Body=b"v")

    assert operator.delete() == [Relinquish(), Done()]
    assert bucket in root.buckets()
    assert bucket not in root.users()
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        s3.get_object(Bucket=bucket, Key="kept")

    again = Operator(operator.clients, operator.target)
    assert again.create() == [Create(), IssueCredentials(), Done()]
    assert again.secret["url"] != old
    s3, bucket = app(again.secret["url"])
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"v"
    again.target = replace(again.target, deletion_policy=DeletionPolicy.DELETE)
    again.delete()


def test_a_policy_that_keeps_data_never_reaches_the_deletion_of_a_bucket(
    operator: Operator, root: Root
) -> None:
    operator.create()
    for policy in (DeletionPolicy.RETAIN, DeletionPolicy.SNAPSHOT):
        with pytest.raises(StalledError, match="does not delete a bucket"):
            operator.composite(deletion_policy=policy).delete()
    assert name_of(operator) in root.buckets()


def test_drift_is_seen_and_put_right(operator: Operator, root: Root) -> None:
    operator.create()
    name = name_of(operator)
    root.s3.delete_public_access_block(Bucket=name)
    root.s3.delete_bucket_policy(Bucket=name)
    root.iam.put_user_policy(
        UserName=name,
        PolicyName="setops",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            }
        ),
    )
    root.iam.create_access_key(UserName=name)
    first, *rest = operator.create()
    assert isinstance(first, Update)
    assert [difference.path for difference in first.differences] == [
        "bucket.publicAccessBlock",
        "bucket.tlsOnly",
        "user.policy",
        "user.accessKeys",
    ]
    assert rest == [Done()]
    assert root.keys(name) == [operator.secret["accessKeyId"]]


def test_the_same_policy_in_another_spelling_is_no_drift(operator: Operator, root: Root) -> None:
    operator.create()
    name = name_of(operator)
    policy = json.loads(root.s3.get_bucket_policy(Bucket=name)["Policy"])
    (statement,) = policy["Statement"]
    statement["Resource"].reverse()
    statement["Action"] = [statement["Action"]]
    policy["Statement"] = statement
    root.s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    assert operator.create() == [Done()]


def test_a_bucket_deleted_behind_our_back_is_made_again(operator: Operator, root: Root) -> None:
    operator.create()
    root.s3.delete_bucket(Bucket=name_of(operator))
    assert operator.observe().presence is Presence.PARTIAL
    assert operator.create() == [Create(), Done()]


def test_a_key_that_was_switched_off_is_replaced(operator: Operator, root: Root) -> None:
    operator.create()
    old, name = operator.secret["accessKeyId"], name_of(operator)
    root.iam.update_access_key(UserName=name, AccessKeyId=old, Status="Inactive")
    assert operator.create() == [IssueCredentials(), Done()]
    assert root.keys(name) == [operator.secret["accessKeyId"]] != [old]


def test_the_option_opens_and_closes_the_public_access_block(
    operator: Operator, root: Root
) -> None:
    operator.create()
    bucket = name_of(operator)
    operator.target = replace(operator.target, options={"blockPublicAccess": False})
    assert [type(action) for action in operator.create()] == [Update, Done]
    with pytest.raises(ClientError, match="NoSuchPublicAccessBlockConfiguration"):
        root.s3.get_public_access_block(Bucket=bucket)

    # What the App itself says in the bucket policy stays, beside the refusal of plain HTTP.
    s3, _ = app(operator.secret["url"])
    public = {
        "Sid": "Public",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [public]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert [type(action) for action in operator.create()] == [Update, Done]
    statements = json.loads(root.s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in statements] == ["Public", "SetopsTlsOnly"]

    operator.target = replace(operator.target, options={"blockPublicAccess": "true"})
    assert [type(action) for action in operator.create()] == [Update, Done]
    assert len(root.s3.get_public_access_block(Bucket=bucket)) == 2


@pytest.mark.parametrize("tags", [{}, {"setops:service": "store", "setops:project": "other"}])
def test_a_bucket_of_our_name_that_is_not_ours_is_never_touched(
    tags: dict[str, str], operator: Operator, root: Root
) -> None:
    bucket = name_of(operator)
    s3 = root.s3
    s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    if tags:
        tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_set})  # type: ignore[typeddict-item]
    s3.put_object(Bucket=bucket, Key="theirs", Body=b"v")

    assert operator.create() == [Foreign((f"S3 bucket {bucket}",))]
    assert operator.delete() == [Done()]
    operator.composite().delete()
    with pytest.raises(ConflictError, match=f"S3 bucket {bucket} exists without our tags"):
        operator.composite().create()
    assert bucket not in root.users()
    assert s3.get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"v"
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)


def test_a_name_taken_in_another_account_is_a_conflict(operator: Operator) -> None:
    bucket = name_of(operator)
    theirs = Root(
        Account("555555555555", "eu-central-1", endpoint_url=operator.target.account.endpoint_url)
    )
    theirs.s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    assert operator.create() == [Foreign((f"S3 bucket {bucket}",))]
    assert operator.delete() == [Done()]
    assert theirs.buckets() == [bucket]


def test_a_user_of_our_name_that_is_not_ours_is_never_touched(
    operator: Operator, root: Root
) -> None:
    name = name_of(operator)
    root.iam.create_user(UserName=name)
    root.iam.create_access_key(UserName=name)
    assert operator.create() == [Foreign((f"IAM user {name}",))]
    with pytest.raises(WaitError, match="is not this Service's"):
        operator.composite().issue_credentials()
    operator.composite().relinquish()
    assert len(root.keys(name)) == 1


def test_keys_that_nobody_holds_go_before_a_new_one_is_made(operator: Operator, root: Root) -> None:
    """AWS allows two keys per user, the emulator more: so the order of the calls is looked at."""
    operator.create()
    name = name_of(operator)
    root.iam.create_access_key(UserName=name)
    operator.secret = {}
    with recorded(operator.clients, operator.target.account) as calls:
        operator.create()
    changes = [call for call in calls if call.endswith("AccessKey")]
    assert changes == ["DeleteAccessKey", "DeleteAccessKey", "CreateAccessKey"]
    assert root.keys(name) == [operator.secret["accessKeyId"]]


def test_a_limit_on_keys_passes_by_itself(operator: Operator) -> None:
    """IAM counts a deleted key for a moment; AWS's code is that of a quota."""

    def refuse(model: Any, **_: object) -> Any:
        if model.name != "CreateAccessKey":
            return None
        error = {"Code": "LimitExceeded", "Message": "Cannot exceed quota for AccessKeysPerUser: 2"}
        return SimpleNamespace(status_code=409), {"Error": error, "ResponseMetadata": {}}

    with (
        hooked(operator.clients, operator.target.account, "before-call", refuse),
        pytest.raises(WaitError, match="has all the access keys"),
    ):
        operator.create()
    assert operator.create()[-1] == Done()


def test_a_bucket_without_default_encryption_gets_one(operator: Operator) -> None:
    """AWS encrypts every new bucket, and so does the emulator; older buckets may have no rule."""
    operator.create()
    missing = "ServerSideEncryptionConfigurationNotFoundError"

    def unencrypted(model: Any, **_: object) -> Any:
        if model.name != "GetBucketEncryption":
            return None
        return SimpleNamespace(status_code=404), {"Error": {"Code": missing}}

    with hooked(operator.clients, operator.target.account, "before-call", unencrypted):
        (difference,) = operator.observe().differences
    assert difference.path == "bucket.encryption"
    observation = replace(operator.observe(), differences=(difference,))
    with recorded(operator.clients, operator.target.account) as calls:
        operator.composite().update(observation, set())
    assert calls == ["PutBucketEncryption"]


def test_a_right_that_we_lack_is_not_taken_for_a_foreign_bucket(operator: Operator) -> None:
    operator.create()

    def deny(model: Any, **_: object) -> Any:
        if model.name != "GetBucketTagging":
            return None
        return SimpleNamespace(status_code=403), {"Error": {"Code": "AccessDenied"}}

    with (
        hooked(operator.clients, operator.target.account, "before-call", deny),
        pytest.raises(StalledError, match="GetBucketTagging") as caught,
    ):
        operator.observe()
    assert caught.value.code == "AccessDenied"


def test_an_object_that_aws_keeps_stalls_the_deletion(operator: Operator, root: Root) -> None:
    operator.create()
    root.s3.put_object(Bucket=name_of(operator), Key="locked", Body=b"v")

    def keep(model: Any, **_: object) -> Any:
        if model.name != "DeleteObjects":
            return None
        error = {"Key": "locked", "Code": "AccessDenied", "Message": "Access Denied"}
        return SimpleNamespace(status_code=200), {"Errors": [error]}

    with (
        hooked(operator.clients, operator.target.account, "before-call", keep),
        pytest.raises(StalledError, match="locked: Access Denied"),
    ):
        operator.delete()
    assert operator.delete()[-1] == Done()


def test_a_user_with_policies_that_somebody_attached_can_still_go(
    operator: Operator, root: Root
) -> None:
    operator.create()
    name = name_of(operator)
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
        }
    )
    made = root.iam.create_policy(PolicyName="added", PolicyDocument=document)["Policy"]
    root.iam.attach_user_policy(UserName=name, PolicyArn=made["Arn"])
    root.iam.put_user_policy(UserName=name, PolicyName="other", PolicyDocument=document)
    assert operator.delete() == [Delete(), Done()]
    assert name not in root.users()
