//! Verification of many objects in one run, between the two regions of a lab, over TLS.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

#[expect(
    dead_code,
    reason = "each of the tests that share it needs a part of it"
)]
mod lab;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DeleteMarkerReplication, DeleteMarkerReplicationStatus,
    VersioningConfiguration,
};
use futures::StreamExt;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_lab::{Fault, FaultScope};
use keyferry_transfer::{ObjectAddress, Receipt, Scope};
use keyferry_verify::{
    CandidateKeys, Checked, CheckedResult, Conclusion, Event, Item, Keys, Level, Listed, Many,
    ManyOptions, MarkerFinding, Outcome, ProbeScope, Recorded, ReplicaTarget, ReplicationStatus,
    Silent, State, Summary, Unseen, Verdict, VerifyError, Versions, What, verify_many,
};
use lab::{Pair, REPLICA, SOURCE, rule};
use tokio_util::sync::CancellationToken;

/// What a run gave, in the order of keys.
struct Found {
    all: Vec<Checked>,
    summary: Summary,
}

impl Found {
    fn verdicts(&self) -> Vec<(&str, Verdict)> {
        let name = |checked: &'_ Checked| checked.verdict();
        self.all
            .iter()
            .map(|checked| (checked.address.key.as_str(), name(checked)))
            .collect()
    }

    fn only(&self, verdict: Verdict) -> &Checked {
        let mut of_it = self
            .all
            .iter()
            .filter(|checked| checked.verdict() == verdict);
        let first = of_it.next().unwrap_or_else(|| panic!("{:?}", self.all));
        assert!(of_it.next().is_none(), "{:?}", self.all);
        first
    }
}

fn options(pair: &Pair) -> ManyOptions {
    ManyOptions {
        level: pair.level,
        wait: pair.wait,
        probe: ProbeScope::None,
        ..ManyOptions::default()
    }
}

fn listed(pair: &Pair, prefix: &str, versions: Versions) -> What<'static> {
    What::Listed(Listed {
        bucket: SOURCE.parse().unwrap(),
        region: pair.region(0),
        scope: Scope::Prefix(prefix.to_owned()),
        versions,
    })
}

async fn run(pair: &Pair, what: What<'_>, keys: Keys<'_>, options: ManyOptions) -> Found {
    let many = Many {
        what,
        keys,
        options,
        state: None,
    };
    let mut run = verify_many(&pair.connector, many, &Silent, CancellationToken::new());
    let mut all = Vec::new();
    while let Some(checked) = run.next().await {
        all.push(checked.unwrap());
    }
    let summary = run.summary();
    all.sort_by(|one, other| {
        (&one.address.key, &one.version_id).cmp(&(&other.address.key, &other.version_id))
    });
    assert_eq!(summary.total(), all.len() as u64);
    assert!(run.progress().complete);
    Found { all, summary }
}

async fn current(pair: &Pair) -> Found {
    let what = listed(pair, "", Versions::Current);
    run(pair, what, Keys::One(&pair.key), options(pair)).await
}

async fn all_versions(pair: &Pair) -> Found {
    let what = listed(pair, "", Versions::All);
    run(pair, what, Keys::One(&pair.key), options(pair)).await
}

async fn delete(pair: &Pair, index: usize, bucket: &str, key: &str, version_id: Option<&str>) {
    pair.client(index)
        .delete_object()
        .bucket(bucket)
        .key(key)
        .set_version_id(version_id.map(str::to_owned))
        .send()
        .await
        .unwrap();
}

/// Puts an object under the pair's key, without tags.
async fn put(pair: &Pair, index: usize, bucket: &str, key: &str) -> String {
    let headers = pair.key.headers();
    pair.client(index)
        .put_object()
        .bucket(bucket)
        .key(key)
        .body(ByteStream::from_static(b"content"))
        .sse_customer_algorithm(headers.algorithm())
        .sse_customer_key(headers.expose_key())
        .sse_customer_key_md5(headers.md5().to_string())
        .send()
        .await
        .unwrap()
        .version_id
        .unwrap()
}

#[tokio::test]
async fn a_prefix_is_verified_in_one_run() {
    let pair = Pair::replicated().await;
    for number in 0..30 {
        put(&pair, 0, SOURCE, &format!("small/{number:02}")).await;
    }
    pair.upload("small/tagged", b"with tags".to_vec()).await;
    put(&pair, 0, SOURCE, "other").await;
    let what = listed(&pair, "small/", Versions::Current);
    let all = ManyOptions {
        probe: ProbeScope::Sample,
        ..options(&pair)
    };
    let found = run(&pair, what, Keys::One(&pair.key), all).await;
    assert_eq!(
        found.summary.count(Verdict::Verified),
        31,
        "{:#?}",
        found.summary
    );
    assert_eq!(found.summary.conclusion(), Conclusion::Verified);
    assert_eq!(found.summary.level, Some(Level::Equal));
    assert_eq!(
        found.summary.encryption,
        BTreeMap::from([("SSE-C".to_owned(), 31)])
    );
    assert_eq!(found.summary.bytes, 30 * 7 + 9);
    assert!(found.summary.not_listed.is_empty());
    let tagged = found.all[30].report().unwrap();
    assert_eq!(tagged.replicas[0].tags.as_ref().unwrap()["class"], "gold");
    // The first three, and those at powers of two.
    let probes = found.summary.probes;
    assert_eq!(
        (probes.objects, probes.refused, probes.answered),
        (6, 6 * 8, 0)
    );
    let document = serde_json::to_value(&found.all[0]).unwrap();
    assert_eq!(document["verdict"], "verified");
    assert_eq!(document["conclusion"], "verified");
    assert_eq!(document["report"]["outcome"]["kind"], "verified");
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn versions_that_only_one_side_has_are_found() {
    let pair = Pair::replicated().await;
    let old = put(&pair, 0, SOURCE, "left-over").await;
    put(&pair, 0, SOURCE, "left-over").await;
    let lost = put(&pair, 0, SOURCE, "lost").await;
    put(&pair, 0, SOURCE, "fine").await;
    let found = all_versions(&pair).await;
    assert_eq!(
        found.summary.count(Verdict::Verified),
        4,
        "{:#?}",
        found.all
    );

    let stranger = put(&pair, 1, REPLICA, "stranger").await;
    delete(&pair, 0, SOURCE, "left-over", Some(&old)).await;
    delete(&pair, 1, REPLICA, "lost", Some(&lost)).await;
    let found = all_versions(&pair).await;
    let mut verdicts = found.verdicts();
    verdicts.sort();
    assert_eq!(
        verdicts,
        [
            ("fine", Verdict::Verified),
            ("left-over", Verdict::Verified),
            ("left-over", Verdict::Extra),
            ("lost", Verdict::ReplicaMissing),
            ("stranger", Verdict::Extra),
        ]
    );
    for checked in &found.all {
        let CheckedResult::Extra(extra) = &checked.result else {
            continue;
        };
        assert_eq!(checked.address.bucket.as_str(), REPLICA);
        match checked.address.key.as_str() {
            "stranger" => {
                assert_eq!(checked.version_id.as_deref(), Some(stranger.as_str()));
                assert_eq!((extra.status.as_ref(), extra.is_latest), (None, true));
            }
            _ => {
                assert_eq!(checked.version_id.as_deref(), Some(old.as_str()));
                assert_eq!(extra.status, Some(ReplicationStatus::Replica));
                assert!(!extra.is_latest);
            }
        }
    }
    assert_eq!(found.summary.conclusion(), Conclusion::Refuted);
    assert_eq!(found.summary.level, None);

    // Of current versions, what only is there behind another one does not count.
    let found = current(&pair).await;
    assert_eq!(
        found.verdicts(),
        [
            ("fine", Verdict::Verified),
            ("left-over", Verdict::Verified),
            ("lost", Verdict::ReplicaMissing),
            ("stranger", Verdict::Extra),
        ]
    );
    let without = ManyOptions {
        extras: false,
        ..options(&pair)
    };
    let what = listed(&pair, "", Versions::All);
    let found = run(&pair, what, Keys::One(&pair.key), without).await;
    assert_eq!(found.summary.count(Verdict::Extra), 0);
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn deletions_are_looked_for_where_the_rule_replicates_them() {
    let mut pair = Pair::replicated().await;
    put(&pair, 0, SOURCE, "kept").await;
    put(&pair, 0, SOURCE, "deleted").await;
    assert_eq!(current(&pair).await.summary.count(Verdict::Verified), 2);
    delete(&pair, 0, SOURCE, "deleted", None).await;
    // The rule leaves delete markers out.
    let found = current(&pair).await;
    let CheckedResult::DeleteMarker(marker) = &found.only(Verdict::MarkerLeftOut).result else {
        panic!("{:?}", found.all);
    };
    assert!(marker.is_latest);
    assert_eq!(marker.replicas[0].finding, MarkerFinding::LeftOut);
    assert_eq!(found.summary.conclusion(), Conclusion::Verified);

    let mut with_markers = rule("all", 1, "", REPLICA);
    with_markers.delete_marker_replication = Some(
        DeleteMarkerReplication::builder()
            .status(DeleteMarkerReplicationStatus::Enabled)
            .build(),
    );
    pair.replicate(vec![with_markers]).await;
    // This one was made before the rule said so, and does not come.
    pair.wait = Duration::from_millis(300);
    let found = current(&pair).await;
    assert_eq!(found.only(Verdict::MarkerMissing).address.key, "deleted");
    assert_eq!(found.summary.conclusion(), Conclusion::Refuted);
    pair.wait = Duration::ZERO;
    // Whoever does not wait cannot tell.
    let found = current(&pair).await;
    assert_eq!(found.only(Verdict::MarkerPending).address.key, "deleted");

    pair.wait = Duration::from_secs(20);
    delete(&pair, 0, SOURCE, "kept", None).await;
    let what = listed(&pair, "kept", Versions::All);
    let found = run(&pair, what, Keys::One(&pair.key), options(&pair)).await;
    assert_eq!(
        found.summary.count(Verdict::MarkerReplicated),
        1,
        "{:?}",
        found.all
    );
    assert_eq!(found.summary.count(Verdict::Verified), 1);
    assert_eq!(found.summary.level, Some(Level::Equal));

    // A deletion in the replica bucket hides the replica from whoever reads there.
    delete(&pair, 1, REPLICA, "deleted", None).await;
    let found = current(&pair).await;
    let CheckedResult::Extra(extra) = &found.only(Verdict::Extra).result else {
        panic!("{:?}", found.all);
    };
    assert!(extra.is_delete_marker && extra.is_latest);
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn null_versions_and_vanished_objects_are_results_of_their_own() {
    let pair = Pair::without_rules().await;
    let suspended = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Suspended)
        .build();
    let versioning = |configuration: VersioningConfiguration| {
        let client = pair.client(0);
        async move {
            let request = client.put_bucket_versioning().bucket(SOURCE);
            request
                .versioning_configuration(configuration)
                .send()
                .await
                .unwrap();
        }
    };
    versioning(suspended).await;
    put(&pair, 0, SOURCE, "null").await;
    let enabled = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    versioning(enabled).await;
    let vanished = put(&pair, 0, SOURCE, "vanished").await;
    delete(&pair, 0, SOURCE, "vanished", Some(&vanished)).await;
    pair.replicate(vec![rule("all", 1, "", REPLICA)]).await;
    let found = all_versions(&pair).await;
    let report = found.only(Verdict::NotCovered).report().unwrap();
    assert_eq!(report.subject.version_id.as_deref(), Some("null"));
    assert_eq!(
        serde_json::to_value(&report.outcome).unwrap()["detail"]["why"]["reason"],
        "null-version"
    );
    assert_eq!(found.summary.total(), 1);

    // Gone between the listing and the look.
    let state = State {
        after: Some("null".to_owned()),
        unfinished: vec![Item::Version {
            key: "vanished".to_owned(),
            version_id: Some(vanished),
        }],
        ..State::default()
    };
    let many = Many {
        what: listed(&pair, "", Versions::All),
        keys: Keys::One(&pair.key),
        options: options(&pair),
        state: Some(state),
    };
    let run = verify_many(&pair.connector, many, &Silent, CancellationToken::new());
    let all: Vec<_> = run.collect().await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].as_ref().unwrap().verdict(), Verdict::Gone);
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn pending_objects_wait_in_a_room_and_are_looked_at_again() {
    let mut pair = Pair::replicated().await;
    pair.lab.faults().set(FaultScope::Everywhere, Fault::Stall);
    for number in 0..40 {
        put(&pair, 0, SOURCE, &format!("late/{number:02}")).await;
    }
    pair.wait = Duration::from_millis(500);
    let found = current(&pair).await;
    assert_eq!(found.summary.count(Verdict::Pending), 40);
    assert_eq!(found.summary.conclusion(), Conclusion::Pending);

    // Replication goes on once some are seen to wait.
    let faults = pair.lab.faults().clone();
    let waiting = AtomicU64::new(0);
    let observer = |event| {
        if let Event::Waiting { .. } = event
            && waiting.fetch_add(1, Ordering::Relaxed) == 20
        {
            faults.clear_all();
        }
    };
    pair.wait = Duration::from_secs(60);
    let many = Many {
        what: listed(&pair, "", Versions::Current),
        keys: Keys::One(&pair.key),
        options: options(&pair),
        state: None,
    };
    let mut run = verify_many(&pair.connector, many, &observer, CancellationToken::new());
    while let Some(checked) = run.next().await {
        assert_eq!(checked.unwrap().verdict(), Verdict::Verified);
    }
    let summary = run.summary();
    assert_eq!(summary.count(Verdict::Verified), 40);
    let witnessed = summary.latencies.count();
    assert!((1..=40).contains(&witnessed), "{witnessed}");
    pair.lab.shutdown().await;
}

/// A store that knows keys by their names.
struct Keyring {
    keys: BTreeMap<KeyId, CustomerKey>,
    recorded: BTreeMap<String, KeyId>,
}

impl CandidateKeys for Keyring {
    fn recorded(&self, address: &ObjectAddress, _: Option<&str>) -> Option<KeyId> {
        self.recorded.get(&address.key).cloned()
    }

    fn candidates(&self, _: &ObjectAddress, _: Option<&str>, _: Option<&KeyId>) -> Vec<KeyId> {
        self.keys.keys().cloned().collect()
    }

    fn open(&self, id: &KeyId) -> Result<CustomerKey, String> {
        self.keys
            .get(id)
            .cloned()
            .ok_or_else(|| "not here".to_owned())
    }
}

#[tokio::test]
async fn every_object_is_opened_with_its_own_key_or_none() {
    let mut pair = Pair::replicated().await;
    let first = pair.key.clone();
    put(&pair, 0, SOURCE, "of/first").await;
    let second = CustomerKey::generate().unwrap();
    pair.key = second.clone();
    put(&pair, 0, SOURCE, "of/second").await;
    pair.key = CustomerKey::generate().unwrap();
    put(&pair, 0, SOURCE, "of/stranger").await;
    let plain = |key: &'static str| {
        let request = pair.client(0).put_object().bucket(SOURCE).key(key);
        request.body(ByteStream::from_static(b"plain")).send()
    };
    plain("plain/1").await.unwrap();
    plain("plain/2").await.unwrap();
    let (one, two) = (KeyId::generate().unwrap(), KeyId::generate().unwrap());
    let ring = Keyring {
        keys: BTreeMap::from([(one.clone(), first.clone()), (two.clone(), second)]),
        recorded: BTreeMap::from([("of/second".to_owned(), two)]),
    };
    let what = listed(&pair, "", Versions::Current);
    let found = run(&pair, what, Keys::Store(&ring), options(&pair)).await;
    assert_eq!(
        found.verdicts(),
        [
            ("of/first", Verdict::Verified),
            ("of/second", Verdict::Verified),
            ("of/stranger", Verdict::WrongKey),
            ("plain/1", Verdict::Verified),
            ("plain/2", Verdict::Verified),
        ],
        "{:#?}",
        found.all
    );
    assert_eq!(
        found.summary.encryption,
        BTreeMap::from([("AES256".to_owned(), 2), ("SSE-C".to_owned(), 2)])
    );
    let report = found.all[0].report().unwrap();
    assert_eq!(report.subject.key_id, Some(one));
    assert_eq!(found.all[3].report().unwrap().subject.key_md5, None);

    // Whoever says that all are under one key is told what is not.
    let what = listed(&pair, "plain/", Versions::Current);
    let found = run(&pair, what, Keys::One(&first), options(&pair)).await;
    assert_eq!(found.summary.count(Verdict::NotRefused), 2);
    let what = listed(&pair, "of/second", Versions::Current);
    let found = run(&pair, what, Keys::One(&first), options(&pair)).await;
    let CheckedResult::Error(error) = &found.only(Verdict::WrongKey).result else {
        panic!("{:?}", found.all);
    };
    assert!(matches!(error, VerifyError::WrongKey { .. }));
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn receipts_are_verified_once_and_told_apart() {
    let pair = Pair::replicated().await;
    let first = pair.upload("first", b"one".to_vec()).await;
    let second = pair.upload("second", b"two".to_vec()).await;
    let edited = Receipt {
        size: 4711,
        ..second.clone()
    };
    let list = [first.clone(), first.clone(), second, edited]
        .map(|receipt| Ok(Recorded::Receipt(Box::new(receipt))));
    let what = What::Recorded(futures::stream::iter(list).boxed());
    let found = run(&pair, what, Keys::One(&pair.key), options(&pair)).await;
    let mut verdicts = found.verdicts();
    verdicts.sort();
    assert_eq!(
        verdicts,
        [
            ("first", Verdict::Verified),
            ("second", Verdict::Verified),
            ("second", Verdict::Differs),
        ]
    );
    assert_eq!(found.summary.repeated_receipts, 1);
    assert_eq!(found.summary.contradicting_receipts, 1);

    let other = CustomerKey::generate().unwrap();
    let what =
        What::Recorded(futures::stream::iter([Ok(Recorded::Receipt(Box::new(first)))]).boxed());
    let found = run(&pair, what, Keys::One(&other), options(&pair)).await;
    assert_eq!(found.summary.count(Verdict::WrongKey), 1);
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn a_run_that_was_dropped_goes_on_where_it_was() {
    let pair = Pair::replicated().await;
    for number in 0..25 {
        put(&pair, 0, SOURCE, &format!("{number:02}")).await;
    }
    put(&pair, 0, SOURCE, "07").await;
    let kept = ManyOptions {
        keep_state: true,
        concurrency: 3.try_into().unwrap(),
        ..options(&pair)
    };
    let mut seen = Vec::new();
    let mut state = None;
    let mut rounds = 0;
    loop {
        rounds += 1;
        let many = Many {
            what: listed(&pair, "", Versions::All),
            keys: Keys::One(&pair.key),
            options: kept.clone(),
            state: state.take(),
        };
        let mut run = verify_many(&pair.connector, many, &Silent, CancellationToken::new());
        let mut few = 0;
        let over = loop {
            let Some(checked) = run.next().await else {
                break true;
            };
            let checked = checked.unwrap();
            assert_eq!(checked.verdict(), Verdict::Verified);
            seen.push((checked.address.key.clone(), checked.version_id.clone()));
            few += 1;
            if few == 6 {
                break false;
            }
        };
        let text = serde_json::to_string(&run.state()).unwrap();
        assert!(!text.contains(pair.key.headers().expose_key()));
        let now: State = serde_json::from_str(&text).unwrap();
        assert_eq!(now.summary.total(), seen.len() as u64);
        if over {
            break;
        }
        state = Some(now);
    }
    assert!(rounds > 4);
    assert_eq!(seen.len(), 26);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 26, "something was looked at twice");
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn both_directions_are_verified_in_one_run() {
    let pair = Pair::replicated().await;
    put(&pair, 0, SOURCE, "from-tokyo").await;
    pair.replicate_back().await;
    put(&pair, 1, REPLICA, "from-osaka").await;
    // What came from there is not lost from here.
    for _ in 0..100 {
        if current(&pair).await.summary.count(Verdict::Replica) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let found = current(&pair).await;
    assert_eq!(
        found.verdicts(),
        [
            ("from-osaka", Verdict::Replica),
            ("from-tokyo", Verdict::Verified)
        ]
    );
    let both = ManyOptions {
        both_ways: true,
        ..options(&pair)
    };
    let what = listed(&pair, "", Versions::Current);
    let found = run(&pair, what, Keys::One(&pair.key), both.clone()).await;
    assert_eq!(
        found.summary.count(Verdict::Verified),
        2,
        "{:#?}",
        found.all
    );
    assert_eq!(found.all[0].address.bucket.as_str(), REPLICA);
    assert_eq!(
        found.all[0].report().unwrap().replicas[0].bucket.as_str(),
        SOURCE
    );

    // Written there, and not here yet.
    pair.lab.faults().set(FaultScope::Everywhere, Fault::Stall);
    put(&pair, 1, REPLICA, "on-its-way").await;
    let now = ManyOptions {
        wait: Duration::ZERO,
        ..both
    };
    let what = listed(&pair, "", Versions::Current);
    let found = run(&pair, what, Keys::One(&pair.key), now).await;
    assert_eq!(found.only(Verdict::Pending).address.key, "on-its-way");
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn samples_lie_across_the_boundaries_of_parts() {
    let mut pair = Pair::replicated().await;
    let content: Vec<u8> = (0..11_u32 << 20)
        .map(|at| (at.wrapping_mul(31) >> 7) as u8)
        .collect();
    pair.upload("fine", content).await;
    pair.level = Level::Sample;
    let found = current(&pair).await;
    let report = found.only(Verdict::Verified).report().unwrap();
    assert_eq!(report.level_reached(), Some(Level::Sample));
    let samples = report.replicas[0].samples.unwrap();
    // Three parts meet twice.
    assert_eq!(samples.boundaries, 2, "{samples:?}");
    assert!(samples.bytes < 11 << 20);
    assert!(report.replicas[0].unseen.contains(&Unseen::RestOfContent));
    assert_eq!(found.summary.bytes_read, samples.bytes);

    // Small enough to be read as a whole: what stored checksums do not show is found.
    let corrupt = FaultScope::SourceBucket(SOURCE.to_owned());
    pair.lab.faults().set(corrupt, Fault::Corrupt);
    pair.upload("corrupt", vec![7; 5000]).await;
    let equal = ManyOptions {
        level: Level::Equal,
        ..options(&pair)
    };
    for (level, verdict) in [
        (equal, Verdict::Verified),
        (options(&pair), Verdict::Differs),
    ] {
        let what = listed(&pair, "corrupt", Versions::Current);
        let found = run(&pair, what, Keys::One(&pair.key), level).await;
        found.only(verdict);
    }
    pair.lab.shutdown().await;
}

#[tokio::test]
async fn a_replica_bucket_that_is_named_is_looked_into() {
    let pair = Pair::without_rules().await;
    put(&pair, 0, SOURCE, "never-sent").await;
    let given = |bucket: &str| ManyOptions {
        replicas: BTreeMap::from([(
            SOURCE.parse().unwrap(),
            vec![ReplicaTarget {
                bucket: bucket.parse().unwrap(),
                region: pair.region(1),
            }],
        )]),
        wait: Duration::ZERO,
        ..options(&pair)
    };
    let what = || listed(&pair, "", Versions::Current);
    let found = run(&pair, what(), Keys::One(&pair.key), given(REPLICA)).await;
    assert!(matches!(
        found.only(Verdict::Pending).report().unwrap().outcome,
        Outcome::Pending { status: None, .. }
    ));
    pair.lab.shutdown().await;
}
