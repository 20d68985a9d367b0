"""Waiting for what replication does. userguide/replication-status.html"""

from __future__ import annotations

import time

from botocore.exceptions import ClientError


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
