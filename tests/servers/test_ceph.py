"""Ceph's gateway: two zones that replicate, and corrupt what was uploaded in parts.

The replica of a multipart object under a customer key reads back wrong from its second part on, while
size, entity tag, version id and metadata agree (https://tracker.ceph.com/issues/46062).
"""

from __future__ import annotations

import json
import random
import threading

import pytest

from keyferry_cli import DONE, NOT_CONFIRMED, REPLICATION_FAILED
from plain_http import refused_unless_allowed

MIB = 1 << 20
PART = 5 * MIB


@pytest.fixture
def ready(keyferry, ceph):
    return keyferry(ceph)


@pytest.fixture
def bucket(ceph):
    return ceph.new_bucket()


def upload(ready, bucket: str, size: int, *more: str):
    """Uploads random bytes and keeps the receipt."""
    path = ready.home / "data"
    path.write_bytes(random.Random(size).randbytes(size))
    receipt = ready.home / f"receipt-{size}.json"
    ready.run(
        *("upload", str(path), f"s3://{bucket}/data", "--key", "test", "--part-size", "5MiB"),
        *("--no-wait", "--receipt", str(receipt), *more),
    ).expect(DONE)
    return str(receipt)


def verify(ready, ceph, bucket: str, receipt: str, *more: str, wait: str = "60s"):
    return ready.run(
        "verify", "--receipt", receipt, *ceph.replica(bucket), "--wait", wait, *more
    )


def test_deep_finds_the_corrupt_replica_and_names_the_part(ready, ceph, bucket):
    receipt = upload(ready, bucket, 3 * PART + 1000)
    found = verify(ready, ceph, bucket, receipt, "--level", "deep").expect(REPLICATION_FAILED)
    assert "the replica differs" in found.stdout
    assert "(part 2)" in found.stdout, found.stdout

    report = json.loads(
        verify(ready, ceph, bucket, receipt, "--level", "deep", "--output", "json")
        .expect(REPLICATION_FAILED)
        .stdout
    )
    differences = report["report"]["outcome"]["detail"]
    (content,) = [each for each in differences if each.get("part")]
    assert content["part"] == 2
    assert PART <= content["first_offset"] < 2 * PART
    # All that a comparison of headers could go by is the same.
    source, replica = report["report"]["source"]["view"], report["report"]["replicas"][0]["view"]
    for name in ("size", "etag", "version_id", "key_md5", "user_metadata"):
        assert source[name] == replica[name], name


def test_equal_does_not_call_the_corrupt_replica_verified(ready, ceph, bucket):
    receipt = upload(ready, bucket, 3 * PART + 1000)
    for level in ("status", "equal"):
        found = verify(ready, ceph, bucket, receipt, "--level", level).expect(NOT_CONFIRMED)
        assert "not proven" in found.stdout, found.stdout
        assert "verified" not in found.stdout.replace("verified: no", ""), found.stdout
        assert "no replication status" in found.stdout
    assert "no checksums that can be compared" in found.stdout


def test_samples_find_the_corrupt_replica(ready, ceph, bucket):
    receipt = upload(ready, bucket, 3 * PART + 1000)
    found = verify(ready, ceph, bucket, receipt, "--level", "sample").expect(REPLICATION_FAILED)
    assert "part 2" in found.stdout, found.stdout


def test_one_corrupt_replica_below_a_prefix(ready, ceph, bucket):
    """Without receipts, and with sound objects around it: those are verified, it is not."""
    folder = ready.home / "folder"
    folder.mkdir()
    for number in range(8):
        (folder / f"sound {number}").write_bytes(random.Random(number).randbytes(9_000 * number))
    (folder / "corrupt").write_bytes(random.Random(9).randbytes(2 * PART))
    prefix = f"s3://{bucket}/below/"
    ready.run(
        *("upload", "-r", str(folder), prefix, "--key", "test", "--part-size", "5MiB", "--no-wait")
    ).expect(DONE)
    deep = ("--level", "deep", "--wait", "60s", "--output", "ndjson")
    found = ready.run("verify", prefix, *ceph.replica(bucket), *deep).expect(REPLICATION_FAILED)
    *each, end = [json.loads(line) for line in found.stdout.splitlines()]
    differing = [one for one in each if "differs" in json.dumps(one)]
    assert [one["address"]["key"] for one in differing] == ["below/corrupt"], found.stdout
    assert len(each) == 9 and "summary" in end, found.stdout


def test_a_sound_replica_is_verified_by_reading_it(ready, ceph, bucket):
    receipt = upload(ready, bucket, 100_000, "--metadata", "a=b", "--tag", "c=d")
    verify(ready, ceph, bucket, receipt, "--level", "equal").expect(NOT_CONFIRMED)
    found = verify(ready, ceph, bucket, receipt, "--level", "deep").expect(DONE)
    assert found.stdout.startswith("verified (deep)")
    equal = [line for line in found.stdout.splitlines() if line.strip().startswith("equal")]
    # What the gateway does not keep is not said to be equal.
    assert "checksum" not in equal[0] and "tags" in equal[0], equal


def test_a_frozen_zone_is_waited_for(ready, ceph, bucket):
    receipt = upload(ready, bucket, 100_000)
    verify(ready, ceph, bucket, receipt, "--level", "deep").expect(DONE)
    ceph.fault("freeze", "east")
    try:
        receipt = upload(ready, bucket, 200_000)
        found = verify(ready, ceph, bucket, receipt, wait="1s").expect(NOT_CONFIRMED)
        assert "not confirmed" in found.stdout, found.stdout
        assert "no answer" in found.stdout, found.stdout
        thaw = threading.Timer(3, ceph.fault, ("thaw", "east"))
        thaw.start()
        verify(ready, ceph, bucket, receipt, "--level", "deep").expect(DONE)
        thaw.join()
    finally:
        ceph.fault("thaw", "east")


def test_a_killed_zone_catches_up(ready, ceph, bucket):
    receipt = upload(ready, bucket, 100_000)
    verify(ready, ceph, bucket, receipt, "--level", "deep").expect(DONE)
    ceph.fault("kill", "east")
    starting = threading.Thread(target=ceph.fault, args=("start", "east"))
    try:
        receipt = upload(ready, bucket, 200_000)
        found = verify(ready, ceph, bucket, receipt, wait="1s").expect(NOT_CONFIRMED)
        assert "refused the connection" in found.stdout, found.stdout
        starting.start()
        verify(ready, ceph, bucket, receipt, "--level", "deep").expect(DONE)
    finally:
        if starting.ident is None:
            starting.start()
        starting.join()


def test_a_bucket_that_stopped_replicating(ready, ceph, bucket):
    ceph.admin("bucket", "sync", "disable", f"--bucket={bucket}")
    receipt = upload(ready, bucket, 100_000)
    found = verify(ready, ceph, bucket, receipt, wait="1s").expect(NOT_CONFIRMED)
    assert "not confirmed" in found.stdout and "not seen" in found.stdout, found.stdout
    ceph.admin("bucket", "sync", "enable", f"--bucket={bucket}")
    verify(ready, ceph, bucket, receipt, "--level", "deep").expect(DONE)


def test_the_other_way_round(ready, ceph, bucket):
    """Both zones are written to: what is uploaded in the east is verified in the west."""
    there = {"KEYFERRY_ENDPOINT_URL": ceph.east.https}
    path = ready.home / "data"
    path.write_bytes(b"written in the east")
    address = f"s3://{bucket}/east"
    ready.run("upload", str(path), address, "--key", "test", "--no-wait", environment=there).expect(
        DONE
    )
    west = ["--replica", bucket, "--replica-endpoint-url", ceph.west.https]
    ready.run("verify", address, *west, "--level", "deep", environment=there).expect(DONE)


def test_the_corrupt_replica_cannot_be_downloaded_unnoticed(ready, ceph, bucket):
    """There is no checksum to compare with: keyferry says so of the download."""
    receipt = upload(ready, bucket, 3 * PART)
    verify(ready, ceph, bucket, receipt, "--level", "deep").expect(REPLICATION_FAILED)
    target = ready.home / "down"
    found = ready.run(
        *("download", f"s3://{bucket}/data", str(target), "--from", "replica"),
        *ceph.replica(bucket),
    ).expect(DONE)
    assert "not verified: the server has no checksum" in found.stdout, found.stdout
    assert target.read_bytes() != (ready.home / "data").read_bytes()


def test_tags_of_an_upload_in_parts_are_put_back(ready, ceph, bucket):
    upload(ready, bucket, PART + 1, "--tag", "colour=blue")
    tags = ceph.client().get_object_tagging(Bucket=bucket, Key="data")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags}.items() >= {"colour": "blue"}.items()
    assert any(tag["Key"] == "keyferry-key" for tag in tags)


def test_copies_that_the_gateway_would_store_unencrypted(ready, ceph, bucket):
    """CopyObject from plain to a customer key is answered with 200 and stored in the clear."""
    s3 = ceph.client()
    s3.put_object(Bucket=bucket, Key="plain", Body=b"in the clear")
    found = ready.run(
        *("rekey", f"s3://{bucket}/plain", "--to", "test", "--include-unencrypted"),
        *("--no-wait", "--yes"),
    )
    assert found.code != DONE
    assert "may hold a plaintext copy" in found.stderr + found.stdout, found.stderr


def test_plaintext_is_refused_unless_it_is_allowed(ready, ceph, bucket):
    refused_unless_allowed(ready, ceph, bucket)
