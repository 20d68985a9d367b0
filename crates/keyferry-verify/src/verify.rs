//! The course of a verification: look at the source, find the destinations, wait, look at the
//! replicas, probe, conclude.
//!
//! It goes in steps, so that whoever verifies many objects need not stand by each one that waits for
//! replication: see [`Step`].

use std::sync::Arc;
use std::time::Duration;

use keyferry_key::{CustomerKeyHeaders, KeyId};
use keyferry_transfer::{Authenticity, KEY_TAG, ObjectAddress};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::access::ObjectAccess;
use crate::bucket::{Bucket, Way};
use crate::destination::{Destination, Destinations, Search};
use crate::event::{Event, Observer};
use crate::outcome::{NotCovered, Outcome};
use crate::regions::Regions;
use crate::report::{Report, SourceSide, Timings, Unseen};
use crate::source::FirstLook;
use crate::tagging::{Tags, read_tags};
use crate::underway::{Reachable, Underway};
use crate::watch::Watch;
use crate::{
    Level, ObjectView, ReadSides, ReplicationStatus, Subject, Verification, VerifyError,
    difference, probe, rules,
};

/// Verifies that an object arrived, intact and under its key, in the other region.
///
/// Reads only. Needs, on the source: `s3:GetObjectVersion`, `s3:GetObjectVersionTagging` and
/// `s3:GetReplicationConfiguration`; on the replica: `s3:GetObjectVersion`,
/// `s3:GetObjectVersionTagging` and `s3:ListBucket` (without it S3 says 403 where it means 404).
///
/// # Cancellation
/// When `cancel` is cancelled, or the future is dropped, requests are dropped. Nothing is left behind.
///
/// # Errors
/// When nothing can be said: the key does not open the source, the source is not there, S3 refuses
/// what verification cannot do without, or cannot be reached. Everything else is an
/// [`Outcome`] in the [`Report`].
pub async fn verify(
    regions: &dyn Regions,
    verification: Verification<'_>,
    observer: &dyn Observer,
    cancel: CancellationToken,
) -> Result<Report, VerifyError> {
    let Verification {
        subject,
        key,
        wait,
        level,
        read,
        replica,
        probe,
    } = verification;
    let key = key.map(|key| Arc::new(key.headers()));
    check_key(subject, key.as_deref())?;
    let bucket = Bucket::new(
        Way::straight(regions),
        &subject.source.bucket,
        &subject.region,
        replica.into_iter().collect(),
    )?;
    let course = Course {
        bucket: &bucket,
        wait,
        level,
        read,
        // Whoever may read an object under no customer key needs none: there is nothing to refuse.
        probe: probe && key.is_some(),
        key,
        observer,
    };
    let access = ObjectAccess::new(
        bucket.client.clone(),
        &subject.source,
        subject.version_id.as_deref(),
    );
    let run = async {
        let mut step = course
            .begin(access, Target::Subject(subject.clone()))
            .await?;
        loop {
            match step {
                Step::Done(report) => return Ok(*report),
                Step::Again(underway, after) => {
                    tokio::time::sleep(after).await;
                    step = course.look_again(underway).await?;
                }
            }
        }
    };
    cancel
        .run_until_cancelled(run)
        .await
        .unwrap_or(Err(VerifyError::Interrupted))
}

/// Refuses a key that is not the one that a receipt names.
pub(crate) fn check_key(
    subject: &Subject,
    key: Option<&CustomerKeyHeaders>,
) -> Result<(), VerifyError> {
    let given = key.map(CustomerKeyHeaders::md5);
    match (given, subject.key_md5) {
        (Some(given), Some(expected)) if *given == expected => Ok(()),
        (Some(given), expected) => Err(VerifyError::WrongKey {
            address: subject.source.clone(),
            given: *given,
            expected,
        }),
        (None, Some(expected)) => Err(VerifyError::NoKey {
            address: subject.source.clone(),
            expected: Some(expected),
        }),
        (None, None) => Ok(()),
    }
}

/// One verification under way, as it was asked for.
#[derive(Clone)]
pub(crate) struct Course<'a> {
    pub(crate) bucket: &'a Bucket<'a>,
    /// None for objects that are not under a customer key.
    pub(crate) key: Option<Arc<CustomerKeyHeaders>>,
    pub(crate) wait: Duration,
    pub(crate) level: Level,
    pub(crate) read: ReadSides,
    pub(crate) probe: bool,
    pub(crate) observer: &'a dyn Observer,
}

/// What is known of the object before it is looked at.
pub(crate) enum Target {
    /// Everything.
    Subject(Subject),
    /// Its name and its key. What it is like the first look shows, which may be over.
    Listed {
        address: ObjectAddress,
        key_id: Option<KeyId>,
        seen: Option<Looked>,
    },
}

impl Target {
    pub(crate) fn address(&self) -> &ObjectAddress {
        match self {
            Self::Subject(subject) => &subject.source,
            Self::Listed { address, .. } => address,
        }
    }
}

/// The source, and the only replica if it showed at the same time.
pub(crate) struct Looked {
    pub(crate) source: Box<ObjectView>,
    pub(crate) replica: Option<Early>,
}

/// A replica that showed while the source was looked at, and what it was asked through.
pub(crate) struct Early {
    pub(crate) access: ObjectAccess,
    pub(crate) view: Box<ObjectView>,
}

/// How far a verification is after a look.
pub(crate) enum Step {
    /// There is a result.
    Done(Box<Report>),
    /// Replication is not finished: look again, after so long.
    Again(Box<Underway>, Duration),
}

impl Course<'_> {
    pub(crate) fn key(&self) -> Option<&CustomerKeyHeaders> {
        self.key.as_deref()
    }

    /// Looks for the first time.
    pub(crate) async fn begin(
        &self,
        mut access: ObjectAccess,
        mut target: Target,
    ) -> Result<Step, VerifyError> {
        let started = Instant::now();
        let at_hand = match &mut target {
            Target::Listed { seen, .. } => seen.take(),
            Target::Subject(_) => None,
        };
        let (view, early) = match at_hand {
            Some(looked) => (*looked.source, looked.replica),
            None => match self.first_look(&access, target.address()).await? {
                FirstLook::Seen(looked) => (*looked.source, looked.replica),
                FirstLook::OpenWithoutKey(view) => {
                    let subject = self.subject(target, &access, &view);
                    let report = self.report_open_source(subject, *view, started);
                    return Ok(Step::Done(Box::new(report)));
                }
            },
        };
        let subject = self.subject(target, &access, &view);
        if access.version_id().is_none() {
            access.pin(view.version_id.clone());
        }
        self.observer.on(Event::SourceSeen {
            status: view.status.clone(),
        });
        let mut unseen = Vec::new();
        if subject.receipt == Some(Authenticity::Unsealed) {
            unseen.push(Unseen::ReceiptSeal);
        }
        let tags = self.tags(&access, &view).await?;
        let is_tagged =
            |tags: &std::collections::BTreeMap<String, String>| tags.contains_key(KEY_TAG);
        if self.key.is_none() && tags.as_ref().is_ok_and(is_tagged) {
            // Somebody meant it to be under a customer key.
            let report = self.report_open_source(subject, view, started);
            return Ok(Step::Done(Box::new(report)));
        }
        let found = self
            .destinations(&subject, &view, &tags, &mut unseen)
            .await?;
        let mut side = self.source_side(view, &tags).await?;
        side.differences = difference::against_receipt(&subject, &side.view);
        self.probe_source(&access, &mut side, &mut unseen).await?;
        let (destinations, covered) = match found {
            Destinations::Found {
                destinations,
                covered,
            } => (destinations, covered),
            Destinations::None(why) => {
                let report = report_not_covered(self, (subject, why, side, unseen), started);
                return Ok(Step::Done(Box::new(report)));
            }
        };
        let age = side.view.last_modified.and_then(since);
        let mut reachable = self.reach(&access, destinations);
        let early = early.and_then(|early| match reachable.as_mut_slice() {
            [only] if only.destination.bucket == *early.access.bucket() => {
                only.access = Some(early.access);
                Some(early.view)
            }
            _ => None,
        });
        let underway = Underway {
            destinations: reachable,
            watch: Watch::new(self.wait, covered, age),
            subject,
            access,
            side,
            tags,
            looks: 1,
            started,
            watched: Instant::now(),
            unseen,
            early,
        };
        self.proceed(Box::new(underway)).await
    }

    fn subject(&self, target: Target, access: &ObjectAccess, view: &ObjectView) -> Subject {
        match target {
            Target::Subject(subject) => subject,
            Target::Listed {
                address, key_id, ..
            } => {
                let md5 = self.key().map(|key| *key.md5());
                let region = &self.bucket.region;
                let version_id = access.version_id();
                Subject {
                    key_id,
                    ..Subject::of_view(&address, region, version_id, view, md5)
                }
            }
        }
    }

    /// The source's tags, where anything depends on them.
    async fn tags(&self, access: &ObjectAccess, view: &ObjectView) -> Result<Tags, VerifyError> {
        let rules = self.bucket.configuration().await?.rules();
        let selected = self.bucket.given.is_empty() && rules::any_selects_by_tag(rules);
        if self.level == Level::Status && !selected {
            return Ok(Ok(std::collections::BTreeMap::new()));
        }
        read_tags(access, view, &self.bucket.tag_counting).await
    }

    async fn destinations(
        &self,
        subject: &Subject,
        view: &ObjectView,
        tags: &Tags,
        unseen: &mut Vec<Unseen>,
    ) -> Result<Destinations, VerifyError> {
        if self.bucket.given.is_empty() && view.status.is_none() {
            match view.version_id.as_deref() {
                None => return Ok(Destinations::None(NotCovered::NotVersioned)),
                Some("null") => return Ok(Destinations::None(NotCovered::NullVersion)),
                Some(_) => {}
            }
        }
        let search = Search {
            bucket: self.bucket,
            key: &subject.source.key,
            view,
            tags: tags.as_ref(),
        };
        let found = search.run(unseen).await;
        if view.status != Some(ReplicationStatus::Replica) {
            return found;
        }
        // The buckets that it would be sent on to are those where its original may be.
        match found {
            Ok(found @ Destinations::Found { .. }) => Ok(found),
            Ok(Destinations::None(_)) | Err(_) => Ok(Destinations::None(NotCovered::IsReplica)),
        }
    }

    fn reach(&self, source: &ObjectAccess, destinations: Vec<Destination>) -> Vec<Reachable> {
        destinations
            .into_iter()
            .map(|destination| {
                let access = destination.place.found.as_ref().map(|(region, client)| {
                    self.observer.on(Event::Destination {
                        bucket: destination.bucket.clone(),
                        region: region.clone(),
                    });
                    source.in_bucket(client.clone(), &destination.bucket)
                });
                Reachable {
                    destination,
                    access,
                }
            })
            .collect()
    }

    pub(crate) fn report(
        &self,
        subject: Subject,
        outcome: Outcome,
        source: SourceSide,
        timings: Timings,
        unseen: Vec<Unseen>,
    ) -> Report {
        Report {
            subject,
            outcome,
            asked: self.level,
            source,
            replicas: Vec::new(),
            reasons: Vec::new(),
            timings,
            unseen,
        }
    }
}

fn report_not_covered(
    course: &Course<'_>,
    (subject, why, side, unseen): (Subject, NotCovered, SourceSide, Vec<Unseen>),
    started: Instant,
) -> Report {
    let outcome = if probe::any_answered(&side.probes) {
        Outcome::NotRefused {
            buckets: vec![side.bucket.clone()],
        }
    } else if !side.differences.is_empty() {
        Outcome::Differs(side.differences.clone())
    } else if is_gone(&why) && side.view.status == Some(ReplicationStatus::Completed) {
        Outcome::Unproven {
            reached: None,
            missing: vec![Unseen::Destination],
        }
    } else {
        Outcome::NotCovered { why }
    };
    let timings = Timings {
        looks: 1,
        total: started.elapsed(),
        ..Timings::default()
    };
    course.report(subject, outcome, side, timings, unseen)
}

/// Whether the rule that an object was replicated by may have been removed since.
fn is_gone(why: &NotCovered) -> bool {
    matches!(
        why,
        NotCovered::NoConfiguration | NotCovered::NoRuleMatches { .. }
    )
}

/// Time since an event that another clock recorded; none if the clocks disagree about the order.
pub(crate) fn since(event: jiff::Timestamp) -> Option<Duration> {
    jiff::Timestamp::now().duration_since(event).try_into().ok()
}
