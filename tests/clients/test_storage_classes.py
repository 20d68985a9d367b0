"""Storage classes. API/API_PutObject.html, API_CopyObject.html, API_RestoreObject.html,
userguide/restoring-objects.html"""

import pytest

from customer_key import CustomerKey
from s3_error import refused


@pytest.mark.parametrize("kind", ["put", "copy", "parts"])
def test_kept_and_told(s3, bucket, kind):
    address = {"Bucket": bucket, "Key": "a"}
    if kind == "put":
        s3.put_object(**address, Body=b"x", StorageClass="ONEZONE_IA")
    elif kind == "copy":
        s3.put_object(Bucket=bucket, Key="b", Body=b"x", StorageClass="STANDARD_IA")
        source = {"Bucket": bucket, "Key": "b"}
        s3.copy_object(**address, CopySource=source)
        assert "StorageClass" not in s3.head_object(**address)
        s3.copy_object(**address, CopySource=source, StorageClass="ONEZONE_IA")
    else:
        upload = s3.create_multipart_upload(**address, StorageClass="ONEZONE_IA")["UploadId"]
        part = s3.upload_part(**address, UploadId=upload, PartNumber=1, Body=b"x")
        s3.complete_multipart_upload(
            **address,
            UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        )
    assert s3.head_object(**address)["StorageClass"] == "ONEZONE_IA"
    assert s3.get_object(**address)["StorageClass"] == "ONEZONE_IA"
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "ONEZONE_IA"


@pytest.mark.parametrize("name", ["GLACIER", "DEEP_ARCHIVE"])
def test_archives_are_restored_first(s3, key_bucket, name):
    before, after = CustomerKey(), CustomerKey()
    address = {"Bucket": key_bucket, "Key": "a"}
    s3.put_object(**address, Body=b"x", StorageClass=name, **before.arguments())

    def rekey():
        s3.copy_object(
            Bucket=key_bucket,
            Key="b",
            CopySource=address,
            **before.source_arguments(),
            **after.arguments(),
        )

    with refused(403, "InvalidObjectState"):
        s3.get_object(**address, **before.arguments())
    with refused(403, "InvalidObjectState"):
        rekey()
    for expected in (202, 200):
        answer = s3.restore_object(**address, RestoreRequest={"Days": 1})
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == expected
    head = s3.head_object(**address, **before.arguments())
    assert head["StorageClass"] == name
    assert head["Restore"].startswith('ongoing-request="false", expiry-date="')
    rekey()
    assert s3.get_object(Bucket=key_bucket, Key="b", **after.arguments())["Body"].read() == b"x"


def test_only_archives_are_restored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", StorageClass="GLACIER_IR")
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    with refused(403, "InvalidObjectState"):
        s3.restore_object(Bucket=bucket, Key="a", RestoreRequest={"Days": 1})
