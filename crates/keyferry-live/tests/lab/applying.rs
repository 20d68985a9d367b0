//! Applied, applied again, cut short, applied with the wrong credentials.

use std::sync::atomic::{AtomicUsize, Ordering};

use keyferry_live::{
    ApplyError, Change, ChangeKind, CompareOptions, Connections, ConnectionsError, Observer,
    Refusal, ServiceError, apply, compare, read,
};
use keyferry_policy::check::Known;
use keyferry_policy::{BucketKey, EncryptionKind};
use tokio_util::sync::CancellationToken;

use crate::world::{HERE, THERE, TOKYO, World, region};

/// Everything that a plan can need, in two accounts and both ways.
#[tokio::test(flavor = "multi_thread")]
async fn the_second_time_there_is_nothing_to_do() {
    let world = World::start().await;
    for (kind, across) in [
        (EncryptionKind::SseC, false),
        (EncryptionKind::SseKms, true),
        (EncryptionKind::DsseKms, false),
    ] {
        let name = format!("twice-{}-{across}", kind.as_str());
        let plan = world.plan(&name, kind, BucketKey::On, across, true).await;
        let without_buckets = world
            .compared_with(&plan, CompareOptions::default())
            .await
            .unwrap_err();
        let missing = |refusal: &Refusal| matches!(refusal, Refusal::NoBucket { .. });
        assert!(without_buckets.iter().all(missing), "{without_buckets:?}");
        assert_eq!(without_buckets.len(), 2);

        assert!(world.applied(&plan).await >= 10);
        let again = world.compared(&plan).await.unwrap();
        assert!(again.is_empty(), "{again:#?}");
    }
    world.lab.shutdown().await;
}

/// Cancels after some changes.
struct CancelAfter<'a> {
    left: AtomicUsize,
    token: &'a CancellationToken,
}

impl Observer for CancelAfter<'_> {
    fn began(&self, _: &Change) {}
    fn waits(&self, change: &Change, why: &ServiceError) {
        panic!("the lab lets {change} wait: {why}");
    }
    fn done(&self, _: &Change) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.token.cancel();
        }
    }
}

/// However many changes were made before the end, the rest is what the next run makes.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_short_is_finished_by_the_next() {
    let world = World::start().await;
    let plan = world
        .plan("cut", EncryptionKind::SseKms, BucketKey::Off, true, true)
        .await;
    let mut left = world.compared(&plan).await.unwrap().len();
    while left > 0 {
        let token = CancellationToken::new();
        let step = 1 + left % 3;
        let observer = CancelAfter {
            left: AtomicUsize::new(step),
            token: &token,
        };
        let changes = world.compared(&plan).await.unwrap();
        assert_eq!(changes.len(), left);
        let ended = apply(&changes, &world.connections, &observer, &token).await;
        let made = match ended {
            Ok(applied) => applied.changes,
            Err(ApplyError::Interrupted { done, of }) => {
                assert_eq!(of, left);
                done
            }
            Err(other) => panic!("{other}"),
        };
        assert_eq!(made, step.min(left));
        let now = world.compared(&plan).await.unwrap().len();
        // What S3 gives a new bucket by itself is not to be set any more.
        assert!(now <= left - made, "{now} after {left} and {made}");
        left = now;
    }
    world.lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_account_is_refused_before_anything_is_touched() {
    let world = World::start().await;
    let plan = world
        .plan("wrong", EncryptionKind::SseS3, BucketKey::Off, true, false)
        .await;
    let only_here = Connections::identify(vec![world.connector(HERE)], &region(TOKYO))
        .await
        .unwrap();
    let error = only_here.require_all(&plan).unwrap_err();
    let ConnectionsError::WrongAccount {
        account,
        identities,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(account.as_str(), THERE);
    assert_eq!(identities[0].account.as_str(), HERE);
    assert!(only_here.require_some(&plan).is_ok());

    // What cannot be read is unknown, and nothing is suggested over it.
    world.applied(&plan).await;
    let live = read(&plan, &only_here).await;
    let osaka = live.installed.bucket(&plan.sites()[1].bucket).unwrap();
    assert!(matches!(osaka.policy, Known::Unknown(_)), "{osaka:?}");
    let refusals = compare(&plan, &live, CompareOptions::default()).unwrap_err();
    assert!(
        refusals
            .iter()
            .all(|refusal| matches!(refusal, Refusal::Unreadable { .. })),
        "{refusals:?}"
    );
    world.lab.shutdown().await;
}

/// Between the comparison and the change, somebody else was there.
#[tokio::test(flavor = "multi_thread")]
async fn what_changed_meanwhile_is_not_overwritten() {
    let world = World::start().await;
    let plan = world
        .plan("race", EncryptionKind::SseS3, BucketKey::Off, true, false)
        .await;
    world.applied(&plan).await;
    let osaka = &plan.sites()[1];
    let s3 = world.s3(osaka);
    let bucket = osaka.bucket.as_str();
    s3.delete_bucket_policy()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    let changes = world.compared(&plan).await.unwrap();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].kind, ChangeKind::BucketPolicy);
    let other = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Sid": "Other", "Effect": "Allow",
            "Principal": {{"AWS": "arn:aws:iam::{HERE}:root"}}, "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::{bucket}"}}]}}"#
    );
    s3.put_bucket_policy()
        .bucket(bucket)
        .policy(other)
        .send()
        .await
        .unwrap();
    let token = CancellationToken::new();
    let ended = apply(&changes, &world.connections, &keyferry_live::Silent, &token).await;
    assert!(
        matches!(ended, Err(ApplyError::ChangedMeanwhile { .. })),
        "{ended:?}"
    );
    world.lab.shutdown().await;
}
