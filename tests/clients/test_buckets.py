"""Buckets and their configuration. Pages are under docs.aws.amazon.com/AmazonS3/latest/."""

import json

import pytest

from conftest import allow_customer_keys, client, fresh_name, make_bucket
from lab_process import FIRST_REGION, SECOND_REGION
from s3_error import refused
from signed_request import send


def test_create_answers_the_location_and_lists_the_bucket(s3):
    """API/API_CreateBucket.html, API/API_ListBuckets.html"""
    name = fresh_name()
    created = s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": FIRST_REGION}
    )
    assert name in created["Location"]
    listed = s3.list_buckets()
    assert name in [each["Name"] for each in listed["Buckets"]]
    assert listed["Owner"]["ID"]


@pytest.mark.parametrize("region", [FIRST_REGION, SECOND_REGION])
def test_location_and_head_tell_the_region(lab, region):
    """API/API_GetBucketLocation.html, API/API_HeadBucket.html"""
    s3 = client(lab, region)
    name = make_bucket(s3)
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == region
    head = s3.head_bucket(Bucket=name)
    assert head["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == region


def test_create_again_is_a_conflict(s3, bucket):
    """API/ErrorResponses.html: 409 BucketAlreadyOwnedByYou outside us-east-1."""
    with refused(409, "BucketAlreadyOwnedByYou"):
        make_bucket(s3, name=bucket)


def test_names_are_global(s3_second, bucket):
    """userguide/bucketnamingrules.html: one owner of a name in all Regions of a partition."""
    with refused(409, ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")):
        make_bucket(s3_second, name=bucket)


@pytest.mark.parametrize(
    "name", ["ab", "Upper-Case", "under_score", "192.168.5.4", "-start", "x" * 64]
)
def test_invalid_bucket_names(lab, name):
    """userguide/bucketnamingrules.html; API/ErrorResponses.html: 400 InvalidBucketName."""
    answer = send(lab, "PUT", name)
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


def test_location_constraint_of_another_region(s3):
    """API/ErrorResponses.html: 400 IllegalLocationConstraintException."""
    with refused(400, "IllegalLocationConstraintException"):
        s3.create_bucket(
            Bucket=fresh_name(), CreateBucketConfiguration={"LocationConstraint": SECOND_REGION}
        )


def test_missing_bucket(s3):
    """API/ErrorResponses.html: 404 NoSuchBucket."""
    name = fresh_name()
    with refused(404, "404"):
        s3.head_bucket(Bucket=name)
    for call in (
        lambda: s3.get_bucket_location(Bucket=name),
        lambda: s3.list_objects_v2(Bucket=name),
        lambda: s3.list_object_versions(Bucket=name),
        lambda: s3.put_object(Bucket=name, Key="k", Body=b"x"),
        lambda: s3.get_object(Bucket=name, Key="k"),
        lambda: s3.delete_object(Bucket=name, Key="k"),
        lambda: s3.create_multipart_upload(Bucket=name, Key="k"),
        lambda: s3.get_bucket_versioning(Bucket=name),
        lambda: s3.get_bucket_encryption(Bucket=name),
        lambda: s3.get_bucket_replication(Bucket=name),
        lambda: s3.delete_bucket(Bucket=name),
    ):
        with refused(404, "NoSuchBucket"):
            call()


def test_delete(s3, bucket):
    """API/API_DeleteBucket.html: 204, and all objects must be gone: 409 BucketNotEmpty."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused(409, "BucketNotEmpty"):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    gone = s3.delete_bucket(Bucket=bucket)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused(404, "404"):
        s3.head_bucket(Bucket=bucket)


def test_delete_counts_versions_and_delete_markers(s3, versioned):
    """API/API_DeleteBucket.html: all object versions and delete markers count."""
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"]
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    for each in (version, marker):
        with refused(409, "BucketNotEmpty"):
            s3.delete_bucket(Bucket=versioned)
        s3.delete_object(Bucket=versioned, Key="k", VersionId=each)
    s3.delete_bucket(Bucket=versioned)


def test_versioning_states(s3, bucket):
    """API/API_GetBucketVersioning.html: no Status until it was set once."""
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for status in ("Enabled", "Suspended", "Enabled"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status


def test_versioning_of_an_unknown_state(lab, s3, bucket):
    """API/ErrorResponses.html: 400 MalformedXML / IllegalVersioningConfigurationException."""
    body = b"<VersioningConfiguration><Status>Perhaps</Status></VersioningConfiguration>"
    answer = send(lab, "PUT", bucket, query={"versioning": ""}, body=body)
    assert answer.status == 400
    assert answer.code in ("MalformedXML", "IllegalVersioningConfigurationException")
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)


def test_policy(s3, bucket):
    """API/API_PutBucketPolicy.html, API_GetBucketPolicy.html, API_DeleteBucketPolicy.html"""
    with refused(404, "NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyPlaintext",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
    put = s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert put["ResponseMetadata"]["HTTPStatusCode"] in (200, 204)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    s3.delete_bucket_policy(Bucket=bucket)
    with refused(404, "NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)


def test_policy_that_is_not_json(s3, bucket):
    """API/ErrorResponses.html: 400 MalformedPolicy."""
    with refused(400, "MalformedPolicy"):
        s3.put_bucket_policy(Bucket=bucket, Policy="{not json")


def test_ownership_controls(s3, bucket):
    """userguide/about-object-ownership.html: BucketOwnerEnforced is the default."""
    found = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert found == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.put_bucket_ownership_controls(
        Bucket=bucket,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    )
    found = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert found == [{"ObjectOwnership": "BucketOwnerPreferred"}]


def test_default_encryption_is_sse_s3(s3, bucket):
    """userguide/default-encryption-faq.html: every bucket encrypts with SSE-S3 by default."""
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert put["ServerSideEncryption"] == "AES256"
    assert s3.head_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "AES256"


def test_default_encryption_survives_unblocking(s3, bucket):
    """API/API_PutBucketEncryption.html: the configuration is replaced and given back as put."""
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"},
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
    }
    s3.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules == [rule]
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ServerSideEncryption"] == "aws:kms"


def test_delete_encryption_returns_to_sse_s3(s3, bucket):
    """API/API_DeleteBucketEncryption.html: resets the default to SSE-S3."""
    allow_customer_keys(s3, bucket)
    gone = s3.delete_bucket_encryption(Bucket=bucket)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_encryption_of_an_unknown_algorithm(lab, bucket):
    """API/ErrorResponses.html: 400 MalformedXML for a body the schema does not know."""
    body = (
        b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
        b"<SSEAlgorithm>ROT13</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
        b"</ServerSideEncryptionConfiguration>"
    )
    answer = send(lab, "PUT", bucket, query={"encryption": ""}, body=body)
    assert (answer.status, answer.code) == (400, "MalformedXML")


def test_tags_of_a_bucket(s3, bucket):
    """API/API_GetBucketTagging.html: 404 NoSuchTagSet until there are some."""
    with refused(404, "NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)
    tags = [{"Key": "team", "Value": "storage"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    with refused(404, "NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)
