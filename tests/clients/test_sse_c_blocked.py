"""Blocking customer keys per bucket, the default since April 2026.

userguide/blocking-unblocking-s3-c-encryption-gpb.html: PutObject, CopyObject, PostObject and
multipart uploads that specify SSE-C are rejected with HTTP 403 AccessDenied; existing objects
can still be read with GetObject and HeadObject.
"""

import pytest

from conftest import allow_customer_keys, make_bucket, set_blocked_encryption
from customer_key import CustomerKey
from s3_error import refused
from signed_request import send


def blocked_types(s3, bucket):
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert len(rules) == 1
    return rules[0].get("BlockedEncryptionTypes")


def test_new_buckets_block_customer_keys(s3, bucket):
    assert blocked_types(s3, bucket) == {"EncryptionType": ["SSE-C"]}


def test_blocked_writes(s3, bucket, customer_key):
    with refused(403, "AccessDenied"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer_key.arguments())
    with refused(403, "AccessDenied"):
        s3.create_multipart_upload(Bucket=bucket, Key="k", **customer_key.arguments())
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    with refused(403, "AccessDenied"):
        s3.copy_object(
            Bucket=bucket, Key="k", CopySource=f"{bucket}/plain", **customer_key.arguments()
        )
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["plain"]


def test_plain_writes_are_not_blocked(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)


def test_allowing_and_blocking_again(s3, bucket, customer_key):
    allow_customer_keys(s3, bucket)
    assert blocked_types(s3, bucket) == {"EncryptionType": ["NONE"]}
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret", **customer_key.arguments())

    set_blocked_encryption(s3, bucket, "SSE-C")
    assert blocked_types(s3, bucket) == {"EncryptionType": ["SSE-C"]}
    with refused(403, "AccessDenied"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", **customer_key.arguments())

    # What is there stays readable, listable and deletable.
    found = s3.get_object(Bucket=bucket, Key="k", **customer_key.arguments())
    assert found["Body"].read() == b"secret"
    s3.head_object(Bucket=bucket, Key="k", **customer_key.arguments())
    s3.delete_object(Bucket=bucket, Key="k")


def test_a_blocked_bucket_is_a_copy_source(s3, bucket, customer_key):
    """Only the destination of a copy is written."""
    allow_customer_keys(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret", **customer_key.arguments())
    set_blocked_encryption(s3, bucket, "SSE-C")
    open_bucket = make_bucket(s3, customer_keys=True)
    s3.copy_object(
        Bucket=open_bucket,
        Key="k",
        CopySource=f"{bucket}/k",
        **customer_key.arguments(),
        **customer_key.source_arguments(),
    )
    s3.copy_object(
        Bucket=bucket, Key="plain", CopySource=f"{bucket}/k", **customer_key.source_arguments()
    )
    assert s3.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"secret"


def test_a_default_rule_alone_can_carry_the_setting(s3, bucket, customer_key):
    """API/API_ServerSideEncryptionRule.html: every member of the rule is optional."""
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]
        },
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer_key.arguments())
    # SSE-S3 remains what encrypts a request without a key.
    assert s3.put_object(Bucket=bucket, Key="p", Body=b"x")["ServerSideEncryption"] == "AES256"


def test_unknown_blocked_type(lab, bucket):
    """API/API_BlockedEncryptionTypes.html: valid values are NONE and SSE-C; the page is silent on
    the code."""
    body = (
        b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
        b"<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
        b"<BlockedEncryptionTypes><EncryptionType>SSE-X</EncryptionType></BlockedEncryptionTypes>"
        b"</Rule></ServerSideEncryptionConfiguration>"
    )
    answer = send(lab, "PUT", bucket, query={"encryption": ""}, body=body)
    assert answer.status == 400
    assert answer.code in ("MalformedXML", "InvalidArgument")


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'])
def test_the_element_is_read_with_and_without_namespace(lab, s3, bucket, namespace):
    """API/API_PutBucketEncryption.html: the request carries S3's namespace; S3 takes both."""
    body = (
        f"<ServerSideEncryptionConfiguration{namespace}><Rule><ApplyServerSideEncryptionByDefault>"
        "<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
        "<BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes>"
        "</Rule></ServerSideEncryptionConfiguration>"
    ).encode()
    assert send(lab, "PUT", bucket, query={"encryption": ""}, body=body).status == 200
    key = CustomerKey()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **key.arguments())
