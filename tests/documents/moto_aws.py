"""moto as AWS: two accounts, keys under the identifiers that the documents name, documents installed
and read back.

https://docs.getmoto.org/
"""

from __future__ import annotations

from dataclasses import dataclass

import boto3
import xmltodict
from botocore import xform_name
from botocore.parsers import create_parser
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends

import aws_shapes
import sites
import strict_json
from emitted import NAME_OF_OURS, TRUSTS, Document

# By partition: where buckets and roles are looked at. moto answers for them in every region.
REGIONS = {"aws": "ap-northeast-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

# What a document refers to has to be there already.
ORDER = (
    *("versioning", "encryption", "trust", "role", "batch-trust", "batch-role"),
    *("uploader", "verifier", "key-policy", "bucket-policy", "replication"),
)


@dataclass
class Account:
    """Credentials that moto takes for an account's."""

    access_key: str
    secret_key: str
    token: str
    endpoint: str | None
    region: str

    def client(self, service: str, region: str | None = None):
        return boto3.client(
            service,
            region_name=region or self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.token,
        )


def account(number: str, partition: str, endpoint: str | None) -> Account:
    """moto gives an assumed role's credentials to the account in its ARN, whether it exists or not."""
    region = REGIONS[partition]
    sts = boto3.client(
        "sts",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    arn = f"arn:{partition}:iam::{number}:role/administrator"
    given = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return Account(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], endpoint, region
    )


def make_key(owner: Account, arn: str) -> None:
    """A key of that ARN. moto draws identifiers at random, so the new key is filed anew."""
    region = sites.region_of(arn)
    made = owner.client("kms", region).create_key()["KeyMetadata"]
    backend = kms_backends[sites.account_of(arn)][region]
    key = backend.keys.pop(made["KeyId"])
    key.id = arn.rpartition("/")[2]
    key.arn = arn
    backend.keys[key.id] = key


class Aws:
    """The accounts and keys of one cell, and nothing else yet."""

    def __init__(self, documents: dict[Document, dict], endpoint: str | None = None) -> None:
        self.documents = documents
        self.endpoint = endpoint
        self.account_of_bucket = sites.accounts(documents)
        self.accounts = {
            number: account(number, sites.partition(documents), endpoint)
            for number in set(self.account_of_bucket.values())
        }
        for arn in sites.keys(documents):
            make_key(self.accounts[sites.account_of(arn)], arn)

    def of_bucket(self, bucket: str) -> Account:
        return self.accounts[self.account_of_bucket[bucket]]

    def make_buckets(self) -> None:
        for bucket in self.account_of_bucket:
            s3 = self.of_bucket(bucket).client("s3")
            location = {"LocationConstraint": s3.meta.region_name}
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)

    def role_name(self, document: Document) -> str:
        """The configuration names the replication role; the other role's name is anyone's choice."""
        if document.kind.startswith("batch-"):
            return f"batch-{document.bucket}"
        configuration = self.documents[Document("replication", document.bucket)]
        return configuration["Role"].rpartition("/")[2]

    def install(self) -> None:
        """Every document by the call that carries it, in an order that AWS would accept too."""
        assert {each.kind for each in self.documents} <= set(ORDER)
        for document in sorted(self.documents, key=lambda each: ORDER.index(each.kind)):
            self.install_one(document, self.documents[document])

    def install_one(self, document: Document, content: dict) -> None:
        service, operation, parameters = aws_shapes.request(document.kind, content)
        region = None
        if "Bucket" in parameters:
            parameters["Bucket"] = document.bucket
        if "RoleName" in parameters:
            parameters["RoleName"] = self.role_name(document)
        if "PolicyName" in parameters:
            parameters["PolicyName"] = policy_name(document)
        if "KeyId" in parameters:
            of_bucket = {bucket: arn for arn, bucket in sites.keys(self.documents).items()}
            parameters["KeyId"] = of_bucket[document.bucket]
            region = sites.region_of(parameters["KeyId"])
        client = self.of_bucket(document.bucket).client(service, region)
        if document.kind == "trust":
            client.create_role(
                RoleName=parameters["RoleName"],
                AssumeRolePolicyDocument=parameters["PolicyDocument"],
            )
        getattr(client, xform_name(operation))(**parameters)

    def read_back(self) -> dict[Document, dict]:
        """Every document that is there, whoever installed it."""
        found: dict[Document, dict] = {}
        for bucket, number in self.account_of_bucket.items():
            found |= read_bucket(self.accounts[number].client("s3"), bucket)
        for document in self.documents:
            owner = self.of_bucket(document.bucket)
            if document.kind in TRUSTS:
                found |= read_role(owner.client("iam"), document, self.role_name(document))
            if document.kind in ("uploader", "verifier"):
                found |= read_policy(owner.client("iam"), document)
        for arn, bucket in sites.keys(self.documents).items():
            owner = self.accounts[sites.account_of(arn)]
            kms = owner.client("kms", sites.region_of(arn))
            policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
            found[Document("key-policy", bucket)] = strict_json.parse(policy)
        return found


def policy_name(document: Document) -> str:
    """A key has but one policy, and its name is fixed."""
    if document.kind == "key-policy":
        return "default"
    return f"{NAME_OF_OURS}{document.kind}-{document.bucket}"


def read_role(iam, document: Document, name: str) -> dict[Document, dict]:
    """The trust policy, and the one permission policy that a role of ours has."""
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    [policy] = iam.list_role_policies(RoleName=name)["PolicyNames"]
    content = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    permissions = document.kind.replace("trust", "role")
    return {document: trust, Document(permissions, document.bucket): content}


def read_policy(iam, document: Document) -> dict[Document, dict]:
    name = policy_name(document)
    found = {each["PolicyName"]: each for each in iam.list_policies(Scope="Local")["Policies"]}
    if name not in found:
        return {}
    policy = found[name]
    version = iam.get_policy_version(
        PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"]
    )
    return {document: version["PolicyVersion"]["Document"]}


def held(operation: str, configuration: dict | None) -> dict | None:
    """A configuration as it came over the wire, read as the answer of a Get operation.

    moto 5.2.5 holds what it was sent, but its answers leave out `BlockedEncryptionTypes` and
    `SourceSelectionCriteria`, and call every `DeleteMarkerReplication` disabled.
    """
    if configuration is None:
        return None
    shape = aws_shapes.model("s3").operation_model(operation).output_shape
    body = xmltodict.unparse({"Configuration": configuration}).encode()
    answer = {"status_code": 200, "headers": {}, "body": body}
    parsed = create_parser("rest-xml").parse(answer, shape)
    [name] = set(parsed) - {"ResponseMetadata"}
    return parsed[name]


def read_bucket(s3, bucket: str) -> dict[Document, dict]:
    found: dict[Document, dict | None] = {}
    versioning = s3.get_bucket_versioning(Bucket=bucket)
    if "Status" in versioning:
        found[Document("versioning", bucket)] = {"Status": versioning["Status"]}
    partition, owner = s3_backends.bucket_accounts[bucket]
    inside = s3_backends[owner][partition].buckets[bucket]
    found[Document("encryption", bucket)] = held("GetBucketEncryption", inside.encryption)
    replication = getattr(inside, "replication", None)
    found[Document("replication", bucket)] = held("GetBucketReplication", replication)
    try:
        policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        found[Document("bucket-policy", bucket)] = strict_json.parse(policy)
    except s3.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchBucketPolicy", error
    return {document: content for document, content in found.items() if content}
