"""Versions, delete markers and null versions.

userguide/versioning-workflows.html, DeleteMarker.html, AddingObjectstoVersionSuspendedBuckets.html,
DeletingObjectsfromVersioningSuspendedBuckets.html, API/API_ListObjectVersions.html.
"""

import pytest

from s3_error import refused
from signed_request import send


def suspend(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def versions(s3, bucket, **arguments):
    """(key, version id, is latest, is a delete marker), in the order listed within each kind."""
    answer = s3.list_object_versions(Bucket=bucket, **arguments)
    entries = [
        (each["Key"], each["VersionId"], each["IsLatest"], False)
        for each in answer.get("Versions", [])
    ]
    return entries + [
        (each["Key"], each["VersionId"], each["IsLatest"], True)
        for each in answer.get("DeleteMarkers", [])
    ]


def test_each_put_is_a_version(s3, versioned):
    ids = [
        s3.put_object(Bucket=versioned, Key="k", Body=str(number).encode())["VersionId"]
        for number in range(3)
    ]
    assert len(set(ids)) == 3 and "null" not in ids
    assert s3.get_object(Bucket=versioned, Key="k")["VersionId"] == ids[2]
    for number, version in enumerate(ids):
        found = s3.get_object(Bucket=versioned, Key="k", VersionId=version)
        assert found["Body"].read() == str(number).encode()
        assert found["VersionId"] == version
    # Newest first.
    assert [each[1] for each in versions(s3, versioned)] == ids[::-1]
    assert [each[2] for each in versions(s3, versioned)] == [True, False, False]


def test_delete_marker(s3, lab, versioned):
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"]
    deleted = s3.delete_object(Bucket=versioned, Key="k")
    assert deleted["DeleteMarker"] is True
    marker = deleted["VersionId"]
    assert marker != version

    with refused(404, "NoSuchKey") as caught:
        s3.get_object(Bucket=versioned, Key="k")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true"
    assert headers["x-amz-version-id"] == marker
    answer = send(lab, "HEAD", versioned, "k")
    assert (answer.status, answer.headers["x-amz-delete-marker"]) == (404, "true")

    # DeleteMarker.html: a marker's own version id allows nothing but DELETE.
    for method in ("GET", "HEAD"):
        answer = send(lab, method, versioned, "k", {"versionId": marker})
        assert answer.status == 405
        assert answer.headers["x-amz-delete-marker"] == "true"
        assert answer.headers["allow"] == "DELETE"
        assert "last-modified" in answer.headers
    assert send(lab, "GET", versioned, "k", {"versionId": marker}).code == "MethodNotAllowed"

    assert s3.get_object(Bucket=versioned, Key="k", VersionId=version)["Body"].read() == b"x"
    assert "Contents" not in s3.list_objects_v2(Bucket=versioned)
    assert versions(s3, versioned) == [("k", version, False, False), ("k", marker, True, True)]

    # Deleting the marker brings the object back.
    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert removed["DeleteMarker"] is True
    assert removed["VersionId"] == marker
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"x"


def test_delete_of_nothing_makes_a_marker(s3, versioned):
    """API/API_DeleteObject.html: a simple DELETE always inserts a marker."""
    first = s3.delete_object(Bucket=versioned, Key="none")
    second = s3.delete_object(Bucket=versioned, Key="none")
    assert first["DeleteMarker"] is True and second["DeleteMarker"] is True
    assert len(s3.list_object_versions(Bucket=versioned)["DeleteMarkers"]) == 2


def test_delete_of_a_version_is_permanent(s3, versioned):
    one = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    two = s3.put_object(Bucket=versioned, Key="k", Body=b"2")["VersionId"]
    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=two)
    assert removed["VersionId"] == two
    assert "DeleteMarker" not in removed
    assert s3.get_object(Bucket=versioned, Key="k")["VersionId"] == one
    with refused(404, "NoSuchVersion"):
        s3.get_object(Bucket=versioned, Key="k", VersionId=two)
    # Deleting it again succeeds.
    s3.delete_object(Bucket=versioned, Key="k", VersionId=two)


def test_version_ids_that_are_none(s3, versioned):
    """API/ErrorResponses.html: 404 NoSuchVersion; 400 InvalidArgument for what is no id."""
    s3.put_object(Bucket=versioned, Key="k", Body=b"1")
    other = s3.put_object(Bucket=versioned, Key="other", Body=b"1")["VersionId"]
    with refused(404, "NoSuchVersion"):
        s3.get_object(Bucket=versioned, Key="k", VersionId=other)
    with refused(404, "NoSuchVersion"):
        s3.get_object(Bucket=versioned, Key="k", VersionId="null")
    with refused(400, "InvalidArgument"):
        s3.get_object(Bucket=versioned, Key="k", VersionId="no version id")


def test_objects_older_than_versioning_are_null(s3, bucket):
    """userguide/adding-objects-to-versioning-enabled-buckets.html"""
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert versions(s3, bucket) == [("k", "null", True, False)]
    new = s3.put_object(Bucket=bucket, Key="k", Body=b"new")["VersionId"]
    assert versions(s3, bucket) == [("k", new, True, False), ("k", "null", False, False)]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"old"


def test_suspended_puts_replace_the_null_version(s3, versioned):
    one = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    suspend(s3, versioned)
    for body in (b"2", b"3"):
        put = s3.put_object(Bucket=versioned, Key="k", Body=body)
        assert put.get("VersionId") in (None, "null")
    assert versions(s3, versioned) == [("k", "null", True, False), ("k", one, False, False)]
    found = s3.get_object(Bucket=versioned, Key="k")
    assert (found["Body"].read(), found["VersionId"]) == (b"3", "null")
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=one)["Body"].read() == b"1"


def test_suspended_delete_replaces_the_null_version_by_a_marker(s3, versioned):
    one = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    suspend(s3, versioned)
    s3.put_object(Bucket=versioned, Key="k", Body=b"2")
    deleted = s3.delete_object(Bucket=versioned, Key="k")
    assert deleted["DeleteMarker"] is True
    assert deleted["VersionId"] == "null"
    assert versions(s3, versioned) == [("k", one, False, False), ("k", "null", True, True)]
    # Putting again replaces the null marker.
    s3.put_object(Bucket=versioned, Key="k", Body=b"3")
    assert versions(s3, versioned) == [("k", "null", True, False), ("k", one, False, False)]


def test_listing_pages(s3, versioned):
    """API/API_ListObjectVersions.html: NextKeyMarker and NextVersionIdMarker go on within a key."""
    expected = []
    for name in ("a", "b", "c"):
        for _ in range(3):
            version = s3.put_object(Bucket=versioned, Key=name, Body=b"x")["VersionId"]
            expected.append((name, version))
    expected.sort(key=lambda each: each[0])
    by_key = {name: [v for n, v in expected if n == name][::-1] for name in "abc"}
    wanted = [(name, version) for name in "abc" for version in by_key[name]]
    seen = []
    markers = {}
    pages = 0
    while True:
        page = s3.list_object_versions(Bucket=versioned, MaxKeys=2, **markers)
        seen += [(each["Key"], each["VersionId"]) for each in page["Versions"]]
        pages += 1
        assert page["MaxKeys"] == 2
        if not page["IsTruncated"]:
            break
        markers = {
            "KeyMarker": page["NextKeyMarker"],
            "VersionIdMarker": page["NextVersionIdMarker"],
        }
    assert seen == wanted
    assert pages == 5


def test_listing_with_prefix_and_delimiter(s3, versioned):
    for name in ("a/1", "a/2", "b", "c/d/e"):
        s3.put_object(Bucket=versioned, Key=name, Body=b"x")
    s3.delete_object(Bucket=versioned, Key="b")
    page = s3.list_object_versions(Bucket=versioned, Delimiter="/")
    assert [each["Prefix"] for each in page["CommonPrefixes"]] == ["a/", "c/"]
    assert [each["Key"] for each in page["Versions"]] == ["b"]
    assert [each["Key"] for each in page["DeleteMarkers"]] == ["b"]
    page = s3.list_object_versions(Bucket=versioned, Prefix="c/", Delimiter="/")
    assert [each["Prefix"] for each in page["CommonPrefixes"]] == ["c/d/"]


def test_version_id_marker_needs_a_key_marker(s3, versioned):
    """API/API_ListObjectVersions.html; 400 InvalidArgument."""
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"]
    with refused(400, "InvalidArgument"):
        s3.list_object_versions(Bucket=versioned, VersionIdMarker=version)


def test_copy_of_a_version(s3, versioned):
    """API/API_CopyObject.html: the source's version id is a query of the copy source."""
    old = s3.put_object(Bucket=versioned, Key="k", Body=b"old")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"new")
    copied = s3.copy_object(
        Bucket=versioned,
        Key="k",
        CopySource={"Bucket": versioned, "Key": "k", "VersionId": old},
    )
    assert copied["CopySourceVersionId"] == old
    assert copied["VersionId"] not in (old, None)
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"old"


def test_copy_of_a_delete_marker(s3, versioned):
    """API/API_CopyObject.html: a delete marker as the source is 404 (latest) or 400 (by id)."""
    s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    with refused(404, "NoSuchKey"):
        s3.copy_object(
            Bucket=versioned, Key="c", CopySource={"Bucket": versioned, "Key": "k"}
        )
    with refused(400, "InvalidRequest"):
        s3.copy_object(
            Bucket=versioned,
            Key="c",
            CopySource={"Bucket": versioned, "Key": "k", "VersionId": marker},
        )


def test_tags_of_a_version(s3, versioned):
    """API/API_PutObjectTagging.html with versionId."""
    one = s3.put_object(Bucket=versioned, Key="k", Body=b"1", Tagging="n=1")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"2", Tagging="n=2")
    found = s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=one)
    assert found["TagSet"] == [{"Key": "n", "Value": "1"}]
    assert found["VersionId"] == one
    s3.put_object_tagging(
        Bucket=versioned, Key="k", VersionId=one, Tagging={"TagSet": [{"Key": "n", "Value": "9"}]}
    )
    found = s3.get_object_tagging(Bucket=versioned, Key="k")
    assert found["TagSet"] == [{"Key": "n", "Value": "2"}]


def test_multipart_makes_a_version(s3, versioned):
    """API/API_CompleteMultipartUpload.html"""
    target = {"Bucket": versioned, "Key": "k"}
    old = s3.put_object(Body=b"old", **target)["VersionId"]
    upload = s3.create_multipart_upload(**target)["UploadId"]
    etag = s3.upload_part(UploadId=upload, PartNumber=1, Body=b"new", **target)["ETag"]
    done = s3.complete_multipart_upload(
        UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}, **target
    )
    assert done["VersionId"] not in (old, None)
    assert s3.get_object(**target)["VersionId"] == done["VersionId"]


@pytest.mark.parametrize("state", ["Enabled", "Suspended"])
def test_version_header_follows_the_state(lab, s3, versioned, state):
    """API/API_PutObject.html: x-amz-version-id with versioning enabled."""
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": state})
    answer = send(lab, "PUT", versioned, "k", body=b"x")
    if state == "Enabled":
        assert answer.headers["x-amz-version-id"] not in ("null", "")
    else:
        assert answer.headers.get("x-amz-version-id", "null") == "null"
