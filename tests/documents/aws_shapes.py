"""Documents against botocore's model of the request that carries them.

botocore refuses members it does not know, missing ones and wrong types; it leaves enumerations and
patterns to the service, so these are checked here from the same model.
"""

from __future__ import annotations

import json
import re
from functools import cache

import botocore.session
from botocore.validate import ParamValidator

ROLE = "a-role"
POLICY = "a-policy"
BUCKET = "a-bucket"
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"


@cache
def model(service: str):
    return botocore.session.get_session().get_service_model(service)


def request(kind: str, document: dict) -> tuple[str, str, dict]:
    """(service, operation, parameters) of the request that installs a document."""
    text = json.dumps(document)
    match kind:
        case "trust":
            return (
                "iam",
                "UpdateAssumeRolePolicy",
                {"RoleName": ROLE, "PolicyDocument": text},
            )
        case "batch-trust":
            return (
                "iam",
                "CreateRole",
                {"RoleName": ROLE, "AssumeRolePolicyDocument": text},
            )
        case "uploader" | "verifier":
            return "iam", "CreatePolicy", {"PolicyName": POLICY, "PolicyDocument": text}
        case "role" | "batch-role":
            return (
                "iam",
                "PutRolePolicy",
                {"RoleName": ROLE, "PolicyName": POLICY, "PolicyDocument": text},
            )
        case "key-policy":
            return "kms", "PutKeyPolicy", {"KeyId": KEY, "PolicyName": "default", "Policy": text}
        case "bucket-policy":
            return "s3", "PutBucketPolicy", {"Bucket": BUCKET, "Policy": text}
        case "replication":
            return (
                "s3",
                "PutBucketReplication",
                {"Bucket": BUCKET, "ReplicationConfiguration": document},
            )
        case "encryption":
            return (
                "s3",
                "PutBucketEncryption",
                {"Bucket": BUCKET, "ServerSideEncryptionConfiguration": document},
            )
        case "versioning":
            return (
                "s3",
                "PutBucketVersioning",
                {"Bucket": BUCKET, "VersioningConfiguration": document},
            )
    raise AssertionError(f"no request carries a document of kind `{kind}`")


def values(shape, value, path: str):
    """Every scalar with its shape, assuming the structure is right."""
    if value is None:
        return
    match shape.type_name:
        case "structure":
            for name, member in shape.members.items():
                if name in value:
                    yield from values(member, value[name], f"{path}.{name}")
        case "list":
            for index, each in enumerate(value):
                yield from values(shape.member, each, f"{path}[{index}]")
        case "map":
            for name, each in value.items():
                yield from values(shape.value, each, f"{path}.{name}")
        case _:
            yield path, shape, value


def unknown_members(shape, value, path: str):
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, each in value.items():
            if name not in shape.members:
                yield f"{path}.{name} is not a member of {shape.name}"
            else:
                yield from unknown_members(shape.members[name], each, f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for index, each in enumerate(value):
            yield from unknown_members(shape.member, each, f"{path}[{index}]")


def faults(kind: str, document: dict) -> list[str]:
    service, operation, parameters = request(kind, document)
    shape = model(service).operation_model(operation).input_shape
    found = list(unknown_members(shape, parameters, operation))
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        return [*found, report.generate_report()]
    for path, scalar, value in values(shape, parameters, operation):
        enumeration = getattr(scalar, "enum", None)
        if enumeration and value not in enumeration:
            found.append(f"{path} is `{value}`, not one of {enumeration}")
        pattern = scalar.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            found.append(f"{path} does not match {pattern}")
    return found


# Characters without white space. IAM/latest/UserGuide/reference_iam-quotas.html,
# AmazonS3/latest/userguide/add-bucket-policy.html, kms/latest/developerguide/resource-limits.html
LARGEST = {
    "trust": 2_048,
    "batch-trust": 2_048,
    "role": 10_240,
    "batch-role": 10_240,
    "uploader": 6_144,
    "verifier": 6_144,
    "bucket-policy": 20_480,
    "key-policy": 32_768,
}


def size(document: dict) -> int:
    return len(json.dumps(document, separators=(",", ":")))
