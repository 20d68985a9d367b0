"""Why an object has no replica: each cause brought about, named, and said how sure it is."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time

import boto3
import pytest

from conftest import fresh_name
from keyferry_cli import DONE, NOT_CONFIRMED, REPLICATION_FAILED, USAGE
from lab_process import FIRST_REGION, clean_environment
from lab_services import OWNER, document, service, trust
from replication_status import wait_for
from test_cli_verify_outcomes import Pair, causes, pair, pair_lab  # noqa: F401


def first_found(pair: Pair, key: str) -> dict:
    """The finding behind the surest cause, which must be certain."""
    (cause, *_) = causes(pair.object(REPLICATION_FAILED, key))
    assert cause["certainty"] == "certain", cause
    assert cause["cause"]["cause"] == "found", cause
    return cause["cause"]["finding"]


def deny(pair: Pair, action: str) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": f"arn:aws:s3:::{pair.replica}/*",
    }
    pair.osaka.put_bucket_policy(Bucket=pair.replica, Policy=document(statement))


def test_a_bucket_policy_denies_it_and_the_command_mends_it(pair):
    """And afterwards: the object has still failed, and nothing is in the way any more."""
    deny(pair, "s3:ReplicateObject")
    pair.put("denied")
    found = first_found(pair, "denied")
    assert found["rule"] == "needed-call-explicitly-denied"
    assert found["failure_code"] == "DstPutObjectNotPermitted"
    for command in found["commands"]:
        pair.run(command)
    (only,) = causes(pair.object(REPLICATION_FAILED, "denied"))
    assert only == {"cause": {"cause": "repaired-since"}, "certainty": "likely"}
    pair.put("after")
    pair.object(DONE, "after")


def test_s3_may_not_assume_the_role(pair):
    service(pair.lab, "iam").update_assume_role_policy(
        RoleName=pair.role, PolicyDocument=trust({"Service": "ec2.amazonaws.com"})
    )
    pair.put("untrusted")
    found = first_found(pair, "untrusted")
    assert found["failure_code"] == "AssumeRoleNotPermitted"


def test_the_role_is_gone(pair):
    iam = service(pair.lab, "iam")
    iam.delete_role_policy(RoleName=pair.role, PolicyName="keyferry-replication")
    iam.delete_role(RoleName=pair.role)
    pair.put("nobody")
    assert first_found(pair, "nobody")["rule"] == "role-missing"


def test_who_may_not_read_iam_is_told_what_is_possible(pair):
    deny(pair, "s3:ReplicateObject")
    pair.put("unseen")
    wait_for(
        lambda: causes(pair.object(REPLICATION_FAILED, "unseen")), "the end of replication"
    )
    iam = service(pair.lab, "iam")
    made = iam.create_role(
        RoleName=fresh_name("reader"),
        AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{OWNER}:root"}),
    )["Role"]
    iam.put_role_policy(
        RoleName=made["RoleName"],
        PolicyName="reads",
        PolicyDocument=document(
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject*", "s3:List*", "s3:GetReplicationConfiguration",
                           "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration"],
                "Resource": "*",
            }
        ),
    )
    answer = service(pair.lab, "sts").assume_role(RoleArn=made["Arn"], RoleSessionName="reader")
    keys = answer["Credentials"]
    report = pair.verify(
        REPLICATION_FAILED,
        f"s3://{pair.source}/unseen",
        environment={
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        },
    )
    (cause,) = causes(report)
    assert cause["cause"]["cause"] == "role-permissions"
    assert cause["certainty"] == "likely"


def test_an_object_older_than_the_rule(pair):
    configuration = pair.configuration()
    pair.tokyo.delete_bucket_replication(Bucket=pair.source)
    pair.put("older")
    pair.tokyo.put_bucket_replication(
        Bucket=pair.source, ReplicationConfiguration=configuration
    )
    report = pair.object(REPLICATION_FAILED, "older", "--wait", "10s")
    assert report["outcome"] == {
        "kind": "not-covered", "detail": {"why": {"reason": "older-than-rule"}},
    }
    (cause,) = report["reasons"]
    assert cause == {"cause": {"cause": "older-than-rule"}, "certainty": "likely"}


def test_replication_that_is_late(pair):
    pair.keyferry.run(
        "lab", "fault", "stall", "--dir", pair.lab.exports["KEYFERRY_LAB_DIR"]
    ).expect(DONE)
    pair.put("late")
    report = pair.object(NOT_CONFIRMED, "late", "--wait", "1s")
    (cause,) = report["reasons"]
    assert cause == {"cause": {"cause": "delayed"}, "certainty": "possible"}
    deny(pair, "s3:ReplicateObject")
    report = pair.object(NOT_CONFIRMED, "late", "--wait", "1s")
    assert report["reasons"][0]["certainty"] == "certain"
    pair.osaka.delete_bucket_policy(Bucket=pair.replica)
    pair.keyferry.run(
        "lab", "fault", "clear", "--dir", pair.lab.exports["KEYFERRY_LAB_DIR"]
    ).expect(DONE)
    pair.object(DONE, "late")


@pytest.fixture(scope="module")
def sqs(tmp_path_factory):
    """A queue service by other people: moto."""
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
    address = ("127.0.0.1", port)

    def answers() -> bool:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            return False
        return True

    wait_for(answers, "moto")
    yield boto3.client(
        "sqs",
        region_name=FIRST_REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    server.terminate()
    server.wait()


def test_what_s3_reported_comes_first(pair, sqs):
    deny(pair, "s3:ReplicateObject")
    version = pair.put("a b/reported")
    queue = sqs.create_queue(QueueName=fresh_name("failures"))["QueueUrl"]
    event = {
        "eventVersion": "2.2",
        "eventSource": "aws:s3",
        "eventTime": "2026-11-26T00:00:00.000Z",
        "eventName": "Replication:OperationFailedReplication",
        "s3": {
            "bucket": {"name": pair.source},
            "object": {"key": "a+b/reported", "versionId": version},
        },
        "replicationEventData": {
            "replicationRuleId": "r",
            "destinationBucket": f"arn:aws:s3:::{pair.replica}",
            "failureReason": "DstPutObjectNotPermitted",
        },
    }
    for number in range(12):
        sqs.send_message(QueueUrl=queue, MessageBody=f"something else {number}")
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": [event]}))
    (first, second, *_) = causes(
        pair.object(REPLICATION_FAILED, "a b/reported", "--events", queue)
    )
    assert first["certainty"] == "certain" and first["cause"]["cause"] == "reported"
    assert first["cause"]["event"]["reason"] == "DstPutObjectNotPermitted"
    assert second["cause"]["cause"] == "found"
    # Nothing was taken from whoever else reads the queue.
    time.sleep(0.2)
    left = sqs.get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert left["Attributes"]["ApproximateNumberOfMessages"] == "13"
    text = pair.keyferry.run(
        "verify", f"s3://{pair.source}/a b/reported", "--events", queue
    ).expect(REPLICATION_FAILED)
    assert "S3 reported `DstPutObjectNotPermitted`" in text.stdout
    missing = pair.object(REPLICATION_FAILED, "a b/reported", "--events", f"{queue}-gone")
    assert any(each["what"] == "failure-events" for each in missing["unseen"])
    refused = pair.keyferry.run("verify", f"s3://{pair.source}/x", "--events", "failures")
    refused.expect(USAGE)
