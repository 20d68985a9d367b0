"""Object Lock.

userguide/object-lock.html, object-lock-managing.html, object-lock-configure.html,
API/API_PutObjectLockConfiguration.html, API_PutObjectRetention.html, API_PutObjectLegalHold.html.
"""

from __future__ import annotations

import datetime
import time

import pytest

from conftest import allow_customer_keys, client, fresh_name
from customer_key import CustomerKey
from lab_services import allow, document, service, trust
from replication_status import wait_for_status
from s3_error import refused
from signed_request import content_md5, send

PROTECTED = "Access Denied because object protected by object lock."


def ahead(**period) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(**period)


def locking_bucket(s3) -> str:
    bucket = fresh_name("locked")
    s3.create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},
        ObjectLockEnabledForBucket=True,
    )
    return bucket


@pytest.fixture
def locked_bucket(s3) -> str:
    return locking_bucket(s3)


def set_default(s3, bucket: str, **retention) -> None:
    configuration = {"ObjectLockEnabled": "Enabled"}
    if retention:
        configuration["Rule"] = {"DefaultRetention": retention}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)


def test_a_bucket_made_with_it(s3, locked_bucket):
    assert s3.get_bucket_versioning(Bucket=locked_bucket)["Status"] == "Enabled"
    found = s3.get_object_lock_configuration(Bucket=locked_bucket)["ObjectLockConfiguration"]
    assert found == {"ObjectLockEnabled": "Enabled"}
    with refused(409, "InvalidBucketState"):
        s3.put_bucket_versioning(
            Bucket=locked_bucket, VersioningConfiguration={"Status": "Suspended"}
        )


def test_a_bucket_that_gets_it_later(s3, bucket):
    """object-lock-configure.html: versioning first."""
    with refused(404, "ObjectLockConfigurationNotFoundError"):
        s3.get_object_lock_configuration(Bucket=bucket)
    with refused(409, "InvalidBucketState"):
        set_default(s3, bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    set_default(s3, bucket, Mode="GOVERNANCE", Days=3)
    found = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert found["Rule"] == {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}


@pytest.mark.parametrize(
    ("retention", "code"),
    [
        ({"Mode": "GOVERNANCE"}, "MalformedXML"),
        ({"Days": 1}, "MalformedXML"),
        ({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, "MalformedXML"),
        ({"Mode": "NONE", "Days": 1}, "MalformedXML"),
        ({"Mode": "COMPLIANCE", "Days": 0}, "InvalidArgument"),
        ({"Mode": "COMPLIANCE", "Years": 101}, "InvalidArgument"),
    ],
)
def test_defaults_that_are_none(s3, locked_bucket, retention, code):
    with refused(400, code):
        set_default(s3, locked_bucket, **retention)


def test_an_empty_configuration(lab, locked_bucket):
    headers = {"Content-MD5": content_md5(b"")}
    answer = send(lab, "PUT", locked_bucket, query={"object-lock": ""}, headers=headers)
    assert (answer.status, answer.code) == (400, "MissingRequestBodyError")


def test_the_default_counts_from_creation(s3, locked_bucket):
    set_default(s3, locked_bucket, Mode="GOVERNANCE", Years=1)
    s3.put_object(Bucket=locked_bucket, Key="a", Body=b"x")
    head = s3.head_object(Bucket=locked_bucket, Key="a")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    kept = head["ObjectLockRetainUntilDate"] - head["LastModified"]
    assert abs(kept - datetime.timedelta(days=365)) < datetime.timedelta(seconds=2)
    assert "ObjectLockLegalHoldStatus" not in head
    # GET says the same.
    got = s3.get_object(Bucket=locked_bucket, Key="a")
    assert got["ObjectLockRetainUntilDate"] == head["ObjectLockRetainUntilDate"]


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_only_deleting_a_version_is_refused(s3, locked_bucket, mode):
    put = {"Bucket": locked_bucket, "Key": "a", "Body": b"x"}
    version = s3.put_object(
        **put, ObjectLockMode=mode, ObjectLockRetainUntilDate=ahead(days=1)
    )["VersionId"]
    named = {"Bucket": locked_bucket, "Key": "a", "VersionId": version}
    with refused(403, "AccessDenied") as caught:
        s3.delete_object(**named)
    assert caught.value.response["Error"]["Message"] == PROTECTED
    s3.put_object(**put)
    s3.put_object_tagging(**named, Tagging={"TagSet": [{"Key": "t", "Value": "1"}]})
    marker = s3.delete_object(Bucket=locked_bucket, Key="a")
    assert marker["DeleteMarker"] is True
    s3.delete_object(Bucket=locked_bucket, Key="a", VersionId=marker["VersionId"])

    together = s3.delete_objects(
        Bucket=locked_bucket,
        Delete={"Objects": [{"Key": "a", "VersionId": version}, {"Key": "a"}]},
        BypassGovernanceRetention=True,
    )
    if mode == "GOVERNANCE":
        assert len(together["Deleted"]) == 2
        assert "Errors" not in together
    else:
        (error,) = together["Errors"]
        assert (error["Code"], error["Message"]) == ("AccessDenied", PROTECTED)
        assert error["VersionId"] == version
        assert len(together["Deleted"]) == 1


def test_a_period_ends(s3, locked_bucket):
    version = s3.put_object(
        Bucket=locked_bucket,
        Key="a",
        Body=b"x",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=ahead(seconds=2),
    )["VersionId"]
    named = {"Bucket": locked_bucket, "Key": "a", "VersionId": version}
    with refused(403, "AccessDenied"):
        s3.delete_object(**named, BypassGovernanceRetention=True)
    time.sleep(2.1)
    s3.delete_object(**named)


def test_retention_of_a_version(s3, locked_bucket):
    s3.put_object(Bucket=locked_bucket, Key="a", Body=b"x")
    named = {"Bucket": locked_bucket, "Key": "a"}
    with refused(404, "NoSuchObjectLockConfiguration"):
        s3.get_object_retention(**named)
    until = ahead(days=2)
    s3.put_object_retention(**named, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})
    assert s3.get_object_retention(**named)["Retention"] == {
        "Mode": "GOVERNANCE",
        "RetainUntilDate": until,
    }
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": ahead(days=1)}
    for change in (shorter, {}, {"Mode": "COMPLIANCE", "RetainUntilDate": ahead(days=3)}):
        with refused(403, "AccessDenied"):
            s3.put_object_retention(**named, Retention=change)
    s3.put_object_retention(**named, Retention=shorter, BypassGovernanceRetention=True)
    s3.put_object_retention(**named, Retention={}, BypassGovernanceRetention=True)
    with refused(404, "NoSuchObjectLockConfiguration"):
        s3.get_object_retention(**named)
    assert "ObjectLockMode" not in s3.head_object(**named)


def test_legal_holds(s3, locked_bucket):
    version = s3.put_object(Bucket=locked_bucket, Key="a", Body=b"x")["VersionId"]
    named = {"Bucket": locked_bucket, "Key": "a", "VersionId": version}
    with refused(404, "NoSuchObjectLockConfiguration"):
        s3.get_object_legal_hold(**named)
    s3.put_object_legal_hold(**named, LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(**named)["LegalHold"] == {"Status": "ON"}
    assert s3.head_object(**named)["ObjectLockLegalHoldStatus"] == "ON"
    with refused(403, "AccessDenied"):
        s3.delete_object(**named, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(**named, LegalHold={"Status": "OFF"})
    s3.delete_object(**named)


def test_copies_do_not_inherit(s3, locked_bucket):
    """userguide/copy-object.html"""
    s3.put_object(
        Bucket=locked_bucket,
        Key="a",
        Body=b"x",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=ahead(days=1),
        ObjectLockLegalHoldStatus="ON",
    )
    source = {"Bucket": locked_bucket, "Key": "a"}
    s3.copy_object(Bucket=locked_bucket, Key="b", CopySource=source)
    head = s3.head_object(Bucket=locked_bucket, Key="b")
    assert not [name for name in head if name.startswith("ObjectLock")]
    until = ahead(days=5)
    s3.copy_object(
        Bucket=locked_bucket,
        Key="c",
        CopySource=source,
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=until,
        ObjectLockLegalHoldStatus="OFF",
    )
    head = s3.head_object(Bucket=locked_bucket, Key="c")
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ObjectLockRetainUntilDate"] == until
    assert head["ObjectLockLegalHoldStatus"] == "OFF"


def test_digests_are_demanded(lab, s3, locked_bucket):
    """object-lock-managing.html: Content-MD5 or a checksum for what is to be locked."""
    plain = client(lab, request_checksum_calculation="when_required")
    held = {"Bucket": locked_bucket, "Key": "a", "ObjectLockLegalHoldStatus": "ON"}
    with refused(400, "InvalidRequest"):
        plain.put_object(Body=b"x", **held)
    plain.put_object(Body=b"x", ChecksumAlgorithm="SHA256", **held)
    upload = plain.create_multipart_upload(**held)["UploadId"]
    part = {"Bucket": locked_bucket, "Key": "a", "UploadId": upload, "PartNumber": 1}
    with refused(400, "InvalidRequest"):
        plain.upload_part(Body=b"x", **part)
    plain.upload_part(Body=b"x", ContentMD5=content_md5(b"x"), **part)
    set_default(s3, locked_bucket, Mode="GOVERNANCE", Days=1)
    with refused(400, "InvalidRequest"):
        plain.put_object(Bucket=locked_bucket, Key="a", Body=b"x")


@pytest.mark.parametrize(
    ("subresource", "document"),
    [
        ("object-lock", b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
         b"</ObjectLockConfiguration>"),
        ("legal-hold", b"<LegalHold><Status>ON</Status></LegalHold>"),
        ("retention", b"<Retention/>"),
    ],
)
def test_documents_come_with_their_digest(lab, s3, locked_bucket, subresource, document):
    s3.put_object(Bucket=locked_bucket, Key="a", Body=b"x")
    address = [locked_bucket] if subresource == "object-lock" else [locked_bucket, "a"]

    def put(headers):
        answer = send(
            lab, "PUT", *address, query={subresource: ""}, headers=headers, body=document
        )
        return answer.status, answer.code

    assert put({}) == (400, "InvalidRequest")
    assert put({"Content-MD5": content_md5(b"another")}) == (400, "BadDigest")
    assert put({"Content-MD5": content_md5(document)}) == (200, None)


def test_event_holds_are_not_there(lab, s3, locked_bucket):
    s3.put_object(Bucket=locked_bucket, Key="a", Body=b"x")
    document = b"<Retention><EventHold>ON</EventHold></Retention>"
    answer = send(
        lab,
        "PUT",
        locked_bucket,
        "a",
        query={"retention": ""},
        headers={"Content-MD5": content_md5(document)},
        body=document,
    )
    assert (answer.status, answer.code) == (501, "NotImplemented")
    answer = send(
        lab, "PUT", locked_bucket, "b", headers={"x-amz-object-lock-event-hold": "ON"}, body=b"x"
    )
    assert (answer.status, answer.code) == (501, "NotImplemented")


def test_dates_that_are_none(lab, locked_bucket):
    headers = {
        "x-amz-object-lock-mode": "GOVERNANCE",
        "x-amz-object-lock-retain-until-date": "tomorrow",
    }
    answer = send(lab, "PUT", locked_bucket, "a", headers=headers, body=b"x")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_the_bypass_is_for_buckets_with_it(s3, versioned):
    for value in (True, False):
        with refused(400, "InvalidArgument"):
            s3.delete_object(Bucket=versioned, Key="a", BypassGovernanceRetention=value)
        with refused(400, "InvalidArgument"):
            s3.delete_objects(
                Bucket=versioned,
                Delete={"Objects": [{"Key": "a"}]},
                BypassGovernanceRetention=value,
            )


def test_locks_replicate_with_customer_keys(lab, s3, s3_second):
    """object-lock-managing.html: the replica is locked as its source; both buckets have it."""
    source, destination = locking_bucket(s3), locking_bucket(s3_second)
    for each, bucket in ((s3, source), (s3_second, destination)):
        allow_customer_keys(each, bucket)
    iam = service(lab, "iam")
    role = fresh_name("role")
    arn = iam.create_role(
        RoleName=role, AssumeRolePolicyDocument=trust({"Service": "s3.amazonaws.com"})
    )["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=role, PolicyName="replicate", PolicyDocument=document(allow("s3:*"))
    )
    s3.put_bucket_replication(
        Bucket=source,
        ReplicationConfiguration={
            "Role": arn,
            "Rules": [
                {
                    "ID": "all",
                    "Status": "Enabled",
                    "Priority": 1,
                    "Filter": {"Prefix": ""},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "Destination": {"Bucket": f"arn:aws:s3:::{destination}"},
                }
            ],
        },
    )
    key, until = CustomerKey(), ahead(days=1)
    version = s3.put_object(
        Bucket=source,
        Key="a",
        Body=b"secret",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
        **key.arguments(),
    )["VersionId"]
    wait_for_status(s3, source, "a", "COMPLETED", **key.arguments())
    replica = s3_second.head_object(
        Bucket=destination, Key="a", VersionId=version, **key.arguments()
    )
    assert replica["ObjectLockMode"] == "GOVERNANCE"
    assert replica["ObjectLockRetainUntilDate"] == until
    with refused(403, "AccessDenied"):
        s3_second.delete_object(Bucket=destination, Key="a", VersionId=version)
    s3.put_object_legal_hold(
        Bucket=source, Key="a", VersionId=version, LegalHold={"Status": "ON"}
    )
    wait_for_status(s3, source, "a", "COMPLETED", **key.arguments())
    replica = s3_second.head_object(
        Bucket=destination, Key="a", VersionId=version, **key.arguments()
    )
    assert replica["ObjectLockLegalHoldStatus"] == "ON"
