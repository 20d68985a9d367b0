"""`keyferry doctor` against moto, which keeps lifecycle rules and users: what the lab does not.

https://docs.getmoto.org/
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import boto3
import pytest

from conftest import fresh_name
from keyferry_cli import DONE, FINDINGS, refuse_internal_text
from lab_process import binary, clean_environment
from lab_services import allow, document, trust
from replication_status import wait_for

REGION, OTHER = "ap-northeast-1", "ap-northeast-3"
ACCOUNT = "123456789012"


class Moto:
    def __init__(self, home, endpoint: str, keys: tuple[str, str] = ("test", "test")) -> None:
        self.home, self.endpoint, self.keys = home, endpoint, keys

    def client(self, name: str, region: str = REGION):
        return boto3.client(
            name,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.keys[0],
            aws_secret_access_key=self.keys[1],
        )

    @property
    def environment(self) -> dict[str, str]:
        return clean_environment(self.home) | {
            "AWS_ACCESS_KEY_ID": self.keys[0],
            "AWS_SECRET_ACCESS_KEY": self.keys[1],
            "AWS_REGION": REGION,
            "AWS_PAGER": "",
        }

    def found(self, bucket: str, *more: str) -> dict[str, list[dict]]:
        finished = subprocess.run(
            [
                *(str(binary()), "doctor", f"s3://{bucket}", "--no-store", "--output", "json"),
                *("--endpoint-url", self.endpoint, "--allow-plaintext-loopback", *more),
            ],
            env=self.environment,
            capture_output=True,
            text=True,
        )
        refuse_internal_text(finished)
        assert finished.returncode in (DONE, FINDINGS), finished.stderr
        rules: dict[str, list[dict]] = {}
        for finding in json.loads(finished.stdout)["findings"]:
            rules.setdefault(finding["rule"], []).append(finding)
        return rules

    def run(self, command: str) -> None:
        finished = subprocess.run(
            ["bash", "-c", command], env=self.environment, capture_output=True, text=True
        )
        assert finished.returncode == 0, f"{command}\n{finished.stderr}"


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("moto")
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=clean_environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    wait_for(answers, "moto")
    yield Moto(home, f"http://127.0.0.1:{port}")
    server.terminate()
    server.wait()


@pytest.fixture
def pair(moto) -> tuple[str, str]:
    """Two buckets, replicated one way by a role that may do what it must."""
    name = fresh_name("moto")
    source, destination = f"{name}-a", f"{name}-b"
    for bucket, region in ((source, REGION), (destination, OTHER)):
        s3 = moto.client("s3", region)
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region}
        )
        s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    role = f"role-{name}"
    iam = moto.client("iam")
    iam.create_role(
        RoleName=role, AssumeRolePolicyDocument=trust({"Service": "s3.amazonaws.com"})
    )
    iam.put_role_policy(
        RoleName=role, PolicyName="all", PolicyDocument=document(allow("s3:*"))
    )
    moto.client("s3").put_bucket_replication(
        Bucket=source,
        ReplicationConfiguration={
            "Role": f"arn:aws:iam::{ACCOUNT}:role/{role}",
            "Rules": [
                {
                    "ID": "all",
                    "Status": "Enabled",
                    "Priority": 1,
                    "Filter": {"Prefix": ""},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "Destination": {"Bucket": f"arn:aws:s3:::{destination}"},
                }
            ],
        },
    )
    return source, destination


def lifecycle(moto, region: str, bucket: str, *rules: dict) -> None:
    moto.client("s3", region).put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)}
    )


def expiring(name: str, days: int, prefix: str = "", **more) -> dict:
    return {
        "ID": name,
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
    } | more


EXPIRY = ("replicas-expire-first", "source-expires-first")


def mend(moto, bucket: str, *rules: str) -> None:
    found = moto.found(bucket)
    assert sorted(set(found) & set(EXPIRY)) == sorted(rules), found
    commands = {command for rule in rules for each in found[rule] for command in each["commands"]}
    (command,) = commands
    moto.run(command)
    assert not set(moto.found(bucket)) & set(EXPIRY)


def test_without_lifecycle_rules_nothing_expires(moto, pair):
    assert not set(moto.found(pair[0])) & {*EXPIRY, "lifecycle-unknown"}


def test_replicas_expire_first(moto, pair):
    source, destination = pair
    lifecycle(moto, REGION, source, expiring("tidy", 90))
    lifecycle(
        moto, OTHER, destination,
        expiring("short", 30, Transitions=[{"Days": 7, "StorageClass": "STANDARD_IA"}]),
    )
    (early,) = moto.found(source)["replicas-expire-first"]
    assert "`short`" in early["message"] and "after 30 days" in early["message"]
    mend(moto, source, "replicas-expire-first")
    left = moto.client("s3", OTHER).get_bucket_lifecycle_configuration(Bucket=destination)
    by_name = {rule["ID"]: rule for rule in left["Rules"]}
    assert by_name["short"]["Status"] == "Disabled"
    assert by_name["short"]["Transitions"][0]["StorageClass"] == "STANDARD_IA"
    assert by_name["tidy"]["Expiration"]["Days"] == 90


def test_sources_expire_first(moto, pair):
    source, destination = pair
    lifecycle(moto, REGION, source, expiring("logs", 10, "logs/"))
    mend(moto, source, "source-expires-first")


def test_both_sides_expire_alike(moto, pair):
    source, destination = pair
    for region, bucket in ((REGION, source), (OTHER, destination)):
        lifecycle(
            moto, region, bucket,
            expiring("all", 30, NoncurrentVersionExpiration={"NoncurrentDays": 5}),
        )
    assert not set(moto.found(source)) & set(EXPIRY)


def test_a_users_policies_decide(moto, pair):
    source, _ = pair
    iam = moto.client("iam")
    user, group = fresh_name("user"), fresh_name("group")
    iam.create_user(UserName=user)
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user)
    iam.put_group_policy(
        GroupName=group,
        PolicyName="reads",
        PolicyDocument=document(allow(["s3:Get*", "s3:List*", "iam:Get*", "iam:List*"])),
    )
    made = iam.create_access_key(UserName=user)["AccessKey"]
    caller = Moto(moto.home, moto.endpoint, (made["AccessKeyId"], made["SecretAccessKey"]))
    denied = caller.found(source)["caller-denied"]
    assert any("`s3:PutObject`" in each["message"] and each["level"] == "error" for each in denied)
    commands = {command for each in denied for command in each["commands"]}
    for command in commands:
        caller.run(command)
    assert "caller-denied" not in caller.found(source)
