"""KMS as boto3 uses it (`S3-KMS-1` to `S3-KMS-6`).

https://docs.aws.amazon.com/kms/latest/APIReference/
"""

from __future__ import annotations

import json

import pytest

from conftest import fresh_name, make_bucket
from lab_process import SECOND_REGION, LabProcess
from lab_services import (
    OTHER,
    OWNER,
    Keys,
    allow,
    assume,
    document,
    refused,
    service,
    trust,
)


@pytest.fixture(scope="module")
def accounts():
    """A lab of two accounts."""
    process = LabProcess("--empty", "--other-account", OTHER)
    yield process
    assert process.stop() == 0, process.stderr_text()


@pytest.fixture(scope="module")
def kms(accounts):
    return service(accounts, "kms")


def test_a_key_and_its_policy(kms):
    made = kms.create_key(Description="d", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]
    arn, key = made["Arn"], made["KeyId"]
    assert arn == f"arn:aws:kms:ap-northeast-1:{OWNER}:key/{key}"
    assert made["KeyState"] == "Enabled"
    assert made["KeyManager"] == "CUSTOMER"
    assert made["MultiRegion"] is False
    assert kms.describe_key(KeyId=arn)["KeyMetadata"] == made
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "a", "TagValue": "b"}]
    assert {"KeyId": key, "KeyArn": arn} in kms.list_keys()["Keys"]
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    default = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    [statement] = default["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{OWNER}:root"}
    assert statement["Action"] == "kms:*"
    root = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{OWNER}:root"})
    given = document(root, allow("kms:Encrypt", Principal={"AWS": OTHER}))
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=given)
    assert kms.get_key_policy(KeyId=key)["Policy"] == given


def test_nobody_locks_themselves_out(kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    locked = document(allow("kms:Decrypt", Principal={"AWS": f"arn:aws:iam::{OWNER}:root"}))
    malformed = "MalformedPolicyDocumentException"
    assert refused(kms.put_key_policy, KeyId=key, Policy=locked)[:2] == (400, malformed)
    before = len(kms.list_keys()["Keys"])
    assert refused(kms.create_key, Policy=locked)[1] == malformed
    assert len(kms.list_keys()["Keys"]) == before
    for wrong in ("{", "{}", document(allow("kms:*")), document(
        allow("kms:*", Principal={"AWS": f"arn:aws:iam::{OWNER}:role/not-there"})
    )):
        assert refused(kms.put_key_policy, KeyId=key, Policy=wrong)[1] == malformed
    kms.put_key_policy(KeyId=key, Policy=locked, BypassPolicyLockoutSafetyCheck=True)
    assert refused(kms.describe_key, KeyId=key)[:2] == (400, "AccessDeniedException")


def test_states(kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    encrypt = {"KeyId": key, "Plaintext": b"x"}
    kms.encrypt(**encrypt)
    kms.disable_key(KeyId=key)
    assert refused(kms.encrypt, **encrypt)[:2] == (400, "DisabledException")
    kms.enable_key(KeyId=key)
    kms.encrypt(**encrypt)
    going = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert going["KeyState"] == "PendingDeletion"
    assert refused(kms.encrypt, **encrypt)[1] == "KMSInvalidStateException"
    assert refused(kms.enable_key, KeyId=key)[1] == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"


def test_aliases(accounts, kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    alias = f"alias/{fresh_name('key')}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == key
    [listed] = kms.list_aliases(KeyId=key)["Aliases"]
    assert listed["AliasName"] == alias
    again = refused(kms.create_alias, AliasName=alias, TargetKeyId=key)
    assert again[1] == "AlreadyExistsException"
    reserved = refused(kms.create_alias, AliasName="alias/aws/mine", TargetKeyId=key)
    assert reserved[1] == "InvalidAliasNameException"
    elsewhere = service(accounts, "kms", region=SECOND_REGION)
    assert refused(elsewhere.describe_key, KeyId=alias)[1] == "NotFoundException"
    assert refused(kms.describe_key, KeyId="alias/none")[1] == "NotFoundException"


def test_the_context_is_needed_again(kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    context = {"bucket": "b", "a": "1"}
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    assert len(made["Plaintext"]) == 32
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == made["Plaintext"]
    wrong = refused(
        kms.decrypt, CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "1"}
    )
    assert wrong[:2] == (400, "InvalidCiphertextException")
    assert refused(kms.decrypt, CiphertextBlob=b"nonsense")[1] == "InvalidCiphertextException"


def test_across_accounts_both_sides_must_allow(accounts, kms):
    made = kms.create_key()["KeyMetadata"]
    key, arn = made["KeyId"], made["Arn"]
    other = service(accounts, "kms", Keys.of(accounts, OTHER))
    encrypt = {"KeyId": arn, "Plaintext": b"x"}
    assert refused(other.encrypt, **encrypt)[:2] == (400, "AccessDeniedException")
    # Whether another account has a key is not told.
    absent = arn[:-4] + "0000"
    assert refused(other.encrypt, KeyId=absent, Plaintext=b"x")[1] == "AccessDeniedException"
    root = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{OWNER}:root"})
    context = {"StringEquals": {"kms:EncryptionContext:for": "other"}}
    kms.put_key_policy(
        KeyId=key,
        Policy=document(
            root, allow("kms:Encrypt", Principal={"AWS": OTHER}, Condition=context)
        ),
    )
    assert refused(other.encrypt, **encrypt)[1] == "AccessDeniedException"
    other.encrypt(**encrypt, EncryptionContext={"for": "other"})
    assert refused(other.get_key_policy, KeyId=arn)[1] == "AccessDeniedException"
    iam = service(accounts, "iam", Keys.of(accounts, OTHER))
    name = fresh_name("role")
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{OTHER}:root"})
    )["Role"]["Arn"]
    keys = assume(accounts, role, Keys.of(accounts, OTHER))
    session = service(accounts, "kms", keys)
    given = encrypt | {"EncryptionContext": {"for": "other"}}
    assert refused(session.encrypt, **given)[1] == "AccessDeniedException"
    iam.put_role_policy(
        RoleName=name, PolicyName="p", PolicyDocument=document(allow("kms:Encrypt", arn))
    )
    session.encrypt(**given)
    # A role of another account is assumed only if it trusts that account.
    assert refused(
        service(accounts, "sts").assume_role, RoleArn=role, RoleSessionName="test"
    )[:2] == (403, "AccessDenied")


def test_s3_with_a_key_of_another_account(accounts, kms):
    """S3-KMS-6: keys without ARN and `alias/aws/s3` are the requester's."""
    s3 = service(accounts, "s3")
    bucket = make_bucket(s3)
    other = service(accounts, "s3", Keys.of(accounts, OTHER))
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=document(
            allow(
                ["s3:PutObject", "s3:GetObject"],
                f"arn:aws:s3:::{bucket}/*",
                Principal={"AWS": OTHER},
            )
        ),
    )
    put = {"Bucket": bucket, "Key": "k", "Body": b"x", "ServerSideEncryption": "aws:kms"}
    written = other.put_object(**put)
    assert f":{OTHER}:key/" in written["SSEKMSKeyId"]
    # The managed key of the other account does not serve this one.
    assert refused(s3.get_object, Bucket=bucket, Key="k")[:2] == (403, "AccessDenied")
    assert other.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    key = kms.create_key()["KeyMetadata"]["Arn"]
    denied = refused(other.put_object, **put, SSEKMSKeyId=key)
    assert denied[:2] == (403, "AccessDenied")
    assert "kms:GenerateDataKey" in denied[2]
