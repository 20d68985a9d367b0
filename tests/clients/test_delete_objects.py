"""DeleteObjects. API/API_DeleteObjects.html"""

from s3_error import refused
from signed_request import content_md5, send


def put(s3, bucket, *names):
    return [s3.put_object(Bucket=bucket, Key=name, Body=b"x").get("VersionId") for name in names]


def delete(s3, bucket, *names, **options):
    return s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": name} for name in names], **options}
    )


def test_each_object_is_reported(s3, bucket):
    put(s3, bucket, "a", "b", "c d+e/ü")
    answer = delete(s3, bucket, "a", "c d+e/ü", "none")
    assert {each["Key"] for each in answer["Deleted"]} == {"a", "c d+e/ü", "none"}
    assert "Errors" not in answer
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["b"]


def test_quiet_reports_only_errors(s3, bucket):
    put(s3, bucket, "a")
    answer = delete(s3, bucket, "a", Quiet=True)
    assert "Deleted" not in answer and "Errors" not in answer
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_versions_and_markers(s3, versioned):
    (version,) = put(s3, versioned, "a")
    (deleted,) = delete(s3, versioned, "a")["Deleted"]
    assert deleted["DeleteMarker"] is True
    marker = deleted["DeleteMarkerVersionId"]
    answer = s3.delete_objects(
        Bucket=versioned,
        Delete={
            "Objects": [{"Key": "a", "VersionId": version}, {"Key": "a", "VersionId": marker}]
        },
    )
    by_version = {each["VersionId"]: each for each in answer["Deleted"]}
    assert by_version.keys() == {version, marker}
    assert "DeleteMarker" not in by_version[version]
    assert by_version[marker]["DeleteMarker"] is True
    assert by_version[marker]["DeleteMarkerVersionId"] == marker
    assert "Versions" not in s3.list_object_versions(Bucket=versioned)


def test_errors_are_reported_per_object(s3, versioned):
    """The others are deleted all the same; the error names key and code."""
    put(s3, versioned, "a")
    (good,) = put(s3, versioned, "b")
    answer = s3.delete_objects(
        Bucket=versioned,
        Delete={
            "Objects": [
                {"Key": "a", "VersionId": "no version id"},
                {"Key": "b", "VersionId": good},
            ]
        },
    )
    assert [each["Key"] for each in answer["Deleted"]] == ["b"]
    (error,) = answer["Errors"]
    assert error["Key"] == "a"
    assert error["Code"] in ("NoSuchVersion", "InvalidArgument")
    assert error["Message"]


def test_a_thousand_at_once_and_no_more(s3, bucket):
    """At most 1,000 keys; API/ErrorResponses.html: 400 MalformedXML."""
    answer = delete(s3, bucket, *[str(number) for number in range(1000)])
    assert len(answer["Deleted"]) == 1000
    with refused(400, "MalformedXML"):
        delete(s3, bucket, *[str(number) for number in range(1001)])


def test_bodies_that_are_no_request(lab, bucket):
    for body in (b"<Delete></Delete>", b"<Delete><Object>", b""):
        headers = {"Content-MD5": content_md5(body)}
        answer = send(lab, "POST", bucket, query={"delete": ""}, headers=headers, body=body)
        assert answer.status == 400
        assert answer.code in ("MalformedXML", "MissingRequestBodyError")


def test_an_integrity_check_is_required(lab, bucket, s3):
    """Content-MD5 or a checksum is required for general purpose buckets: 400 InvalidRequest."""
    put(s3, bucket, "a")
    body = b"<Delete><Object><Key>a</Key></Object></Delete>"
    answer = send(lab, "POST", bucket, query={"delete": ""}, body=body)
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    headers = {"Content-MD5": content_md5(b"other")}
    answer = send(lab, "POST", bucket, query={"delete": ""}, headers=headers, body=body)
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
