"""What PutBucketReplication accepts and refuses.

API/API_PutBucketReplication.html, userguide/replication-add-config.html,
userguide/replication-requirements.html, API/ErrorResponses.html.
"""

import copy

import pytest

from conftest import fresh_name, make_bucket
from s3_error import refused
from signed_request import content_md5, send

ROLE = "arn:aws:iam::111122223333:role/replication"


@pytest.fixture
def pair(s3, s3_second):
    return make_bucket(s3, versioning="Enabled"), make_bucket(s3_second, versioning="Enabled")


def rule(destination, **members):
    return {
        "ID": "all",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{destination}"},
    } | members


def without(rule, *names):
    return {name: value for name, value in rule.items() if name not in names}


def put(s3, bucket, *rules, role=ROLE):
    return s3.put_bucket_replication(
        Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": list(rules)}
    )


def given_back(s3, bucket):
    return s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]


def test_none_at_first(s3, pair):
    """404 ReplicationConfigurationNotFoundError"""
    with refused(404, "ReplicationConfigurationNotFoundError"):
        s3.get_bucket_replication(Bucket=pair[0])


def test_given_back_and_deleted(s3, pair):
    source, destination = pair
    put(s3, source, rule(destination))
    assert given_back(s3, source) == {"Role": ROLE, "Rules": [rule(destination)]}
    gone = s3.delete_bucket_replication(Bucket=source)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused(404, "ReplicationConfigurationNotFoundError"):
        s3.get_bucket_replication(Bucket=source)


FULL = {
    "ID": "everything",
    "Priority": 7,
    "Status": "Enabled",
    "Filter": {
        "And": {
            "Prefix": "logs/",
            "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
        }
    },
    "DeleteMarkerReplication": {"Status": "Disabled"},
    "SourceSelectionCriteria": {
        "SseKmsEncryptedObjects": {"Status": "Enabled"},
        "ReplicaModifications": {"Status": "Enabled"},
    },
    "Destination": {
        "StorageClass": "STANDARD_IA",
        "EncryptionConfiguration": {
            "ReplicaKmsKeyID": "arn:aws:kms:ap-northeast-3:111122223333:key/"
            "1234abcd-12ab-34cd-56ef-1234567890ab"
        },
        "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
        "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
    },
}


def full(destination):
    found = copy.deepcopy(FULL)
    found["Destination"]["Bucket"] = f"arn:aws:s3:::{destination}"
    return found


def test_every_element_survives(s3, pair):
    source, destination = pair
    put(s3, source, full(destination))
    assert given_back(s3, source)["Rules"] == [full(destination)]


def test_first_version_of_the_schema(s3, pair):
    """replication-add-config.html: no Filter; Prefix of the rule, no Priority."""
    source, destination = pair
    first = {
        "ID": "v1",
        "Prefix": "a/",
        "Status": "Enabled",
        "Destination": {"Bucket": f"arn:aws:s3:::{destination}"},
    }
    put(s3, source, first)
    assert given_back(s3, source)["Rules"] == [first]


def test_several_destinations(s3, s3_second, pair):
    source, destination = pair
    other = make_bucket(s3_second, versioning="Enabled")
    rules = [rule(destination), rule(other, ID="other", Priority=2)]
    put(s3, source, *rules)
    assert given_back(s3, source)["Rules"] == rules


@pytest.mark.parametrize("state", [None, "Suspended"])
def test_source_needs_versioning(s3, s3_second, state):
    """400 InvalidRequest: versioning must be enabled on the source"""
    source = make_bucket(s3, versioning=state)
    destination = make_bucket(s3_second, versioning="Enabled")
    with refused(400, "InvalidRequest"):
        put(s3, source, rule(destination))


@pytest.mark.parametrize("state", [None, "Suspended"])
def test_destination_needs_versioning(s3, s3_second, state):
    """400 InvalidRequest: and on the destination"""
    source = make_bucket(s3, versioning="Enabled")
    destination = make_bucket(s3_second, versioning=state)
    with refused(400, "InvalidRequest"):
        put(s3, source, rule(destination))


def test_destination_must_exist(s3, pair):
    """400 InvalidRequest: destination bucket must exist"""
    with refused(400, "InvalidRequest"):
        put(s3, pair[0], rule(fresh_name("missing")))


@pytest.mark.parametrize("missing", ["Priority", "DeleteMarkerReplication"])
def test_filter_needs_its_companions(s3, pair, missing):
    """API/API_PutBucketReplication.html: with Filter you must also add DeleteMarkerReplication,
    Status and Priority; 400."""
    with refused(400, ("InvalidRequest", "MalformedXML")):
        put(s3, pair[0], without(rule(pair[1]), missing))
    with refused(404, "ReplicationConfigurationNotFoundError"):
        s3.get_bucket_replication(Bucket=pair[0])


@pytest.mark.parametrize(
    "tag_filter",
    [
        {"Tag": {"Key": "a", "Value": "1"}},
        {"And": {"Prefix": "x", "Tags": [{"Key": "a", "Value": "1"}]}},
    ],
)
def test_delete_markers_exclude_tag_filters(s3, pair, tag_filter):
    """replication-add-config.html: delete marker replication is not supported for tag-based
    rules; 400 InvalidRequest."""
    wrong = rule(
        pair[1], Filter=tag_filter, DeleteMarkerReplication={"Status": "Enabled"}
    )
    with refused(400, "InvalidRequest"):
        put(s3, pair[0], wrong)
    put(s3, pair[0], rule(pair[1], Filter=tag_filter))


def test_filter_of_two_kinds_without_and(lab, pair):
    """API/API_ReplicationRuleFilter.html: exactly one of Prefix, Tag or And; 400 MalformedXML"""
    body = (
        f"<ReplicationConfiguration><Role>{ROLE}</Role><Rule><ID>a</ID><Priority>1</Priority>"
        "<Status>Enabled</Status><Filter><Prefix>x</Prefix><Tag><Key>a</Key><Value>1</Value></Tag>"
        "</Filter><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>"
        f"<Destination><Bucket>arn:aws:s3:::{pair[1]}</Bucket></Destination></Rule>"
        "</ReplicationConfiguration>"
    ).encode()
    headers = {"Content-MD5": content_md5(body)}
    answer = send(lab, "PUT", pair[0], query={"replication": ""}, headers=headers, body=body)
    assert (answer.status, answer.code) == (400, "MalformedXML")


def test_replica_modifications_need_a_filter(s3, pair):
    """API/API_SourceSelectionCriteria.html: ReplicaModifications needs Filter (V2); 400"""
    wrong = without(rule(pair[1]), "Filter", "Priority", "DeleteMarkerReplication") | {
        "Prefix": "",
        "SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}},
    }
    with refused(400, ("InvalidRequest", "MalformedXML")):
        put(s3, pair[0], wrong)


def test_kms_needs_a_replica_key(s3, pair):
    """API/API_EncryptionConfiguration.html: required with SseKmsEncryptedObjects; 400"""
    wrong = rule(
        pair[1], SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    )
    with refused(400, "InvalidRequest"):
        put(s3, pair[0], wrong)


def test_same_priority_for_one_destination(s3, pair):
    """replication-add-config.html: rules with one destination need different priorities; 400"""
    with refused(400, "InvalidRequest"):
        put(s3, pair[0], rule(pair[1]), rule(pair[1], ID="again", Filter={"Prefix": "a"}))


def test_rule_ids_are_unique(s3, pair):
    """API/API_ReplicationRule.html: 400 for an ID used twice"""
    with refused(400, ("InvalidRequest", "InvalidArgument")):
        put(s3, pair[0], rule(pair[1]), rule(pair[1], Priority=2, Filter={"Prefix": "a"}))


def test_time_control_needs_metrics(s3, pair):
    """userguide/replication-time-control.html: fifteen minutes, and metrics on; 400"""
    time = {"Status": "Enabled", "Time": {"Minutes": 15}}
    destination = {"Bucket": f"arn:aws:s3:::{pair[1]}", "ReplicationTime": time}
    with refused(400, ("InvalidRequest", "MalformedXML")):
        put(s3, pair[0], rule(pair[1], Destination=destination))
    metrics = {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}
    time["Time"]["Minutes"] = 30
    with refused(400, ("InvalidRequest", "InvalidArgument")):
        put(s3, pair[0], rule(pair[1], Destination=destination | {"Metrics": metrics}))


@pytest.mark.parametrize("role", ["", "replication", "arn:aws:s3:::bucket"])
def test_role_must_be_one(s3, pair, role):
    """API/API_ReplicationConfiguration.html: the ARN of an IAM role; 400"""
    with refused(400, ("InvalidArgument", "InvalidRequest", "MalformedXML")):
        put(s3, pair[0], rule(pair[1]), role=role)


@pytest.mark.parametrize("arn", ["plain-name", "arn:aws:sqs:::queue", "arn:aws:s3:::"])
def test_destination_must_be_a_bucket(s3, pair, arn):
    with refused(400, ("InvalidArgument", "InvalidRequest", "MalformedXML")):
        put(s3, pair[0], rule(pair[1], Destination={"Bucket": arn}))


def test_no_rules(s3, pair):
    """API/API_ReplicationConfiguration.html: at least one rule; 400 MalformedXML"""
    with refused(400, "MalformedXML"):
        put(s3, pair[0])


def test_more_than_a_thousand_rules(s3, pair):
    """API/API_ReplicationConfiguration.html: at most 1,000 rules"""
    rules = [
        rule(pair[1], ID=str(number), Priority=number, Filter={"Prefix": f"{number}/"})
        for number in range(1, 1002)
    ]
    with refused(400, ("MalformedXML", "InvalidRequest")):
        put(s3, pair[0], *rules)


def test_unknown_status(lab, pair):
    body = (
        f"<ReplicationConfiguration><Role>{ROLE}</Role><Rule><Prefix/><Status>On</Status>"
        f"<Destination><Bucket>arn:aws:s3:::{pair[1]}</Bucket></Destination></Rule>"
        "</ReplicationConfiguration>"
    ).encode()
    headers = {"Content-MD5": content_md5(body)}
    answer = send(lab, "PUT", pair[0], query={"replication": ""}, headers=headers, body=body)
    assert (answer.status, answer.code) == (400, "MalformedXML")


def test_versioning_cannot_be_suspended(s3, pair):
    """userguide/replication-requirements.html, API/ErrorResponses.html: 409 InvalidBucketState
    while a replication configuration is present."""
    source, destination = pair
    put(s3, source, rule(destination))
    with refused(409, "InvalidBucketState"):
        s3.put_bucket_versioning(Bucket=source, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_bucket_replication(Bucket=source)
    s3.put_bucket_versioning(Bucket=source, VersioningConfiguration={"Status": "Suspended"})
