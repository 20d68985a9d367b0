"""The lab the suite runs against, clients of it, and buckets made for one test each."""

from __future__ import annotations

import itertools
import random
import secrets
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from customer_key import CustomerKey
from keyferry_cli import DONE, Keyferry
from lab_process import FIRST_REGION, SECOND_REGION, LabProcess
from replication_pair import Side
from signed_request import send


def client(lab: LabProcess, region: str = FIRST_REGION, **config):
    """A boto3 client that verifies TLS and reports the first answer it gets."""
    access_key, secret_key = lab.credentials
    options = {
        "retries": {"total_max_attempts": 1},
        "s3": {"addressing_style": "path"},
        "signature_version": "s3v4",
    } | config
    return boto3.client(
        "s3",
        region_name=region,
        endpoint_url=lab.endpoints[region],
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        verify=lab.ca_bundle,
        config=Config(**options),
    )


_numbers = itertools.count()


def fresh_name(what: str = "bucket") -> str:
    return f"{what}-{secrets.token_hex(4)}-{next(_numbers)}"


def make_bucket(
    s3, *, versioning: str | None = None, customer_keys: bool = False, name: str | None = None
) -> str:
    bucket = name or fresh_name()
    s3.create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},
    )
    if customer_keys:
        allow_customer_keys(s3, bucket)
    if versioning:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": versioning})
    return bucket


def allow_customer_keys(s3, bucket: str) -> None:
    """userguide/blocking-unblocking-s3-c-encryption-gpb.html"""
    set_blocked_encryption(s3, bucket, "NONE")


def set_blocked_encryption(s3, bucket: str, kind: str) -> None:
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                    "BlockedEncryptionTypes": {"EncryptionType": [kind]},
                }
            ]
        },
    )


@pytest.fixture(scope="session")
def lab():
    """An empty lab: no bucket but those the tests make."""
    process = LabProcess("--empty")
    yield process
    assert process.stop() == 0, process.stderr_text()
    assert "panicked" not in process.stderr_text(), process.stderr_text()


@pytest.fixture(scope="session")
def paired_lab():
    """The lab as `lab up` makes it: two buckets replicating to each other."""
    process = LabProcess()
    yield process
    assert process.stop() == 0, process.stderr_text()
    assert "panicked" not in process.stderr_text(), process.stderr_text()


@pytest.fixture(scope="session")
def s3(lab):
    return client(lab)


@pytest.fixture(scope="session")
def s3_second(lab):
    return client(lab, SECOND_REGION)


@pytest.fixture
def bucket(s3) -> str:
    """Unversioned, as S3 makes it."""
    return make_bucket(s3)


@pytest.fixture
def versioned(s3) -> str:
    return make_bucket(s3, versioning="Enabled")


@pytest.fixture
def key_bucket(s3) -> str:
    """Versioned, with customer keys allowed."""
    return make_bucket(s3, versioning="Enabled", customer_keys=True)


@pytest.fixture
def customer_key() -> CustomerKey:
    return CustomerKey()


@pytest.fixture
def other_key() -> CustomerKey:
    return CustomerKey()


@pytest.fixture
def keyferry(tmp_path, lab) -> Keyferry:
    """The program with an empty key store."""
    home = tmp_path / "home"
    home.mkdir()
    return Keyferry(home, lab)


@pytest.fixture
def ready(keyferry) -> Keyferry:
    """The program with a key store that holds the ring `test`."""
    return keyferry.with_ring("test")


@pytest.fixture
def locked(keyferry) -> Keyferry:
    """The same, and the key store has a passphrase."""
    return keyferry.with_ring("test", passphrase=True)


@pytest.fixture
def source(ready) -> Path:
    path = ready.home / "source.bin"
    path.write_bytes(random.Random(1).randbytes(300_000))
    return path


@pytest.fixture
def stored(ready, key_bucket, source) -> str:
    """The address of an object under the ring `test`."""
    address = f"s3://{key_bucket}/stored"
    ready.run("upload", str(source), address, "--key", "test", "--no-wait").expect(DONE)
    return address


@pytest.fixture
def target(ready) -> Path:
    """Where a download would go: a file in a folder of its own."""
    folder = ready.home / "target"
    folder.mkdir()
    return folder / "file"


@pytest.fixture(scope="session")
def sides(paired_lab):
    """Both buckets with the configuration that the lab gave them."""
    found = []
    for region in (FIRST_REGION, SECOND_REGION):
        s3 = client(paired_lab, region)
        for each in s3.list_buckets()["Buckets"]:
            head = send(paired_lab, "HEAD", each["Name"])
            if head.headers["x-amz-bucket-region"] == region:
                replication = s3.get_bucket_replication(Bucket=each["Name"])
                found.append(Side(s3, each["Name"], replication["ReplicationConfiguration"]))
                break
    assert len(found) == 2, "lab up makes a bucket in each region"
    return found


@pytest.fixture
def pair(sides):
    """(source, destination); their configuration is put back afterwards."""
    yield sides
    for side in sides:
        set_blocked_encryption(side.s3, side.bucket, "NONE")
        side.s3.put_bucket_versioning(
            Bucket=side.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    for side in sides:
        side.s3.put_bucket_replication(
            Bucket=side.bucket, ReplicationConfiguration=side.configuration
        )
