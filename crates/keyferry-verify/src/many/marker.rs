//! Delete markers: whether the deletion is on the other side, too.
//!
//! Delete markers have no replication status. Asked for by its version id, a marker that is there answers
//! 405 and one that is not 404 (S3-VERIFY-9), to whoever may list the bucket.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::types::ReplicationRule;
use jiff::Timestamp;
use keyferry_policy::BucketName;
use keyferry_transfer::ObjectAddress;
use tokio::time::Instant;

use super::checked::{Checked, CheckedResult, DeleteMarker, MarkerFinding, MarkerReplica};
use super::context::Context;
use super::object::{Parked, Worked};
use crate::VerifyError;
use crate::access::ObjectAccess;
use crate::answer::Trouble;
use crate::bucket::{Bucket, Place};
use crate::destination::bucket_of;
use crate::rules::{is_enabled, prefixes, replicates_markers};
use crate::verify::since;
use crate::watch::Watch;

/// A marker of this age that is not on the other side will not come.
const SETTLED_AGE: Duration = Duration::from_secs(900);

/// A marker, as a listing shows it.
pub(super) struct Listed {
    pub(super) address: ObjectAddress,
    pub(super) version_id: Option<String>,
    pub(super) is_latest: bool,
    pub(super) made: Option<Timestamp>,
    /// The buckets on the other side that show it, too.
    pub(super) shown_in: Vec<BucketName>,
}

/// A marker that is not on all sides yet.
pub(super) struct WaitingMarker<'a> {
    bucket: Arc<Bucket<'a>>,
    marker: Listed,
    targets: Vec<Target>,
    watch: Watch,
    begun: Instant,
}

/// A bucket that the marker should be in.
struct Target {
    bucket: BucketName,
    place: Arc<Place>,
    /// Whether the marker is replicated there.
    expected: bool,
    finding: Option<MarkerFinding>,
}

impl WaitingMarker<'_> {
    /// Lets the time run out.
    pub(super) fn give_up_waiting(&mut self) {
        self.watch.give_up();
    }
}

/// Turns to a marker of the source, or of a replica bucket as a source.
pub(super) async fn begin<'a>(
    context: &Context<'a>,
    of: Option<&BucketName>,
    marker: Listed,
) -> Result<Worked<'a>, VerifyError> {
    let (name, region) = context.listed_bucket()?;
    let source = context.source(name, region)?;
    let bucket = match of {
        None => source,
        Some(name) => {
            let place = source.place(name, None).await?;
            let Some((region, _)) = &place.found else {
                return Ok(Worked::Done(None));
            };
            context.other_way(&source, name, region)?
        }
    };
    let targets = targets(&bucket, &marker).await?;
    let waiting = WaitingMarker {
        bucket,
        marker,
        targets,
        watch: Watch::new(context.options.wait, true, None),
        begun: Instant::now(),
    };
    Ok(look(context, waiting).await)
}

/// Looks for a marker where it was not found yet.
pub(super) async fn look<'a>(context: &Context<'a>, mut waiting: WaitingMarker<'a>) -> Worked<'a> {
    let mut may_come = false;
    for target in &mut waiting.targets {
        if target.finding == Some(MarkerFinding::Replicated) {
            continue;
        }
        let finding = find(&waiting.bucket, &waiting.marker, target).await;
        target.finding = Some(finding);
        may_come |= finding == MarkerFinding::Missing;
    }
    let age = waiting.marker.made.and_then(since);
    let is_young = age.is_none_or(|age| age < SETTLED_AGE);
    if may_come && is_young {
        let elapsed = waiting.begun.elapsed();
        if let Some(after) = waiting.watch.delay(elapsed, rand::random()) {
            return Worked::Again(Parked::Marker(Box::new(waiting)), after);
        }
    }
    // Whoever did not wait cannot tell.
    let too_early = is_young && context.options.wait.is_zero();
    let replicas = waiting
        .targets
        .into_iter()
        .map(|target| MarkerReplica {
            bucket: target.bucket,
            finding: match target.finding.unwrap_or(MarkerFinding::NotSeen) {
                MarkerFinding::Missing if too_early => MarkerFinding::Pending,
                finding => finding,
            },
        })
        .collect();
    Worked::Done(Some(Checked {
        address: waiting.marker.address,
        version_id: waiting.marker.version_id,
        result: CheckedResult::DeleteMarker(DeleteMarker {
            is_latest: waiting.marker.is_latest,
            replicas,
        }),
    }))
}

async fn find(bucket: &Bucket<'_>, marker: &Listed, target: &Target) -> MarkerFinding {
    if marker.shown_in.contains(&target.bucket) {
        return MarkerFinding::Replicated;
    }
    let missing = match target.expected {
        true => MarkerFinding::Missing,
        false => MarkerFinding::LeftOut,
    };
    let Some((_, client)) = &target.place.found else {
        return missing;
    };
    let version_id = marker.version_id.as_deref();
    let here = ObjectAccess::new(bucket.client.clone(), &marker.address, version_id);
    let there = here.in_bucket(client.clone(), &target.bucket);
    match there.head(None).await {
        Err(Trouble::Refused(refusal)) if refusal.status == 405 => MarkerFinding::Replicated,
        Err(Trouble::Refused(refusal)) if refusal.status == 404 => missing,
        Ok(_) | Err(_) => MarkerFinding::NotSeen,
    }
}

/// The buckets that the marker's object is replicated to, by its name.
async fn targets(bucket: &Bucket<'_>, marker: &Listed) -> Result<Vec<Target>, VerifyError> {
    let rules = bucket.configuration().await?.rules();
    let key = &marker.address.key;
    let to = |rule: &ReplicationRule| bucket_of(rule.destination()?.bucket());
    let covers = |rule: &&ReplicationRule| {
        is_enabled(rule) && prefixes(rule).all(|prefix| key.starts_with(prefix))
    };
    let replicated = |name: &BucketName| {
        rules
            .iter()
            .any(|rule| to(rule).as_ref() == Some(name) && replicates_markers(rule, key))
    };
    let mut targets = Vec::new();
    if bucket.given.is_empty() {
        for name in rules.iter().filter(covers).filter_map(to) {
            if targets.iter().any(|known: &Target| known.bucket == name) {
                continue;
            }
            targets.push(Target {
                place: bucket.place(&name, None).await?,
                expected: replicated(&name),
                bucket: name,
                finding: None,
            });
        }
        return Ok(targets);
    }
    for given in &bucket.given {
        // Where no rule says what is replicated there, all is.
        let ruled = rules
            .iter()
            .any(|rule| to(rule).as_ref() == Some(&given.bucket));
        targets.push(Target {
            bucket: given.bucket.clone(),
            place: bucket.place(&given.bucket, Some(&given.region)).await?,
            expected: !ruled || replicated(&given.bucket),
            finding: None,
        });
    }
    Ok(targets)
}
