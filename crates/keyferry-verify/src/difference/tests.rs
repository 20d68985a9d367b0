use keyferry_key::CustomerKey;

use super::*;

fn key_md5() -> KeyMd5 {
    CustomerKey::from_bytes([9; 32]).md5()
}

fn stored(algorithm: &str, kind: ChecksumKind, value: &str) -> StoredChecksum {
    StoredChecksum {
        algorithm: algorithm.to_owned(),
        kind,
        value: value.to_owned(),
    }
}

fn source() -> ObjectView {
    ObjectView {
        size: 5,
        etag: Some("e".to_owned()),
        version_id: Some("v1".to_owned()),
        status: Some(ReplicationStatus::Completed),
        checksums: vec![stored(
            "CRC64NVME",
            ChecksumKind::FullObject,
            "AAAAAAAAAAA=",
        )],
        key_md5: Some(key_md5().to_string()),
        system_metadata: BTreeMap::from([("content-type", "text/plain".to_owned())]),
        user_metadata: BTreeMap::from([("who".to_owned(), "me".to_owned())]),
        ..ObjectView::default()
    }
}

fn replica() -> ObjectView {
    ObjectView {
        etag: Some("another".to_owned()),
        status: Some(ReplicationStatus::Replica),
        ..source()
    }
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    Ok(pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect())
}

fn compare(replica: &ObjectView) -> Comparison {
    between(&source(), &tags(&[]), replica, &tags(&[]), Some(&key_md5()))
}

#[test]
fn a_faithful_replica_does_not_differ() {
    let comparison = compare(&replica());
    assert_eq!(comparison.differences, []);
    assert_eq!(comparison.unseen, []);
    assert_eq!(comparison.checksum, source().checksums.first().cloned());
}

#[test]
fn each_field_makes_its_own_difference() {
    type Change = fn(&mut ObjectView);
    let changes: [(Change, &str); 9] = [
        (|view| view.size = 6, "size"),
        (|view| view.version_id = Some("v2".to_owned()), "version-id"),
        (|view| view.key_md5 = None, "key-md5"),
        (|view| view.key_md5 = Some("x".to_owned()), "key-md5"),
        (
            |view| {
                view.system_metadata
                    .insert("content-type", "a/b".to_owned());
            },
            "system-metadata",
        ),
        (
            |view| {
                view.user_metadata.clear();
            },
            "user-metadata",
        ),
        (|view| view.status = None, "not-a-replica"),
        (
            |view| view.status = Some(ReplicationStatus::Completed),
            "not-a-replica",
        ),
        (
            |view| {
                view.checksums = vec![stored(
                    "CRC64NVME",
                    ChecksumKind::FullObject,
                    "AAAAAAAAAAE=",
                )];
            },
            "checksum",
        ),
    ];
    for (change, name) in changes {
        let mut changed = replica();
        change(&mut changed);
        let comparison = compare(&changed);
        let names: Vec<_> = comparison
            .differences
            .iter()
            .map(|difference| serde_json::to_value(difference).unwrap()["difference"].clone())
            .collect();
        assert_eq!(names, [name], "{changed:?}");
    }
}

#[test]
fn tags_differ_both_ways_and_refusals_are_no_difference() {
    let compare = |source: &Tags, replica: &Tags| {
        between(
            &self::source(),
            source,
            &self::replica(),
            replica,
            Some(&key_md5()),
        )
    };
    let comparison = compare(
        &tags(&[("a", "1"), ("b", "2")]),
        &tags(&[("b", "3"), ("c", "4")]),
    );
    let keys: Vec<_> = comparison
        .differences
        .iter()
        .map(|difference| match difference {
            Difference::Tag {
                key,
                source,
                replica,
            } => (key.as_str(), source.as_deref(), replica.as_deref()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        keys,
        [
            ("a", Some("1"), None),
            ("b", Some("2"), Some("3")),
            ("c", None, Some("4")),
        ]
    );
    let refusal = Refusal {
        status: 403,
        code: Some("AccessDenied".to_owned()),
        message: None,
    };
    let comparison = compare(&tags(&[("a", "1")]), &Err(refusal.clone()));
    assert_eq!(comparison.differences, []);
    assert_eq!(
        comparison.unseen,
        [Unseen::Tags {
            side: Side::Replica,
            refusal
        }]
    );
}

#[test]
fn only_like_checksums_are_compared() {
    let with = |checksums: Vec<StoredChecksum>| ObjectView {
        checksums,
        ..replica()
    };
    // Another algorithm, another kind, another number of parts: nothing to compare.
    let composite = |value| stored("SHA256", ChecksumKind::Composite, value);
    let source = ObjectView {
        checksums: vec![composite("abc-3")],
        ..source()
    };
    let compare =
        |replica: &ObjectView| between(&source, &tags(&[]), replica, &tags(&[]), Some(&key_md5()));
    for unlike in [
        vec![],
        vec![stored("CRC32", ChecksumKind::Composite, "abc-3")],
        vec![stored("SHA256", ChecksumKind::FullObject, "abc")],
        vec![composite("abc-4")],
    ] {
        let comparison = compare(&with(unlike));
        assert_eq!(comparison.differences, []);
        assert_eq!(comparison.checksum, None);
        assert_eq!(comparison.unseen, [Unseen::Checksum]);
    }
    assert!(compare(&with(vec![composite("abc-3")])).checksum.is_some());
    assert_eq!(
        compare(&with(vec![composite("abd-3")])).differences.len(),
        1
    );
}

#[test]
fn servers_without_a_status_are_not_blamed() {
    let silent = |view: ObjectView| ObjectView {
        status: None,
        ..view
    };
    let comparison = between(
        &silent(source()),
        &tags(&[]),
        &silent(replica()),
        &tags(&[]),
        Some(&key_md5()),
    );
    assert_eq!(comparison.differences, []);
    assert_eq!(comparison.unseen, [Unseen::ReplicationStatus]);
}

#[test]
fn the_source_is_held_against_the_receipt() {
    let subject = Subject {
        source: "s3://bucket/key".parse().unwrap(),
        region: "ap-northeast-1".parse().unwrap(),
        version_id: Some("v1".to_owned()),
        size: 5,
        etag: Some("e".to_owned()),
        parts: None,
        checksum: Some(keyferry_transfer::Checksum {
            algorithm: "CRC64NVME".to_owned(),
            value: "AAAAAAAAAAA=".to_owned(),
        }),
        sha256: None,
        key_id: None,
        key_md5: Some(key_md5()),
        uploaded: None,
        from_receipt: true,
        receipt: None,
    };
    assert_eq!(against_receipt(&subject, &source()), []);
    let other = ObjectView {
        size: 7,
        etag: Some("f".to_owned()),
        checksums: vec![stored(
            "CRC64NVME",
            ChecksumKind::FullObject,
            "BBBBBBBBBBA=",
        )],
        ..source()
    };
    assert_eq!(against_receipt(&subject, &other).len(), 3);
    let from_source = Subject {
        from_receipt: false,
        receipt: None,
        ..subject
    };
    assert_eq!(against_receipt(&from_source, &other), []);
}
