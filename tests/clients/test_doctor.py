"""What `keyferry doctor` finds in a lab that somebody broke, and that its commands mend it.

Every cause is brought about by another client, and every command is run as it is printed, by a shell and
the AWS CLI. What a test breaks is whole again at its end, so that the next one starts with nothing found.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field

import pytest

from conftest import set_blocked_encryption
from keyferry_cli import DONE, FINDINGS, USAGE, Keyferry
from lab_process import FIRST_REGION, SECOND_REGION, LabProcess, binary
from lab_services import OWNER, Keys, allow, assume, document, service, trust
from replication_pair import Side, name, put

SOURCE, DESTINATION = "lab-tokyo", "lab-osaka"


@dataclass
class Broken:
    """The lab's pair, one way, and what keyferry says about it."""

    lab: LabProcess
    keyferry: Keyferry
    source: Side
    destination: Side
    environment: dict = field(default_factory=dict)

    def service(self, name: str, keys: Keys | None = None):
        return service(self.lab, name, keys)

    @property
    def role(self) -> str:
        return self.source.role.rpartition("/")[2]

    def examine(self, *more: str, address: str = f"s3://{SOURCE}") -> dict:
        arguments = ["doctor", address, "--no-store", "--output", "json", *more]
        finished = self.keyferry.run(*arguments, environment=self.environment)
        assert finished.code in (DONE, FINDINGS), finished.stderr
        return json.loads(finished.stdout)

    def found(self, *more: str, **options) -> dict[str, list[dict]]:
        rules: dict[str, list[dict]] = {}
        for finding in self.examine(*more, **options)["findings"]:
            assert finding["page"].startswith("https://docs.aws.amazon.com/"), finding
            assert finding["why"], finding
            rules.setdefault(finding["rule"], []).append(finding)
        return rules

    def sound(self) -> None:
        assert self.found() == {}

    def run(self, command: str) -> None:
        finished = subprocess.run(
            ["bash", "-c", command],
            env=self.keyferry.environment | {"AWS_PAGER": ""},
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, f"{command}\n{finished.stderr}"

    def mend(self, *rules: str, level: str = "error") -> None:
        """Exactly these are found, and their commands leave nothing to be found."""
        found = self.found()
        assert set(found) == set(rules), found
        commands = []
        for finding in sum(found.values(), []):
            assert finding["level"] == level, finding
            assert finding["commands"], finding
            commands += [each for each in finding["commands"] if each not in commands]
        for command in commands:
            self.run(command)
        self.sound()


@pytest.fixture(scope="module")
def doctor_lab():
    process = LabProcess()
    yield process
    assert process.stop() == 0, process.stderr_text()
    assert "panicked" not in process.stderr_text(), process.stderr_text()


@pytest.fixture(scope="module")
def one_way_pair(doctor_lab):
    first = service(doctor_lab, "s3")
    second = service(doctor_lab, "s3", region=SECOND_REGION)
    second.delete_bucket_replication(Bucket=DESTINATION)
    configuration = first.get_bucket_replication(Bucket=SOURCE)["ReplicationConfiguration"]
    (rule,) = configuration["Rules"]
    rule.pop("SourceSelectionCriteria", None)
    first.put_bucket_replication(Bucket=SOURCE, ReplicationConfiguration=configuration)
    return Side(first, SOURCE, configuration), Side(second, DESTINATION, {})


@pytest.fixture
def broken(doctor_lab, one_way_pair, tmp_path) -> Broken:
    pair = Broken(doctor_lab, Keyferry(tmp_path, doctor_lab), *one_way_pair)
    pair.sound()
    return pair


def test_a_sound_pair_and_what_was_looked_at(broken):
    seen = broken.examine()
    assert seen["region"] == FIRST_REGION and seen["account"] == OWNER
    assert [each["what"] for each in seen["looked_at"]] == [
        "endpoint", "region", "clock", "caller", "rule",
    ]
    (rule,) = seen["rules"]
    assert rule["destination"] == DESTINATION and rule["region"] == SECOND_REGION


@pytest.mark.parametrize("side", ["source", "destination"])
def test_sse_c_is_blocked(broken, side):
    side = getattr(broken, side)
    set_blocked_encryption(side.s3, side.bucket, "SSE-C")
    broken.mend("sse-c-blocked")


def test_versioning_is_suspended(broken):
    side = broken.destination
    side.s3.put_bucket_versioning(
        Bucket=side.bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    broken.mend("versioning-off")


def test_the_rule_is_switched_off(broken):
    configuration = json.loads(json.dumps(broken.source.configuration))
    configuration["Rules"][0]["Status"] = "Disabled"
    broken.source.s3.put_bucket_replication(
        Bucket=SOURCE, ReplicationConfiguration=configuration
    )
    broken.mend("rule-disabled")


def test_the_role_may_not_do_what_it_must(broken):
    """Two calls of one document, mended by one command; and what follows the command."""
    iam = broken.service("iam")
    (policy,) = iam.list_role_policies(RoleName=broken.role)["PolicyNames"]
    written = {"RoleName": broken.role, "PolicyName": policy}
    live = iam.get_role_policy(**written)["PolicyDocument"]
    for statement in live["Statement"]:
        actions = statement["Action"]
        actions = actions if isinstance(actions, list) else [actions]
        kept = [
            each for each in actions if each not in ("s3:ReplicateObject", "s3:ReplicateTags")
        ]
        statement["Action"] = kept or ["s3:GetBucketLocation"]
    iam.put_role_policy(**written, PolicyDocument=json.dumps(live))
    found = broken.found()["needed-call-denied"]
    assert len(found) == 2
    assert found[0]["commands"] == found[1]["commands"] and len(found[0]["commands"]) == 1
    broken.mend("needed-call-denied")
    put(broken.source, key := name())
    broken.source.s3.get_waiter("object_exists").wait(Bucket=SOURCE, Key=key)


def test_s3_may_not_assume_the_role(broken):
    broken.service("iam").update_assume_role_policy(
        RoleName=broken.role, PolicyDocument=trust({"Service": "ec2.amazonaws.com"})
    )
    broken.mend("needed-call-denied")


def test_the_role_is_gone(broken):
    iam = broken.service("iam")
    for policy in iam.list_role_policies(RoleName=broken.role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=broken.role, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=broken.role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=broken.role, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=broken.role)
    found = broken.found()
    (missing,) = found["role-missing"]
    assert missing["failure_code"] == "AssumeRoleNotPermitted"
    for command in missing["commands"]:
        broken.run(command)
    broken.sound()


def test_a_bucket_policy_denies_replicas(broken):
    side = broken.destination
    side.s3.put_bucket_policy(
        Bucket=side.bucket,
        Policy=document(
            {
                "Sid": "NoReplicas",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:ReplicateObject",
                "Resource": f"arn:aws:s3:::{side.bucket}/*",
            }
        ),
    )
    broken.mend("needed-call-explicitly-denied")
    side.s3.delete_bucket_policy(Bucket=side.bucket)


def test_a_bucket_policy_denies_the_caller(broken):
    side = broken.source
    side.s3.put_bucket_policy(
        Bucket=side.bucket,
        Policy=document(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{side.bucket}/*",
                "Condition": {
                    "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}
                },
            }
        ),
    )
    broken.mend("caller-denied")
    side.s3.delete_bucket_policy(Bucket=side.bucket)


def test_one_command_lets_in_the_role_and_the_caller(broken):
    """Whatever denies it, and whomever: the policy is written whole, by one command."""
    side = broken.destination
    resources = [f"arn:aws:s3:::{side.bucket}", f"arn:aws:s3:::{side.bucket}/*"]
    deny = {"Effect": "Deny", "Principal": "*", "Resource": resources}
    side.s3.put_bucket_policy(
        Bucket=side.bucket,
        Policy=document(
            deny | {"Action": ["s3:GetObject*", "s3:ListBucket*", "s3:ReplicateObject"]},
            deny | {"Action": "s3:GetObjectVersion", "Resource": resources[1]},
        ),
    )
    found = broken.found()
    assert set(found) == {"needed-call-explicitly-denied", "caller-denied"}, found
    findings = sum(found.values(), [])
    assert all(len(finding.get("commands", [])) == 1 for finding in findings), findings
    (command,) = {finding["commands"][0] for finding in findings}
    broken.run(command)
    broken.sound()
    side.s3.delete_bucket_policy(Bucket=side.bucket)


def test_conditions_that_only_s3_knows_decide_nothing(broken):
    side = broken.source
    side.s3.put_bucket_policy(
        Bucket=side.bucket,
        Policy=document(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{side.bucket}/*",
                "Condition": {"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
            }
        ),
    )
    broken.sound()
    side.s3.delete_bucket_policy(Bucket=side.bucket)


def test_the_callers_role_may_not_upload(broken):
    iam = broken.service("iam")
    made = iam.create_role(
        RoleName=name("ops-"),
        AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{OWNER}:root"}),
    )["Role"]
    iam.put_role_policy(
        RoleName=made["RoleName"],
        PolicyName="reads",
        PolicyDocument=document(allow(["s3:Get*", "s3:List*", "iam:Get*", "iam:List*"])),
    )
    keys = assume(broken.lab, made["Arn"])
    broken.environment = {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token,
    }
    (denied,) = broken.found()["caller-denied"]
    assert "`s3:PutObject`" in denied["message"] and denied["level"] == "error"
    broken.mend("caller-denied")


def somebody(broken, *statements: dict) -> Keys:
    """Credentials of a new role that may do this, and nothing else."""
    iam = broken.service("iam")
    made = iam.create_role(
        RoleName=name("somebody-"),
        AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{OWNER}:root"}),
    )["Role"]
    iam.put_role_policy(
        RoleName=made["RoleName"], PolicyName="may", PolicyDocument=document(*statements)
    )
    return assume(broken.lab, made["Arn"])


def as_env(keys: Keys) -> dict:
    return {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token,
    }


def denied(found: dict, level: str = "error") -> set[tuple[str, str]]:
    """Bucket and action of what is refused to the caller, by the refusal."""
    return {
        (finding["subject"].split()[1], finding["message"].split("`")[1])
        for finding in found.get("caller-denied", [])
        if finding["level"] == level
    }


def test_what_is_refused_is_an_error_though_policies_may_not_be_read(broken):
    """Verification cannot run, and doctor says so by what it is refused itself."""
    reads = ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
    broken.environment = as_env(somebody(broken, allow(reads)))
    found = broken.found()
    assert denied(found) == {
        (SOURCE, "s3:GetReplicationConfiguration"),
        (SOURCE, "s3:ListBucketVersions"),
    }, found
    assert not any(
        "replication configuration" in finding["message"]
        for finding in found.get("document-unknown", [])
    )
    verified = broken.keyferry.run(
        "verify", f"s3://{SOURCE}/", environment=broken.environment
    )
    assert verified.code not in (DONE, FINDINGS)
    # With the destination named, what stops verification is the listing; HEAD of replicas works.
    named = ("--replica", f"{DESTINATION}@{SECOND_REGION}")
    found = broken.found(*named)
    assert denied(found) == {(SOURCE, "s3:ListBucketVersions")}, found
    assert denied(found, "warning") == {
        (SOURCE, "s3:GetReplicationConfiguration"),
        (DESTINATION, "s3:ListBucketVersions"),
    }, found


def test_head_of_replicas_is_refused(broken):
    everything = allow(["s3:Get*", "s3:List*"])
    nothing = {
        "Effect": "Deny",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": f"arn:aws:s3:::{DESTINATION}/*",
    }
    broken.environment = as_env(somebody(broken, everything, nothing))
    found = broken.found()
    assert denied(found) == {(DESTINATION, "s3:GetObjectVersion")}, found


def test_one_endpoint_for_all_regions(broken):
    """It refuses everything that is signed for another region, and no permission helps."""
    only = {"KEYFERRY_ENDPOINT_URL": broken.lab.endpoints[FIRST_REGION]}
    broken.environment = only
    found = broken.found()
    (elsewhere,) = found["endpoint-missing"]
    assert elsewhere["subject"] == f"bucket {DESTINATION}"
    assert f"does not serve {SECOND_REGION}" in elsewhere["message"]
    assert "lifecycle-unknown" not in found and "document-unknown" not in found, found
    assert not any("allow s3:" in each.get("fix", "") for each in sum(found.values(), []))


def test_objects_belong_to_those_who_write_them(broken):
    side = broken.source
    side.s3.put_bucket_ownership_controls(
        Bucket=side.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    broken.mend("owned-by-writers", level="warning")


def test_kms_opt_in_is_missing_and_keys_cannot_be_used(broken):
    """The buckets' own keys matter for what is uploaded without a customer key."""
    kms = {
        region: service(broken.lab, "kms", region=region)
        for region in (FIRST_REGION, SECOND_REGION)
    }
    keys = {region: each.create_key()["KeyMetadata"]["Arn"] for region, each in kms.items()}
    sides = {FIRST_REGION: broken.source, SECOND_REGION: broken.destination}
    before = {
        region: side.s3.get_bucket_encryption(Bucket=side.bucket)[
            "ServerSideEncryptionConfiguration"
        ]
        for region, side in sides.items()
    }
    iam = broken.service("iam")
    (policy,) = iam.list_role_policies(RoleName=broken.role)["PolicyNames"]
    written = {"RoleName": broken.role, "PolicyName": policy}
    permissions = iam.get_role_policy(**written)["PolicyDocument"]
    for region, side in sides.items():
        (rule,) = before[region]["Rules"]
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": keys[region]}
        side.s3.put_bucket_encryption(
            Bucket=side.bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [rule | {"ApplyServerSideEncryptionByDefault": default}]
            },
        )
    assert "kms-opt-in-missing" in broken.found()
    broken.mend("kms-opt-in-missing", "replica-key-missing", "needed-call-denied")
    kms[SECOND_REGION].disable_key(KeyId=keys[SECOND_REGION])
    broken.mend("key-disabled")
    kms[FIRST_REGION].schedule_key_deletion(KeyId=keys[FIRST_REGION])
    broken.mend("key-disabled")
    # Letting SSE-C in leaves the default encryption as it is.
    (rule,) = broken.source.s3.get_bucket_encryption(Bucket=SOURCE)[
        "ServerSideEncryptionConfiguration"
    ]["Rules"]
    rule["BlockedEncryptionTypes"] = {"EncryptionType": ["SSE-C"]}
    broken.source.s3.put_bucket_encryption(
        Bucket=SOURCE, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    broken.mend("sse-c-blocked")
    (mended,) = broken.source.s3.get_bucket_encryption(Bucket=SOURCE)[
        "ServerSideEncryptionConfiguration"
    ]["Rules"]
    default = mended["ApplyServerSideEncryptionByDefault"]
    assert default["KMSMasterKeyID"] == keys[FIRST_REGION]
    for region, side in sides.items():
        side.s3.put_bucket_encryption(
            Bucket=side.bucket, ServerSideEncryptionConfiguration=before[region]
        )
    broken.source.s3.put_bucket_replication(
        Bucket=SOURCE, ReplicationConfiguration=broken.source.configuration
    )
    iam.put_role_policy(**written, PolicyDocument=json.dumps(permissions))


def test_what_the_rules_leave_out(broken):
    configuration = json.loads(json.dumps(broken.source.configuration))
    configuration["Rules"][0]["Filter"] = {"Prefix": "reports/"}
    broken.source.s3.put_bucket_replication(
        Bucket=SOURCE, ReplicationConfiguration=configuration
    )
    assert set(broken.found()) == {"objects-not-covered"}
    assert broken.found(address=f"s3://{SOURCE}/reports/2026.pdf") == {}
    (outside,) = broken.found(address=f"s3://{SOURCE}/images/a.png")["object-not-covered"]
    assert outside["level"] == "error"
    broken.source.s3.put_bucket_replication(
        Bucket=SOURCE, ReplicationConfiguration=broken.source.configuration
    )


def test_objects_without_room_for_the_key_tag(broken):
    tags = "&".join(f"t{number}=v" for number in range(10))
    put(broken.source, key := name("full-"), Tagging=tags)
    (full,) = broken.found()["key-tag-missing"]
    assert f"`{key}`" in full["message"]
    broken.source.s3.delete_object_tagging(Bucket=SOURCE, Key=key)


def test_uploads_under_way_are_told(broken):
    begun = broken.source.s3.create_multipart_upload(Bucket=SOURCE, Key=name())
    (found,) = broken.found()["unfinished-uploads"]
    assert found["level"] == "note" and "under way: 1" in found["message"]
    broken.source.s3.abort_multipart_upload(
        Bucket=SOURCE, Key=begun["Key"], UploadId=begun["UploadId"]
    )


def test_nothing_replicates_and_one_command_sets_it_up(broken):
    broken.source.s3.delete_bucket_replication(Bucket=SOURCE)
    (alone,) = broken.found()["replication-missing"]
    assert "--replica" in alone["fix"]
    found = broken.found("--replica", f"{DESTINATION}@{SECOND_REGION}")
    (missing,) = found["replication-missing"]
    (command,) = missing["commands"]
    broken.run(command.replace("keyferry", str(binary()), 1) + " --yes")
    broken.sound()
    broken.source.configuration = broken.source.s3.get_bucket_replication(Bucket=SOURCE)[
        "ReplicationConfiguration"
    ]


def test_object_lock_on_one_side(broken):
    """Object Lock cannot be switched off again: nothing after this expects the buckets without."""
    lock = {"ObjectLockEnabled": "Enabled"}
    broken.source.s3.put_object_lock_configuration(Bucket=SOURCE, ObjectLockConfiguration=lock)
    found = broken.found()
    (only,) = found["object-lock-on-source-only"]
    assert only["failure_code"] == "DstBucketObjectLockConfigMissing"
    for command in only["commands"]:
        broken.run(command)
    # Under Object Lock the role reads retention and legal hold, too.
    broken.mend("needed-call-denied")
    retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
    broken.destination.s3.put_object_lock_configuration(
        Bucket=DESTINATION, ObjectLockConfiguration=lock | {"Rule": retention}
    )
    broken.mend("replicas-locked-longer", level="warning")
    live = broken.source.s3.get_object_lock_configuration(Bucket=SOURCE)
    assert live["ObjectLockConfiguration"]["Rule"] == retention


def test_the_key_store(broken):
    def store() -> dict[str, dict]:
        arguments = ["doctor", f"s3://{SOURCE}", "--output", "json", "--fail-on", "never"]
        found = json.loads(broken.keyferry.run(*arguments).expect(DONE).stdout)["findings"]
        return {each["rule"]: each for each in found}

    (missing,) = store().values()
    assert missing["rule"] == "store-missing" and missing["commands"] == ["keyferry key init"]
    broken.keyferry.with_ring()
    (unsafe,) = store().values()
    assert unsafe["rule"] == "store-not-backed-up"
    backup = broken.keyferry.home / "backup.age"
    (broken.keyferry.home / "passphrase").write_text("another long passphrase for the backup\n")
    apart = ["--backup-passphrase-file", str(broken.keyferry.home / "passphrase")]
    broken.keyferry.run("key", "backup", str(backup), *apart).expect(DONE)
    assert "no backup holds" not in str(store())
    (broken.keyferry.store / "journal.jsonl").chmod(0o644)
    (command,) = store()["store-damaged"]["commands"]
    broken.keyferry.run(*command.split()[1:])
    assert "store-damaged" not in store()


def test_on_an_empty_machine(broken, tmp_path):
    """Without credentials, with wrong ones, in the wrong region, at the wrong endpoint or bucket."""

    def rules(environment: dict, address: str = f"s3://{SOURCE}", *more: str) -> list[str]:
        arguments = ["doctor", address, "--output", "json", *more]
        finished = broken.keyferry.run(*arguments, environment=environment)
        assert finished.code in (DONE, FINDINGS), finished.stderr
        return [each["rule"] for each in json.loads(finished.stdout)["findings"]]

    nobody = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    assert rules(nobody) == ["credentials-missing", "store-missing"]
    assert rules({"AWS_SECRET_ACCESS_KEY": "wrong"})[0] == "credentials-refused"
    assert rules({"AWS_ACCESS_KEY_ID": "AKIAAAAAAAAAAAAAAAAA"})[0] == "credentials-refused"
    assert "region-differs" in rules({"AWS_REGION": SECOND_REGION})
    assert "bucket-missing" in rules({}, "s3://no-such-bucket-anywhere")
    closed = {"KEYFERRY_ENDPOINT_URL": "https://127.0.0.1:1"}
    assert rules(closed)[0] == "endpoint-unreachable"
    plain = {"KEYFERRY_ENDPOINT_URL": "http://192.0.2.1"}
    assert rules(plain)[0] == "endpoint-plaintext"
    one_region = {"KEYFERRY_ENDPOINT_URL": f"{FIRST_REGION}={broken.lab.endpoints[FIRST_REGION]}"}
    assert "endpoint-missing" in rules(one_region, f"s3://{DESTINATION}", "--region", SECOND_REGION)
    assert rules({"AWS_CA_BUNDLE": None})[0] == "certificate-untrusted"
    (tmp_path / "empty.pem").write_text("")
    assert rules({"AWS_CA_BUNDLE": str(tmp_path / "empty.pem")})[0] == "certificate-untrusted"
    for address in ("tokyo", "s3://", "s3://Upper_Case"):
        broken.keyferry.run("doctor", address).expect(USAGE)


def test_sarif(broken):
    set_blocked_encryption(broken.source.s3, SOURCE, "SSE-C")
    finished = broken.keyferry.run("doctor", f"s3://{SOURCE}", "--no-store", "--output", "sarif")
    log = json.loads(finished.expect(FINDINGS).stdout)
    assert log["version"] == "2.1.0"
    (result,) = log["runs"][0]["results"]
    assert result["ruleId"] == "sse-c-blocked" and result["level"] == "error"
    assert result["properties"]["commands"]
    refused = broken.keyferry.run("ls", f"s3://{SOURCE}", "--output", "sarif")
    refused.expect(USAGE).explains("sarif")
    set_blocked_encryption(broken.source.s3, SOURCE, "NONE")
