"""Every outcome of `keyferry verify`, each brought about by what really causes it.

The buckets are set up by `keyferry policy apply`; a boto3 client then breaks what a person, a policy or a
disk would break. What is asserted is the verdict, the cause, and the exit code.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import client, fresh_name, set_blocked_encryption
from keyferry_cli import (
    DONE,
    FAILURE,
    NOT_CONFIRMED,
    REPLICATION_FAILED,
    USAGE,
    WRONG_KEY,
    Keyferry,
    upload,
)
from lab_process import FIRST_REGION, SECOND_REGION, LabProcess
from lab_services import OWNER, Keys, assume, document, service
from replication_status import exists, wait_for

MIB = 1024 * 1024


@dataclass
class Pair:
    """Two buckets that replicate one way, and whoever uses them."""

    keyferry: Keyferry
    lab: LabProcess
    source: str
    replica: str

    @property
    def tokyo(self):
        return client(self.lab, FIRST_REGION)

    @property
    def osaka(self):
        return client(self.lab, SECOND_REGION)

    @property
    def role(self) -> str:
        return self.configuration()["Role"].rpartition("/")[2]

    def configuration(self) -> dict:
        answer = self.tokyo.get_bucket_replication(Bucket=self.source)
        return answer["ReplicationConfiguration"]

    def reconfigure(self, **members) -> None:
        """Changes members of the only rule."""
        configuration = self.configuration()
        configuration["Rules"][0] |= members
        self.tokyo.put_bucket_replication(
            Bucket=self.source, ReplicationConfiguration=configuration
        )

    def put(self, key: str, size: int = 1000, *more: str) -> str:
        """The version id of an object that was uploaded."""
        path = self.keyferry.home / "content"
        path.write_bytes(bytes(number * 31 % 251 for number in range(size)))
        address = f"s3://{self.source}/{key}"
        done = upload(self.keyferry, path, address, "--output", "json", *more).expect(DONE)
        return json.loads(done.stdout)["receipt"]["version_id"]

    def run(self, command: str) -> None:
        """Runs a command as it was printed."""
        finished = subprocess.run(
            ["bash", "-c", command],
            env=self.keyferry.environment | {"AWS_PAGER": ""},
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, f"{command}\n{finished.stderr}"

    def arrived(self, key: str, **arguments) -> None:
        """Waits until a version is in the replica bucket, without asking keyferry."""

        def there():
            listed = self.osaka.list_object_versions(Bucket=self.replica, Prefix=key)
            return listed.get("Versions", []) + listed.get("DeleteMarkers", [])

        wait_for(there, f"the replica of {key}", **arguments)

    def verify(self, code: int, *arguments: str, **options) -> dict:
        """What `verify` of one object prints as JSON."""
        done = self.keyferry.run("verify", *arguments, "--output", "json", **options)
        return json.loads(done.expect(code).stdout)["report"]

    def object(self, code: int, key: str, *arguments: str) -> dict:
        return self.verify(code, f"s3://{self.source}/{key}", *arguments)


@pytest.fixture(scope="module")
def pair_lab(tmp_path_factory):
    """A lab of its own for each file of tests, in a folder that is known."""
    process = LabProcess("--empty", "--dir", str(tmp_path_factory.mktemp("lab") / "lab"))
    yield process
    assert process.stop() == 0, process.stderr_text()
    assert "panicked" not in process.stderr_text(), process.stderr_text()


@pytest.fixture
def pair(tmp_path, pair_lab) -> Pair:
    """Two buckets of one test, replicating one way as `policy apply` sets it up."""
    home = tmp_path / "home"
    home.mkdir()
    keyferry = Keyferry(home, pair_lab).with_ring("test")
    name = fresh_name("pair")
    made = Pair(keyferry, pair_lab, f"{name}-a", f"{name}-b")
    keyferry.run(
        *("policy", "apply", "--encryption", "sse-c", "--account", OWNER, "--yes"),
        *("--create-buckets", "--source", f"{made.source}@{FIRST_REGION}"),
        *("--destination", f"{made.replica}@{SECOND_REGION}"),
    ).expect(DONE)
    return made


def causes(report: dict) -> list[dict]:
    assert report["outcome"]["kind"] == "failed", report["outcome"]
    return report["outcome"]["detail"]["reasons"]


def differences(report: dict) -> list[dict]:
    assert report["outcome"]["kind"] == "differs", report["outcome"]
    return report["outcome"]["detail"]


def test_verified(pair):
    pair.put("fine", 12 * MIB)
    report = pair.object(DONE, "fine", "--level", "deep")
    assert report["outcome"]["kind"] == "verified"
    assert report["replicas"][0]["finding"]["detail"]["level"] == "deep"


def test_a_permission_was_removed(pair):
    iam = service(pair.lab, "iam", region=FIRST_REGION)
    named = {"RoleName": pair.role, "PolicyName": "keyferry-replication"}
    policy = iam.get_role_policy(**named)["PolicyDocument"]
    for statement in policy["Statement"]:
        actions = statement["Action"]
        actions = actions if isinstance(actions, list) else [actions]
        statement["Action"] = [each for each in actions if each != "s3:ReplicateObject"]
    policy["Statement"] = [each for each in policy["Statement"] if each["Action"]]
    iam.put_role_policy(**named, PolicyDocument=json.dumps(policy))
    pair.put("refused")
    (cause, *_) = causes(pair.object(REPLICATION_FAILED, "refused"))
    assert "s3:ReplicateObject" in json.dumps(cause), cause
    assert cause["certainty"] == "certain", cause


def test_the_destination_blocks_customer_keys(pair):
    key = service(pair.lab, "kms", region=SECOND_REGION).create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {
        "ApplyServerSideEncryptionByDefault": default,
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    pair.osaka.put_bucket_encryption(
        Bucket=pair.replica, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    pair.put("blocked")
    (cause, *_) = causes(pair.object(REPLICATION_FAILED, "blocked"))
    assert cause["cause"]["cause"] == "destination-blocks-customer-keys"
    assert cause["certainty"] == "certain"
    # The command lets SSE-C in and leaves the bucket's own key where it is.
    verified = pair.keyferry.run("verify", f"s3://{pair.source}/blocked").expect(REPLICATION_FAILED)
    (command,) = cause["cause"]["commands"]
    assert command in verified.stdout, verified.stdout
    pair.run(command)
    live = pair.osaka.get_bucket_encryption(Bucket=pair.replica)
    (mended,) = live["ServerSideEncryptionConfiguration"]["Rules"]
    assert mended["ApplyServerSideEncryptionByDefault"] == default
    assert mended["BlockedEncryptionTypes"] == {"EncryptionType": ["NONE"]}
    pair.put("let-in")
    pair.object(DONE, "let-in")


def test_the_rule_does_not_include_objects_under_kms(pair):
    key = service(pair.lab, "kms").create_key()["KeyMetadata"]["Arn"]
    pair.tokyo.put_object(
        Bucket=pair.source, Key="under-kms", Body=b"data",
        ServerSideEncryption="aws:kms", SSEKMSKeyId=key,
    )
    report = pair.object(REPLICATION_FAILED, "under-kms")
    assert report["outcome"]["kind"] == "not-covered"
    assert report["outcome"]["detail"]["why"]["reason"] == "kms-not-included"


def test_the_replicator_stands_still(pair):
    fault = ("lab", "fault")
    nowhere = pair.keyferry.run(*fault, "stall", "--bucket", "nosuch").expect(FAILURE)
    nowhere.explains("no bucket `nosuch`", "nothing was set")
    pair.keyferry.run(*fault, "stall", "--bucket", pair.source).expect(DONE)
    pair.put("late")
    report = pair.object(NOT_CONFIRMED, "late", "--wait", "1s")
    assert report["outcome"]["kind"] == "pending"
    assert report["outcome"]["detail"]["status"] == "PENDING"
    clear = (*fault, "clear", "--bucket", pair.source)
    later = threading.Timer(1, lambda: pair.keyferry.run(*clear).expect(DONE))
    later.start()
    report = pair.object(DONE, "late", "--wait", "30s")
    later.join()
    assert report["timings"]["status_latency"] > 1


def test_a_byte_of_the_replica_flipped_on_the_disk(pair):
    """The lab seals what it stores, so that the replica's server cannot give the part out any more."""
    folder = Path(pair.lab.exports["KEYFERRY_LAB_DIR"]) / SECOND_REGION / "data"
    before = set(folder.rglob("*"))
    pair.put("flipped", 20 * MIB, "--part-size", "8MiB")
    pair.object(DONE, "flipped", "--level", "deep")
    parts = [each for each in set(folder.rglob("*")) - before if each.is_file()]
    assert len(parts) == 3
    smallest = min(parts, key=lambda part: part.stat().st_size)
    content = bytearray(smallest.read_bytes())
    content[len(content) // 2] ^= 0x10
    smallest.write_bytes(content)
    # What is stored about the object is as it was: nothing short of reading it tells.
    report = pair.object(DONE, "flipped", "--level", "equal")
    assert report["replicas"][0]["finding"]["detail"]["level"] == "equal"
    (difference, *_) = differences(pair.object(REPLICATION_FAILED, "flipped", "--level", "deep"))
    assert difference["difference"] in ("unreadable", "content")
    assert difference["part"] == 3, difference


def test_replication_wrote_wrong_bytes(pair):
    pair.keyferry.run("lab", "fault", "corrupt", "--bucket", pair.source).expect(DONE)
    pair.put("corrupt", 12 * MIB)
    pair.object(DONE, "corrupt", "--level", "equal")
    (difference, *_) = differences(pair.object(REPLICATION_FAILED, "corrupt", "--level", "deep"))
    assert difference["difference"] in ("unreadable", "content")
    assert difference["part"] in (1, 2)
    pair.keyferry.run("lab", "fault", "clear", "--bucket", pair.source).expect(DONE)


def test_a_tag_was_lost(pair):
    pair.put("tagged", 10, "--tag", "class=gold")
    pair.object(DONE, "tagged")
    pair.osaka.put_object_tagging(
        Bucket=pair.replica, Key="tagged",
        Tagging={"TagSet": [
            each
            for each in pair.osaka.get_object_tagging(Bucket=pair.replica, Key="tagged")["TagSet"]
            if each["Key"] != "class"
        ]},
    )
    (difference,) = differences(pair.object(REPLICATION_FAILED, "tagged"))
    assert difference == {"difference": "tag", "key": "class", "source": "gold", "replica": None}


def test_the_replica_is_gone(pair):
    version = pair.put("gone")
    pair.object(DONE, "gone")
    pair.osaka.delete_object(Bucket=pair.replica, Key="gone", VersionId=version)
    report = pair.object(REPLICATION_FAILED, "gone")
    assert report["outcome"]["kind"] == "replica-missing"
    assert report["source"]["view"]["status"] == "COMPLETED"


def test_the_rule_is_disabled_or_younger_than_the_object(pair):
    pair.reconfigure(Status="Disabled")
    pair.put("early")
    why = pair.object(REPLICATION_FAILED, "early")["outcome"]["detail"]["why"]
    assert why["reason"] == "rules-disabled"
    pair.reconfigure(Status="Enabled")
    why = pair.object(REPLICATION_FAILED, "early")["outcome"]["detail"]["why"]
    assert why["reason"] == "older-than-rule"


def test_the_replica_may_not_be_read(pair):
    """Somebody who may read the source only: what is refused is never called missing."""
    pair.put("hidden")
    pair.object(DONE, "hidden")
    iam = service(pair.lab, "iam")
    name = fresh_name("reader")
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=document(
            {"Effect": "Allow", "Principal": {"AWS": OWNER}, "Action": "sts:AssumeRole"}
        ),
    )
    iam.put_role_policy(
        RoleName=name,
        PolicyName="source",
        PolicyDocument=document(
            {
                "Effect": "Allow",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{pair.source}", f"arn:aws:s3:::{pair.source}/*"],
            }
        ),
    )
    reader: Keys = assume(pair.lab, made["Role"]["Arn"])
    environment = {
        "AWS_ACCESS_KEY_ID": reader.access_key,
        "AWS_SECRET_ACCESS_KEY": reader.secret_key,
        "AWS_SESSION_TOKEN": reader.token,
    }
    report = pair.verify(
        NOT_CONFIRMED, f"s3://{pair.source}/hidden", environment=environment
    )
    assert report["outcome"]["kind"] == "replica-refused", report["outcome"]
    assert report["outcome"]["detail"]["wrong_key"] is False


def test_the_key_opens_one_side_only(pair):
    """Somebody put an object under another key in the replica's place. Version ids tell them apart."""
    pair.put("swapped")
    pair.object(DONE, "swapped")
    other = pair.keyferry.home / "other"
    other.write_bytes(secrets.token_bytes(32))
    path = pair.keyferry.home / "content"
    pair.keyferry.run(
        "upload", str(path), f"s3://{pair.replica}/swapped", "--key", f"file:{other}", "--no-wait"
    ).expect(DONE)
    # The version that was replicated is there still.
    pair.object(DONE, "swapped")
    # The key of neither side's current version opens both.
    refused = pair.keyferry.run(
        "verify", f"s3://{pair.source}/swapped", "--key", f"file:{other}"
    ).expect(WRONG_KEY)
    refused.explains("key")


def test_a_receipt_edited_by_hand(pair):
    receipt = pair.keyferry.home / "receipt.json"
    pair.put("sealed", 1000, "--receipt", str(receipt))
    report = pair.verify(DONE, "--receipt", str(receipt))
    assert report["subject"]["receipt"] == "authentic"
    written = json.loads(receipt.read_text())
    for edited in (
        {"size": 999},
        {"version_id": "3sL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY"},
        {"key_md5": "AAAAAAAAAAAAAAAAAAAAAA=="},
        {"source": written["source"] | {"key": "another"}},
    ):
        receipt.write_text(json.dumps(written | edited))
        (difference,) = differences(pair.verify(REPLICATION_FAILED, "--receipt", str(receipt)))
        assert difference == {"difference": "receipt-changed"}, edited
    del written["seal"]
    receipt.write_text(json.dumps(written))
    report = pair.verify(DONE, "--receipt", str(receipt))
    assert report["subject"]["receipt"] == "unsealed"
    assert {"what": "receipt-seal"} in report["unseen"]


def checked(pair, code: int, *arguments: str) -> tuple[dict, dict]:
    """(verdicts by key and version id, summary) of all below the source bucket."""
    done = pair.keyferry.run("verify", f"s3://{pair.source}", "--output", "ndjson", *arguments)
    *objects, last = map(json.loads, done.expect(code).stdout.splitlines())
    found = {(each["address"]["key"], each["version_id"]): each for each in objects}
    assert len(found) == len(objects), "each thing is told once"
    return found, last["summary"]


def test_a_version_is_missing_among_many(pair):
    first, second = pair.put("twice"), pair.put("twice")
    checked(pair, DONE, "--all-versions")
    pair.osaka.delete_object(Bucket=pair.replica, Key="twice", VersionId=first)
    # The current version is not concerned.
    found, _ = checked(pair, DONE)
    assert list(found) == [("twice", second)]
    found, summary = checked(pair, REPLICATION_FAILED, "--all-versions")
    assert found["twice", first]["verdict"] == "replica-missing"
    assert found["twice", second]["verdict"] == "verified"
    assert summary["verdicts"] == {"replica-missing": 1, "verified": 1}


def test_somebody_wrote_to_the_replica_bucket(pair):
    version = pair.put("ours")
    checked(pair, DONE)
    extra = pair.osaka.put_object(Bucket=pair.replica, Key="theirs", Body=b"x")["VersionId"]
    newer = pair.osaka.put_object(Bucket=pair.replica, Key="ours", Body=b"x")["VersionId"]
    found, _ = checked(pair, REPLICATION_FAILED, "--all-versions")
    assert found["ours", version]["verdict"] == "verified"
    for key, added in (("theirs", extra), ("ours", newer)):
        assert found[key, added]["verdict"] == "extra"
        assert found[key, added]["address"]["bucket"] == pair.replica
        assert found[key, added]["extra"]["is_latest"]


@pytest.mark.parametrize("replicated", [True, False], ids=["replicated", "left out"])
def test_a_delete_marker_is_not_on_the_other_side(pair, replicated):
    status = "Enabled" if replicated else "Disabled"
    pair.reconfigure(DeleteMarkerReplication={"Status": status})
    version = pair.put("deleted")
    checked(pair, DONE, "--all-versions")
    marker = pair.tokyo.delete_object(Bucket=pair.source, Key="deleted")["VersionId"]
    if not replicated:
        # The object lives on there, as the rule says: that is told, and no failure.
        found, summary = checked(pair, DONE, "--all-versions")
        assert found["deleted", marker]["verdict"] == "marker-left-out"
        assert summary["conclusion"] == "verified"
        return
    found, _ = checked(pair, DONE, "--all-versions", "--wait", "30s")
    assert found["deleted", marker]["verdict"] == "marker-replicated"
    assert found["deleted", version]["verdict"] == "verified"
    pair.osaka.delete_object(Bucket=pair.replica, Key="deleted", VersionId=marker)
    # A marker has no status that would tell whether it is still to come.
    found, _ = checked(pair, NOT_CONFIRMED, "--all-versions", "--wait", "0s")
    assert found["deleted", marker]["verdict"] == "marker-pending"
    found, _ = checked(pair, REPLICATION_FAILED, "--all-versions", "--wait", "1s")
    assert found["deleted", marker]["verdict"] == "marker-missing"


def test_null_versions_of_a_suspended_bucket(pair):
    pair.put("before")
    # The rule goes first: S3 suspends versioning of no bucket that replicates.
    configuration = pair.configuration()
    pair.tokyo.delete_bucket_replication(Bucket=pair.source)
    pair.tokyo.put_bucket_versioning(
        Bucket=pair.source, VersioningConfiguration={"Status": "Suspended"}
    )
    assert pair.put("null") in (None, "null")
    pair.tokyo.put_bucket_versioning(
        Bucket=pair.source, VersioningConfiguration={"Status": "Enabled"}
    )
    pair.tokyo.put_bucket_replication(
        Bucket=pair.source, ReplicationConfiguration=configuration
    )
    found, _ = checked(pair, REPLICATION_FAILED, "--all-versions", "--wait", "0s")
    by_key = {key: each for (key, _), each in found.items()}
    assert by_key["before"]["verdict"] == "verified"
    assert by_key["null"]["verdict"] == "not-covered"


def test_encryptions_side_by_side(pair):
    """What is under no customer key is verified like the rest, without one."""
    pair.put("customer-key")
    pair.tokyo.put_object(Bucket=pair.source, Key="s3-key", Body=b"data")
    found, summary = checked(pair, DONE, "--level", "deep")
    assert {each["verdict"] for each in found.values()} == {"verified"}
    assert summary["encryption"] == {"SSE-C": 1, "AES256": 1}
    assert summary["level"] == "deep"


def test_receipts_of_many(pair):
    """A list of receipts, one of them twice, one edited by hand."""
    folder = pair.keyferry.home / "folder"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}").write_bytes(secrets.token_bytes(100))
    receipts = pair.keyferry.home / "receipts"
    pair.keyferry.run(
        *("upload", "-r", str(folder), f"s3://{pair.source}/", "--key", "test"),
        *("--no-wait", "--receipt", str(receipts)),
    ).expect(DONE)
    lines = receipts.read_text().splitlines()
    edited = json.loads(lines[1])
    edited["version_id"] = "3sL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY"
    receipts.write_text("\n".join([*lines[:1], json.dumps(edited), *lines[2:], lines[0]]) + "\n")
    done = pair.keyferry.run("verify", "--receipt", str(receipts), "--output", "ndjson")
    *objects, last = map(json.loads, done.expect(REPLICATION_FAILED).stdout.splitlines())
    assert len(objects) == 5
    assert last["summary"]["repeated_receipts"] == 1
    assert last["summary"]["verdicts"] == {"differs": 1, "verified": 4}
    (changed,) = [each for each in objects if each["verdict"] == "differs"]
    assert changed["report"]["outcome"]["detail"] == [{"difference": "receipt-changed"}]


def one_endpoint(pair, region: str) -> dict[str, str]:
    """One URL for all regions: that of one of them."""
    return {"KEYFERRY_ENDPOINT_URL": pair.lab.endpoints[region]}


@pytest.mark.parametrize("level", ["status", "equal"])
def test_an_endpoint_of_one_region_is_not_another_key(pair, level):
    """What is asked for at the wrong endpoint gets 400, and so does what is under another key."""
    for number in range(3):
        pair.put(f"of/{number}")
        pair.object(DONE, f"of/{number}")
    only_tokyo = one_endpoint(pair, FIRST_REGION)
    for where in (f"s3://{pair.source}/of/0", f"s3://{pair.source}/of/"):
        done = pair.keyferry.run("verify", where, "--level", level, environment=only_tokyo)
        done.expect(FAILURE).explains("region", pair.replica, "endpoint")
        assert "another key" not in done.stdout + done.stderr
        assert (done.stdout + done.stderr).count("HeadBucket") <= 1


def test_the_replica_is_asked_for_in_another_region(pair):
    pair.put("object")
    pair.object(DONE, "object")
    source = f"s3://{pair.source}/object"
    done = pair.keyferry.run("verify", source, "--replica", f"{pair.replica}@{FIRST_REGION}")
    done.expect(FAILURE).explains(SECOND_REGION, "--replica")
    elsewhere = ("--replica-endpoint-url", pair.lab.endpoints[SECOND_REGION])
    done = pair.keyferry.run("verify", source, "--replica", pair.replica, *elsewhere)
    done.expect(FAILURE).explains("--replica-region")
    pair.object(
        DONE, "object", "--replica", pair.replica, "--replica-region", SECOND_REGION, *elsewhere
    )


def test_a_version_id_that_is_none(pair):
    pair.put("object")
    source = f"s3://{pair.source}/object"
    for more in ((), ("--key", "test")):
        done = pair.keyferry.run("verify", source, "--version-id", "nonsense", *more)
        done.expect(FAILURE).explains("nonsense", "version id")


def test_tags_that_may_not_be_read_are_not_called_equal(pair):
    for number in range(2):
        pair.put(f"of/{number}", 1000, "--tag", "of=mine")
        pair.object(DONE, f"of/{number}")
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:GetObjectTagging", "s3:GetObjectVersionTagging"],
        "Resource": f"arn:aws:s3:::{pair.replica}/*",
    }
    pair.osaka.put_bucket_policy(Bucket=pair.replica, Policy=document(denied))
    report = pair.object(NOT_CONFIRMED, "of/0", "--level", "deep")
    assert report["outcome"]["kind"] == "unproven"
    assert report["outcome"]["detail"]["reached"] == "status"
    assert [each["what"] for each in report["outcome"]["detail"]["missing"]] == ["tags"]
    pair.object(DONE, "of/0", "--level", "status")
    done = pair.keyferry.run("verify", f"s3://{pair.source}/of/0").expect(NOT_CONFIRMED)
    done.explains("s3:GetObjectTagging")
    assert "tags of the replica could not be read" in done.stdout
    page = pair.keyferry.home / "page.json"
    found, _ = checked(pair, NOT_CONFIRMED, "--report", str(page))
    assert {each["verdict"] for each in found.values()} == {"unproven"}


@pytest.mark.parametrize("encryption", ["AES256", "named"])
def test_a_plain_object_by_itself(pair, encryption):
    pair.tokyo.put_object(Bucket=pair.source, Key="plain", Body=b"data")
    pair.arrived("plain")
    if encryption == "named":
        source = f"s3://{pair.source}/plain"
        pair.keyferry.run("verify", source, "--key", "test").expect(FAILURE)
        return
    report = pair.object(DONE, "plain")
    assert report["outcome"]["kind"] == "verified"
    done = pair.keyferry.run("verify", f"s3://{pair.source}/plain").expect(DONE)
    assert "not under a customer key" in done.stdout
    assert "not applicable" in done.stdout


def test_the_source_is_not_its_own_replica(pair):
    pair.put("object")
    for where in ("object", "", "of/"):
        done = pair.keyferry.run(
            "verify", f"s3://{pair.source}/{where}", "--replica", f"{pair.source}@{FIRST_REGION}"
        )
        done.expect(USAGE).explains(pair.source, "replica")


def test_the_rules_were_removed_since(pair):
    pair.put("object")
    pair.object(DONE, "object")
    pair.tokyo.delete_bucket_replication(Bucket=pair.source)
    report = pair.object(NOT_CONFIRMED, "object")
    assert report["outcome"]["kind"] == "unproven"
    done = pair.keyferry.run("verify", f"s3://{pair.source}/object").expect(NOT_CONFIRMED)
    done.explains("--replica")
    pair.object(DONE, "object", "--replica", f"{pair.replica}@{SECOND_REGION}")


def test_the_replica_alone_takes_a_receipt(pair):
    """Without a SHA-256 to hold the replica against, the source is read, and that is said."""
    receipt = pair.keyferry.home / "receipt"
    pair.put("object", 1000, "--receipt", str(receipt))
    alone = ("--level", "deep", "--read", "replica")
    for where in ("object", ""):
        done = pair.keyferry.run("verify", f"s3://{pair.source}/{where}", *alone).expect(DONE)
        assert "both sides are read" in done.stderr
    assert "of the replica" not in done.stdout
    done = pair.keyferry.run("verify", "--receipt", str(receipt), *alone).expect(DONE)
    assert "both sides" not in done.stderr + done.stdout
    assert "of the replica, against the receipt's SHA-256" in done.stdout
