"""Multipart uploads without customer keys.

userguide/mpuoverview.html, qfacts.html (limits), API/API_CreateMultipartUpload.html,
API_UploadPart.html, API_UploadPartCopy.html, API_CompleteMultipartUpload.html,
API_AbortMultipartUpload.html, API_ListParts.html, API_ListMultipartUploads.html.
"""

import hashlib

import pytest

from s3_error import refused
from signed_request import UNSIGNED, send

MIB = 1024 * 1024
PART = b"p" * (5 * MIB)


@pytest.fixture
def target(s3, bucket):
    address = {"Bucket": bucket, "Key": "k"}
    created = s3.create_multipart_upload(**address)
    assert (created["Bucket"], created["Key"]) == (bucket, "k")
    return {**address, "UploadId": created["UploadId"]}


def upload(s3, target, number, body):
    return {
        "PartNumber": number,
        "ETag": s3.upload_part(PartNumber=number, Body=body, **target)["ETag"],
    }


def complete(s3, target, *parts):
    return s3.complete_multipart_upload(MultipartUpload={"Parts": list(parts)}, **target)


def test_etags(s3, target):
    """API/API_Object.html: the ETag of a multipart object is no MD5 of it; S3's is the MD5 of the
    parts' MD5s and their number."""
    first, second = upload(s3, target, 1, PART), upload(s3, target, 2, b"end")
    assert first["ETag"] == f'"{hashlib.md5(PART).hexdigest()}"'
    done = complete(s3, target, first, second)
    digests = hashlib.md5(PART).digest() + hashlib.md5(b"end").digest()
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    assert (done["Bucket"], done["Key"]) == (target["Bucket"], "k")
    found = s3.get_object(Bucket=target["Bucket"], Key="k")
    assert found["ETag"] == done["ETag"]
    assert found["Body"].read() == PART + b"end"


def test_everything_given_at_the_start_is_kept(s3, bucket):
    address = {"Bucket": bucket, "Key": "k"}
    created = s3.create_multipart_upload(
        ContentType="text/plain",
        CacheControl="no-store",
        Metadata={"a": "b"},
        Tagging="t=1",
        StorageClass="STANDARD_IA",
        **address,
    )
    target = {**address, "UploadId": created["UploadId"]}
    complete(s3, target, upload(s3, target, 1, b"x"))
    head = s3.head_object(**address)
    assert head["ContentType"] == "text/plain"
    assert head["CacheControl"] == "no-store"
    assert head["Metadata"] == {"a": "b"}
    assert head["StorageClass"] == "STANDARD_IA"
    assert s3.get_object_tagging(**address)["TagSet"] == [{"Key": "t", "Value": "1"}]


def test_nothing_is_visible_before_completion(s3, target):
    upload(s3, target, 1, b"x")
    with refused(404, "NoSuchKey"):
        s3.get_object(Bucket=target["Bucket"], Key="k")
    assert s3.list_objects_v2(Bucket=target["Bucket"])["KeyCount"] == 0


def test_list_parts(s3, target):
    for number in (3, 1, 7):
        upload(s3, target, number, b"x" * number)
    page = s3.list_parts(**target)
    assert [(each["PartNumber"], each["Size"]) for each in page["Parts"]] == [
        (1, 1),
        (3, 3),
        (7, 7),
    ]
    assert page["IsTruncated"] is False
    assert page["UploadId"] == target["UploadId"]
    assert page["StorageClass"] == "STANDARD"
    first = s3.list_parts(MaxParts=2, **target)
    assert first["IsTruncated"] is True
    assert first["NextPartNumberMarker"] == 3
    rest = s3.list_parts(MaxParts=2, PartNumberMarker=3, **target)
    assert [each["PartNumber"] for each in rest["Parts"]] == [7]


def test_a_part_can_be_replaced(s3, target):
    old = upload(s3, target, 1, b"old")
    new = upload(s3, target, 1, b"new")
    with refused(400, "InvalidPart"):
        complete(s3, target, old)
    complete(s3, target, new)
    assert s3.get_object(Bucket=target["Bucket"], Key="k")["Body"].read() == b"new"


def test_parts_may_be_left_out(s3, target):
    one, _, three = (upload(s3, target, number, PART) for number in (1, 2, 3))
    complete(s3, target, one, three)
    head = s3.head_object(Bucket=target["Bucket"], Key="k")
    assert head["ContentLength"] == 2 * len(PART)
    assert head["ETag"].endswith('-2"')


def test_order_must_ascend(s3, target):
    """API/ErrorResponses.html: 400 InvalidPartOrder."""
    one, two = upload(s3, target, 1, PART), upload(s3, target, 2, PART)
    with refused(400, "InvalidPartOrder"):
        complete(s3, target, two, one)
    with refused(400, ("InvalidPartOrder", "InvalidPart")):
        complete(s3, target, one, one)
    complete(s3, target, one, two)


def test_unknown_parts(s3, target):
    """API/ErrorResponses.html: 400 InvalidPart."""
    one = upload(s3, target, 1, b"x")
    with refused(400, "InvalidPart"):
        complete(s3, target, one, {"PartNumber": 2, "ETag": one["ETag"]})
    with refused(400, "InvalidPart"):
        complete(s3, target, {"PartNumber": 1, "ETag": f'"{"0" * 32}"'})


def test_parts_below_five_mebibytes(s3, target):
    """userguide/qfacts.html: 5 MiB but for the last part; 400 EntityTooSmall."""
    one, two = upload(s3, target, 1, PART[:-1]), upload(s3, target, 2, b"x")
    with refused(400, "EntityTooSmall"):
        complete(s3, target, one, two)
    # The upload stays and can be put right.
    complete(s3, target, upload(s3, target, 1, PART), two)


def test_no_parts(lab, s3, target):
    """API/ErrorResponses.html: 400 MalformedXML for an empty or missing list."""
    upload(s3, target, 1, b"x")
    query = {"uploadId": target["UploadId"]}
    for body in (b"", b"<CompleteMultipartUpload></CompleteMultipartUpload>", b"<Complete"):
        answer = send(lab, "POST", target["Bucket"], "k", query, body=body)
        assert answer.status == 400
        assert answer.code in ("MalformedXML", "InvalidRequest")


@pytest.mark.parametrize("number", [0, 10001, -1])
def test_part_numbers(lab, target, number):
    """userguide/qfacts.html: 1 to 10,000; 400 InvalidArgument."""
    query = {"partNumber": str(number), "uploadId": target["UploadId"]}
    answer = send(lab, "PUT", target["Bucket"], "k", query, body=b"x")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("part", [False, True])
def test_five_gibibytes_and_a_byte(lab, s3, key_bucket, customer_key, part):
    """userguide/qfacts.html: 5 GiB for a part and for a single PUT; API/ErrorResponses.html:
    400 EntityTooLarge, from the declared length alone."""
    headers = {"Content-Length": str(5 * 1024 * MIB + 1), **customer_key.headers()}
    query = {}
    if part:
        created = s3.create_multipart_upload(
            Bucket=key_bucket, Key="k", **customer_key.arguments()
        )
        query = {"partNumber": "1", "uploadId": created["UploadId"]}
    answer = send(lab, "PUT", key_bucket, "k", query, headers, payload_hash=UNSIGNED)
    assert (answer.status, answer.code) == (400, "EntityTooLarge")


def test_part_ten_thousand(s3, target):
    part = upload(s3, target, 10000, b"x")
    complete(s3, target, part)


def test_abort(s3, target):
    """204, and the upload is gone: 404 NoSuchUpload."""
    upload(s3, target, 1, b"x")
    gone = s3.abort_multipart_upload(**target)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused(404, "NoSuchUpload"):
        s3.upload_part(PartNumber=1, Body=b"x", **target)
    with refused(404, "NoSuchUpload"):
        s3.list_parts(**target)
    with refused(404, "NoSuchUpload"):
        s3.abort_multipart_upload(**target)
    with refused(404, "NoSuchUpload"):
        complete(s3, target, {"PartNumber": 1, "ETag": '"x"'})


def test_unknown_upload(s3, bucket):
    address = {"Bucket": bucket, "Key": "k", "UploadId": "no-such-upload"}
    with refused(404, "NoSuchUpload"):
        s3.upload_part(PartNumber=1, Body=b"x", **address)
    with refused(404, "NoSuchUpload"):
        s3.abort_multipart_upload(**address)


def test_an_upload_belongs_to_its_key(s3, target):
    with refused(404, "NoSuchUpload"):
        s3.upload_part(
            Bucket=target["Bucket"], Key="other", UploadId=target["UploadId"], PartNumber=1,
            Body=b"x",
        )


def test_complete_repeated_with_the_same_parts(s3, target):
    """API/API_CompleteMultipartUpload.html: clients must be prepared to retry; an upload that is
    gone answers 404 NoSuchUpload, one that S3 remembers answers 200."""
    from botocore.exceptions import ClientError

    part = upload(s3, target, 1, b"x")
    done = complete(s3, target, part)
    try:
        again = complete(s3, target, part)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchUpload"
    else:
        assert again["ETag"] == done["ETag"]
    assert s3.get_object(Bucket=target["Bucket"], Key="k")["Body"].read() == b"x"


def test_list_uploads(s3, bucket):
    ids = {}
    for key in ("a/1", "a/2", "b", "b"):
        created = s3.create_multipart_upload(Bucket=bucket, Key=key)
        ids.setdefault(key, []).append(created["UploadId"])
    page = s3.list_multipart_uploads(Bucket=bucket)
    assert [each["Key"] for each in page["Uploads"]] == ["a/1", "a/2", "b", "b"]
    # Uploads of one key come in the order they were started.
    assert [each["UploadId"] for each in page["Uploads"][2:]] == ids["b"]
    page = s3.list_multipart_uploads(Bucket=bucket, Prefix="a/")
    assert [each["Key"] for each in page["Uploads"]] == ["a/1", "a/2"]
    page = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [each["Prefix"] for each in page["CommonPrefixes"]] == ["a/"]
    seen, markers = [], {}
    while True:
        page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1, **markers)
        seen += [(each["Key"], each["UploadId"]) for each in page["Uploads"]]
        if not page["IsTruncated"]:
            break
        markers = {
            "KeyMarker": page["NextKeyMarker"],
            "UploadIdMarker": page["NextUploadIdMarker"],
        }
    assert seen == [(key, each) for key in sorted(ids) for each in ids[key]]


def test_a_bucket_with_uploads_can_be_deleted_only_when_they_are_gone(s3, target):
    """userguide/delete-bucket.html: uploads in progress do not appear as objects; whichever way
    the bucket goes, an abort afterwards must not fail with anything but 404."""
    from botocore.exceptions import ClientError

    try:
        s3.delete_bucket(Bucket=target["Bucket"])
    except ClientError as error:
        assert error.response["Error"]["Code"] == "BucketNotEmpty"
        s3.abort_multipart_upload(**target)
        s3.delete_bucket(Bucket=target["Bucket"])
    else:
        with refused(404, "NoSuchBucket"):
            s3.abort_multipart_upload(**target)


def test_part_copy(s3, target):
    data = bytes(range(256)) * (24 * 1024)
    s3.put_object(Bucket=target["Bucket"], Key="source", Body=data)
    source = {"Bucket": target["Bucket"], "Key": "source"}
    half = 5 * MIB
    parts = []
    for number, (first, last) in enumerate(((0, half - 1), (half, len(data) - 1)), 1):
        answer = s3.upload_part_copy(
            PartNumber=number, CopySource=source, CopySourceRange=f"bytes={first}-{last}", **target
        )
        result = answer["CopyPartResult"]
        assert result["ETag"] == f'"{hashlib.md5(data[first : last + 1]).hexdigest()}"'
        assert result["LastModified"]
        parts.append({"PartNumber": number, "ETag": result["ETag"]})
    complete(s3, target, *parts)
    assert s3.get_object(Bucket=target["Bucket"], Key="k")["Body"].read() == data


@pytest.mark.parametrize("asked", ["bytes=0-99999999", "bytes=7340032-7340033"])
def test_part_copy_beyond_the_source(s3, target, asked):
    """API/API_UploadPartCopy.html: a range outside the source is refused (InvalidRange 416, or
    InvalidArgument 400)."""
    from botocore.exceptions import ClientError

    s3.put_object(Bucket=target["Bucket"], Key="source", Body=b"x" * (6 * MIB))
    with pytest.raises(ClientError) as caught:
        s3.upload_part_copy(
            PartNumber=1,
            CopySource={"Bucket": target["Bucket"], "Key": "source"},
            CopySourceRange=asked,
            **target,
        )
    response = caught.value.response
    seen = response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]
    assert seen in ((416, "InvalidRange"), (400, "InvalidArgument"), (400, "InvalidRange"))


def test_part_copy_range_that_is_none(lab, s3, target):
    """API/API_UploadPartCopy.html: `bytes=first-last`, both given: 400 InvalidArgument."""
    s3.put_object(Bucket=target["Bucket"], Key="source", Body=b"x" * (6 * MIB))
    query = {"partNumber": "1", "uploadId": target["UploadId"]}
    for asked in ("bytes=5-", "bytes=-5", "bytes=9-5", "0-5"):
        headers = {
            "x-amz-copy-source": f"/{target['Bucket']}/source",
            "x-amz-copy-source-range": asked,
        }
        answer = send(lab, "PUT", target["Bucket"], "k", query, headers)
        assert (answer.status, answer.code) == (400, "InvalidArgument"), asked


def test_part_copy_of_a_missing_source(s3, target):
    with refused(404, "NoSuchKey"):
        s3.upload_part_copy(
            PartNumber=1, CopySource={"Bucket": target["Bucket"], "Key": "none"}, **target
        )
