"""keyferry's own transfers through the lab: names, sizes, pipes, replication, output."""

from __future__ import annotations

import json
import random

import pytest

from conftest import client
from keyferry_cli import DONE, NOT_CONFIRMED, Keyferry
from lab_process import SECOND_REGION

MIB = 1024 * 1024

NAMES = [
    "plain",
    "with space",
    " leading and trailing ",
    "folder/deep/er",
    "日本語/ファイル",
    "emoji-😀",
    "e\u0301 decomposed",
    "per%cent",
    "per%20cent",
    "plus+plus",
    "a&b=c?d#e",
    "quote'\"quote",
    "double//slash",
    "back\\slash",
    "--option-like",
    "semi;colon$(x)`y`",
    "x" * 1024,
]


def make_file(keyferry: Keyferry, size: int, name: str = "data"):
    path = keyferry.home / name
    path.write_bytes(random.Random(size).randbytes(size))
    return path


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:30])
def test_names(ready, s3, key_bucket, name):
    """The name in S3 is, byte for byte, the one that was typed."""
    path = make_file(ready, 1000)
    address = f"s3://{key_bucket}/{name}"
    ready.run("upload", str(path), address, "--key", "test", "--no-wait").expect(DONE)
    (found,) = s3.list_objects_v2(Bucket=key_bucket)["Contents"]
    assert found["Key"] == name
    target = ready.home / "down"
    ready.run("download", address, str(target)).expect(DONE)
    assert target.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("destination", ["", "folder/", "folder//"])
def test_a_trailing_slash_takes_the_files_name(ready, s3, key_bucket, destination):
    path = make_file(ready, 100, "name + %.bin")
    address = f"s3://{key_bucket}/{destination}" if destination != "" else f"s3://{key_bucket}"
    ready.run("upload", str(path), address, "--key", "test", "--no-wait").expect(DONE)
    (found,) = s3.list_objects_v2(Bucket=key_bucket)["Contents"]
    assert found["Key"] == destination + "name + %.bin"


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 8 * MIB, 8 * MIB + 1, 33 * MIB + 7])
def test_sizes(ready, key_bucket, size):
    path = make_file(ready, size)
    address = f"s3://{key_bucket}/k"
    ready.run("upload", str(path), address, "--key", "test", "--no-wait").expect(DONE)
    target = ready.home / "down"
    ready.run("download", address, str(target)).expect(DONE)
    assert target.read_bytes() == path.read_bytes()


def test_pipes(ready, key_bucket):
    data = random.Random(1).randbytes(21 * MIB + 3)
    address = f"s3://{key_bucket}/piped"
    import subprocess

    up = subprocess.run(
        ready.command("upload", "-", address, "--key", "test", "--no-wait"),
        input=data, env=ready.environment, cwd=ready.home, capture_output=True, timeout=120,
    )
    assert up.returncode == DONE, up.stderr
    down = subprocess.run(
        ready.command("download", address, "-"),
        env=ready.environment, cwd=ready.home, capture_output=True, timeout=120,
    )
    assert down.returncode == DONE, down.stderr
    assert down.stdout == data


def test_everything_sent_is_stored(ready, s3, key_bucket):
    """Encrypted under the ring's key, with checksum, tag, type and metadata."""
    path = make_file(ready, 1000, "page.html")
    ready.run(
        "upload", str(path), f"s3://{key_bucket}/page.html", "--key", "test", "--no-wait",
        "--metadata", "origin=tokyo", "--tag", "team=storage",
    ).expect(DONE)
    exported = ready.home / "k"
    ready.run("key", "export", "test", str(exported)).expect(DONE)
    from checksum import checksum
    from customer_key import CustomerKey

    key = CustomerKey(exported.read_bytes())
    head = s3.head_object(
        Bucket=key_bucket, Key="page.html", ChecksumMode="ENABLED", **key.arguments()
    )
    assert head["SSECustomerKeyMD5"] == key.md5
    assert head["ChecksumCRC64NVME"] == checksum("CRC64NVME", path.read_bytes())
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert head["ContentType"] == "text/html"
    assert head["Metadata"]["origin"] == "tokyo"
    tags = s3.get_object_tagging(Bucket=key_bucket, Key="page.html")["TagSet"]
    assert {"Key": "team", "Value": "storage"} in tags
    assert "keyferry-key" in [each["Key"] for each in tags]


@pytest.fixture
def paired(tmp_path, paired_lab) -> Keyferry:
    home = tmp_path / "home"
    home.mkdir()
    return Keyferry(home, paired_lab).with_ring("test")


@pytest.mark.parametrize("size", [100_000, 20 * MIB])
def test_upload_waits_for_the_replica(paired, size):
    path = make_file(paired, size)
    paired.run("upload", str(path), f"s3://lab-tokyo/up-{size}", "--key", "test").expect(DONE)
    exported = paired.home / "k"
    paired.run("key", "export", "test", str(exported)).expect(DONE)
    from customer_key import CustomerKey

    key = CustomerKey(exported.read_bytes())
    found = client(paired.lab, SECOND_REGION).get_object(
        Bucket="lab-osaka", Key=f"up-{size}", **key.arguments()
    )
    assert found["Body"].read() == path.read_bytes()
    assert found["ReplicationStatus"] == "REPLICA"
    down = paired.home / "down"
    paired.run("download", f"s3://lab-tokyo/up-{size}", str(down), "--from", "replica").expect(DONE)
    assert down.read_bytes() == path.read_bytes()
    paired.run("verify", f"s3://lab-tokyo/up-{size}", "--deep").expect(DONE)


def test_receipts(paired):
    path = make_file(paired, 1000)
    receipt = paired.home / "receipt.json"
    paired.run(
        "upload", str(path), "s3://lab-osaka/receipt", "--key", "test", "--no-wait",
        "--receipt", str(receipt), "--region", SECOND_REGION,
    ).expect(DONE)
    text = receipt.read_text()
    json.loads(text)
    exported = paired.home / "k"
    paired.run("key", "export", "test", str(exported)).expect(DONE)
    from customer_key import CustomerKey

    for needle in CustomerKey(exported.read_bytes()).spellings():
        assert needle not in text.encode()
    paired.run("verify", "--receipt", str(receipt), "--region", SECOND_REGION).expect(DONE)


def test_json_output_is_data_alone(paired):
    path = make_file(paired, 1000)
    outcome = paired.run(
        "upload", str(path), "s3://lab-tokyo/json", "--key", "test", "--output", "json"
    ).expect(DONE)
    assert json.loads(outcome.stdout)
    outcome = paired.run("verify", "s3://lab-tokyo/json", "--output", "json").expect(DONE)
    assert json.loads(outcome.stdout)
    outcome = paired.run("key", "list", "--output", "json").expect(DONE)
    assert json.loads(outcome.stdout)


def test_errors_as_json(ready):
    outcome = ready.run("download", "s3://no-such-bucket-here/k", "down", "--output", "json")
    assert outcome.code == 1, outcome.stderr
    found = json.loads(outcome.stdout or outcome.stderr)
    assert found["error"]["hint"]


def test_no_wait_needed_without_replication(ready, key_bucket):
    """A bucket that replicates nothing: the upload is done, but nothing confirms a replica."""
    path = make_file(ready, 10)
    outcome = ready.run(
        "upload", str(path), f"s3://{key_bucket}/k", "--key", "test", "--wait", "5s"
    )
    assert outcome.code in (NOT_CONFIRMED, 4), outcome.stderr
    outcome.explains("replicat")
