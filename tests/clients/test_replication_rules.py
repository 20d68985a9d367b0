"""Which objects and deletes the rules cover, and what makes replication fail.

userguide/replication-add-config.html, delete-marker-replication.html,
replication-what-is-isnot-replicated.html, replication-status.html,
blocking-unblocking-s3-c-encryption-gpb.html.
"""

from __future__ import annotations

import time

import pytest

from conftest import set_blocked_encryption
from customer_key import CustomerKey
from replication_pair import QUIET, configure, name, one_way, put, rule, stays_absent
from replication_status import exists, replication_status, wait_for, wait_for_status


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
