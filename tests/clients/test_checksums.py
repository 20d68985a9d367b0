"""Checksums of objects.

userguide/checking-object-integrity-upload.html: CRC64NVME, CRC32 and CRC32C can cover the full
object, CRC32, CRC32C, SHA-1 and SHA-256 can be composites of the parts' checksums; what does not
match is rejected. API/API_PutObject.html: without a checksum S3 adds CRC64NVME.
"""

import pytest

from checksum import (
    ALGORITHMS,
    COMPOSITE_ALGORITHMS,
    FULL_OBJECT_ALGORITHMS,
    checksum,
    composite,
    header,
    member,
)
from conftest import client
from s3_error import refused
from signed_request import UNSIGNED, send

MIB = 1024 * 1024
BODY = bytes(range(256)) * 1000
STREAMED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_computed_by_the_client(s3, bucket, algorithm):
    """Over TLS boto3 sends it as a trailer of an aws-chunked body."""
    put = s3.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumAlgorithm=algorithm)
    expected = checksum(algorithm, BODY)
    assert put[member(algorithm)] == expected
    assert put["ChecksumType"] == "FULL_OBJECT"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member(algorithm)] == expected
    assert head["ChecksumType"] == "FULL_OBJECT"
    found = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["Body"].read() == BODY
    assert found[member(algorithm)] == expected


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_given_as_a_header(lab, s3, bucket, algorithm):
    headers = {header(algorithm): checksum(algorithm, BODY)}
    answer = send(lab, "PUT", bucket, "k", headers=headers, body=BODY)
    assert answer.status == 200, answer.body
    assert answer.headers[header(algorithm)] == headers[header(algorithm)]
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_wrong_header(lab, s3, bucket, algorithm):
    """API/ErrorResponses.html: 400 BadDigest, "the Content-MD5 or checksum value that you
    specified did not match what the server received"."""
    headers = {header(algorithm): checksum(algorithm, b"other")}
    answer = send(lab, "PUT", bucket, "k", headers=headers, body=BODY)
    assert (answer.status, answer.code) == (400, "BadDigest")
    with refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_malformed_header(lab, bucket, algorithm):
    """API/ErrorResponses.html: 400 InvalidRequest, the value is no checksum of that kind."""
    answer = send(lab, "PUT", bucket, "k", headers={header(algorithm): "AA"}, body=BODY)
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def chunked(data: bytes, trailer: str, size: int = 65536) -> bytes:
    chunks = [data[first : first + size] for first in range(0, len(data), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return framed + b"0\r\n" + trailer.encode() + b"\r\n\r\n"


def send_trailer(lab, bucket, algorithm, value, data=BODY, declared=None):
    headers = {
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": str(len(data)),
        "x-amz-trailer": header(declared or algorithm),
    }
    body = chunked(data, f"{header(algorithm)}:{value}")
    return send(lab, "PUT", bucket, "k", headers=headers, body=body, payload_hash=STREAMED)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_trailer(lab, s3, bucket, algorithm):
    """API/sigv4-streaming-trailers.html"""
    answer = send_trailer(lab, bucket, algorithm, checksum(algorithm, BODY))
    assert answer.status == 200, answer.body
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member(algorithm)] == checksum(algorithm, BODY)
    assert head["ContentLength"] == len(BODY)
    assert "ContentEncoding" not in head or head["ContentEncoding"] == ""
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_wrong_trailer(lab, s3, bucket, algorithm):
    """As a wrong header: 400 BadDigest, nothing stored."""
    answer = send_trailer(lab, bucket, algorithm, checksum(algorithm, b"other"))
    assert (answer.status, answer.code) == (400, "BadDigest")
    with refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


def test_trailer_other_than_declared(lab, s3, bucket):
    """API/sigv4-streaming-trailers.html: 400 MalformedTrailerError."""
    answer = send_trailer(lab, bucket, "CRC32", checksum("CRC32", BODY), declared="SHA256")
    assert answer.status == 400, answer.body
    with refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


def test_decoded_length_that_is_wrong(lab, s3, bucket):
    """API/sigv4-streaming.html: x-amz-decoded-content-length is the length of the data."""
    headers = {
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": str(len(BODY) + 1),
        "x-amz-trailer": header("CRC32"),
    }
    body = chunked(BODY, f"{header('CRC32')}:{checksum('CRC32', BODY)}")
    answer = send(lab, "PUT", bucket, "k", headers=headers, body=body, payload_hash=STREAMED)
    assert answer.status == 400, answer.body
    with refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


def test_crc64nvme_by_default(lab, s3, bucket):
    """API/API_PutObject.html: S3 adds CRC64NVME when no checksum is sent."""
    answer = send(lab, "PUT", bucket, "k", body=BODY, payload_hash=UNSIGNED)
    assert answer.headers["x-amz-checksum-crc64nvme"] == checksum("CRC64NVME", BODY)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == checksum("CRC64NVME", BODY)
    assert head["ChecksumType"] == "FULL_OBJECT"


def test_checksums_come_only_when_asked_for(lab, s3, bucket):
    """API/API_HeadObject.html: x-amz-checksum-mode must be enabled."""
    s3.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumAlgorithm="SHA256")
    for method in ("HEAD", "GET"):
        answer = send(lab, method, bucket, "k")
        assert not [name for name in answer.headers if name.startswith("x-amz-checksum-")]


def test_two_checksums_at_once(lab, bucket):
    """API/ErrorResponses.html: 400 InvalidRequest; one x-amz-checksum header at a time."""
    headers = {header(each): checksum(each, BODY) for each in ("CRC32", "SHA256")}
    answer = send(lab, "PUT", bucket, "k", headers=headers, body=BODY)
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def test_body_that_differs_from_its_signed_hash(lab, s3, bucket):
    """API/ErrorResponses.html: 400 XAmzContentSHA256Mismatch."""
    import hashlib

    answer = send(
        lab, "PUT", bucket, "k", body=b"sent", payload_hash=hashlib.sha256(b"meant").hexdigest()
    )
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    with refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


PARTS = [bytes([number]) * (5 * MIB) for number in (1, 2)] + [b"last"]


def multipart(s3, bucket, algorithm, kind, parts=None, complete=None):
    """Upload PARTS; `complete` replaces arguments of CompleteMultipartUpload."""
    parts = parts or PARTS
    created = s3.create_multipart_upload(
        Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind
    )
    assert created["ChecksumAlgorithm"] == algorithm
    assert created["ChecksumType"] == kind
    target = {"Bucket": bucket, "Key": "k", "UploadId": created["UploadId"]}
    done = []
    for number, part in enumerate(parts, 1):
        answer = s3.upload_part(
            PartNumber=number, Body=part, ChecksumAlgorithm=algorithm, **target
        )
        value = answer[member(algorithm)]
        assert value == checksum(algorithm, part)
        done.append({"PartNumber": number, "ETag": answer["ETag"], member(algorithm): value})
    arguments = {"MultipartUpload": {"Parts": done}, "ChecksumType": kind} | (complete or {})
    return s3.complete_multipart_upload(**target, **arguments)


def assert_checksum(s3, bucket, algorithm, kind, expected):
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[member(algorithm)], head["ChecksumType"]) == (expected, kind)
    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts", "ObjectSize"]
    )
    # API/API_GetObjectAttributes.html: the checksum there is without the number of parts.
    assert attributes["Checksum"][member(algorithm)].split("-")[0] == expected.split("-")[0]
    assert attributes["Checksum"]["ChecksumType"] == kind
    assert attributes["ObjectParts"]["TotalPartsCount"] == len(PARTS)
    return attributes


@pytest.mark.parametrize("algorithm", COMPOSITE_ALGORITHMS)
def test_composite(s3, bucket, algorithm):
    done = multipart(s3, bucket, algorithm, "COMPOSITE")
    expected = composite(algorithm, PARTS)
    assert done[member(algorithm)] == expected
    assert done["ChecksumType"] == "COMPOSITE"
    attributes = assert_checksum(s3, bucket, algorithm, "COMPOSITE", expected)
    listed = [each[member(algorithm)] for each in attributes["ObjectParts"]["Parts"]]
    assert listed == [checksum(algorithm, part) for part in PARTS]


@pytest.mark.parametrize("algorithm", FULL_OBJECT_ALGORITHMS)
def test_full_object(s3, bucket, algorithm):
    whole = checksum(algorithm, b"".join(PARTS))
    done = multipart(s3, bucket, algorithm, "FULL_OBJECT", complete={member(algorithm): whole})
    assert done[member(algorithm)] == whole
    assert done["ChecksumType"] == "FULL_OBJECT"
    assert_checksum(s3, bucket, algorithm, "FULL_OBJECT", whole)


@pytest.mark.parametrize("algorithm", FULL_OBJECT_ALGORITHMS)
def test_full_object_that_is_wrong(s3, bucket, algorithm):
    """API/API_CompleteMultipartUpload.html: 400 BadDigest."""
    wrong = {member(algorithm): checksum(algorithm, b"other")}
    with refused(400, "BadDigest"):
        multipart(s3, bucket, algorithm, "FULL_OBJECT", complete=wrong)
    with refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("CRC64NVME", "COMPOSITE"), ("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT")],
)
def test_kinds_that_do_not_exist(s3, bucket, algorithm, kind):
    """userguide/checking-object-integrity-upload.html: the table of supported types; 400."""
    with refused(400, "InvalidRequest"):
        s3.create_multipart_upload(
            Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind
        )


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("CRC32", "COMPOSITE"),
        ("CRC32C", "COMPOSITE"),
        ("SHA1", "COMPOSITE"),
        ("SHA256", "COMPOSITE"),
        ("CRC64NVME", "FULL_OBJECT"),
    ],
)
def test_kind_by_default(s3, bucket, algorithm, kind):
    """userguide/checking-object-integrity-upload.html: default types of multipart uploads."""
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm)
    assert created["ChecksumType"] == kind


def test_type_other_than_at_the_start(s3, bucket):
    """API/API_CompleteMultipartUpload.html: a checksum type that does not match is BadDigest."""
    with refused(400, ("BadDigest", "InvalidRequest")):
        multipart(s3, bucket, "CRC32", "COMPOSITE", complete={"ChecksumType": "FULL_OBJECT"})


def test_wrong_checksum_of_a_part(lab, s3, bucket):
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")
    query = {"partNumber": "1", "uploadId": created["UploadId"]}
    headers = {header("SHA256"): checksum("SHA256", b"other")}
    answer = send(lab, "PUT", bucket, "k", query, headers, b"part")
    assert (answer.status, answer.code) == (400, "BadDigest")
    parts = s3.list_parts(Bucket=bucket, Key="k", UploadId=created["UploadId"])
    assert "Parts" not in parts


def test_part_of_another_algorithm(lab, s3, bucket):
    """API/API_UploadPart.html: the algorithm must be the same for all parts: 400 InvalidRequest."""
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")
    query = {"partNumber": "1", "uploadId": created["UploadId"]}
    headers = {header("CRC32"): checksum("CRC32", b"part")}
    answer = send(lab, "PUT", bucket, "k", query, headers, b"part")
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def test_wrong_part_checksum_at_complete(s3, bucket):
    """API/API_CompleteMultipartUpload.html: the part's checksum must be the uploaded one:
    400 InvalidPart (or BadDigest)."""
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")
    target = {"Bucket": bucket, "Key": "k", "UploadId": created["UploadId"]}
    part = s3.upload_part(PartNumber=1, Body=b"part", ChecksumAlgorithm="SHA256", **target)
    parts = [
        {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": checksum("SHA256", b"other")}
    ]
    with refused(400, ("InvalidPart", "BadDigest")):
        s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **target)


def test_multipart_without_a_checksum_gets_crc64nvme(lab, bucket):
    """userguide/checking-object-integrity-upload.html: S3 adds a full-object CRC64NVME."""
    s3 = client(lab, request_checksum_calculation="when_required")
    created = s3.create_multipart_upload(Bucket=bucket, Key="k")
    target = {"Bucket": bucket, "Key": "k", "UploadId": created["UploadId"]}
    parts = []
    for number, part in enumerate(PARTS, 1):
        etag = s3.upload_part(PartNumber=number, Body=part, **target)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **target)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == checksum("CRC64NVME", b"".join(PARTS))
    assert head["ChecksumType"] == "FULL_OBJECT"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_copy_keeps_or_changes_the_algorithm(s3, bucket, algorithm):
    """API/API_CopyObject.html: the copy keeps the source's checksum algorithm unless another is
    asked for."""
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, ChecksumAlgorithm=algorithm)
    source = {"Bucket": bucket, "Key": "a"}
    s3.copy_object(Bucket=bucket, Key="same", CopySource=source)
    head = s3.head_object(Bucket=bucket, Key="same", ChecksumMode="ENABLED")
    assert head[member(algorithm)] == checksum(algorithm, BODY)
    other = "SHA256" if algorithm != "SHA256" else "CRC32"
    s3.copy_object(Bucket=bucket, Key="new", CopySource=source, ChecksumAlgorithm=other)
    head = s3.head_object(Bucket=bucket, Key="new", ChecksumMode="ENABLED")
    assert head[member(other)] == checksum(other, BODY)
