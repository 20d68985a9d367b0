"""Every SSE-C answer on every operation that takes a customer key.

Pages: userguide/ServerSideEncryptionCustomerKeys.html (requests over HTTP are rejected),
userguide/specifying-s3-c-encryption.html (which operations take which headers),
API/ErrorResponses.html (status and codes), and of each operation its own page. HEAD answers have
no body (API/API_HeadObject.html), so only their status is known.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from conftest import make_bucket
from customer_key import COPY_SOURCE_PREFIX, PREFIX, CustomerKey
from signed_request import Response, send

DATA = b"sealed under a customer key " * 64


class Scene:
    """A bucket with an object and an upload under KEY, and the same without a key."""

    def __init__(self, lab, s3) -> None:
        self.lab = lab
        self.s3 = s3
        self.key = CustomerKey()
        self.other = CustomerKey()
        self.bucket = make_bucket(s3, customer_keys=True)
        s3.put_object(
            Bucket=self.bucket, Key="sealed", Body=DATA, ChecksumAlgorithm="SHA256",
            **self.key.arguments(),
        )
        s3.put_object(Bucket=self.bucket, Key="plain", Body=DATA)

    def upload(self, *, sealed: bool, checksum: bool = False, part: bool = True):
        """A multipart upload, with one part already there."""
        arguments = self.key.arguments() if sealed else {}
        algorithm = {"ChecksumAlgorithm": "SHA256"} if checksum else {}
        upload = self.s3.create_multipart_upload(
            Bucket=self.bucket, Key="parts", **arguments, **algorithm
        )["UploadId"]
        part_xml = ""
        if part:
            answer = self.s3.upload_part(
                Bucket=self.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=DATA,
                **arguments, **algorithm,
            )
            value = answer.get("ChecksumSHA256")
            part_xml = (
                f"<Part><PartNumber>1</PartNumber><ETag>{answer['ETag']}</ETag>"
                + (f"<ChecksumSHA256>{value}</ChecksumSHA256>" if checksum else "")
                + "</Part>"
            )
        body = f"<CompleteMultipartUpload>{part_xml}</CompleteMultipartUpload>".encode()
        return upload, body


@dataclass(frozen=True)
class Operation:
    """An operation that takes a key under `prefix`; `request` sends it with given headers."""

    name: str
    request: Callable[[Scene, dict[str, str], str, bool], Response]
    prefix: str = PREFIX
    reads: bool = True
    has_body: bool = True

    def __call__(
        self, scene: Scene, headers: dict[str, str], scheme: str = "https", sealed: bool = True
    ) -> Response:
        return self.request(scene, headers, scheme, sealed)


def put_object(scene, headers, scheme, sealed):
    return send(scene.lab, "PUT", scene.bucket, "new", headers=headers, body=DATA, scheme=scheme)


def create_multipart_upload(scene, headers, scheme, sealed):
    return send(
        scene.lab, "POST", scene.bucket, "parts", {"uploads": ""}, headers, scheme=scheme
    )


def upload_part(scene, headers, scheme, sealed):
    upload, _ = scene.upload(sealed=sealed, part=False)
    query = {"partNumber": "1", "uploadId": upload}
    return send(scene.lab, "PUT", scene.bucket, "parts", query, headers, DATA, scheme=scheme)


def upload_part_copy(scene, headers, scheme, sealed):
    """The destination's key; the source has none."""
    upload, _ = scene.upload(sealed=sealed, part=False)
    query = {"partNumber": "1", "uploadId": upload}
    headers = {"x-amz-copy-source": f"/{scene.bucket}/plain", **headers}
    return send(scene.lab, "PUT", scene.bucket, "parts", query, headers, scheme=scheme)


def upload_part_copy_source(scene, headers, scheme, sealed):
    upload, _ = scene.upload(sealed=False, part=False)
    query = {"partNumber": "1", "uploadId": upload}
    source = "sealed" if sealed else "plain"
    headers = {"x-amz-copy-source": f"/{scene.bucket}/{source}", **headers}
    return send(scene.lab, "PUT", scene.bucket, "parts", query, headers, scheme=scheme)


def complete_multipart_upload(scene, headers, scheme, sealed):
    upload, body = scene.upload(sealed=sealed, checksum=True)
    return send(
        scene.lab, "POST", scene.bucket, "parts", {"uploadId": upload}, headers, body,
        scheme=scheme,
    )


def list_parts(scene, headers, scheme, sealed):
    upload, _ = scene.upload(sealed=sealed, checksum=True)
    return send(
        scene.lab, "GET", scene.bucket, "parts", {"uploadId": upload}, headers, scheme=scheme
    )


def read(method, query=None, extra=None):
    def request(scene, headers, scheme, sealed):
        name = "sealed" if sealed else "plain"
        return send(
            scene.lab, method, scene.bucket, name, query, {**(extra or {}), **headers},
            scheme=scheme,
        )

    return request


def copy_object(scene, headers, scheme, sealed):
    """The destination's key; the source has none."""
    headers = {"x-amz-copy-source": f"/{scene.bucket}/plain", **headers}
    return send(scene.lab, "PUT", scene.bucket, "copy", headers=headers, scheme=scheme)


def copy_object_source(scene, headers, scheme, sealed):
    source = "sealed" if sealed else "plain"
    headers = {"x-amz-copy-source": f"/{scene.bucket}/{source}", **headers}
    return send(scene.lab, "PUT", scene.bucket, "copy", headers=headers, scheme=scheme)


PUT = Operation("PutObject", put_object, reads=False)
CREATE = Operation("CreateMultipartUpload", create_multipart_upload, reads=False)
UPLOAD_PART = Operation("UploadPart", upload_part)
PART_COPY = Operation("UploadPartCopy-destination", upload_part_copy)
PART_COPY_SOURCE = Operation("UploadPartCopy-source", upload_part_copy_source, COPY_SOURCE_PREFIX)
COMPLETE = Operation("CompleteMultipartUpload", complete_multipart_upload)
LIST_PARTS = Operation("ListParts", list_parts)
GET = Operation("GetObject", read("GET"))
GET_RANGE = Operation("GetObject-range", read("GET", extra={"Range": "bytes=5-9"}))
GET_PART = Operation("GetObject-partNumber", read("GET", {"partNumber": "1"}))
HEAD = Operation("HeadObject", read("HEAD"), has_body=False)
ATTRIBUTES = Operation(
    "GetObjectAttributes",
    read("GET", {"attributes": ""}, {"x-amz-object-attributes": "ETag,ObjectSize"}),
)
COPY = Operation("CopyObject-destination", copy_object, reads=False)
COPY_SOURCE = Operation("CopyObject-source", copy_object_source, COPY_SOURCE_PREFIX)

ALL = (
    PUT, CREATE, UPLOAD_PART, PART_COPY, PART_COPY_SOURCE, COMPLETE, LIST_PARTS, GET, GET_RANGE,
    GET_PART, HEAD, ATTRIBUTES, COPY, COPY_SOURCE,
)  # fmt: skip
READING_OBJECTS = (PART_COPY_SOURCE, GET, GET_RANGE, GET_PART, HEAD, ATTRIBUTES, COPY_SOURCE)
WITHIN_AN_UPLOAD = (UPLOAD_PART, PART_COPY, COMPLETE, LIST_PARTS)

# Operations whose answer names the algorithm and the key's MD5 (their pages, response syntax).
CONFIRMING = (PUT, CREATE, UPLOAD_PART, PART_COPY, GET, GET_RANGE, GET_PART, HEAD, COPY)


def by_name(operations):
    return pytest.mark.parametrize("operation", operations, ids=lambda each: each.name)


@pytest.fixture(scope="module")
def scene(lab, s3) -> Scene:
    return Scene(lab, s3)


def assert_refused(operation: Operation, answer: Response, status: int, code: str) -> None:
    seen = (answer.status, answer.code if operation.has_body else code)
    assert seen == (status, code), f"{operation.name}: {seen} {answer.message}"
    if not operation.has_body:
        assert answer.body == b""


@by_name(ALL)
def test_right_key(scene, operation):
    """200 (206 for a range), and the key itself is never sent back."""
    answer = operation(scene, scene.key.headers(operation.prefix))
    assert answer.status == (206 if operation in (GET_RANGE, GET_PART) else 200), answer.message
    if operation in CONFIRMING:
        assert answer.headers[f"{PREFIX}algorithm"] == "AES256"
        assert answer.headers[f"{PREFIX}key-md5"] == scene.key.md5
    assert f"{PREFIX}key" not in answer.headers
    assert scene.key.base64.encode() not in answer.body


@by_name(READING_OBJECTS)
def test_wrong_key_on_an_object(scene, operation):
    """userguide/ServerSideEncryptionCustomerKeys.html: S3 first verifies that the key matches;
    API/ErrorResponses.html: 403 AccessDenied."""
    answer = operation(scene, scene.other.headers(operation.prefix))
    assert_refused(operation, answer, 403, "AccessDenied")
    assert DATA[:20] not in answer.body


@by_name(READING_OBJECTS)
def test_missing_key_on_an_object(scene, operation):
    """API/API_HeadObject.html and API_GetObject.html: without the headers, 400 Bad Request."""
    answer = operation(scene, {})
    assert_refused(operation, answer, 400, "InvalidRequest")
    assert DATA[:20] not in answer.body


@by_name(READING_OBJECTS)
def test_superfluous_key_on_an_object(scene, operation):
    """API/ErrorResponses.html: 400 InvalidRequest; the object is not stored under SSE-C."""
    answer = operation(scene, scene.key.headers(operation.prefix), sealed=False)
    assert_refused(operation, answer, 400, "InvalidRequest")


@by_name(WITHIN_AN_UPLOAD)
def test_wrong_key_within_an_upload(scene, operation):
    """API/API_UploadPart.html: the key must match the one of the initiate request."""
    answer = operation(scene, scene.other.headers(operation.prefix))
    assert_refused(operation, answer, 400, "InvalidRequest")


@by_name(WITHIN_AN_UPLOAD)
def test_missing_key_within_an_upload(scene, operation):
    """API/API_UploadPart.html, API_CompleteMultipartUpload.html and API_ListParts.html: the
    headers are needed (for the last two because a checksum algorithm was chosen)."""
    answer = operation(scene, {})
    assert_refused(operation, answer, 400, "InvalidRequest")


@by_name((COMPLETE, LIST_PARTS))
def test_key_is_optional_without_a_checksum(scene, operation):
    """API/API_CompleteMultipartUpload.html and API_ListParts.html: the headers are "required only
    when the object was created using a checksum algorithm"."""
    upload, body = scene.upload(sealed=True, checksum=False)
    if operation is COMPLETE:
        answer = send(scene.lab, "POST", scene.bucket, "parts", {"uploadId": upload}, body=body)
    else:
        answer = send(scene.lab, "GET", scene.bucket, "parts", {"uploadId": upload})
    assert answer.status == 200, answer.message


@by_name((UPLOAD_PART, PART_COPY))
def test_superfluous_key_within_an_upload(scene, operation):
    """API/API_UploadPart.html: the part's encryption must be the one of the initiate request."""
    answer = operation(scene, scene.key.headers(operation.prefix), sealed=False)
    assert_refused(operation, answer, 400, "InvalidRequest")


INCOMPLETE = {
    "algorithm-only": ("algorithm",),
    "key-only": ("key",),
    "md5-only": ("key-MD5",),
    "without-md5": ("algorithm", "key"),
    "without-key": ("algorithm", "key-MD5"),
    "without-algorithm": ("key", "key-MD5"),
}


@pytest.mark.parametrize("present", INCOMPLETE.values(), ids=INCOMPLETE)
@by_name(ALL)
def test_incomplete_headers(scene, operation, present):
    """userguide/specifying-s3-c-encryption.html: all three headers are required;
    API/ErrorResponses.html: 400 InvalidArgument, "a required header was missing"."""
    headers = {
        name: value
        for name, value in scene.key.headers(operation.prefix).items()
        if name.removeprefix(operation.prefix) in present
    }
    assert_refused(operation, operation(scene, headers), 400, "InvalidArgument")


def md5_of(secret: bytes) -> str:
    return base64.b64encode(hashlib.md5(secret).digest()).decode()


@by_name(ALL)
def test_md5_of_another_key(scene, operation):
    """userguide/specifying-s3-c-encryption.html: the MD5 is a message integrity check;
    API/ErrorResponses.html: 400 InvalidArgument."""
    headers = scene.key.headers(operation.prefix)
    headers[f"{operation.prefix}key-MD5"] = scene.other.md5
    assert_refused(operation, operation(scene, headers), 400, "InvalidArgument")


@pytest.mark.parametrize("md5", ["", "AQ==", "not base64 at all"])
@by_name((PUT, GET, HEAD, COPY_SOURCE))
def test_md5_that_is_none(scene, operation, md5):
    headers = scene.key.headers(operation.prefix)
    headers[f"{operation.prefix}key-MD5"] = md5
    assert_refused(operation, operation(scene, headers), 400, "InvalidArgument")


@by_name(ALL)
def test_md5_of_the_base64_text(scene, operation):
    """The usual wrong recipe: the digest of the text instead of the 32 bytes."""
    headers = scene.key.headers(operation.prefix)
    headers[f"{operation.prefix}key-MD5"] = md5_of(scene.key.base64.encode())
    assert_refused(operation, operation(scene, headers), 400, "InvalidArgument")


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
@by_name(ALL)
def test_key_of_wrong_length(scene, operation, length):
    """userguide/specifying-s3-c-encryption.html: a 256-bit key; the MD5 here is the right one of
    the wrong key."""
    secret = scene.key.secret[:length] + b"\x07" * max(0, length - 32)
    headers = {
        f"{operation.prefix}algorithm": "AES256",
        f"{operation.prefix}key": base64.b64encode(secret).decode(),
        f"{operation.prefix}key-MD5": md5_of(secret),
    }
    assert_refused(operation, operation(scene, headers), 400, "InvalidArgument")


@by_name((PUT, GET, HEAD, COPY_SOURCE))
def test_key_in_hexadecimal(scene, operation):
    """The header wants base64; 64 hex digits decode to 48 bytes."""
    text = scene.key.secret.hex()
    headers = scene.key.headers(operation.prefix)
    headers[f"{operation.prefix}key"] = text
    assert_refused(operation, operation(scene, headers), 400, "InvalidArgument")


@pytest.mark.parametrize("algorithm", ["AES128", "aws:kms", "aes256", "AES-256"])
@by_name(ALL)
def test_unknown_algorithm(scene, operation, algorithm):
    """API/ErrorResponses.html: 400 InvalidEncryptionAlgorithmError, "the valid value is AES256"."""
    headers = scene.key.headers(operation.prefix)
    headers[f"{operation.prefix}algorithm"] = algorithm
    answer = operation(scene, headers)
    assert_refused(operation, answer, 400, "InvalidEncryptionAlgorithmError")


@by_name(ALL)
def test_plain_http(scene, operation):
    """userguide/ServerSideEncryptionCustomerKeys.html: "Amazon S3 rejects any requests made over
    HTTP when using SSE-C"."""
    answer = operation(scene, scene.key.headers(operation.prefix), "http")
    assert_refused(operation, answer, 400, "InvalidRequest")


@by_name((PUT, CREATE, COPY))
def test_two_kinds_of_encryption_at_once(scene, operation):
    """API/API_PutObject.html: a customer key excludes x-amz-server-side-encryption;
    API/ErrorResponses.html: 400 InvalidArgument."""
    headers = {"x-amz-server-side-encryption": "AES256", **scene.key.headers(operation.prefix)}
    assert_refused(operation, operation(scene, headers), 400, "InvalidArgument")


def test_refused_writes_leave_nothing(scene):
    """A refused request changes nothing."""
    bucket = make_bucket(scene.s3, customer_keys=True)
    headers = scene.key.headers()
    headers[f"{PREFIX}key-MD5"] = scene.other.md5
    assert send(scene.lab, "PUT", bucket, "new", headers=headers, body=DATA).status == 400
    answer = send(
        scene.lab, "PUT", bucket, "new", headers=scene.key.headers(), body=DATA, scheme="http"
    )
    assert answer.status == 400
    listing = scene.s3.list_object_versions(Bucket=bucket)
    assert "Versions" not in listing
    assert "Uploads" not in scene.s3.list_multipart_uploads(Bucket=bucket)


def test_plain_http_without_a_key_is_served(scene):
    """Only SSE-C requires TLS; API/Welcome.html: S3 answers on HTTP too."""
    answer = send(scene.lab, "GET", scene.bucket, "plain", scheme="http")
    assert (answer.status, answer.body) == (200, DATA)
