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
use crate::{Difference, Level, ObjectView, Refusal, ReplicationStatus, Subject, VerifyError};

/// The source, as far as a replica is held against it.
pub(crate) struct Original<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) access: &'a ObjectAccess,
    pub(crate) view: &'a ObjectView,
    pub(crate) tags: &'a Result<BTreeMap<String, String>, Refusal>,
}

/// How closely to look at a replica.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scrutiny {
    pub(crate) level: Level,
    pub(crate) probe: bool,
}

impl Scrutiny {
    /// For replicas of an object whose replication is not finished: only what is stored.
    pub(crate) fn glance() -> Self {
        Self {
            level: Level::Equal,
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
    destination: &Destination,
    access: &ObjectAccess,
    key: &CustomerKeyHeaders,
    scrutiny: Scrutiny,
    observer: &dyn Observer,
) -> Result<ReplicaSide, VerifyError> {
    let mut side = unseen_side(destination);
    let view = match access.head(Some(key)).await {
        Ok(view) => view,
        Err(Trouble::Refused(refusal)) => {
            side.finding = unreadable(access, key, refusal, &mut side.view).await;
            return Ok(side);
        }
        Err(trouble) => return Err(access.error("HeadObject", trouble)),
    };
    let tags = read_tags(access).await?;
    let Comparison {
        mut differences,
        unseen,
        checksum,
    } = difference::between(original.view, original.tags, &view, &tags, key.md5());
    side.unseen = unseen;
    side.etag_equal = Some(original.view.etag == view.etag);
    side.tags = tags.ok();
    if scrutiny.level == Level::Status {
        differences.retain(says_s3);
    }
    if scrutiny.level == Level::Deep && original.view.size == view.size {
        let source = Readable {
            access: original.access,
            view: original.view,
        };
        let replica = Readable {
            access,
            view: &view,
        };
        let bucket = access.bucket();
        let read =
            content::compare(original.subject, key, source, replica, bucket, observer).await?;
        differences.extend(read.differences);
        side.content = read.proof;
        differences.extend(changed(access, key, &view).await?);
    } else {
        side.unseen.push(Unseen::Content);
    }
    if scrutiny.probe {
        observer.on(Event::Probing {
            side: Side::Replica,
            bucket: access.bucket().clone(),
        });
        side.probes = probe::all(access, Side::Replica, view.size).await?;
        if probe::any_unclear(&side.probes) {
            side.unseen.push(Unseen::Probe {
                side: Side::Replica,
            });
        }
    }
    let proven = [
        has_status(original.view, &view).then_some(Level::Status),
        (checksum.is_some() || view.size == 0).then_some(Level::Equal),
        side.content.as_ref().map(|_| Level::Deep),
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
    key: &CustomerKeyHeaders,
    refusal: Refusal,
    view: &mut Option<ObjectView>,
) -> Finding {
    if refusal.is_absence() {
        return Finding::Absent;
    }
    match access.diagnose(&refusal, key).await {
        KeyDiagnosis::OpenWithoutKey(open) => {
            *view = Some(*open);
            Finding::NotRefused
        }
        diagnosis => Finding::Refused {
            refusal,
            wrong_key: matches!(diagnosis, KeyDiagnosis::WrongKey),
        },
    }
}

/// Tags, or why they may not be read.
pub(crate) async fn read_tags(
    access: &ObjectAccess,
) -> Result<Result<BTreeMap<String, String>, Refusal>, VerifyError> {
    match access.tags().await {
        Ok(tags) => Ok(Ok(tags)),
        Err(Trouble::Refused(refusal)) => Ok(Err(refusal)),
        Err(trouble) => Err(access.error("GetObjectTagging", trouble)),
    }
}

/// Looks again after the content was read: it may have been replaced meanwhile.
async fn changed(
    access: &ObjectAccess,
    key: &CustomerKeyHeaders,
    before: &ObjectView,
) -> Result<Option<Difference>, VerifyError> {
    let detail = match access.head(Some(key)).await {
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
