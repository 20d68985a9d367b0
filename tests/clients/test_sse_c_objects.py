"""Objects under customer keys, beyond the answers to good and bad keys.

userguide/ServerSideEncryptionCustomerKeys.html unless a test says otherwise.
"""

import hashlib

import pytest
import urllib3

from checksum import checksum, composite, member
from conftest import make_bucket
from customer_key import CustomerKey
from s3_error import refused

MIB = 1024 * 1024
PART = 5 * MIB


def pattern(size: int) -> bytes:
    unit = hashlib.sha256(str(size).encode()).digest()
    return (unit * (size // len(unit) + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 3 * MIB + 17])
def test_round_trip(s3, key_bucket, customer_key, size):
    data = pattern(size)
    s3.put_object(Bucket=key_bucket, Key="k", Body=data, **customer_key.arguments())
    found = s3.get_object(Bucket=key_bucket, Key="k", **customer_key.arguments())
    assert found["Body"].read() == data
    assert found["ContentLength"] == size
    assert found["SSECustomerKeyMD5"] == customer_key.md5
    assert "ServerSideEncryption" not in found


def test_the_etag_is_not_the_md5(s3, key_bucket, customer_key):
    """The ETag in the response is not the MD5 of the object data."""
    etag = s3.put_object(Bucket=key_bucket, Key="k", Body=b"x", **customer_key.arguments())["ETag"]
    assert etag.strip('"') != hashlib.md5(b"x").hexdigest()
    assert s3.head_object(Bucket=key_bucket, Key="k", **customer_key.arguments())["ETag"] == etag
    assert s3.list_objects_v2(Bucket=key_bucket)["Contents"][0]["ETag"] == etag


def test_content_md5_is_still_checked(s3, key_bucket, customer_key):
    """API/API_PutObject.html: Content-MD5 of another body is 400 BadDigest."""
    import base64

    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    with refused(400, "BadDigest"):
        s3.put_object(
            Bucket=key_bucket, Key="k", Body=b"x", ContentMD5=wrong, **customer_key.arguments()
        )


def test_each_version_has_its_own_key(s3, key_bucket):
    """With versioning each object version can have its own encryption key."""
    keys = [CustomerKey() for _ in range(3)]
    versions = [
        s3.put_object(
            Bucket=key_bucket, Key="k", Body=f"version {number}".encode(), **each.arguments()
        )["VersionId"]
        for number, each in enumerate(keys)
    ]
    for number, (version, each) in enumerate(zip(versions, keys, strict=True)):
        found = s3.get_object(Bucket=key_bucket, Key="k", VersionId=version, **each.arguments())
        assert found["Body"].read() == f"version {number}".encode()
        wrong = keys[(number + 1) % 3]
        with refused(403, "AccessDenied"):
            s3.get_object(Bucket=key_bucket, Key="k", VersionId=version, **wrong.arguments())


def test_what_needs_no_key(s3, key_bucket, customer_key):
    """userguide/specifying-s3-c-encryption.html lists the operations with SSE-C headers: tags,
    listing and deleting are not among them."""
    put = s3.put_object(
        Bucket=key_bucket, Key="k", Body=b"x", Tagging="a=1", **customer_key.arguments()
    )
    assert s3.get_object_tagging(Bucket=key_bucket, Key="k")["TagSet"] == [
        {"Key": "a", "Value": "1"}
    ]
    s3.put_object_tagging(
        Bucket=key_bucket, Key="k", Tagging={"TagSet": [{"Key": "b", "Value": "2"}]}
    )
    s3.delete_object_tagging(Bucket=key_bucket, Key="k")
    assert s3.list_objects_v2(Bucket=key_bucket)["KeyCount"] == 1
    assert len(s3.list_object_versions(Bucket=key_bucket)["Versions"]) == 1
    s3.delete_object(Bucket=key_bucket, Key="k", VersionId=put["VersionId"])
    upload = s3.create_multipart_upload(Bucket=key_bucket, Key="k", **customer_key.arguments())
    assert len(s3.list_multipart_uploads(Bucket=key_bucket)["Uploads"]) == 1
    s3.abort_multipart_upload(Bucket=key_bucket, Key="k", UploadId=upload["UploadId"])


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=65535-65536", 65535, 65536),
        ("bytes=100000-", 100000, 199999),
        ("bytes=-7", 199993, 199999),
        ("bytes=131072-131071000", 131072, 199999),
    ],
)
def test_ranges(s3, key_bucket, customer_key, asked, first, last):
    data = pattern(200000)
    s3.put_object(Bucket=key_bucket, Key="k", Body=data, **customer_key.arguments())
    found = s3.get_object(Bucket=key_bucket, Key="k", Range=asked, **customer_key.arguments())
    assert found["ContentRange"] == f"bytes {first}-{last}/200000"
    assert found["Body"].read() == data[first : last + 1]


@pytest.mark.parametrize("algorithm", ["CRC64NVME", "SHA256"])
def test_multipart(s3, key_bucket, customer_key, algorithm):
    """API/API_UploadPart.html; userguide/checking-object-integrity-upload.html for the checksum."""
    parts = [pattern(PART), pattern(PART + 3), pattern(1000)]
    create = s3.create_multipart_upload(
        Bucket=key_bucket,
        Key="k",
        ChecksumAlgorithm=algorithm,
        Metadata={"origin": "parts"},
        **customer_key.arguments(),
    )
    assert create["SSECustomerKeyMD5"] == customer_key.md5
    target = {"Bucket": key_bucket, "Key": "k", "UploadId": create["UploadId"]}
    done = []
    for number, part in enumerate(parts, 1):
        answer = s3.upload_part(
            PartNumber=number,
            Body=part,
            ChecksumAlgorithm=algorithm,
            **target,
            **customer_key.arguments(),
        )
        assert answer["SSECustomerKeyMD5"] == customer_key.md5
        assert answer[member(algorithm)] == checksum(algorithm, part)
        done.append(
            {
                "PartNumber": number,
                "ETag": answer["ETag"],
                member(algorithm): answer[member(algorithm)],
            }
        )
    listed = s3.list_parts(**target, **customer_key.arguments())["Parts"]
    assert [(each["PartNumber"], each["Size"]) for each in listed] == [
        (number, len(part)) for number, part in enumerate(parts, 1)
    ]
    complete = s3.complete_multipart_upload(
        MultipartUpload={"Parts": done}, **target, **customer_key.arguments()
    )
    whole = b"".join(parts)
    expected = (
        checksum(algorithm, whole) if algorithm == "CRC64NVME" else composite(algorithm, parts)
    )
    assert complete[member(algorithm)] == expected
    assert complete["ETag"].strip('"').endswith("-3")

    head = s3.head_object(
        Bucket=key_bucket, Key="k", ChecksumMode="ENABLED", **customer_key.arguments()
    )
    assert head[member(algorithm)] == expected
    assert head["Metadata"] == {"origin": "parts"}
    assert head["ContentLength"] == len(whole)
    found = s3.get_object(Bucket=key_bucket, Key="k", **customer_key.arguments())
    assert found["Body"].read() == whole
    across = s3.get_object(
        Bucket=key_bucket,
        Key="k",
        Range=f"bytes={PART - 10}-{PART + 9}",
        **customer_key.arguments(),
    )
    assert across["Body"].read() == whole[PART - 10 : PART + 10]
    second = s3.get_object(Bucket=key_bucket, Key="k", PartNumber=2, **customer_key.arguments())
    assert second["Body"].read() == parts[1]
    assert second["PartsCount"] == 3
    with refused(403, "AccessDenied"):
        s3.get_object(Bucket=key_bucket, Key="k", PartNumber=3, **CustomerKey().arguments())


def test_a_failed_part_can_be_sent_again(s3, key_bucket, customer_key, other_key):
    target = {"Bucket": key_bucket, "Key": "k"}
    upload = s3.create_multipart_upload(**target, **customer_key.arguments())["UploadId"]
    target["UploadId"] = upload
    with refused(400, "InvalidRequest"):
        s3.upload_part(PartNumber=1, Body=b"wrong", **target, **other_key.arguments())
    part = s3.upload_part(PartNumber=1, Body=b"right", **target, **customer_key.arguments())
    s3.complete_multipart_upload(
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        **target,
        **customer_key.arguments(),
    )
    found = s3.get_object(Bucket=key_bucket, Key="k", **customer_key.arguments())
    assert found["Body"].read() == b"right"


COPIES = [(True, True), (True, False), (False, True), (False, False)]


@pytest.mark.parametrize(("from_sealed", "to_sealed"), COPIES)
def test_copy_between_all_kinds(s3, key_bucket, from_sealed, to_sealed):
    """API/API_CopyObject.html"""
    data = pattern(300000)
    before, after = CustomerKey(), CustomerKey()
    source_arguments = before.source_arguments() if from_sealed else {}
    s3.put_object(
        Bucket=key_bucket, Key="a", Body=data, **(before.arguments() if from_sealed else {})
    )
    copied = s3.copy_object(
        Bucket=key_bucket,
        Key="b",
        CopySource={"Bucket": key_bucket, "Key": "a"},
        **source_arguments,
        **(after.arguments() if to_sealed else {}),
    )
    assert copied.get("SSECustomerKeyMD5") == (after.md5 if to_sealed else None)
    found = s3.get_object(
        Bucket=key_bucket, Key="b", **(after.arguments() if to_sealed else {})
    )
    assert found["Body"].read() == data
    if to_sealed:
        with refused(403, "AccessDenied"):
            s3.get_object(Bucket=key_bucket, Key="b", **before.arguments())
        with refused(400, "InvalidRequest"):
            s3.get_object(Bucket=key_bucket, Key="b")


def test_rekey_in_place(s3, key_bucket):
    """API/API_CopyObject.html: a copy onto itself is legal when it changes the encryption."""
    before, after = CustomerKey(), CustomerKey()
    old = s3.put_object(
        Bucket=key_bucket,
        Key="k",
        Body=b"data",
        Metadata={"kept": "yes"},
        ContentType="text/plain",
        Tagging="tag=kept",
        **before.arguments(),
    )
    s3.copy_object(
        Bucket=key_bucket,
        Key="k",
        CopySource={"Bucket": key_bucket, "Key": "k"},
        **before.source_arguments(),
        **after.arguments(),
    )
    found = s3.get_object(Bucket=key_bucket, Key="k", **after.arguments())
    assert found["Body"].read() == b"data"
    assert found["Metadata"] == {"kept": "yes"}
    assert found["ContentType"] == "text/plain"
    assert found["TagCount"] == 1
    # The former version is still under the former key.
    found = s3.get_object(
        Bucket=key_bucket, Key="k", VersionId=old["VersionId"], **before.arguments()
    )
    assert found["Body"].read() == b"data"


def test_rekey_by_parts(s3, key_bucket):
    """API/API_UploadPartCopy.html: source and destination have keys of their own."""
    before, after = CustomerKey(), CustomerKey()
    data = pattern(2 * PART + 11)
    s3.put_object(Bucket=key_bucket, Key="a", Body=data, **before.arguments())
    upload = s3.create_multipart_upload(Bucket=key_bucket, Key="b", **after.arguments())["UploadId"]
    parts = []
    for number, first in enumerate(range(0, len(data), PART), 1):
        last = min(first + PART, len(data)) - 1
        answer = s3.upload_part_copy(
            Bucket=key_bucket,
            Key="b",
            UploadId=upload,
            PartNumber=number,
            CopySource={"Bucket": key_bucket, "Key": "a"},
            CopySourceRange=f"bytes={first}-{last}",
            **before.source_arguments(),
            **after.arguments(),
        )
        assert answer["SSECustomerKeyMD5"] == after.md5
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(
        Bucket=key_bucket,
        Key="b",
        UploadId=upload,
        MultipartUpload={"Parts": parts},
        **after.arguments(),
    )
    found = s3.get_object(Bucket=key_bucket, Key="b", **after.arguments())
    assert found["Body"].read() == data


def test_attributes(s3, key_bucket, customer_key, other_key):
    """API/API_GetObjectAttributes.html"""
    s3.put_object(
        Bucket=key_bucket, Key="k", Body=b"hello", ChecksumAlgorithm="SHA256",
        **customer_key.arguments(),
    )
    wanted = ["ETag", "Checksum", "ObjectSize", "StorageClass"]
    found = s3.get_object_attributes(
        Bucket=key_bucket, Key="k", ObjectAttributes=wanted, **customer_key.arguments()
    )
    assert found["ObjectSize"] == 5
    assert found["Checksum"]["ChecksumSHA256"] == checksum("SHA256", b"hello")
    with refused(403, "AccessDenied"):
        s3.get_object_attributes(
            Bucket=key_bucket, Key="k", ObjectAttributes=wanted, **other_key.arguments()
        )
    with refused(400, "InvalidRequest"):
        s3.get_object_attributes(Bucket=key_bucket, Key="k", ObjectAttributes=wanted)


def test_presigned_urls_carry_the_key_in_headers(lab, s3, key_bucket, customer_key):
    """userguide/specifying-s3-c-encryption.html, "Presigned URLs and SSE-C": the URL signs the
    headers, and whoever uses it sends them."""
    pool = urllib3.PoolManager(ca_certs=lab.ca_bundle)
    put = s3.generate_presigned_url(
        "put_object", Params={"Bucket": key_bucket, "Key": "k", **customer_key.arguments()}
    )
    headers = customer_key.headers()
    answer = pool.request("PUT", put, body=b"by url", headers=headers)
    assert answer.status == 200, answer.data
    get = s3.generate_presigned_url(
        "get_object", Params={"Bucket": key_bucket, "Key": "k", **customer_key.arguments()}
    )
    assert pool.request("GET", get, headers=headers).data == b"by url"
    for url in (put, get):
        assert customer_key.base64 not in urllib3.util.parse_url(url).path
    # Without the headers that were signed the signature does not hold.
    assert pool.request("GET", get).status in (400, 403)
    wrong = CustomerKey().headers()
    assert pool.request("GET", get, headers=wrong).status == 403


def test_boto3_transfers(s3, key_bucket, customer_key, tmp_path):
    """boto3's own multipart upload and parallel download, which derive the headers themselves."""
    from boto3.s3.transfer import TransferConfig

    data = pattern(20 * MIB + 5)
    (tmp_path / "up").write_bytes(data)
    extra = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": customer_key.secret}
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.upload_file(str(tmp_path / "up"), key_bucket, "k", ExtraArgs=extra, Config=config)
    s3.download_file(key_bucket, "k", str(tmp_path / "down"), ExtraArgs=extra, Config=config)
    assert (tmp_path / "down").read_bytes() == data
    head = s3.head_object(Bucket=key_bucket, Key="k", **customer_key.arguments())
    assert head["ETag"].strip('"').endswith("-3")


def test_deleted_and_missing_objects_answer_404_with_a_key(s3, key_bucket, customer_key):
    """API/API_GetObject.html: 404 NoSuchKey, whatever key is sent."""
    with refused(404, "NoSuchKey"):
        s3.get_object(Bucket=key_bucket, Key="none", **customer_key.arguments())
    with refused(404, "404"):
        s3.head_object(Bucket=key_bucket, Key="none", **customer_key.arguments())


def test_unversioned_overwrite_changes_the_key(s3, customer_key, other_key):
    bucket = make_bucket(s3, customer_keys=True)
    s3.put_object(Bucket=bucket, Key="k", Body=b"one", **customer_key.arguments())
    s3.put_object(Bucket=bucket, Key="k", Body=b"two", **other_key.arguments())
    with refused(403, "AccessDenied"):
        s3.get_object(Bucket=bucket, Key="k", **customer_key.arguments())
    assert (
        s3.get_object(Bucket=bucket, Key="k", **other_key.arguments())["Body"].read() == b"two"
    )
