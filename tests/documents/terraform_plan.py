"""An emitted Terraform configuration, planned by Terraform, as the documents it would install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import strict_json
from emitted import Document, people_document, role_document
from terraform_provider import RunningProvider


class Refused(Exception):
    """Terraform's own words."""


def terraform() -> str:
    beside = Path(sys.executable).parent
    found = shutil.which("terraform", path=f"{os.environ.get('PATH', '')}:{beside}")
    assert found, "terraform is missing: see tests/documents/README.md"
    return found


def run(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    finished = subprocess.run(
        [terraform(), *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }
        | (environment or {}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    if finished.returncode != 0:
        raise Refused(f"terraform {arguments[0]}: {finished.stdout}{finished.stderr}")
    return finished.stdout


def check_format(folder: Path) -> None:
    run(folder, "fmt", "-check", "-diff", "-no-color")


def planned(
    folder: Path, role_arns: dict[str, str], variables: dict[str, str] | None = None
) -> list[dict]:
    """The resources of the plan."""
    plan = strict_json.parse(shown(folder, role_arns, variables))
    return plan["planned_values"]["root_module"]["resources"]


def shown(folder: Path, role_arns: dict[str, str], variables: dict[str, str] | None = None) -> str:
    """What Terraform shows of the plan as JSON; `init` and `validate` come before it."""
    [partition] = {arn.split(":")[1] for arn in role_arns.values()}
    given = [f"-var={name}={value}" for name, value in (variables or {}).items()]
    with RunningProvider(folder, role_arns, partition) as provider:

        def terraform_with_provider(*arguments: str) -> str:
            return run(folder, *arguments, environment=provider.environment)

        terraform_with_provider("init", "-backend=false", "-input=false", "-no-color")
        terraform_with_provider("validate", "-no-color")
        terraform_with_provider(
            *("plan", "-input=false", "-refresh=false", "-no-color", "-lock=false"),
            *("-out=plan.bin", *given),
        )
        return terraform_with_provider("show", "-json", "plan.bin")


def compact(**members) -> dict:
    """A structure of those members that are there."""
    return {name: value for name, value in members.items() if value is not None}


def only(blocks: list[dict] | None) -> dict | None:
    """The block that may occur once."""
    if not blocks:
        return None
    assert len(blocks) == 1, blocks
    return blocks[0]


def status(blocks: list[dict] | None) -> dict | None:
    found = only(blocks)
    return found and {"Status": found["status"]}


def minutes(blocks: list[dict] | None) -> dict | None:
    found = only(blocks)
    return found and {"Minutes": found["minutes"]}


def rule_filter(found: dict) -> dict:
    """An empty filter is the empty prefix: both are every object, in a rule of version 2."""
    both = only(found.get("and"))
    tag = only(found.get("tag"))
    if both:
        tags = [{"Key": key, "Value": value} for key, value in (both["tags"] or {}).items()]
        return {"And": compact(Prefix=both["prefix"], Tags=tags or None)}
    if tag:
        return {"Tag": {"Key": tag["key"], "Value": tag["value"]}}
    return {"Prefix": found.get("prefix") or ""}


def destination(found: dict) -> dict:
    owner = only(found["access_control_translation"])
    key = only(found["encryption_configuration"])
    time = only(found["replication_time"])
    metrics = only(found["metrics"])
    return compact(
        Bucket=found["bucket"],
        Account=found["account"],
        StorageClass=found["storage_class"],
        AccessControlTranslation=owner and {"Owner": owner["owner"]},
        EncryptionConfiguration=key and {"ReplicaKmsKeyID": key["replica_kms_key_id"]},
        ReplicationTime=time and {"Status": time["status"], "Time": minutes(time["time"])},
        Metrics=metrics
        and compact(
            Status=metrics["status"], EventThreshold=minutes(metrics["event_threshold"])
        ),
    )


def replication_rule(found: dict) -> dict:
    selection = only(found["source_selection_criteria"])
    # `filter {}` is an empty block, or one without a value, depending on Terraform's version.
    conditions = [each or {} for each in found["filter"]]
    return compact(
        ID=found["id"],
        Priority=found["priority"],
        Status=found["status"],
        Prefix=found["prefix"],
        Filter=rule_filter(conditions[0]) if conditions else None,
        DeleteMarkerReplication=status(found["delete_marker_replication"]),
        SourceSelectionCriteria=selection
        and compact(
            SseKmsEncryptedObjects=status(selection["sse_kms_encrypted_objects"]),
            ReplicaModifications=status(selection["replica_modifications"]),
        ),
        ExistingObjectReplication=status(found["existing_object_replication"]),
        Destination=destination(only(found["destination"])),
    )


def encryption_rule(found: dict) -> dict:
    by_default = only(found["apply_server_side_encryption_by_default"])
    blocked = found["blocked_encryption_types"]
    return compact(
        ApplyServerSideEncryptionByDefault=by_default
        and compact(
            SSEAlgorithm=by_default["sse_algorithm"],
            KMSMasterKeyID=by_default["kms_master_key_id"],
        ),
        BucketKeyEnabled=found["bucket_key_enabled"],
        BlockedEncryptionTypes=blocked and {"EncryptionType": blocked},
    )


def documents(
    resources: list[dict], roles: dict[str, str], keys: dict[str, str]
) -> dict[Document, dict]:
    """`roles` and `keys` say which bucket a role's name and a key's ARN belong to."""
    found: dict[Document, dict] = {}

    def add(kind: str, bucket: str, content: dict) -> None:
        document = Document(kind, bucket)
        assert document not in found, f"{document} occurs twice"
        found[document] = content

    for resource in resources:
        values = resource["values"]
        match resource["type"]:
            case "aws_iam_role":
                document = role_document(values["name"], roles, permissions=False)
                policy = strict_json.parse(values["assume_role_policy"])
                add(document.kind, document.bucket, policy)
            case "aws_iam_role_policy":
                document = role_document(values["role"], roles, permissions=True)
                add(document.kind, document.bucket, strict_json.parse(values["policy"]))
            case "aws_s3_bucket_policy":
                add("bucket-policy", values["bucket"], strict_json.parse(values["policy"]))
            case "aws_kms_key_policy":
                add("key-policy", keys[values["key_id"]], strict_json.parse(values["policy"]))
            case "aws_s3_bucket_versioning":
                content = status(values["versioning_configuration"])
                add("versioning", values["bucket"], content)
            case "aws_s3_bucket_server_side_encryption_configuration":
                rules = [encryption_rule(each) for each in values["rule"]]
                add("encryption", values["bucket"], {"Rules": rules})
            case "aws_s3_bucket_replication_configuration":
                rules = [replication_rule(each) for each in values["rule"]]
                content = {"Role": values["role"], "Rules": rules}
                add("replication", values["bucket"], content)
            case "aws_iam_policy":
                document = people_document(values["name"])
                add(document.kind, document.bucket, strict_json.parse(values["policy"]))
            case "aws_s3_bucket" | "aws_s3_bucket_ownership_controls":
                pass
            case other:
                raise AssertionError(f"no check knows the resource {other}")
    return found
