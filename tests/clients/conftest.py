"""The lab the suite runs against, clients of it, and buckets made for one test each."""

from __future__ import annotations

import itertools
import secrets
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from customer_key import CustomerKey
from keyferry_cli import Keyferry
from lab_process import FIRST_REGION, SECOND_REGION, LabProcess


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


def wait_for(condition, what: str, seconds: float = 20):
    """The value of `condition()` once it is true."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


def replication_status(s3, bucket: str, key: str, **arguments) -> str | None:
    return s3.head_object(Bucket=bucket, Key=key, **arguments).get("ReplicationStatus")


def wait_for_status(s3, bucket: str, key: str, status: str, **arguments) -> None:
    """Wait until the object's replication ends, and require `status`."""
    seen = wait_for(
        lambda: (found := replication_status(s3, bucket, key, **arguments)) != "PENDING" and found,
        f"the end of replication of {key}",
    )
    assert seen == status


def exists(s3, bucket: str, key: str, **arguments) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key, **arguments)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


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
