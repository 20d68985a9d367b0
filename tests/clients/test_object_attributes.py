"""GetObjectAttributes. API/API_GetObjectAttributes.html"""

from checksum import checksum
from s3_error import refused
from signed_request import send

ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
MIB = 1024 * 1024


def test_of_a_single_upload(s3, versioned):
    put = s3.put_object(Bucket=versioned, Key="k", Body=b"hello", ChecksumAlgorithm="SHA1")
    found = s3.get_object_attributes(Bucket=versioned, Key="k", ObjectAttributes=ALL)
    assert found["ETag"] == put["ETag"].strip('"')
    assert found["ObjectSize"] == 5
    assert found["StorageClass"] == "STANDARD"
    assert found["VersionId"] == put["VersionId"]
    assert found["LastModified"]
    assert found["Checksum"] == {
        "ChecksumSHA1": checksum("SHA1", b"hello"),
        "ChecksumType": "FULL_OBJECT",
    }
    assert "ObjectParts" not in found


def test_only_what_was_asked_for(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert found["ObjectSize"] == 5
    assert not {"ETag", "Checksum", "ObjectParts", "StorageClass"} & found.keys()


def test_parts_in_pages(s3, bucket):
    address = {"Bucket": bucket, "Key": "k"}
    created = s3.create_multipart_upload(ChecksumAlgorithm="CRC32C", **address)
    target = {**address, "UploadId": created["UploadId"]}
    sizes = [5 * MIB, 5 * MIB + 1, 2]
    parts = []
    for number, size in enumerate(sizes, 1):
        answer = s3.upload_part(
            PartNumber=number, Body=b"x" * size, ChecksumAlgorithm="CRC32C", **target
        )
        parts.append(
            {
                "PartNumber": number,
                "ETag": answer["ETag"],
                "ChecksumCRC32C": answer["ChecksumCRC32C"],
            }
        )
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **target)
    first = s3.get_object_attributes(ObjectAttributes=["ObjectParts"], MaxParts=2, **address)
    found = first["ObjectParts"]
    assert found["TotalPartsCount"] == 3
    assert found["IsTruncated"] is True
    assert found["NextPartNumberMarker"] == 2
    assert [(each["PartNumber"], each["Size"]) for each in found["Parts"]] == [
        (1, sizes[0]),
        (2, sizes[1]),
    ]
    rest = s3.get_object_attributes(
        ObjectAttributes=["ObjectParts"], PartNumberMarker=2, **address
    )["ObjectParts"]
    assert [each["Size"] for each in rest["Parts"]] == [2]
    assert rest["Parts"][0]["ChecksumCRC32C"] == checksum("CRC32C", b"xx")


def test_missing_object_and_version(s3, versioned):
    with refused(404, "NoSuchKey"):
        s3.get_object_attributes(Bucket=versioned, Key="none", ObjectAttributes=ALL)
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=version)
    with refused(404, ("NoSuchVersion", "NoSuchKey")):
        s3.get_object_attributes(
            Bucket=versioned, Key="k", VersionId=version, ObjectAttributes=ALL
        )


def test_the_attributes_header_is_required(lab, s3, bucket):
    """API/ErrorResponses.html: 400 InvalidArgument."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    answer = send(lab, "GET", bucket, "k", {"attributes": ""})
    assert answer.status == 400
    assert answer.code in ("InvalidArgument", "InvalidRequest")
    headers = {"x-amz-object-attributes": "Colour"}
    answer = send(lab, "GET", bucket, "k", {"attributes": ""}, headers)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
