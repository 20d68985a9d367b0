"""CopyObject without customer keys. API/API_CopyObject.html"""

import hashlib

import pytest

from conftest import make_bucket
from s3_error import refused
from signed_request import send


@pytest.fixture
def source(s3, bucket):
    s3.put_object(
        Bucket=bucket,
        Key="a",
        Body=b"data",
        ContentType="text/plain",
        Metadata={"one": "1"},
        Tagging="t=1",
    )
    return {"Bucket": bucket, "Key": "a"}


def test_copies_data_metadata_and_tags(s3, source):
    copied = s3.copy_object(Bucket=source["Bucket"], Key="b", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"data").hexdigest()}"'
    assert copied["CopyObjectResult"]["LastModified"]
    found = s3.get_object(Bucket=source["Bucket"], Key="b")
    assert found["Body"].read() == b"data"
    assert found["ContentType"] == "text/plain"
    assert found["Metadata"] == {"one": "1"}
    assert s3.get_object_tagging(Bucket=source["Bucket"], Key="b")["TagSet"] == [
        {"Key": "t", "Value": "1"}
    ]


def test_replace_metadata(s3, source):
    s3.copy_object(
        Bucket=source["Bucket"],
        Key="b",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"two": "2"},
        ContentType="text/html",
    )
    head = s3.head_object(Bucket=source["Bucket"], Key="b")
    assert (head["Metadata"], head["ContentType"]) == ({"two": "2"}, "text/html")


def test_metadata_is_ignored_unless_replaced(s3, source):
    s3.copy_object(
        Bucket=source["Bucket"], Key="b", CopySource=source, Metadata={"two": "2"},
        ContentType="text/html",
    )
    head = s3.head_object(Bucket=source["Bucket"], Key="b")
    assert (head["Metadata"], head["ContentType"]) == ({"one": "1"}, "text/plain")


def test_replace_tags(s3, source):
    s3.copy_object(
        Bucket=source["Bucket"], Key="b", CopySource=source, TaggingDirective="REPLACE",
        Tagging="u=2",
    )
    assert s3.get_object_tagging(Bucket=source["Bucket"], Key="b")["TagSet"] == [
        {"Key": "u", "Value": "2"}
    ]


def test_onto_itself_without_a_change(s3, source):
    """400 InvalidRequest."""
    with refused(400, "InvalidRequest"):
        s3.copy_object(CopySource=source, **source)


def test_onto_itself_with_new_metadata(s3, source):
    s3.copy_object(
        CopySource=source, MetadataDirective="REPLACE", Metadata={"new": "yes"}, **source
    )
    assert s3.head_object(**source)["Metadata"] == {"new": "yes"}


def test_between_buckets_and_regions(s3, s3_second, source):
    """userguide/copy-object.html: source and destination can be in different Regions."""
    other = make_bucket(s3)
    s3.copy_object(Bucket=other, Key="b", CopySource=source)
    assert s3.get_object(Bucket=other, Key="b")["Body"].read() == b"data"
    far = make_bucket(s3_second)
    s3_second.copy_object(Bucket=far, Key="b", CopySource=source)
    assert s3_second.get_object(Bucket=far, Key="b")["Body"].read() == b"data"


def test_missing_sources(s3, bucket):
    with refused(404, "NoSuchKey"):
        s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "none"})
    with refused(404, "NoSuchBucket"):
        s3.copy_object(
            Bucket=bucket, Key="b", CopySource={"Bucket": "no-such-bucket-here", "Key": "a"}
        )


@pytest.mark.parametrize("text", ["/", "bucket", "/bucket", "/bucket/"])
def test_sources_that_are_none(lab, bucket, text):
    """API/ErrorResponses.html: 400 InvalidArgument; bucket and key must both be named."""
    source = text.replace("bucket", bucket)
    answer = send(lab, "PUT", bucket, "b", headers={"x-amz-copy-source": source})
    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("slash", ["", "/"])
def test_source_spellings(lab, s3, source, slash):
    """The header is URL-encoded, with or without a leading slash."""
    bucket = source["Bucket"]
    s3.put_object(Bucket=bucket, Key="ü +%?", Body=b"odd")
    header = f"{slash}{bucket}/%C3%BC%20%2B%25%3F"
    answer = send(lab, "PUT", bucket, "b", headers={"x-amz-copy-source": header})
    assert answer.status == 200, answer.body
    assert s3.get_object(Bucket=bucket, Key="b")["Body"].read() == b"odd"


def test_encryption_is_not_inherited(s3, source):
    """The copy is encrypted as asked, or as the destination's default."""
    s3.copy_object(
        Bucket=source["Bucket"], Key="b", CopySource=source, ServerSideEncryption="aws:kms"
    )
    assert s3.head_object(Bucket=source["Bucket"], Key="b")["ServerSideEncryption"] == "aws:kms"
    s3.copy_object(
        Bucket=source["Bucket"], Key="c", CopySource={"Bucket": source["Bucket"], "Key": "b"}
    )
    assert s3.head_object(Bucket=source["Bucket"], Key="c")["ServerSideEncryption"] == "AES256"
