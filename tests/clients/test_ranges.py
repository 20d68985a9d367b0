"""Ranges and part numbers of GET and HEAD.

API/API_GetObject.html (Range, partNumber); API/ErrorResponses.html (416 InvalidRange,
416 InvalidPartNumber, 400 InvalidRequest).
"""

import pytest

from s3_error import refused
from signed_request import send

DATA = bytes(range(256)) * 4
SIZE = len(DATA)
MIB = 1024 * 1024


@pytest.fixture
def stored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=DATA)
    return {"Bucket": bucket, "Key": "k"}


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=1000-", 1000, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        ("bytes=-5000", 0, SIZE - 1),
        ("bytes=1000-999999", 1000, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
    ],
)
def test_satisfiable(s3, stored, asked, first, last):
    found = s3.get_object(Range=asked, **stored)
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert found["ContentRange"] == f"bytes {first}-{last}/{SIZE}"
    assert found["ContentLength"] == last - first + 1
    assert found["Body"].read() == DATA[first : last + 1]
    head = s3.head_object(Range=asked, **stored)
    assert head["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert head["ContentLength"] == last - first + 1


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 10}", "bytes=-0"])
def test_not_satisfiable(s3, stored, asked):
    with refused(416, "InvalidRange") as caught:
        s3.get_object(Range=asked, **stored)
    error = caught.value.response["Error"]
    assert error["ActualObjectSize"] == str(SIZE)
    assert error["RangeRequested"] == asked
    with refused(416, "416"):
        s3.head_object(Range=asked, **stored)


@pytest.mark.parametrize("asked", ["bytes=5-2", "lines=1-2", "bytes=a-b", "bytes="])
def test_what_is_no_range_is_ignored(lab, stored, asked):
    """RFC 9110, section 14.2: an invalid Range header field is ignored."""
    answer = send(lab, "GET", stored["Bucket"], "k", headers={"Range": asked})
    assert (answer.status, answer.body) == (200, DATA)


def test_several_ranges_are_not_supported(lab, stored):
    """API/API_GetObject.html: "Amazon S3 doesn't support retrieving multiple ranges of data per
    GET request": the whole object comes."""
    answer = send(lab, "GET", stored["Bucket"], "k", headers={"Range": "bytes=0-1,5-6"})
    assert (answer.status, answer.body) == (200, DATA)


def test_empty_object_has_no_range(s3, bucket):
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    with refused(416, "InvalidRange"):
        s3.get_object(Bucket=bucket, Key="empty", Range="bytes=0-0")


def test_range_with_conditions(s3, stored):
    etag = s3.head_object(**stored)["ETag"]
    assert s3.get_object(Range="bytes=1-2", IfMatch=etag, **stored)["Body"].read() == DATA[1:3]
    with refused(412, "PreconditionFailed"):
        s3.get_object(Range="bytes=1-2", IfMatch='"other"', **stored)


@pytest.fixture
def in_parts(s3, bucket):
    parts = [b"a" * (5 * MIB), b"b" * (5 * MIB + 1), b"c"]
    target = {"Bucket": bucket, "Key": "parts"}
    target["UploadId"] = s3.create_multipart_upload(**target)["UploadId"]
    done = [
        {
            # Part numbers need not be consecutive; partNumber counts what was completed.
            "PartNumber": number,
            "ETag": s3.upload_part(PartNumber=number, Body=part, **target)["ETag"],
        }
        for number, part in zip((1, 2, 3), parts, strict=True)
    ]
    s3.complete_multipart_upload(MultipartUpload={"Parts": done}, **target)
    return {"Bucket": bucket, "Key": "parts"}, parts


def test_part_numbers(s3, in_parts):
    address, parts = in_parts
    size = sum(map(len, parts))
    first = 0
    for number, part in enumerate(parts, 1):
        head = s3.head_object(PartNumber=number, **address)
        assert head["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert head["ContentLength"] == len(part)
        assert head["PartsCount"] == 3
        found = s3.get_object(PartNumber=number, **address)
        assert found["ContentRange"] == f"bytes {first}-{first + len(part) - 1}/{size}"
        assert found["Body"].read() == part
        first += len(part)


def test_part_number_that_does_not_exist(s3, in_parts):
    address, _ = in_parts
    with refused(416, "InvalidPartNumber"):
        s3.get_object(PartNumber=4, **address)
    with refused(416, "416"):
        s3.head_object(PartNumber=4, **address)


def test_part_number_and_range_exclude_each_other(s3, in_parts):
    address, _ = in_parts
    with refused(400, "InvalidRequest"):
        s3.get_object(PartNumber=1, Range="bytes=0-1", **address)


@pytest.mark.parametrize("number", [0, 10001])
def test_part_number_out_of_bounds(lab, stored, number):
    """userguide/qfacts.html: part numbers are 1 to 10,000; 400 InvalidArgument."""
    answer = send(lab, "GET", stored["Bucket"], "k", {"partNumber": str(number)})
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_part_one_of_a_single_upload_is_all_of_it(s3, stored):
    found = s3.get_object(PartNumber=1, **stored)
    assert found["Body"].read() == DATA
    assert "PartsCount" not in found
    with refused(416, "InvalidPartNumber"):
        s3.get_object(PartNumber=2, **stored)
