"""Putting, getting and heading objects. Pages are under docs.aws.amazon.com/AmazonS3/latest/."""

import datetime
import hashlib

import pytest

from s3_error import refused
from signed_request import content_md5, send

NAMES = [
    "plain.txt",
    "with space.txt",
    "folder/",
    "folder/file",
    "a//b",
    "日本語/ファイル.txt",
    "emoji-😀",
    "per%cent",
    "per%20cent",
    "plus+plus",
    "question?mark",
    "hash#mark",
    "amp&ersand=equals",
    "quote'\"quote",
    "<angle>",
    "colon:semicolon;",
    "dollar$at@",
    "tilde~(paren)!*",
    "back\\slash",
    "comma,",
    "[bracket]{brace}|pipe^caret`tick",
    " leading and trailing ",
    "dot/./dot",
    "tab\tinside",
    "x" * 1024,
]


def test_round_trip(s3, bucket):
    """API/API_PutObject.html, API/API_GetObject.html"""
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert "VersionId" not in put
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == b"hello"
    assert found["ContentLength"] == 5
    assert found["ETag"] == put["ETag"]
    assert found["AcceptRanges"] == "bytes"
    assert found["LastModified"] >= before
    assert found["ContentType"] == "binary/octet-stream"
    assert "VersionId" not in found


def test_head_is_get_without_the_body(lab, bucket, s3):
    """API/API_HeadObject.html"""
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ContentType="text/plain")
    get = send(lab, "GET", bucket, "k")
    head = send(lab, "HEAD", bucket, "k")
    assert (head.status, head.body) == (200, b"")
    varying = {"x-amz-request-id", "x-amz-id-2", "date", "connection"}
    for name in set(get.headers) - varying:
        assert head.headers.get(name) == get.headers[name], name


def test_every_answer_has_a_request_id(lab, bucket):
    """API/RESTCommonResponseHeaders.html"""
    for answer in (send(lab, "GET", bucket, "none"), send(lab, "HEAD", bucket)):
        assert answer.headers["x-amz-request-id"]


def test_error_document(lab, bucket):
    """API/ErrorResponses.html: an XML document with Code, Message and RequestId."""
    answer = send(lab, "GET", bucket, "none")
    assert (answer.status, answer.code) == (404, "NoSuchKey")
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.message
    assert answer.text("RequestId") == answer.headers["x-amz-request-id"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:30])
def test_names(s3, bucket, name):
    """userguide/object-keys.html: any UTF-8 of at most 1,024 bytes."""
    data = name.encode()
    s3.put_object(Bucket=bucket, Key=name, Body=data)
    assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == data
    assert s3.head_object(Bucket=bucket, Key=name)["ContentLength"] == len(data)
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [name]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": name})
    s3.delete_object(Bucket=bucket, Key=name)
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["copy"]


def test_names_that_differ_only_in_encoding_are_different(s3, bucket):
    for name in ("a b", "a+b", "a%20b", "a%2Bb"):
        s3.put_object(Bucket=bucket, Key=name, Body=name.encode())
    for name in ("a b", "a+b", "a%20b", "a%2Bb"):
        assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == name.encode()


def test_name_too_long(s3, bucket):
    """API/ErrorResponses.html: 400 KeyTooLongError."""
    with refused(400, "KeyTooLongError"):
        s3.put_object(Bucket=bucket, Key="x" * 1025, Body=b"")


def test_metadata_and_system_headers(s3, bucket):
    """userguide/UsingMetadata.html"""
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    system = {
        "ContentType": "text/plain; charset=utf-8",
        "ContentEncoding": "identity",
        "ContentLanguage": "ja",
        "ContentDisposition": 'attachment; filename="a.txt"',
        "CacheControl": "max-age=60",
        "Expires": expires,
        "WebsiteRedirectLocation": "/other",
    }
    metadata = {"one": "1", "two-words": "a b  c", "empty": ""}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata=metadata, **system)
    for found in (
        s3.head_object(Bucket=bucket, Key="k"),
        s3.get_object(Bucket=bucket, Key="k"),
    ):
        for name, value in system.items():
            if name == "Expires":
                assert found["ResponseMetadata"]["HTTPHeaders"]["expires"].startswith(
                    "Wed, 02 Jan 2030 03:04:05"
                )
            else:
                assert found[name] == value, name
        assert found["Metadata"]["one"] == "1"
        assert found["Metadata"].keys() == metadata.keys()


def test_metadata_too_large(s3, bucket):
    """userguide/UsingMetadata.html: 2 KB of user metadata; 400 MetadataTooLarge."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "v" * 2047})
    with refused(400, "MetadataTooLarge"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "v" * 2048})


def test_response_overrides(s3, bucket):
    """API/API_GetObject.html, "Overriding response header values"."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    found = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseContentType="application/json",
        ResponseContentDisposition="inline",
        ResponseCacheControl="no-store",
        ResponseContentLanguage="en",
        ResponseContentEncoding="identity",
    )
    assert found["ContentType"] == "application/json"
    assert found["ContentDisposition"] == "inline"
    assert found["CacheControl"] == "no-store"
    assert found["ContentLanguage"] == "en"


def test_content_md5(s3, lab, bucket):
    """API/ErrorResponses.html: 400 BadDigest, and 400 InvalidDigest when it is no digest."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5=content_md5(b"x"))
    with refused(400, "BadDigest"):
        s3.put_object(Bucket=bucket, Key="k2", Body=b"x", ContentMD5=content_md5(b"y"))
    answer = send(lab, "PUT", bucket, "k2", headers={"Content-MD5": "no digest"}, body=b"x")
    assert (answer.status, answer.code) == (400, "InvalidDigest")
    with refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k2")


def test_aws_chunked_is_no_stored_encoding(s3, lab, bucket):
    """API/sigv4-streaming.html: S3 stores the object without the aws-chunked value."""
    headers = {
        "Content-Encoding": "aws-chunked,gzip",
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    answer = send(
        lab, "PUT", bucket, "k", headers=headers, body=body,
        payload_hash="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    )
    assert answer.status == 200, answer.body
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentEncoding"] == "gzip"
    assert head["ContentLength"] == 5


def test_storage_class(s3, bucket):
    """API/API_PutObject.html; GET leaves out STANDARD; 400 InvalidStorageClass."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="STANDARD_IA")
    assert s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "STANDARD_IA"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="STANDARD")
    assert "StorageClass" not in s3.head_object(Bucket=bucket, Key="k")
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "STANDARD"
    with refused(400, "InvalidStorageClass"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="PAPER")


def test_delete_is_idempotent(s3, bucket):
    """API/API_DeleteObject.html: 204, also for what does not exist."""
    for _ in range(2):
        gone = s3.delete_object(Bucket=bucket, Key="k")
        assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204


@pytest.mark.parametrize("kind", ["AES256", "aws:kms", "aws:kms:dsse"])
def test_keys_of_the_lab(s3, bucket, kind):
    """userguide/serv-side-encryption.html: SSE-S3, SSE-KMS and DSSE-KMS."""
    data = b"x" * 100000
    put = s3.put_object(Bucket=bucket, Key="k", Body=data, ServerSideEncryption=kind)
    assert put["ServerSideEncryption"] == kind
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == data
    assert found["ServerSideEncryption"] == kind
    is_md5 = put["ETag"].strip('"') == hashlib.md5(data).hexdigest()
    if kind == "AES256":
        assert is_md5
    else:
        # API/API_Object.html: under SSE-KMS the ETag is not the MD5; without a key id S3 uses the
        # account's AWS managed key.
        assert not is_md5
        assert found["SSEKMSKeyId"].startswith("arn:aws:kms:ap-northeast-1:")


def test_unknown_encryption(lab, bucket):
    """API/ErrorResponses.html: 400 InvalidArgument for an unknown encryption method."""
    headers = {"x-amz-server-side-encryption": "AES512"}
    answer = send(lab, "PUT", bucket, "k", headers=headers, body=b"x")
    assert answer.status == 400
    assert answer.code in ("InvalidArgument", "InvalidEncryptionAlgorithmError")


def test_body_shorter_than_declared_is_not_stored(lab, s3, bucket):
    """API/ErrorResponses.html: 400 IncompleteBody; whatever the answer, nothing may be stored."""
    import socket
    import ssl
    from urllib.parse import urlsplit

    from lab_process import FIRST_REGION
    from signed_request import UNSIGNED, sign

    endpoint = urlsplit(lab.endpoints[FIRST_REGION])
    headers = {"Host": f"127.0.0.1:{endpoint.port}", "Content-Length": "1000"}
    sign(
        "PUT", f"/{bucket}/k", {}, headers, UNSIGNED, lab.credentials, FIRST_REGION,
        datetime.datetime.now(datetime.timezone.utc),
    )
    head = f"PUT /{bucket}/k HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
    context = ssl.create_default_context(cafile=lab.ca_bundle)
    with socket.create_connection(("127.0.0.1", endpoint.port)) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(head.encode() + b"\r\n" + b"x" * 10)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(10)
            while connection.recv(4096):
                pass
    with refused(404, "404"):
        s3.head_object(Bucket=bucket, Key="k")
