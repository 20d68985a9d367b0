"""Conditional reads, writes and copies.

userguide/conditional-requests.html, conditional-reads.html, conditional-writes.html,
conditional-deletes.html and API/API_CopyObject.html.
"""

import datetime

import pytest

from s3_error import refused

LONG_AGO = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)


def soon():
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)


@pytest.fixture
def stored(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"one")["ETag"]
    return {"Bucket": bucket, "Key": "k"}, etag


def test_reads(s3, stored):
    """conditional-reads.html: 412 Precondition Failed, 304 Not Modified."""
    address, etag = stored
    for call in (s3.get_object, s3.head_object):
        call(IfMatch=etag, **address)
        call(IfMatch=etag.strip('"'), **address)
        call(IfNoneMatch='"other"', **address)
        call(IfModifiedSince=LONG_AGO, **address)
        call(IfUnmodifiedSince=soon(), **address)
        not_met = "PreconditionFailed" if call == s3.get_object else "412"
        with refused(412, not_met):
            call(IfMatch='"other"', **address)
        with refused(412, not_met):
            call(IfUnmodifiedSince=LONG_AGO, **address)
        with refused(304, "304"):
            call(IfNoneMatch=etag, **address)
        with refused(304, "304"):
            call(IfNoneMatch="*", **address)


def test_modified_since_in_the_past_of_now(s3, stored):
    """conditional-reads.html: not modified since a time after the last change is 304."""
    address, _ = stored
    at = s3.head_object(**address)["LastModified"]
    with refused(304, "304"):
        s3.get_object(IfModifiedSince=at, **address)


def test_if_match_wins_over_if_unmodified_since(s3, stored):
    """API/API_GetObject.html: If-Match true and If-Unmodified-Since false: 200."""
    address, etag = stored
    assert s3.get_object(IfMatch=etag, IfUnmodifiedSince=LONG_AGO, **address)["Body"].read()


def test_if_none_match_wins_over_if_modified_since(s3, stored):
    """API/API_GetObject.html: If-None-Match false and If-Modified-Since true: 304."""
    address, etag = stored
    with refused(304, "304"):
        s3.get_object(IfNoneMatch=etag, IfModifiedSince=LONG_AGO, **address)


def test_not_modified_has_no_body(lab, stored):
    from signed_request import send

    address, etag = stored
    answer = send(
        lab, "GET", address["Bucket"], address["Key"], headers={"If-None-Match": etag}
    )
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag


def test_put_only_if_absent(s3, stored):
    """conditional-writes.html: If-None-Match: * fails with 412 when the key exists."""
    address, _ = stored
    with refused(412, "PreconditionFailed"):
        s3.put_object(Body=b"two", IfNoneMatch="*", **address)
    assert s3.get_object(**address)["Body"].read() == b"one"
    s3.put_object(Bucket=address["Bucket"], Key="new", Body=b"x", IfNoneMatch="*")


def test_put_only_if_unchanged(s3, stored):
    """conditional-writes.html: If-Match with another ETag is 412, of a missing object 404."""
    address, etag = stored
    with refused(412, "PreconditionFailed"):
        s3.put_object(Body=b"two", IfMatch='"00000000000000000000000000000000"', **address)
    s3.put_object(Body=b"two", IfMatch=etag, **address)
    assert s3.get_object(**address)["Body"].read() == b"two"
    with refused(404, "NoSuchKey"):
        s3.put_object(Bucket=address["Bucket"], Key="none", Body=b"x", IfMatch=etag)


def test_if_none_match_after_a_delete_marker(s3, versioned):
    """conditional-writes.html: if the current version is a delete marker the write succeeds."""
    s3.put_object(Bucket=versioned, Key="k", Body=b"one")
    s3.delete_object(Bucket=versioned, Key="k")
    s3.put_object(Bucket=versioned, Key="k", Body=b"two", IfNoneMatch="*")


def test_concurrent_creation_has_one_winner(s3, lab, bucket):
    """conditional-writes.html: the first to finish wins, the others get 412 or 409."""
    from concurrent.futures import ThreadPoolExecutor

    from botocore.exceptions import ClientError

    def put(number):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=b"%d" % number, IfNoneMatch="*")
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"]
        return number

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(put, range(8)))
    winners = [each for each in outcomes if each < 8]
    assert len(winners) == 1
    assert set(outcomes) - set(winners) <= {409, 412}
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"%d" % winners[0]


def upload_one_part(s3, address):
    upload = s3.create_multipart_upload(**address)["UploadId"]
    etag = s3.upload_part(UploadId=upload, PartNumber=1, Body=b"parts", **address)["ETag"]
    return {"UploadId": upload, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}


def test_complete_only_if_absent(s3, stored):
    """API/API_CompleteMultipartUpload.html"""
    address, etag = stored
    arguments = upload_one_part(s3, address)
    with refused(412, "PreconditionFailed"):
        s3.complete_multipart_upload(IfNoneMatch="*", **arguments, **address)
    assert s3.get_object(**address)["Body"].read() == b"one"
    s3.complete_multipart_upload(IfMatch=etag, **upload_one_part(s3, address), **address)
    assert s3.get_object(**address)["Body"].read() == b"parts"


def test_copy_source_conditions(s3, stored):
    """API/API_CopyObject.html: 412 when a source condition is not met."""
    address, etag = stored
    destination = {"Bucket": address["Bucket"], "Key": "copy", "CopySource": address}
    s3.copy_object(CopySourceIfMatch=etag, **destination)
    s3.copy_object(CopySourceIfNoneMatch='"other"', **destination)
    s3.copy_object(CopySourceIfModifiedSince=LONG_AGO, **destination)
    s3.copy_object(CopySourceIfUnmodifiedSince=soon(), **destination)
    s3.copy_object(CopySourceIfMatch=etag, CopySourceIfUnmodifiedSince=LONG_AGO, **destination)
    for conditions in (
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": etag},
        {"CopySourceIfUnmodifiedSince": LONG_AGO},
        {"CopySourceIfNoneMatch": etag, "CopySourceIfModifiedSince": LONG_AGO},
    ):
        with refused(412, "PreconditionFailed"):
            s3.copy_object(**conditions, **destination)


def test_copy_only_if_absent(s3, stored):
    """API/API_CopyObject.html: If-None-Match of the destination."""
    address, _ = stored
    destination = {"Bucket": address["Bucket"], "Key": "copy", "CopySource": address}
    s3.copy_object(IfNoneMatch="*", **destination)
    with refused(412, "PreconditionFailed"):
        s3.copy_object(IfNoneMatch="*", **destination)


def test_part_copy_source_conditions(s3, stored):
    """API/API_UploadPartCopy.html"""
    address, etag = stored
    target = {"Bucket": address["Bucket"], "Key": "new"}
    target["UploadId"] = s3.create_multipart_upload(**target)["UploadId"]
    s3.upload_part_copy(PartNumber=1, CopySource=address, CopySourceIfMatch=etag, **target)
    with refused(412, "PreconditionFailed"):
        s3.upload_part_copy(PartNumber=1, CopySource=address, CopySourceIfNoneMatch=etag, **target)


def test_delete_only_if_unchanged(s3, stored):
    """conditional-deletes.html: If-Match on DeleteObject; 412 for another ETag."""
    address, etag = stored
    with refused(412, "PreconditionFailed"):
        s3.delete_object(IfMatch='"other"', **address)
    s3.delete_object(IfMatch=etag, **address)
    with refused(404, "404"):
        s3.head_object(**address)


def test_conditions_with_a_customer_key(s3, key_bucket, customer_key, other_key):
    """The key is verified first: a condition must not tell about what the key does not open."""
    etag = s3.put_object(Bucket=key_bucket, Key="k", Body=b"x", **customer_key.arguments())["ETag"]
    address = {"Bucket": key_bucket, "Key": "k"}
    with refused(304, "304"):
        s3.get_object(IfNoneMatch=etag, **address, **customer_key.arguments())
    with refused(412, "PreconditionFailed"):
        s3.get_object(IfMatch='"other"', **address, **customer_key.arguments())
    with refused(403, "AccessDenied"):
        s3.get_object(IfMatch=etag, **address, **other_key.arguments())
