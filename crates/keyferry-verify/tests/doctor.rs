//! The doctor in the lab: what needs another clock, or a bucket to be gone.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod lab;

use jiff::{SignedDuration, Timestamp};
use keyferry_policy::BucketName;
use keyferry_policy::check::{Finding, Level};
use keyferry_verify::{Checkup, Examination, Shell, examine};
use lab::{Pair, REPLICA, SOURCE};
use tokio_util::sync::CancellationToken;

/// Examines the source, a while from now.
async fn after(pair: &Pair, time: SignedDuration, signed: bool) -> Examination {
    let bucket: BucketName = SOURCE.parse().unwrap();
    let region = pair.region(0);
    let checkup = Checkup {
        connector: &pair.connector,
        others: Vec::new(),
        signed,
        bucket: &bucket,
        object: None,
        region: None,
        first_region: &region,
        replica: None,
        shell: Shell::default(),
        now: Timestamp::now() + time,
    };
    examine(&checkup, &CancellationToken::new()).await.unwrap()
}

async fn now(pair: &Pair) -> Examination {
    after(pair, SignedDuration::ZERO, true).await
}

fn named<'a>(examination: &'a Examination, rule: &str) -> Vec<&'a Finding> {
    let findings = examination.findings.iter();
    findings
        .filter(|finding| finding.rule.name() == rule)
        .collect()
}

#[tokio::test]
async fn a_sound_pair_has_no_findings() {
    let pair = Pair::replicated().await;
    let examination = now(&pair).await;
    assert_eq!(examination.findings, []);
    assert_eq!(examination.account.unwrap().as_str(), "111122223333");
    let (day, nobody) = (SignedDuration::from_hours(24), false);
    let examination = after(&pair, day, nobody).await;
    assert_eq!((examination.findings, examination.caller), (vec![], None));
    assert_eq!(examination.region, Some(pair.region(0)));
}

#[tokio::test]
async fn uploads_that_nobody_finished_are_told_by_their_age() {
    let pair = Pair::replicated().await;
    let client = pair.client(0);
    let begun = client
        .create_multipart_upload()
        .bucket(SOURCE)
        .key("it's unfinished")
        .send()
        .await
        .unwrap();
    let fresh = now(&pair).await;
    let [under_way] = named(&fresh, "unfinished-uploads")[..] else {
        panic!("{:?}", fresh.findings);
    };
    assert_eq!(
        (under_way.level, under_way.commands.len()),
        (Level::Note, 0)
    );
    let later = after(&pair, SignedDuration::from_hours(25), true).await;
    let [left] = named(&later, "unfinished-uploads")[..] else {
        panic!("{:?}", later.findings);
    };
    assert_eq!(left.level, Level::Warning);
    let id = begun.upload_id().unwrap();
    let command = format!(
        "aws s3api abort-multipart-upload --bucket {SOURCE} --key 'it'\\''s unfinished' \
         --upload-id {id} --region {}",
        pair.region(0)
    );
    assert_eq!(left.commands, [command]);
    client
        .abort_multipart_upload()
        .bucket(SOURCE)
        .key("it's unfinished")
        .upload_id(id)
        .send()
        .await
        .unwrap();
    assert_eq!(now(&pair).await.findings, []);
}

#[tokio::test]
async fn a_destination_that_is_gone_is_an_error() {
    let pair = Pair::replicated().await;
    pair.client(1)
        .delete_bucket()
        .bucket(REPLICA)
        .send()
        .await
        .unwrap();
    let examination = now(&pair).await;
    let [missing] = named(&examination, "bucket-missing")[..] else {
        panic!("{:?}", examination.findings);
    };
    assert_eq!(missing.subject, format!("bucket {REPLICA}"));
    assert_eq!(missing.level, Level::Error);
}

#[tokio::test]
async fn a_source_that_is_gone_is_all_there_is_to_say() {
    let pair = Pair::without_rules().await;
    pair.client(0)
        .delete_bucket()
        .bucket(SOURCE)
        .send()
        .await
        .unwrap();
    let examination = now(&pair).await;
    let rules: Vec<&str> = examination
        .findings
        .iter()
        .map(|finding| finding.rule.name())
        .collect();
    assert_eq!(rules, ["bucket-missing"]);
}

#[tokio::test]
async fn cancelled_examinations_say_so() {
    let pair = Pair::without_rules().await;
    let bucket: BucketName = SOURCE.parse().unwrap();
    let region = pair.region(0);
    let checkup = Checkup {
        connector: &pair.connector,
        others: Vec::new(),
        signed: true,
        bucket: &bucket,
        object: None,
        region: None,
        first_region: &region,
        replica: None,
        shell: Shell::default(),
        now: Timestamp::now(),
    };
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = examine(&checkup, &cancel).await.unwrap_err();
    assert_eq!(error.to_string(), "the verification was interrupted");
}
