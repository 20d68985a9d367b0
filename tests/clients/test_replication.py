"""What replication does, in the two buckets that `lab up` makes.

userguide/replication.html, replication-what-is-isnot-replicated.html, replication-status.html,
delete-marker-replication.html, replication-for-metadata-changes.html,
replication-config-for-kms-objects.html (SSE-C needs no opt-in),
blocking-unblocking-s3-c-encryption-gpb.html.

The tests change the configuration of the same two buckets (the replication role is made for
these), so they clean up after themselves and run one after the other.
"""

from __future__ import annotations

import datetime
import secrets
import time
from dataclasses import dataclass

import pytest

from checksum import checksum, composite
from conftest import (
    client,
    exists,
    replication_status,
    set_blocked_encryption,
    wait_for,
    wait_for_status,
)
from customer_key import CustomerKey
from lab_process import FIRST_REGION, SECOND_REGION
from s3_error import refused
from signed_request import send

MIB = 1024 * 1024
# How long to look before concluding that something is not replicated.
QUIET = 1.5


@dataclass
class Side:
    s3: object
    bucket: str
    configuration: dict

    @property
    def role(self) -> str:
        return self.configuration["Role"]


@pytest.fixture(scope="module")
def sides(paired_lab):
    """Both buckets with the configuration that the lab gave them."""
    found = []
    for region in (FIRST_REGION, SECOND_REGION):
        s3 = client(paired_lab, region)
        for each in s3.list_buckets()["Buckets"]:
            head = send(paired_lab, "HEAD", each["Name"])
            if head.headers["x-amz-bucket-region"] == region:
                replication = s3.get_bucket_replication(Bucket=each["Name"])
                found.append(Side(s3, each["Name"], replication["ReplicationConfiguration"]))
                break
    assert len(found) == 2, "lab up makes a bucket in each region"
    return found


@pytest.fixture
def pair(sides):
    """(source, destination); their configuration is put back afterwards."""
    yield sides
    for side in sides:
        set_blocked_encryption(side.s3, side.bucket, "NONE")
        side.s3.put_bucket_versioning(
            Bucket=side.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    for side in sides:
        side.s3.put_bucket_replication(
            Bucket=side.bucket, ReplicationConfiguration=side.configuration
        )


def rule(destination: Side, **members) -> dict:
    return {
        "ID": "test",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{destination.bucket}"},
    } | members


def configure(source: Side, *rules: dict, role: str | None = None) -> None:
    source.s3.put_bucket_replication(
        Bucket=source.bucket,
        ReplicationConfiguration={"Role": role or source.role, "Rules": list(rules)},
    )


def one_way(pair, **members) -> tuple[Side, Side]:
    source, destination = pair
    destination.s3.delete_bucket_replication(Bucket=destination.bucket)
    configure(source, rule(destination, **members))
    return source, destination


def name(prefix: str = "") -> str:
    return f"{prefix}{secrets.token_hex(6)}"


def put(side: Side, key: str, body: bytes = b"data", **arguments) -> str:
    return side.s3.put_object(Bucket=side.bucket, Key=key, Body=body, **arguments)["VersionId"]


def stays_absent(side: Side, key: str, **arguments) -> None:
    time.sleep(QUIET)
    assert not exists(side.s3, side.bucket, key, **arguments)


def test_the_labs_own_configuration(sides):
    """`lab up`: both ways, with versioning on and customer keys allowed."""
    for side in sides:
        versioning = side.s3.get_bucket_versioning(Bucket=side.bucket)
        assert versioning["Status"] == "Enabled"
        rules = side.s3.get_bucket_encryption(Bucket=side.bucket)
        (found,) = rules["ServerSideEncryptionConfiguration"]["Rules"]
        assert found["BlockedEncryptionTypes"] == {"EncryptionType": ["NONE"]}
    destinations = [
        [each["Destination"]["Bucket"] for each in side.configuration["Rules"]] for side in sides
    ]
    assert destinations == [
        [f"arn:aws:s3:::{sides[1].bucket}"],
        [f"arn:aws:s3:::{sides[0].bucket}"],
    ]


def test_pending_then_completed(pair):
    """replication-status.html: PENDING or COMPLETED on the source, REPLICA on the replica."""
    source, destination = one_way(pair)
    key = name()
    version = put(source, key)
    assert replication_status(source.s3, source.bucket, key) in ("PENDING", "COMPLETED")
    wait_for_status(source.s3, source.bucket, key, "COMPLETED")
    head = destination.s3.head_object(Bucket=destination.bucket, Key=key, VersionId=version)
    assert head["ReplicationStatus"] == "REPLICA"


@pytest.mark.parametrize("sealed", [True, False], ids=["sse-c", "sse-s3"])
def test_what_is_kept(pair, sealed):
    """replication.html: replicas keep version id, creation time and metadata."""
    source, destination = one_way(pair)
    customer_key = CustomerKey()
    with_key = customer_key.arguments() if sealed else {}
    key = name("kept/")
    expires = datetime.datetime(2031, 1, 1, tzinfo=datetime.timezone.utc)
    version = put(
        source,
        key,
        b"kept" * 50000,
        ContentType="text/plain",
        CacheControl="no-store",
        ContentDisposition="inline",
        ContentLanguage="ja",
        Expires=expires,
        Metadata={"origin": "tokyo"},
        Tagging="team=storage&keyferry-key=k1",
        ChecksumAlgorithm="CRC64NVME",
        **with_key,
    )
    wait_for_status(source.s3, source.bucket, key, "COMPLETED", **with_key)
    heads = [
        side.s3.head_object(
            Bucket=side.bucket, Key=key, VersionId=version, ChecksumMode="ENABLED", **with_key
        )
        for side in (source, destination)
    ]
    for member in (
        "VersionId", "LastModified", "ETag", "ContentLength", "ContentType", "CacheControl",
        "ContentDisposition", "ContentLanguage", "Metadata", "ChecksumCRC64NVME", "ChecksumType",
    ):  # fmt: skip
        assert heads[0][member] == heads[1][member], member
    assert heads[1]["ReplicationStatus"] == "REPLICA"
    assert heads[1]["ChecksumCRC64NVME"] == checksum("CRC64NVME", b"kept" * 50000)
    for side in (source, destination):
        found = side.s3.get_object_tagging(Bucket=side.bucket, Key=key)["TagSet"]
        assert {each["Key"]: each["Value"] for each in found} == {
            "team": "storage",
            "keyferry-key": "k1",
        }
    body = destination.s3.get_object(Bucket=destination.bucket, Key=key, **with_key)["Body"].read()
    assert body == b"kept" * 50000


def test_a_sealed_replica_opens_with_its_key_only(pair):
    """replication-config-for-kms-objects.html: SSE-C objects replicate without further setup; the
    replica takes the same key, and S3 does not have it."""
    source, destination = one_way(pair)
    customer_key, other = CustomerKey(), CustomerKey()
    key = name()
    put(source, key, b"sealed", **customer_key.arguments())
    wait_for_status(source.s3, source.bucket, key, "COMPLETED", **customer_key.arguments())
    replica = {"Bucket": destination.bucket, "Key": key}
    found = destination.s3.get_object(**replica, **customer_key.arguments())
    assert found["Body"].read() == b"sealed"
    assert found["SSECustomerKeyMD5"] == customer_key.md5
    with refused(403, "AccessDenied"):
        destination.s3.get_object(**replica, **other.arguments())
    with refused(400, "InvalidRequest"):
        destination.s3.get_object(**replica)
    with refused(403, "403"):
        destination.s3.head_object(**replica, **other.arguments())
    with refused(400, "400"):
        destination.s3.head_object(**replica)


def test_sealed_multipart(pair):
    """Parts, ranges over their bounds and the composite checksum are the same on the replica."""
    source, destination = one_way(pair)
    customer_key = CustomerKey()
    key = name("parts/")
    parts = [b"1" * (5 * MIB), b"2" * (5 * MIB + 7), b"3" * 1000]
    target = {"Bucket": source.bucket, "Key": key}
    target["UploadId"] = source.s3.create_multipart_upload(
        ChecksumAlgorithm="SHA256", **target, **customer_key.arguments()
    )["UploadId"]
    done = []
    for number, part in enumerate(parts, 1):
        answer = source.s3.upload_part(
            PartNumber=number, Body=part, ChecksumAlgorithm="SHA256", **target,
            **customer_key.arguments(),
        )
        done.append(
            {
                "PartNumber": number,
                "ETag": answer["ETag"],
                "ChecksumSHA256": answer["ChecksumSHA256"],
            }
        )
    source.s3.complete_multipart_upload(
        MultipartUpload={"Parts": done}, **target, **customer_key.arguments()
    )
    wait_for_status(source.s3, source.bucket, key, "COMPLETED", **customer_key.arguments())
    replica = {"Bucket": destination.bucket, "Key": key, **customer_key.arguments()}
    whole = b"".join(parts)
    assert destination.s3.get_object(**replica)["Body"].read() == whole
    for number, part in enumerate(parts, 1):
        found = destination.s3.get_object(PartNumber=number, **replica)
        assert found["Body"].read() == part
    first = 5 * MIB - 3
    found = destination.s3.get_object(Range=f"bytes={first}-{first + 9}", **replica)
    assert found["Body"].read() == whole[first : first + 10]
    head = destination.s3.head_object(ChecksumMode="ENABLED", **replica)
    assert head["ChecksumSHA256"] == composite("SHA256", parts)
    attributes = destination.s3.get_object_attributes(ObjectAttributes=["ObjectParts"], **replica)
    assert [each["Size"] for each in attributes["ObjectParts"]["Parts"]] == list(map(len, parts))


def test_empty_object(pair):
    source, destination = one_way(pair)
    customer_key = CustomerKey()
    key = name()
    put(source, key, b"", **customer_key.arguments())
    wait_for_status(source.s3, source.bucket, key, "COMPLETED", **customer_key.arguments())
    found = destination.s3.get_object(
        Bucket=destination.bucket, Key=key, **customer_key.arguments()
    )
    assert found["Body"].read() == b""


def test_both_ways_without_a_loop(pair):
    """replication-what-is-isnot-replicated.html: replicas are not replicated again."""
    east, west = pair
    keys = {east.bucket: name("east/"), west.bucket: name("west/")}
    for side, other in ((east, west), (west, east)):
        key = keys[side.bucket]
        version = put(side, key, side.bucket.encode())
        wait_for_status(side.s3, side.bucket, key, "COMPLETED")
        head = other.s3.head_object(Bucket=other.bucket, Key=key)
        assert (head["VersionId"], head["ReplicationStatus"]) == (version, "REPLICA")
    time.sleep(QUIET)
    for side in (east, west):
        for key in keys.values():
            found = side.s3.list_object_versions(Bucket=side.bucket, Prefix=key)["Versions"]
            assert len(found) == 1, "one version on each side"


def test_every_version(pair):
    source, destination = one_way(pair)
    key = name()
    versions = [put(source, key, str(number).encode()) for number in range(5)]
    for version in versions:
        wait_for_status(source.s3, source.bucket, key, "COMPLETED", VersionId=version)
    listed = destination.s3.list_object_versions(Bucket=destination.bucket, Prefix=key)
    assert [each["VersionId"] for each in listed["Versions"]] == versions[::-1]
    found = destination.s3.get_object(Bucket=destination.bucket, Key=key)
    assert found["Body"].read() == b"4"


def test_prefix_filter(pair):
    source, destination = one_way(pair, Filter={"Prefix": "wanted/"})
    inside, outside = name("wanted/"), name("other/")
    put(source, outside)
    put(source, inside)
    wait_for_status(source.s3, source.bucket, inside, "COMPLETED")
    # replication-status.html: no status for what no rule covers.
    assert replication_status(source.s3, source.bucket, outside) is None
    stays_absent(destination, outside)


def test_tag_filter(pair):
    source, destination = one_way(pair, Filter={"Tag": {"Key": "copy", "Value": "yes"}})
    tagged, untagged, otherwise = name(), name(), name()
    put(source, untagged)
    put(source, otherwise, Tagging="copy=no")
    put(source, tagged, Tagging="copy=yes&more=1")
    wait_for_status(source.s3, source.bucket, tagged, "COMPLETED")
    stays_absent(destination, untagged)
    stays_absent(destination, otherwise)


def test_prefix_and_tag_filter(pair):
    combined = {"And": {"Prefix": "p/", "Tags": [{"Key": "a", "Value": "1"}]}}
    source, destination = one_way(pair, Filter=combined)
    both, only_prefix, only_tag = name("p/"), name("p/"), name("q/")
    put(source, only_prefix)
    put(source, only_tag, Tagging="a=1")
    put(source, both, Tagging="a=1")
    wait_for_status(source.s3, source.bucket, both, "COMPLETED")
    stays_absent(destination, only_prefix)
    stays_absent(destination, only_tag)


def test_disabled_rule(pair):
    source, destination = one_way(pair, Status="Disabled")
    key = name()
    put(source, key)
    assert replication_status(source.s3, source.bucket, key) is None
    stays_absent(destination, key)


def test_the_higher_priority_decides(pair):
    """replication-add-config.html: of rules for one destination the higher number wins."""
    source, destination = pair
    destination.s3.delete_bucket_replication(Bucket=destination.bucket)
    off = rule(destination, ID="off", Priority=2, Filter={"Prefix": "a/"}, Status="Enabled")
    off["DeleteMarkerReplication"] = {"Status": "Enabled"}
    configure(source, rule(destination, ID="on", Priority=1), off)
    # Both cover a/: the one with priority 2 replicates its delete markers.
    for key, replicated in ((name("a/"), True), (name("b/"), False)):
        put(source, key)
        wait_for_status(source.s3, source.bucket, key, "COMPLETED")
        source.s3.delete_object(Bucket=source.bucket, Key=key)
        if replicated:
            wait_for(
                lambda key=key: not exists(destination.s3, destination.bucket, key),
                "replication of the delete marker",
            )
        else:
            time.sleep(QUIET)
            assert exists(destination.s3, destination.bucket, key)


def test_older_objects_are_left(pair):
    """replication-what-is-isnot-replicated.html: objects older than the configuration."""
    source, destination = pair
    for side in pair:
        side.s3.delete_bucket_replication(Bucket=side.bucket)
    key = name()
    put(source, key)
    configure(source, rule(destination))
    stays_absent(destination, key)
    assert replication_status(source.s3, source.bucket, key) is None


@pytest.mark.parametrize("enabled", [True, False])
def test_delete_markers_of_v2(pair, enabled):
    """delete-marker-replication.html: only where the rule asks for it."""
    status = "Enabled" if enabled else "Disabled"
    source, destination = one_way(pair, DeleteMarkerReplication={"Status": status})
    key = name()
    put(source, key)
    wait_for_status(source.s3, source.bucket, key, "COMPLETED")
    source.s3.delete_object(Bucket=source.bucket, Key=key)
    if enabled:
        wait_for(
            lambda: not exists(destination.s3, destination.bucket, key),
            "replication of the delete marker",
        )
        listed = destination.s3.list_object_versions(Bucket=destination.bucket, Prefix=key)
        assert len(listed["DeleteMarkers"]) == 1
    else:
        time.sleep(QUIET)
        assert exists(destination.s3, destination.bucket, key)


def test_delete_markers_of_v1(pair):
    """replication-add-config.html, "Backward compatibility": V1 replicates delete markers of user
    requests."""
    source, destination = pair
    destination.s3.delete_bucket_replication(Bucket=destination.bucket)
    configure(
        source,
        {
            "ID": "v1",
            "Prefix": "",
            "Status": "Enabled",
            "Destination": {"Bucket": f"arn:aws:s3:::{destination.bucket}"},
        },
    )
    key = name()
    put(source, key)
    wait_for_status(source.s3, source.bucket, key, "COMPLETED")
    source.s3.delete_object(Bucket=source.bucket, Key=key)
    wait_for(
        lambda: not exists(destination.s3, destination.bucket, key),
        "replication of the delete marker",
    )


def test_permanent_deletes_are_not_replicated(pair):
    """replication-what-is-isnot-replicated.html: a delete of a version id protects the replica."""
    source, destination = one_way(pair, DeleteMarkerReplication={"Status": "Enabled"})
    key = name()
    version = put(source, key)
    wait_for_status(source.s3, source.bucket, key, "COMPLETED")
    source.s3.delete_object(Bucket=source.bucket, Key=key, VersionId=version)
    time.sleep(QUIET)
    assert exists(destination.s3, destination.bucket, key, VersionId=version)


def tags(side: Side, key: str) -> dict[str, str]:
    found = side.s3.get_object_tagging(Bucket=side.bucket, Key=key)["TagSet"]
    return {each["Key"]: each["Value"] for each in found}


def set_tags(side: Side, key: str, **values: str) -> None:
    side.s3.put_object_tagging(
        Bucket=side.bucket,
        Key=key,
        Tagging={"TagSet": [{"Key": each, "Value": value} for each, value in values.items()]},
    )


def test_later_tags_follow(pair):
    """replication.html: tag changes of the source are replicated, key or no key."""
    source, destination = one_way(pair)
    customer_key = CustomerKey()
    key = name()
    put(source, key, Tagging="a=1", **customer_key.arguments())
    wait_for_status(source.s3, source.bucket, key, "COMPLETED", **customer_key.arguments())
    set_tags(source, key, a="2", b="3")
    wait_for(lambda: tags(destination, key) == {"a": "2", "b": "3"}, "replication of the tags")
    wait_for_status(source.s3, source.bucket, key, "COMPLETED", **customer_key.arguments())
    head = destination.s3.head_object(
        Bucket=destination.bucket, Key=key, **customer_key.arguments()
    )
    assert head["ReplicationStatus"] == "REPLICA"


@pytest.mark.parametrize("synchronised", [True, False])
def test_tags_of_the_replica(pair, synchronised):
    """replication-for-metadata-changes.html: changes on a replica go back only with replica
    modification sync."""
    east, west = pair
    status = {"Status": "Enabled" if synchronised else "Disabled"}
    criteria = {"SourceSelectionCriteria": {"ReplicaModifications": status}}
    configure(east, rule(west, **criteria))
    configure(west, rule(east, **criteria))
    key = name()
    put(east, key, Tagging="a=1")
    wait_for_status(east.s3, east.bucket, key, "COMPLETED")
    set_tags(west, key, a="from the replica")
    if synchronised:
        wait_for(lambda: tags(east, key) == {"a": "from the replica"}, "replication back")
        assert tags(west, key) == {"a": "from the replica"}
    else:
        time.sleep(QUIET)
        assert tags(east, key) == {"a": "1"}


def test_destination_that_blocks_customer_keys(pair):
    """blocking-unblocking-s3-c-encryption-gpb.html: replication requests are rejected too."""
    source, destination = one_way(pair)
    set_blocked_encryption(destination.s3, destination.bucket, "SSE-C")
    customer_key = CustomerKey()
    sealed, plain = name(), name()
    put(source, sealed, **customer_key.arguments())
    put(source, plain)
    wait_for_status(source.s3, source.bucket, sealed, "FAILED", **customer_key.arguments())
    wait_for_status(source.s3, source.bucket, plain, "COMPLETED")
    assert not exists(destination.s3, destination.bucket, sealed, **customer_key.arguments())


def test_role_that_does_not_exist(pair):
    """replication-status.html and replication-troubleshoot.html: FAILED without permissions."""
    source, destination = one_way(pair)
    configure(
        source, rule(destination), role="arn:aws:iam::111122223333:role/there-is-no-such-role"
    )
    key = name()
    put(source, key)
    wait_for_status(source.s3, source.bucket, key, "FAILED")
    assert not exists(destination.s3, destination.bucket, key)


def test_destination_without_versioning(pair):
    """replication-requirements.html: both buckets need versioning."""
    source, destination = one_way(pair)
    destination.s3.put_bucket_versioning(
        Bucket=destination.bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    key = name()
    put(source, key)
    wait_for_status(source.s3, source.bucket, key, "FAILED")


def test_kms_objects_need_the_opt_in(pair):
    """replication-config-for-kms-objects.html: not replicated by default."""
    source, destination = one_way(pair)
    key = name()
    put(source, key, ServerSideEncryption="aws:kms")
    assert replication_status(source.s3, source.bucket, key) is None
    stays_absent(destination, key)


def test_storage_class_of_the_destination(pair):
    """API/API_Destination.html: the replica's storage class."""
    source, destination = pair
    target = {"Bucket": f"arn:aws:s3:::{destination.bucket}", "StorageClass": "STANDARD_IA"}
    one_way(pair, Destination=target)
    key = name()
    put(source, key)
    wait_for_status(source.s3, source.bucket, key, "COMPLETED")
    head = destination.s3.head_object(Bucket=destination.bucket, Key=key)
    assert head["StorageClass"] == "STANDARD_IA"


def test_copies_are_replicated(pair):
    """replication.html: objects made by CopyObject are new objects."""
    source, destination = one_way(pair)
    before, after = CustomerKey(), CustomerKey()
    first, second = name(), name()
    put(source, first, b"copied", **before.arguments())
    source.s3.copy_object(
        Bucket=source.bucket,
        Key=second,
        CopySource={"Bucket": source.bucket, "Key": first},
        **before.source_arguments(),
        **after.arguments(),
    )
    wait_for_status(source.s3, source.bucket, second, "COMPLETED", **after.arguments())
    found = destination.s3.get_object(Bucket=destination.bucket, Key=second, **after.arguments())
    assert found["Body"].read() == b"copied"


def test_status_is_only_on_head_and_get(pair):
    """replication-status.html; API/API_ListObjectsV2.html has no such member."""
    source, _ = one_way(pair)
    key = name()
    put(source, key)
    wait_for_status(source.s3, source.bucket, key, "COMPLETED")
    found = source.s3.get_object(Bucket=source.bucket, Key=key)
    assert found["ReplicationStatus"] == "COMPLETED"
    (listed,) = source.s3.list_objects_v2(Bucket=source.bucket, Prefix=key)["Contents"]
    assert "ReplicationStatus" not in listed


def test_many_objects(pair):
    from concurrent.futures import ThreadPoolExecutor

    source, destination = one_way(pair)
    customer_key = CustomerKey()
    prefix = name("many/") + "/"
    keys = [f"{prefix}{number:03}" for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: put(source, key, key.encode(), **customer_key.arguments()), keys))
    for key in keys:
        wait_for_status(source.s3, source.bucket, key, "COMPLETED", **customer_key.arguments())
        found = destination.s3.get_object(
            Bucket=destination.bucket, Key=key, **customer_key.arguments()
        )
        assert found["Body"].read() == key.encode()
