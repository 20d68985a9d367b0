"""A server under test: where it is, who may use it, and how keyferry and boto3 reach it."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lab_process import clean_environment

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def until(holds, what: str, seconds: float = 30) -> None:
    """Waits for something that a server does by itself."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


@dataclass
class Side:
    """One of the two sides of a pair."""

    https: str
    http: str


@dataclass
class Pair:
    """Two sides that replicate to each other, under one set of credentials."""

    name: str
    west: Side
    east: Side
    ca: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    script: Path | None = None
    folder: Path | None = None
    path: str = ""

    def client(self, side: str = "west", **config):
        """A boto3 client that reports the first answer it gets."""
        options = {
            "retries": {"total_max_attempts": 1},
            "s3": {"addressing_style": "path"},
            # Ceph's gateway refuses the checksum trailers that botocore sends by itself.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        } | config
        return boto3.client(
            "s3",
            region_name=self.region,
            endpoint_url=getattr(self, side).https,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            verify=self.ca,
            config=Config(**options),
        )

    def new_bucket(self, versioned: bool = True) -> str:
        s3, name = self.client(), f"bucket-{secrets.token_hex(6)}"
        s3.create_bucket(Bucket=name)
        if versioned:
            s3.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
        until(lambda: self.has_bucket("east", name, versioned), f"{name} on the other side")
        return name

    def has_bucket(self, side: str, name: str, versioned: bool) -> bool:
        try:
            said = self.client(side).get_bucket_versioning(Bucket=name)
        except ClientError:
            return False
        return not versioned or said.get("Status") == "Enabled"

    def client_environment(self, home: Path) -> dict[str, str]:
        """What keyferry needs to reach the west side."""
        return clean_environment(home) | {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "KEYFERRY_ENDPOINT_URL": self.west.https,
            "KEYFERRY_CA_BUNDLE": self.ca,
        }

    def replica(self, bucket: str) -> list[str]:
        """Arguments that name the east side as where replicas are."""
        return ["--replica", f"s3://{bucket}", "--replica-endpoint-url", self.east.https]

    def fault(self, *what: str) -> None:
        """freeze, thaw, kill or start a part of the pair."""
        subprocess.run(
            [str(self.script), what[0], str(self.folder), *what[1:]],
            check=True,
            timeout=90,
            env=os.environ | {"PATH": self.path},
            stdout=subprocess.DEVNULL,
        )

    def admin(self, *arguments: str) -> None:
        """radosgw-admin, against the zone west."""
        self.fault("admin", *arguments)
