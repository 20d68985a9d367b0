"""Tags of objects.

userguide/object-tagging.html (limits), API/API_PutObjectTagging.html, API_GetObjectTagging.html,
API_DeleteObjectTagging.html.
"""

import pytest

from s3_error import refused
from signed_request import send


@pytest.fixture
def stored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    return {"Bucket": bucket, "Key": "k"}


def tag_set(**tags):
    return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}


def tags(s3, address):
    return {each["Key"]: each["Value"] for each in s3.get_object_tagging(**address)["TagSet"]}


def test_put_replaces_all(s3, stored):
    assert tags(s3, stored) == {}
    s3.put_object_tagging(Tagging=tag_set(a="1", b="2"), **stored)
    assert tags(s3, stored) == {"a": "1", "b": "2"}
    s3.put_object_tagging(Tagging=tag_set(c=""), **stored)
    assert tags(s3, stored) == {"c": ""}
    assert s3.get_object(**stored)["TagCount"] == 1
    gone = s3.delete_object_tagging(**stored)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert tags(s3, stored) == {}
    assert "TagCount" not in s3.get_object(**stored)


def test_header_is_a_query(s3, bucket):
    """API/API_PutObject.html: x-amz-tagging is encoded as URL query parameters."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a%20b=c%2Bd&empty=&flag")
    assert tags(s3, {"Bucket": bucket, "Key": "k"}) == {"a b": "c+d", "empty": "", "flag": ""}


def test_limits(s3, stored):
    """Ten tags, keys of 128 and values of 256 characters; 400 BadRequest and 400 InvalidTag."""
    s3.put_object_tagging(Tagging=tag_set(**{f"k{n}": "v" for n in range(10)}), **stored)
    with refused(400, "BadRequest"):
        s3.put_object_tagging(Tagging=tag_set(**{f"k{n}": "v" for n in range(11)}), **stored)
    s3.put_object_tagging(Tagging=tag_set(**{"k" * 128: "v" * 256}), **stored)
    for wrong in ({"k" * 129: "v"}, {"k": "v" * 257}, {"aws:mine": "v"}):
        with refused(400, "InvalidTag"):
            s3.put_object_tagging(Tagging=tag_set(**wrong), **stored)


def test_tag_without_a_name(lab, stored):
    body = b"<Tagging><TagSet><Tag><Key></Key><Value>v</Value></Tag></TagSet></Tagging>"
    answer = send(lab, "PUT", stored["Bucket"], "k", {"tagging": ""}, body=body)
    assert (answer.status, answer.code) == (400, "InvalidTag")


def test_tag_twice(s3, stored):
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    with refused(400, "InvalidTag"):
        s3.put_object_tagging(Tagging=twice, **stored)


def test_too_many_in_the_header(s3, bucket):
    with refused(400, ("BadRequest", "InvalidTag")):
        s3.put_object(
            Bucket=bucket, Key="k", Body=b"x", Tagging="&".join(f"k{n}=v" for n in range(11))
        )
    with refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


def test_missing_object(s3, bucket):
    address = {"Bucket": bucket, "Key": "none"}
    with refused(404, "NoSuchKey"):
        s3.get_object_tagging(**address)
    with refused(404, "NoSuchKey"):
        s3.put_object_tagging(Tagging=tag_set(a="1"), **address)


def test_delete_marker(s3, versioned):
    """API/API_GetObjectTagging.html: the current version is a marker: 404 or 405."""
    s3.put_object(Bucket=versioned, Key="k", Body=b"x", Tagging="a=1")
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    from botocore.exceptions import ClientError

    for version in ({}, {"VersionId": marker}):
        with pytest.raises(ClientError) as caught:
            s3.get_object_tagging(Bucket=versioned, Key="k", **version)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 405)


def test_malformed(lab, stored):
    for body in (b"", b"<Tagging>", b"<Other/>"):
        answer = send(lab, "PUT", stored["Bucket"], "k", {"tagging": ""}, body=body)
        assert answer.status == 400
        assert answer.code in ("MalformedXML", "MissingRequestBodyError", "InvalidRequest")


def test_tagging_keeps_data_and_version(s3, versioned):
    put = s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    before = s3.head_object(Bucket=versioned, Key="k")
    s3.put_object_tagging(Bucket=versioned, Key="k", Tagging=tag_set(a="1"))
    after = s3.head_object(Bucket=versioned, Key="k")
    assert after["VersionId"] == put["VersionId"]
    assert after["LastModified"] == before["LastModified"]
    assert len(s3.list_object_versions(Bucket=versioned)["Versions"]) == 1
