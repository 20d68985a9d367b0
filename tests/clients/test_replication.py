"""What replication keeps, in the two buckets that `lab up` makes.

userguide/replication.html, replication-what-is-isnot-replicated.html, replication-status.html,
replication-for-metadata-changes.html, replication-config-for-kms-objects.html (SSE-C needs no
opt-in).
"""

from __future__ import annotations

import datetime
import time

import pytest

from checksum import checksum, composite
from customer_key import CustomerKey
from replication_pair import QUIET, Side, configure, name, one_way, put, rule
from replication_status import replication_status, wait_for, wait_for_status
from s3_error import refused

MIB = 1024 * 1024


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
