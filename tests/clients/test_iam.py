"""IAM as boto3 and the AWS CLI use it (`S3-IAM-1` to `S3-IAM-5`).

https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

from __future__ import annotations

import json
import subprocess

import pytest

from conftest import fresh_name
from lab_services import OWNER, allow, assume, document, refused, service, trust

S3_TRUST = trust({"Service": "s3.amazonaws.com"})
ACCOUNT_TRUST = trust({"AWS": f"arn:aws:iam::{OWNER}:root"})


@pytest.fixture(scope="module")
def iam(lab):
    return service(lab, "iam")


def test_a_role_comes_back_as_it_was_made(iam):
    name = fresh_name("role")
    made = iam.create_role(
        RoleName=name,
        Path="/service-role/",
        AssumeRolePolicyDocument=S3_TRUST,
        Description="replicates",
        MaxSessionDuration=7200,
        Tags=[{"Key": "team", "Value": "data"}],
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{OWNER}:role/service-role/{name}"
    assert made["RoleId"].startswith("AROA")
    role = iam.get_role(RoleName=name)["Role"]
    # S3-IAM-4: botocore decodes what comes percent-encoded.
    assert role["AssumeRolePolicyDocument"] == json.loads(S3_TRUST)
    assert role["Description"] == "replicates"
    assert role["MaxSessionDuration"] == 7200
    assert role["Tags"] == [{"Key": "team", "Value": "data"}]
    assert role["CreateDate"] == made["CreateDate"]
    listed = iam.list_roles(PathPrefix="/service-role/")["Roles"]
    assert name in [role["RoleName"] for role in listed]
    iam.tag_role(RoleName=name, Tags=[{"Key": "Team", "Value": "x"}, {"Key": "b", "Value": ""}])
    tags = iam.list_role_tags(RoleName=name)["Tags"]
    assert tags == [{"Key": "Team", "Value": "x"}, {"Key": "b", "Value": ""}]
    iam.untag_role(RoleName=name, TagKeys=["b"])
    assert len(iam.list_role_tags(RoleName=name)["Tags"]) == 1
    assert refused(iam.create_role, RoleName=name, AssumeRolePolicyDocument=S3_TRUST)[:2] == (
        409,
        "EntityAlreadyExists",
    )
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=ACCOUNT_TRUST)
    role = iam.get_role(RoleName=name)["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(ACCOUNT_TRUST)
    iam.delete_role(RoleName=name)
    assert refused(iam.get_role, RoleName=name) == (
        404,
        "NoSuchEntity",
        f"The role with name {name} cannot be found.",
    )


def test_inline_policies(iam):
    name = fresh_name("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=S3_TRUST)
    policy = document(allow("s3:*", "arn:aws:s3:::a b/*"))
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy)
    given = iam.get_role_policy(RoleName=name, PolicyName="inline")
    assert given["PolicyDocument"] == json.loads(policy)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["inline"]
    assert refused(iam.delete_role, RoleName=name)[:2] == (409, "DeleteConflict")
    iam.delete_role_policy(RoleName=name, PolicyName="inline")
    missing = refused(iam.get_role_policy, RoleName=name, PolicyName="inline")
    assert missing[:2] == (404, "NoSuchEntity")
    iam.delete_role(RoleName=name)


def test_managed_policies_have_versions(iam):
    name, role = fresh_name("policy"), fresh_name("role")
    first, second = document(allow("s3:GetObject")), document(allow("s3:PutObject"))
    policy = iam.create_policy(PolicyName=name, PolicyDocument=first, Description="d")["Policy"]
    arn = policy["Arn"]
    assert arn == f"arn:aws:iam::{OWNER}:policy/{name}"
    assert policy["DefaultVersionId"] == "v1"
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=second, SetAsDefault=True)
    assert made["PolicyVersion"]["VersionId"] == "v2"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    given = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert given["Document"] == json.loads(first)
    assert given["IsDefaultVersion"] is False
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in versions] == ["v2", "v1"]
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=second)
    many = refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=second)
    assert many[:2] == (409, "LimitExceeded")
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v2")[1] == "DeleteConflict"
    for version in ("v1", "v3", "v4", "v5"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=S3_TRUST, PermissionsBoundary=arn)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert attached == [{"PolicyName": name, "PolicyArn": arn}]
    counted = iam.get_policy(PolicyArn=arn)["Policy"]
    assert counted["AttachmentCount"] == 1
    assert counted["PermissionsBoundaryUsageCount"] == 1
    boundary = iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]
    assert boundary["PermissionsBoundaryArn"] == arn
    assert refused(iam.delete_policy, PolicyArn=arn)[1] == "DeleteConflict"
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    assert refused(iam.detach_role_policy, RoleName=role, PolicyArn=arn)[1] == "NoSuchEntity"
    iam.delete_role_permissions_boundary(RoleName=role)
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn)[:2] == (404, "NoSuchEntity")
    assert refused(iam.attach_role_policy, RoleName=role, PolicyArn=arn)[1] == "NoSuchEntity"
    iam.delete_role(RoleName=role)


@pytest.mark.parametrize(
    "wrong",
    [
        "{",
        "{}",
        document({"Effect": "Allow", "Action": "s3:*"}),
        document(allow("s3:*", Principal="*")),
        document(allow("GetObject")),
    ],
)
def test_what_is_no_policy(iam, wrong):
    name = fresh_name("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=S3_TRUST)
    answer = refused(iam.put_role_policy, RoleName=name, PolicyName="p", PolicyDocument=wrong)
    assert answer[:2] == (400, "MalformedPolicyDocument"), answer
    iam.delete_role(RoleName=name)


@pytest.mark.parametrize(
    "wrong",
    [
        document(allow("sts:AssumeRole")),
        document({"Effect": "Allow", "Action": "sts:AssumeRole"}),
        trust({"AWS": f"arn:aws:iam::{OWNER}:role/not-there"}),
        trust({"Service": "s3.amazonaws.com"}, Action="s3:GetObject"),
    ],
)
def test_what_is_no_trust_policy(iam, wrong):
    answer = refused(iam.create_role, RoleName="never", AssumeRolePolicyDocument=wrong)
    assert answer[:2] == (400, "MalformedPolicyDocument"), answer


def test_sizes(iam):
    name = fresh_name("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=S3_TRUST)
    large = document(*[allow("s3:GetObject", f"arn:aws:s3:::{'b' * 60}{n}/*") for n in range(99)])
    answer = refused(iam.put_role_policy, RoleName=name, PolicyName="p", PolicyDocument=large)
    assert answer[:2] == (409, "LimitExceeded"), answer
    answer = refused(iam.create_policy, PolicyName="large", PolicyDocument=large)
    assert answer[:2] == (409, "LimitExceeded"), answer
    iam.delete_role(RoleName=name)


def test_pages(iam):
    names = sorted(fresh_name("paged") for _ in range(5))
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=S3_TRUST, Path="/paged/")
    pages = iam.get_paginator("list_roles").paginate(
        PathPrefix="/paged/", PaginationConfig={"PageSize": 2}
    )
    found = [[role["RoleName"] for role in page["Roles"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(sum(found, [])) == names


def test_a_session_may_do_what_its_role_may(lab, iam):
    """S3-STS-1, S3-STS-2."""
    name = fresh_name("role")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=ACCOUNT_TRUST)["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=name, PolicyName="p", PolicyDocument=document(allow("iam:GetRole", arn))
    )
    keys = assume(lab, arn)
    identity = service(lab, "sts", keys).get_caller_identity()
    assert identity["Account"] == OWNER
    assert identity["Arn"] == f"arn:aws:sts::{OWNER}:assumed-role/{name}/test"
    session = service(lab, "iam", keys)
    assert session.get_role(RoleName=name)["Role"]["Arn"] == arn
    status, code, message = refused(session.delete_role, RoleName=name)
    assert (status, code) == (403, "AccessDenied")
    assert message == (
        f"User: {identity['Arn']} is not authorized to perform: iam:DeleteRole on resource: {arn} "
        "because no identity-based policy allows the iam:DeleteRole action"
    )
    # What is taken away is gone at once, and a deleted role's sessions may do nothing.
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    assert refused(session.get_role, RoleName=name)[1] == "AccessDenied"
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=S3_TRUST)
    sts = service(lab, "sts")
    parameters = {"RoleArn": arn, "RoleSessionName": "test"}
    assert refused(sts.assume_role, **parameters)[:2] == (403, "AccessDenied")
    iam.delete_role(RoleName=name)
    assert refused(sts.assume_role, **parameters)[:2] == (403, "AccessDenied")


def test_signatures(lab):
    """S3-API-1."""
    keys = lab.credentials
    wrong = service(lab, "iam", type("Wrong", (), {
        "access_key": keys[0], "secret_key": keys[1][::-1], "token": None})())
    assert refused(wrong.list_roles)[:2] == (403, "SignatureDoesNotMatch")
    unknown = service(lab, "iam", type("Unknown", (), {
        "access_key": "AKIAUNKNOWN", "secret_key": keys[1], "token": None})())
    assert refused(unknown.list_roles)[:2] == (403, "InvalidClientTokenId")


def test_the_aws_cli(lab, tmp_path):
    """All services under the one exported endpoint; the global scope too."""

    def aws(*arguments: str, **environment: str) -> dict:
        finished = subprocess.run(
            ["aws", *arguments, "--output", "json"],
            env=lab.client_environment(tmp_path) | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout or "{}")

    assert aws("sts", "get-caller-identity")["Account"] == OWNER
    name = fresh_name("cli")
    aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", S3_TRUST)
    role = aws("iam", "get-role", "--role-name", name, AWS_REGION="us-east-1")["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(S3_TRUST)
    key = aws("kms", "create-key", "--description", "by the CLI")["KeyMetadata"]
    policy = aws("kms", "get-key-policy", "--key-id", key["KeyId"])["Policy"]
    assert "kms:*" in policy
    aws("iam", "delete-role", "--role-name", name)
