"""What `keyferry policy apply` writes, the AWS CLI reads back as `policy emit` prints it."""

from __future__ import annotations

import json

import pytest

from conftest import fresh_name
from keyferry_cli import DONE, USAGE, Keyferry
from lab_process import FIRST_REGION, SECOND_REGION, LabProcess
from test_awscli import aws

ACCOUNT = "111122223333"
FINDINGS = 6


@pytest.fixture
def arguments(keyferry, lab):
    """A plan under SSE-KMS, both ways, with a key of its own on each side."""
    name = fresh_name("apply")
    keys = {}
    for region in (FIRST_REGION, SECOND_REGION):
        made = ask(keyferry, lab, region, "kms", "create-key")
        keys[region] = made["KeyMetadata"]["Arn"]
    return [
        "--encryption", "sse-kms", "--bucket-key", "on", "--both-ways", "--account", ACCOUNT,
        "--source", f"{name}-a@{FIRST_REGION}", "--source-kms-key", keys[FIRST_REGION],
        "--destination", f"{name}-b@{SECOND_REGION}", "--destination-kms-key", keys[SECOND_REGION],
    ]


def ask(keyferry, lab, region: str, *arguments: str):
    """What the AWS CLI answers, at a region's endpoint."""
    scope = "us-east-1" if arguments[0] == "iam" else region
    finished = aws(
        keyferry, *arguments, "--region", scope, "--endpoint-url", lab.endpoints[region],
        "--output", "json",
    )
    return json.loads(finished.stdout)


def emitted(keyferry, arguments: list[str]) -> dict[str, dict]:
    """The documents of `policy emit`, by file name."""
    text = keyferry.run("policy", "emit", *arguments).expect(DONE).stdout
    return json.loads(text)


def take_away(keyferry, lab, role: str, statement: str) -> None:
    """One statement of the role's policy, by the AWS CLI."""
    named = ["--role-name", role, "--policy-name", "keyferry-replication"]
    policy = ask(keyferry, lab, FIRST_REGION, "iam", "get-role-policy", *named)["PolicyDocument"]
    policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != statement]
    aws(
        keyferry, "iam", "put-role-policy", *named, "--policy-document", json.dumps(policy),
        "--region", "us-east-1", "--endpoint-url", lab.endpoints[FIRST_REGION],
    )


def test_the_aws_cli_reads_back_what_apply_wrote(keyferry, lab, arguments):
    keyferry.run("policy", "apply", *arguments, "--create-buckets", "--yes").expect(DONE)
    documents = emitted(keyferry, arguments)
    for option, region in (("--source", FIRST_REGION), ("--destination", SECOND_REGION)):
        bucket = arguments[arguments.index(option) + 1].partition("@")[0]
        key = arguments[arguments.index(f"{option}-kms-key") + 1]
        role = documents[f"replication-{bucket}.json"]["Role"].rpartition("/")[2]

        def get(*what: str):
            return ask(keyferry, lab, region, *what)

        in_bucket = ["--bucket", bucket]
        answers = {
            "replication": get("s3api", "get-bucket-replication", *in_bucket)[
                "ReplicationConfiguration"
            ],
            "encryption": get("s3api", "get-bucket-encryption", *in_bucket)[
                "ServerSideEncryptionConfiguration"
            ],
            "versioning": get("s3api", "get-bucket-versioning", *in_bucket),
            "trust": get("iam", "get-role", "--role-name", role)["Role"][
                "AssumeRolePolicyDocument"
            ],
            "role": get(
                "iam", "get-role-policy", "--role-name", role,
                "--policy-name", "keyferry-replication",
            )["PolicyDocument"],
        }
        for kind, answer in answers.items():
            assert answer == documents[f"{kind}-{bucket}.json"], kind
        policy = get("kms", "get-key-policy", "--key-id", key, "--policy-name", "default")
        root = f"arn:aws:iam::{ACCOUNT}:root"
        assert root in policy["Policy"]

    check = ["policy", "check", "--live", *arguments, "--output", "json"]
    assert json.loads(keyferry.run(*check).expect(DONE).stdout) == []
    take_away(keyferry, lab, role, "EncryptReplicas")
    found = json.loads(keyferry.run(*check).expect(FINDINGS).stdout)
    assert "DstPutObjectNotPermitted" in [each.get("failure_code") for each in found]
    keyferry.run("policy", "apply", *arguments, "--yes").expect(DONE)

    again = keyferry.run("policy", "apply", *arguments, "--yes", "--output", "json").expect(DONE)
    assert json.loads(again.stdout) == {"changes": [], "applied": 0}


def test_nothing_changes_unasked(keyferry, lab, arguments):
    without_buckets = keyferry.run("policy", "apply", *arguments, "--yes").expect(FINDINGS)
    without_buckets.explains("there is no bucket", "--create-buckets")

    shown = keyferry.run("policy", "apply", *arguments, "--create-buckets", "--dry-run")
    shown.expect(DONE)
    assert '+          "kms:ViaService"' in shown.stdout, shown.stdout
    nobody = keyferry.run("policy", "apply", *arguments, "--create-buckets").expect(USAGE)
    nobody.explains("--yes", "--dry-run")
    bucket = arguments[arguments.index("--source") + 1].partition("@")[0]
    listed = ask(keyferry, lab, FIRST_REGION, "s3api", "list-buckets")
    assert bucket not in [each["Name"] for each in listed["Buckets"]]


def test_another_accounts_plan_is_refused(keyferry, arguments):
    arguments[arguments.index("--account") + 1] = "999988887777"
    keys = [arguments.index("--source-kms-key"), arguments.index("--destination-kms-key")]
    for index in keys:
        arguments[index + 1] = arguments[index + 1].replace(ACCOUNT, "999988887777")
    refused = keyferry.run("policy", "apply", *arguments, "--yes").expect(1)
    refused.explains("999988887777", ACCOUNT, "--destination-profile")


OTHER_ACCOUNT = "444455556666"


def test_two_accounts_have_a_profile_each(tmp_path):
    lab = LabProcess("--empty", "--other-account", OTHER_ACCOUNT)
    try:
        home = tmp_path / "home"
        (home / ".aws").mkdir(parents=True)
        exports = lab.exports
        pairs = {
            "source": (exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]),
            "destination": (
                exports[f"LAB_ACCESS_KEY_{OTHER_ACCOUNT}"],
                exports[f"LAB_SECRET_KEY_{OTHER_ACCOUNT}"],
            ),
        }
        (home / ".aws" / "credentials").write_text(
            "".join(
                f"[{name}]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"
                for name, (key_id, secret) in pairs.items()
            )
        )
        keyferry = Keyferry(home, lab)
        plan = [
            "--encryption", "sse-s3", "--account", ACCOUNT, "--destination-account", OTHER_ACCOUNT,
            "--source", f"here@{FIRST_REGION}", "--destination", f"there@{SECOND_REGION}",
        ]
        arguments = ["policy", "apply", *plan, "--create-buckets", "--yes", "--profile", "source"]
        keyferry.run(*arguments).expect(1).explains(OTHER_ACCOUNT, "--destination-profile")
        same = keyferry.run(*arguments, "--destination-profile", "source").expect(1)
        same.explains(OTHER_ACCOUNT)
        keyferry.run(*arguments, "--destination-profile", "destination").expect(DONE)
        statement = json.loads(
            ask(
                keyferry, lab, SECOND_REGION, "s3api", "get-bucket-policy", "--bucket", "there",
                "--profile", "destination",
            )["Policy"]
        )["Statement"][0]
        assert statement["Principal"]["AWS"] == [f"arn:aws:iam::{ACCOUNT}:role/s3-replication-here"]
    finally:
        assert lab.stop() == 0
