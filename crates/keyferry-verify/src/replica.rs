//! Looking at one replica: is it there, is it the same, does it refuse strangers.
//!
//! It must open with the source's key, although replication never had it (S3-VERIFY-4).

use std::collections::BTreeMap;

use keyferry_key::CustomerKeyHeaders;

use crate::access::{KeyDiagnosis, ObjectAccess};
use crate::answer::Trouble;
use crate::content::{self, Readable};
use crate::destination::Destination;
use crate::difference::{self, Comparison};
use crate::event::{Event, Observer};
use crate::probe;
use crate::report::{Finding, ReplicaSide, Side, Unseen};
use crate::tagging::{TagCounting, read_tags};
use crate::{
    ChecksumKind, Difference, Level, ObjectView, ReadSides, Refusal, ReplicationStatus, Subject,
    VerifyError,
};

/// The source, as far as a replica is held against it.
pub(crate) struct Original<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) access: &'a ObjectAccess,
    pub(crate) view: &'a ObjectView,
    pub(crate) tags: &'a Result<BTreeMap<String, String>, Refusal>,
}

/// The replica, as far as it was asked for.
pub(crate) struct Replica<'a> {
    pub(crate) destination: &'a Destination,
    pub(crate) access: &'a ObjectAccess,
    pub(crate) tag_counting: &'a TagCounting,
    /// What HEAD answered.
    pub(crate) head: Result<ObjectView, Trouble>,
}

/// How closely to look at a replica.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scrutiny {
    pub(crate) level: Level,
    pub(crate) read: ReadSides,
    pub(crate) probe: bool,
}

impl Scrutiny {
    /// For replicas of an object whose replication is not finished: only what is stored.
    pub(crate) fn glance() -> Self {
        Self {
            level: Level::Equal,
            read: ReadSides::Both,
            probe: false,
        }
    }
}

/// The side of a destination, before anything was asked.
pub(crate) fn unseen_side(destination: &Destination) -> ReplicaSide {
    ReplicaSide {
        bucket: destination.bucket.clone(),
        region: destination.region.clone(),
        endpoint: None,
        rule: destination.rule.clone(),
        finding: Finding::NotSeen,
        view: None,
        tags: None,
        probes: Vec::new(),
        content: None,
        samples: None,
        etag_equal: None,
        key_echoed: false,
        unseen: Vec::new(),
    }
}

/// Looks at the replica in one destination bucket.
pub(crate) async fn examine(
    original: &Original<'_>,
    replica: Replica<'_>,
    key: Option<&CustomerKeyHeaders>,
    scrutiny: Scrutiny,
    observer: &dyn Observer,
) -> Result<ReplicaSide, VerifyError> {
    let access = replica.access;
    let mut side = unseen_side(replica.destination);
    let view = match replica.head {
        Ok(view) => view,
        Err(Trouble::Refused(refusal)) => {
            // Where the bucket is not, everything is refused, whatever the key.
            if refusal.may_be_elsewhere()
                && let Some(error) = replica.destination.place.misplaced(access.bucket()).await
            {
                return Err(error);
            }
            side.finding = Box::pin(unreadable(access, key, refusal, &mut side.view)).await;
            return Ok(side);
        }
        Err(trouble) => return Err(access.error("HeadObject", trouble)),
    };
    // What the level does not compare is not asked for.
    let tags = match scrutiny.level {
        Level::Status => original.tags.clone(),
        _ => read_tags(access, &view, replica.tag_counting).await?,
    };
    let md5 = key.map(CustomerKeyHeaders::md5);
    let mut comparison = difference::between(original.view, original.tags, &view, &tags, md5);
    side.etag_equal = Some(original.view.etag == view.etag);
    side.tags = tags.ok().filter(|_| scrutiny.level > Level::Status);
    if scrutiny.level == Level::Status {
        comparison.differences.retain(says_s3);
    } else {
        Box::pin(drop_incomparable(
            original,
            access,
            &view,
            key,
            &mut comparison,
        ))
        .await;
        Box::pin(drop_hidden_locks(original, access, &mut comparison)).await;
    }
    let Comparison {
        mut differences,
        unseen,
        checksum,
    } = comparison;
    side.unseen = unseen;
    if scrutiny.level >= Level::Sample && original.view.size == view.size {
        let source = Readable {
            side: Side::Source,
            access: original.access,
            view: original.view,
        };
        let theirs = Readable {
            side: Side::Replica,
            access,
            view: &view,
        };
        let read = match scrutiny.level {
            Level::Sample => {
                Box::pin(content::sample(original.subject, key, source, theirs)).await?
            }
            _ => {
                let what = (scrutiny.read, access.bucket());
                Box::pin(content::compare(
                    original.subject,
                    key,
                    source,
                    theirs,
                    what,
                    observer,
                ))
                .await?
            }
        };
        differences.extend(read.differences);
        side.content = read.proof;
        side.samples = read.samples;
        side.unseen.extend(read.unseen);
        differences.extend(Box::pin(changed(access, key, &view)).await?);
    } else {
        side.unseen.push(Unseen::Content);
    }
    if scrutiny.probe {
        observer.on(Event::Probing {
            side: Side::Replica,
            bucket: access.bucket().clone(),
        });
        side.probes = Box::pin(probe::all(access, Side::Replica, view.size)).await?;
        if probe::any_unclear(&side.probes) {
            side.unseen.push(Unseen::Probe {
                side: Side::Replica,
            });
        }
    }
    let all_boundaries = !side.unseen.contains(&Unseen::PartBoundaries);
    // Whatever else was read: without the tags, both sides are not known to be equal.
    let all_tags = !side.unseen.iter().any(Unseen::hides_tags);
    let proven = [
        has_status(original.view, &view).then_some(Level::Status),
        (all_tags && (checksum.is_some() || view.size == 0)).then_some(Level::Equal),
        side.samples
            .as_ref()
            .filter(|_| all_tags && all_boundaries)
            .map(|_| Level::Sample),
        side.content
            .as_ref()
            .filter(|_| all_tags)
            .map(|_| Level::Deep),
    ];
    side.finding = if probe::any_answered(&side.probes) {
        Finding::NotRefused
    } else if differences.is_empty() {
        Finding::Equal {
            level: proven
                .into_iter()
                .flatten()
                .filter(|level| *level <= scrutiny.level)
                .max(),
        }
    } else {
        Finding::Differs(differences)
    };
    side.key_echoed = access.key_echoed();
    side.view = Some(view);
    Ok(side)
}

/// Why the key does not open the replica. A refusal never means that nothing is there.
async fn unreadable(
    access: &ObjectAccess,
    key: Option<&CustomerKeyHeaders>,
    refusal: Refusal,
    view: &mut Option<ObjectView>,
) -> Finding {
    if refusal.is_absence() {
        return Finding::Absent;
    }
    let Some(key) = key else {
        // Only what is under a customer key is refused so to whoever comes without one (S3-XFER-4).
        let refusal = match refusal.status {
            400 => access.spoken(refusal, None).await,
            _ => refusal,
        };
        let wrong_key = refusal.status == 400 && refusal.is_about_a_key();
        return Finding::Refused { refusal, wrong_key };
    };
    match access.diagnose(&refusal, key).await {
        KeyDiagnosis::OpenWithoutKey(open) => {
            *view = Some(*open);
            Finding::NotRefused
        }
        KeyDiagnosis::Unclear(refusal) => Finding::Refused {
            refusal,
            wrong_key: false,
        },
        diagnosis => Finding::Refused {
            refusal,
            wrong_key: matches!(diagnosis, KeyDiagnosis::WrongKey),
        },
    }
}

/// Composite checksums of equally many parts differ, too, where the parts have other sizes: they say
/// something of the content only where the parts are known to be the same.
async fn drop_incomparable(
    original: &Original<'_>,
    access: &ObjectAccess,
    view: &ObjectView,
    key: Option<&CustomerKeyHeaders>,
    comparison: &mut Comparison,
) {
    let is_composite = |difference: &Difference| {
        matches!(difference, Difference::Checksum { source, .. }
            if source.kind == ChecksumKind::Composite)
    };
    if !comparison.differences.iter().any(is_composite) {
        return;
    }
    let (ours, theirs) = tokio::join!(
        original.access.part_layout(key, original.view.size),
        access.part_layout(key, view.size)
    );
    if ours.is_none() || ours != theirs {
        comparison
            .differences
            .retain(|difference| !is_composite(difference));
        if comparison.checksum.is_none() {
            comparison.unseen.push(Unseen::Checksum);
        }
    }
}

/// A lock that shows on one side only may be hidden on the other: HEAD leaves out what the caller may
/// not see.
async fn drop_hidden_locks(
    original: &Original<'_>,
    access: &ObjectAccess,
    comparison: &mut Comparison,
) {
    for retention in [true, false] {
        let missing_on = comparison.differences.iter().find_map(|difference| {
            let Difference::ObjectLock {
                what,
                source,
                replica,
            } = difference
            else {
                return None;
            };
            let concerned = retention != (*what == "legal-hold");
            match (source, replica) {
                (None, Some(_)) if concerned => Some(Side::Source),
                (Some(_), None) if concerned => Some(Side::Replica),
                _ => None,
            }
        });
        let Some(side) = missing_on else {
            continue;
        };
        let asked = match side {
            Side::Source => original.access,
            Side::Replica => access,
        };
        if let Some(refusal) = asked.lock_hidden(retention).await {
            comparison.differences.retain(|difference| {
                !matches!(difference, Difference::ObjectLock { what, .. }
                    if retention != (*what == "legal-hold"))
            });
            comparison.unseen.push(Unseen::ObjectLock { side, refusal });
        }
    }
}

/// Looks again after the content was read: it may have been replaced meanwhile.
async fn changed(
    access: &ObjectAccess,
    key: Option<&CustomerKeyHeaders>,
    before: &ObjectView,
) -> Result<Option<Difference>, VerifyError> {
    let detail = match access.head(key).await {
        Ok(now) => {
            let same = now.etag == before.etag
                && now.size == before.size
                && now.version_id == before.version_id
                && now.last_modified == before.last_modified
                && now.checksums == before.checksums;
            (!same).then(|| "it is another object now".to_owned())
        }
        Err(Trouble::Refused(refusal)) => Some(format!("asked again it answers {refusal}")),
        Err(trouble) => return Err(access.error("HeadObject", trouble)),
    };
    Ok(detail.map(|detail| Difference::ChangedWhileRead {
        side: Side::Replica,
        detail,
    }))
}

/// The differences that belong to what S3 says, without comparing content or metadata.
fn says_s3(difference: &Difference) -> bool {
    matches!(
        difference,
        Difference::VersionId { .. } | Difference::NotAReplica { .. }
    )
}

fn has_status(source: &ObjectView, replica: &ObjectView) -> bool {
    source.status == Some(ReplicationStatus::Completed)
        && replica.status == Some(ReplicationStatus::Replica)
}
