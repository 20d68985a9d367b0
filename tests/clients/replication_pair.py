"""Two buckets that replicate: the ones that `lab up` makes, and rules for them.

Tests change the configuration of the same two buckets (the replication role is made for these), so
the fixture `pair` puts it back, and the tests of a worker run one after the other.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from replication_status import exists

# How long to look before concluding that something is not replicated.
QUIET = 1.5


@dataclass
class Side:
    s3: object
    bucket: str
    configuration: dict

    @property
    def role(self) -> str:
        return self.configuration["Role"]


def rule(destination: Side, **members) -> dict:
    return {
        "ID": "test",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{destination.bucket}"},
    } | members


def configure(source: Side, *rules: dict, role: str | None = None) -> None:
    source.s3.put_bucket_replication(
        Bucket=source.bucket,
        ReplicationConfiguration={"Role": role or source.role, "Rules": list(rules)},
    )


def one_way(pair, **members) -> tuple[Side, Side]:
    source, destination = pair
    destination.s3.delete_bucket_replication(Bucket=destination.bucket)
    configure(source, rule(destination, **members))
    return source, destination


def name(prefix: str = "") -> str:
    return f"{prefix}{secrets.token_hex(6)}"


def put(side: Side, key: str, body: bytes = b"data", **arguments) -> str:
    return side.s3.put_object(Bucket=side.bucket, Key=key, Body=body, **arguments)["VersionId"]


def stays_absent(side: Side, key: str, **arguments) -> None:
    time.sleep(QUIET)
    assert not exists(side.s3, side.bucket, key, **arguments)
