"""boto3 clients of the lab's IAM, KMS and STS, and of S3 as somebody else."""

from __future__ import annotations

import json
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lab_process import FIRST_REGION, LabProcess

OWNER = "111122223333"
OTHER = "444455556666"


@dataclass(frozen=True)
class Keys:
    """Credentials, with a token for sessions."""

    access_key: str
    secret_key: str
    token: str | None = None

    @classmethod
    def of(cls, lab: LabProcess, account: str = OWNER) -> Keys:
        if account == OWNER:
            return cls(*lab.credentials)
        return cls(
            lab.exports[f"LAB_ACCESS_KEY_{account}"], lab.exports[f"LAB_SECRET_KEY_{account}"]
        )


def service(lab: LabProcess, name: str, keys: Keys | None = None, region: str = FIRST_REGION):
    """A client that reports the first answer it gets."""
    keys = keys or Keys.of(lab)
    return boto3.client(
        name,
        region_name=region,
        endpoint_url=lab.endpoints[region],
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
        verify=lab.ca_bundle,
        config=Config(
            retries={"total_max_attempts": 1},
            **({"s3": {"addressing_style": "path"}} if name == "s3" else {}),
        ),
    )


def assume(lab: LabProcess, role_arn: str, keys: Keys | None = None) -> Keys:
    made = service(lab, "sts", keys).assume_role(RoleArn=role_arn, RoleSessionName="test")
    made = made["Credentials"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def trust(principal: dict, **more) -> str:
    return document(
        {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"} | more
    )


def refused(call, *arguments, **parameters) -> tuple[int, str, str]:
    """Status, code and message of a call that must not succeed."""
    try:
        answer = call(*arguments, **parameters)
    except ClientError as error:
        found = error.response
        status = found["ResponseMetadata"]["HTTPStatusCode"]
        return status, found["Error"]["Code"], found["Error"].get("Message", "")
    raise AssertionError(f"not refused: {answer}")
