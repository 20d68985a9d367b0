"""ListObjectsV2, and the old ListObjects that clients still use.

API/API_ListObjectsV2.html, API/API_ListObjects.html, userguide/using-prefixes.html.
"""

import pytest

from conftest import make_bucket
from s3_error import refused
from signed_request import send

NAMES = [
    "a", "a/1", "a/2", "a/b/1", "a/b/2", "b", "b/", "c/x", "photos/2006/January/s.jpg",
    "photos/2006/February/s2.jpg", "photos/2007/s3.jpg", "é", "日本",
]  # fmt: skip


@pytest.fixture(scope="module")
def filled(s3):
    bucket = make_bucket(s3)
    for name in NAMES:
        s3.put_object(Bucket=bucket, Key=name, Body=name.encode())
    return bucket


def in_order(names):
    """S3 lists in UTF-8 binary order."""
    return sorted(names, key=lambda name: name.encode())


def names(page):
    return [each["Key"] for each in page.get("Contents", [])]


def prefixes(page):
    return [each["Prefix"] for each in page.get("CommonPrefixes", [])]


def test_everything_in_binary_order(s3, filled):
    page = s3.list_objects_v2(Bucket=filled)
    assert names(page) == in_order(NAMES)
    assert page["KeyCount"] == len(NAMES)
    assert page["MaxKeys"] == 1000
    assert page["IsTruncated"] is False
    assert page["Name"] == filled
    entry = page["Contents"][0]
    assert entry["Size"] == 1
    assert entry["StorageClass"] == "STANDARD"
    assert entry["ETag"].startswith('"')
    assert "Owner" not in entry


def test_owner_on_request(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, FetchOwner=True, MaxKeys=1)
    assert page["Contents"][0]["Owner"]["ID"]


@pytest.mark.parametrize(
    ("prefix", "delimiter", "keys", "common"),
    [
        ("", "/", ["a", "b", "é", "日本"], ["a/", "b/", "c/", "photos/"]),
        ("a", "/", ["a"], ["a/"]),
        ("a/", "/", ["a/1", "a/2"], ["a/b/"]),
        ("a/b/", "/", ["a/b/1", "a/b/2"], []),
        ("b/", "/", ["b/"], []),
        ("photos/2006/", "/", [], ["photos/2006/February/", "photos/2006/January/"]),
        ("none", "/", [], []),
        ("photos/", "2006/", ["photos/2007/s3.jpg"], ["photos/2006/"]),
        ("", "本", None, ["日本"]),
    ],
)
def test_prefix_and_delimiter(s3, filled, prefix, delimiter, keys, common):
    page = s3.list_objects_v2(Bucket=filled, Prefix=prefix, Delimiter=delimiter)
    if keys is not None:
        assert names(page) == keys
    assert prefixes(page) == common
    assert page["KeyCount"] == len(names(page)) + len(common)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("delimiter", [None, "/"])
def test_pages(s3, filled, size, delimiter):
    """Common prefixes count as one entry each and are not repeated on the next page."""
    options = {"Delimiter": delimiter} if delimiter else {}
    whole = s3.list_objects_v2(Bucket=filled, **options)
    seen = []
    token = {}
    while True:
        page = s3.list_objects_v2(Bucket=filled, MaxKeys=size, **options, **token)
        assert page["KeyCount"] <= size
        seen += names(page) + prefixes(page)
        if not page["IsTruncated"]:
            assert "NextContinuationToken" not in page
            break
        assert page["KeyCount"] == size
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert in_order(seen) == in_order(names(whole) + prefixes(whole))
    assert len(seen) == len(set(seen))


def test_start_after(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, StartAfter="b/")
    assert names(page) == [name for name in in_order(NAMES) if name.encode() > b"b/"]
    assert page["StartAfter"] == "b/"


def test_no_keys_at_all(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (page["KeyCount"], page["IsTruncated"]) == (0, False)


def test_max_keys_is_capped(s3, filled):
    """A page never holds more than 1,000 entries."""
    assert s3.list_objects_v2(Bucket=filled, MaxKeys=5000)["MaxKeys"] == 1000


def test_max_keys_below_zero(lab, filled):
    """API/ErrorResponses.html: 400 InvalidArgument."""
    answer = send(lab, "GET", filled, query={"list-type": "2", "max-keys": "-1"})
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    answer = send(lab, "GET", filled, query={"list-type": "2", "max-keys": "many"})
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_false_continuation_token(s3, filled):
    """API/ErrorResponses.html: 400 InvalidArgument, the token is not one that S3 gave."""
    with refused(400, "InvalidArgument"):
        s3.list_objects_v2(Bucket=filled, ContinuationToken="made up!")


def test_url_encoding(lab, s3, bucket):
    """EncodingType=url makes keys legal XML; botocore asks for it and decodes."""
    name = "a b+c%/ü\x0b"
    s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    assert names(s3.list_objects_v2(Bucket=bucket)) == [name]
    query = {"list-type": "2", "encoding-type": "url", "delimiter": "/", "prefix": "a "}
    answer = send(lab, "GET", bucket, query=query)
    assert answer.text("EncodingType") == "url"
    assert b"a+b" in answer.body or b"a%20b" in answer.body
    assert b"a b+c" not in answer.body


def test_unknown_encoding(lab, filled):
    answer = send(lab, "GET", filled, query={"list-type": "2", "encoding-type": "base64"})
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_first_version(s3, filled):
    """API/API_ListObjects.html: Marker, and NextMarker only with a delimiter."""
    page = s3.list_objects(Bucket=filled)
    assert names(page) == in_order(NAMES)
    assert page["Contents"][0]["Owner"]["ID"]
    page = s3.list_objects(Bucket=filled, Marker="b/")
    assert names(page) == [name for name in in_order(NAMES) if name.encode() > b"b/"]
    page = s3.list_objects(Bucket=filled, Delimiter="/", MaxKeys=2)
    assert page["IsTruncated"] is True
    assert page["NextMarker"] == "a/"
    page = s3.list_objects(Bucket=filled, Delimiter="/", Marker="a/", MaxKeys=2)
    assert names(page) + prefixes(page) == ["b", "b/"]


def test_more_than_a_page(s3, bucket):
    from concurrent.futures import ThreadPoolExecutor

    wanted = [f"{number:05}" for number in range(1003)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: s3.put_object(Bucket=bucket, Key=name, Body=b""), wanted))
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket))
    assert [len(names(page)) for page in pages] == [1000, 3]
    assert [name for page in pages for name in names(page)] == wanted
