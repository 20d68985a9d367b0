"""SeaweedFS: sound encryption, and replication by `weed filer.sync`, without a status or rules."""

from __future__ import annotations

import json
import random
import shutil
import threading

import pytest

from keyferry_cli import DONE, FAILURE, NOT_CONFIRMED, REPLICATION_FAILED, WRONG_KEY
from plain_http import refused_unless_allowed

MIB = 1 << 20


@pytest.fixture
def ready(keyferry, seaweedfs):
    return keyferry(seaweedfs)


@pytest.fixture
def bucket(seaweedfs):
    return seaweedfs.new_bucket()


def upload(ready, bucket: str, key: str, size: int, *more: str) -> str:
    path = ready.home / "data"
    path.write_bytes(random.Random(size).randbytes(size))
    receipt = ready.home / f"{key}.json"
    ready.run(
        *("upload", str(path), f"s3://{bucket}/{key}", "--key", "test", "--part-size", "5MiB"),
        *("--no-wait", "--receipt", str(receipt), *more),
    ).expect(DONE)
    return str(receipt)


def verify(ready, pair, bucket: str, receipt: str, *more: str, wait: str = "60s"):
    return ready.run(
        "verify", "--receipt", receipt, *pair.replica(bucket), "--wait", wait, *more
    )


@pytest.mark.parametrize("level", ["equal", "deep"])
@pytest.mark.parametrize("size", [0, 100_000, 11 * MIB])
def test_replicas_are_verified(ready, seaweedfs, bucket, size, level):
    receipt = upload(ready, bucket, "data", size, "--tag", "a=b", "--metadata", "c=d")
    found = verify(ready, seaweedfs, bucket, receipt, "--level", level).expect(DONE)
    assert found.stdout.startswith(f"verified ({level})"), found.stdout
    assert "all refused (400, 403)" in found.stdout, found.stdout


def test_a_replica_that_was_overwritten_differs(ready, seaweedfs, bucket):
    receipt = upload(ready, bucket, "data", 100_000)
    verify(ready, seaweedfs, bucket, receipt).expect(DONE)
    seaweedfs.fault("kill", "sync")
    try:
        # Not the version: another one, under no key, is current in the east. The receipt names the
        # version, so this changes nothing.
        east = seaweedfs.client("east")
        east.put_object(Bucket=bucket, Key="data", Body=b"other")
        verify(ready, seaweedfs, bucket, receipt).expect(DONE)
        (version,) = [
            each["VersionId"]
            for each in east.list_object_versions(Bucket=bucket)["Versions"]
            if each["Size"] == 100_000
        ]
        east.put_object_tagging(
            Bucket=bucket, Key="data", VersionId=version, Tagging={"TagSet": []}
        )
        found = verify(ready, seaweedfs, bucket, receipt).expect(REPLICATION_FAILED)
        assert "tag" in found.stdout, found.stdout
        east.delete_object(Bucket=bucket, Key="data", VersionId=version)
        found = verify(ready, seaweedfs, bucket, receipt, wait="1s").expect(NOT_CONFIRMED)
        assert "not seen" in found.stdout, found.stdout
    finally:
        seaweedfs.fault("start", "sync")


@pytest.mark.parametrize(("how", "back"), [("freeze", "thaw"), ("kill", "start")])
def test_replication_that_stopped_goes_on(ready, seaweedfs, bucket, how, back):
    receipt = upload(ready, bucket, "before", 100_000)
    verify(ready, seaweedfs, bucket, receipt).expect(DONE)
    seaweedfs.fault(how, "sync")
    try:
        receipt = upload(ready, bucket, "after", 100_000)
        found = verify(ready, seaweedfs, bucket, receipt, wait="1s").expect(NOT_CONFIRMED)
        assert "not confirmed" in found.stdout, found.stdout
    finally:
        seaweedfs.fault(back, "sync")
    verify(ready, seaweedfs, bucket, receipt, "--level", "deep").expect(DONE)


def test_a_cluster_that_is_down_is_waited_for(ready, seaweedfs, bucket):
    receipt = upload(ready, bucket, "data", 100_000)
    verify(ready, seaweedfs, bucket, receipt).expect(DONE)
    seaweedfs.fault("kill", "east")
    starting = threading.Thread(target=seaweedfs.fault, args=("start", "east"))
    try:
        found = verify(ready, seaweedfs, bucket, receipt, wait="1s").expect(NOT_CONFIRMED)
        assert "refused the connection" in found.stdout, found.stdout
        starting.start()
        verify(ready, seaweedfs, bucket, receipt).expect(DONE)
    finally:
        if starting.ident is None:
            starting.start()
        starting.join()


def test_the_key_is_found_without_a_catalogue(ready, seaweedfs, bucket):
    """By the object's tag, on either side; and another ring does not open it."""
    elsewhere = ready.home / "elsewhere"
    shutil.copytree(ready.store, elsewhere)
    receipt = upload(ready, bucket, "data", 6 * MIB)
    verify(ready, seaweedfs, bucket, receipt).expect(DONE)
    ready.run("key", "new", "other").expect(DONE)
    address, target = f"s3://{bucket}/data", ready.home / "down"
    ready.run("download", address, str(target), "--key", "other").expect(WRONG_KEY)
    ready.store = elsewhere
    for side in ([], ["--from", "replica", *seaweedfs.replica(bucket)]):
        ready.run("download", address, str(target), *side).expect(DONE)
        assert target.read_bytes() == (ready.home / "data").read_bytes()


def test_a_download_turns_to_the_replica(ready, seaweedfs, bucket):
    receipt = upload(ready, bucket, "data", 100_000)
    verify(ready, seaweedfs, bucket, receipt).expect(DONE)
    target = ready.home / "down"
    found = ready.run(
        *("download", f"s3://{bucket}/data", str(target)),
        *seaweedfs.replica(bucket),
        environment={"KEYFERRY_ENDPOINT_URL": "https://localhost:9"},
    ).expect(DONE)
    assert "reading the replica" in found.stderr, found.stderr
    assert target.read_bytes() == (ready.home / "data").read_bytes()


def test_a_folder_is_uploaded_and_its_replicas_verified(ready, seaweedfs, bucket):
    folder = ready.home / "folder"
    folder.mkdir()
    for number in range(20):
        (folder / f"file {number}").write_bytes(random.Random(number).randbytes(number * 1000))
    found = ready.run(
        *("upload", "-r", str(folder), f"s3://{bucket}/below/", "--key", "test"),
        *(*seaweedfs.replica(bucket), "--wait", "60s", "--output", "json"),
    ).expect(DONE)
    summary = json.loads(found.stdout)["summary"]
    assert summary["replicas"]["verified"] == 20, summary


def test_all_versions_below_a_prefix_in_both_directions(ready, seaweedfs, bucket):
    prefix = f"s3://{bucket}/below/"
    for name in ("one", "two", "two"):
        path = ready.home / name
        path.write_bytes(random.Random(len(name)).randbytes(10_000))
        ready.run(
            *("upload", str(path), prefix + name, "--key", "test", "--no-wait")
        ).expect(DONE)
    ready.run("rm", prefix + "one").expect(DONE)
    verify_all = ("verify", prefix, "--all-versions", "--both-ways", *seaweedfs.replica(bucket))
    found = ready.run(*verify_all, "--wait", "60s").expect(DONE)
    # Three versions and a delete marker.
    assert "all 4 objects arrived" in found.stdout, found.stdout
    seaweedfs.fault("freeze", "sync")
    try:
        seaweedfs.client("east").put_object(Bucket=bucket, Key="below/extra", Body=b"x")
        found = ready.run(*verify_all, "--wait", "1s")
        assert found.code != DONE and "below/extra" in found.stdout, found.stdout
    finally:
        seaweedfs.fault("thaw", "sync")


def test_the_replicas_server_has_its_own_authority_and_credentials(
    ready, seaweedfs, bucket, certificates
):
    receipt = upload(ready, bucket, "data", 100_000)
    other = str(certificates / "ca.pem")
    refused = verify(
        ready, seaweedfs, bucket, receipt, "--replica-ca-bundle", other, wait="1s"
    )
    assert refused.code != DONE
    assert "certificate" in refused.stdout + refused.stderr, refused.stdout + refused.stderr
    profiles = ready.home / ".aws"
    profiles.mkdir()
    (profiles / "credentials").write_text(
        f"[east]\naws_access_key_id = {seaweedfs.access_key}\n"
        f"aws_secret_access_key = {seaweedfs.secret_key}\n"
        "[stranger]\naws_access_key_id = NOBODY\naws_secret_access_key = nothing\n"
    )
    ours = ["--replica-ca-bundle", seaweedfs.ca]
    verify(ready, seaweedfs, bucket, receipt, *ours, "--replica-profile", "east").expect(DONE)
    stranger = verify(
        ready, seaweedfs, bucket, receipt, *ours, "--replica-profile", "stranger", wait="1s"
    )
    assert stranger.code == NOT_CONFIRMED, stranger.stdout + stranger.stderr
    assert "refused to show the replica" in stranger.stdout, stranger.stdout


def test_plaintext_is_refused_unless_it_is_allowed(ready, seaweedfs, bucket):
    refused_unless_allowed(ready, seaweedfs, bucket)


def test_plaintext_to_another_machine_is_refused(ready):
    elsewhere = {
        "KEYFERRY_ENDPOINT_URL": "http://192.0.2.1:9000",
        "KEYFERRY_ALLOW_PLAINTEXT_LOOPBACK": "1",
    }
    ready.run("ls", "s3://bucket", environment=elsewhere).expect(FAILURE).explains("use `https://`")
