//! The course of a verification: look at the source, find the destinations, wait, look at the
//! replicas, probe, conclude.

use std::collections::BTreeMap;
use std::time::Duration;

use keyferry_key::CustomerKeyHeaders;
use keyferry_transfer::Authenticity;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::access::ObjectAccess;
use crate::answer::Trouble;
use crate::causes::{self, Background, Failing, FailureReason, How};
use crate::conclusion::{self, Evidence};
use crate::destination::{self, Configuration, Destination, Destinations, Search};
use crate::event::{Event, Observer};
use crate::outcome::{NotCovered, Outcome};
use crate::regions::{Regions, client_of, replicas_of};
use crate::replica::{self, Original, Scrutiny};
use crate::report::{Finding, ReplicaSide, Report, SourceSide, Timings, Unseen};
use crate::watch::{Settled, Watch};
use crate::{ObjectView, Refusal, ReplicationStatus, Verification, VerifyError, difference, probe};

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
    let course = Course {
        regions,
        headers: verification.key.headers(),
        verification,
        observer,
        started: Instant::now(),
    };
    cancel
        .run_until_cancelled(course.run())
        .await
        .unwrap_or(Err(VerifyError::Interrupted))
}

/// One verification under way.
pub(crate) struct Course<'a> {
    pub(crate) regions: &'a dyn Regions,
    pub(crate) verification: Verification<'a>,
    pub(crate) headers: CustomerKeyHeaders,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) started: Instant,
}

/// A destination and the replica in it; no access where the bucket does not exist.
struct Reachable {
    destination: Destination,
    access: Option<ObjectAccess>,
}

/// The time that the last look at a replica is given, however near the deadline is.
const SHORTEST_LOOK: Duration = Duration::from_secs(5);

type Tags = Result<BTreeMap<String, String>, Refusal>;

impl Course<'_> {
    async fn run(self) -> Result<Report, VerifyError> {
        let subject = self.verification.subject;
        self.check_key()?;
        let client = client_of(self.regions, &subject.region)?;
        let mut access = ObjectAccess::new(client, &subject.source, subject.version_id.as_deref());
        let view = match self.first_look(&access).await? {
            Ok(view) => view,
            Err(open) => return Ok(self.report_open_source(*open)),
        };
        if access.version_id().is_none() {
            access.pin(view.version_id.clone());
        }
        self.observer.on(Event::SourceSeen {
            status: view.status.clone(),
        });
        let tags = replica::read_tags(&access).await?;
        let configuration =
            destination::read_configuration(access.client(), access.bucket()).await?;
        let mut unseen = Vec::new();
        if subject.receipt == Some(Authenticity::Unsealed) {
            unseen.push(Unseen::ReceiptSeal);
        }
        let found = self
            .destinations(&access, &view, &tags, &configuration, &mut unseen)
            .await?;
        let mut side = self.source_side(view, &tags, &configuration);
        side.differences = difference::against_receipt(subject, &side.view);
        self.probe_source(&access, &mut side, &mut unseen).await?;
        let (destinations, covered) = match found {
            Destinations::Found {
                destinations,
                covered,
            } => (self.reach(&access, destinations)?, covered),
            Destinations::None(why) => return Ok(self.report_not_covered(why, side, unseen)),
        };
        // A bucket that the caller names is looked into even where S3 gives no status.
        let covered = covered && self.verification.replica.is_none();
        let (settled, mut timings) = self.settle(&access, &mut side, covered).await?;
        let original = Original {
            subject,
            access: &access,
            view: &side.view,
            tags: &tags,
        };
        let mut replicas = Vec::new();
        for reachable in &destinations {
            let mut found = self.replica(&original, reachable, &settled).await?;
            found.endpoint = self.endpoint_elsewhere(&reachable.destination);
            replicas.push(found);
        }
        if settled == Settled::Silent {
            timings.waited = self.started.elapsed();
        }
        let how = match settled {
            Settled::Failed => Some(How::Failed),
            Settled::Pending => Some(How::Pending),
            Settled::OlderThanRule => Some(How::NotTaken),
            _ => None,
        };
        let reasons = match how {
            Some(how) => {
                self.reasons(&access, &side, &destinations, &replicas, how, &mut unseen)
                    .await
            }
            None => Vec::new(),
        };
        side.key_echoed = access.key_echoed();
        let outcome = conclusion::draw(Evidence {
            asked: self.verification.level,
            settled: &settled,
            waited: timings.waited,
            reasons: reasons.clone(),
            source: &side,
            replicas: &replicas,
            probed: self.verification.probe,
            unseen: &unseen,
        });
        let mut report = self.report(outcome, side, replicas, timings, unseen);
        if report.may_have_reasons() {
            report.reasons = reasons;
        }
        Ok(report)
    }

    fn check_key(&self) -> Result<(), VerifyError> {
        let subject = self.verification.subject;
        if subject.key_md5 == *self.headers.md5() {
            Ok(())
        } else {
            Err(VerifyError::WrongKey {
                address: subject.source.clone(),
                given: *self.headers.md5(),
                expected: Some(subject.key_md5),
            })
        }
    }

    async fn destinations(
        &self,
        access: &ObjectAccess,
        view: &ObjectView,
        tags: &Tags,
        configuration: &Configuration,
        unseen: &mut Vec<Unseen>,
    ) -> Result<Destinations, VerifyError> {
        let given = self.verification.replica.as_ref();
        if given.is_none() && view.status == Some(ReplicationStatus::Replica) {
            return Ok(Destinations::None(NotCovered::IsReplica));
        }
        if given.is_none() && view.version_id.is_none() {
            return Ok(Destinations::None(NotCovered::NotVersioned));
        }
        let subject = self.verification.subject;
        let search = Search {
            regions: self.regions,
            source_region: &subject.region,
            source: access,
            key: &subject.source.key,
            view,
            tags: tags.as_ref(),
            configuration,
            given,
        };
        search.run(unseen).await
    }

    fn reach(
        &self,
        source: &ObjectAccess,
        destinations: Vec<Destination>,
    ) -> Result<Vec<Reachable>, VerifyError> {
        destinations
            .into_iter()
            .map(|destination| {
                let access = match &destination.region {
                    Some(region) => {
                        self.observer.on(Event::Destination {
                            bucket: destination.bucket.clone(),
                            region: region.clone(),
                        });
                        let client = client_of(replicas_of(self.regions), region)?;
                        Some(source.in_bucket(client, &destination.bucket))
                    }
                    None => None,
                };
                Ok(Reachable {
                    destination,
                    access,
                })
            })
            .collect()
    }

    /// Looks at one replica, as closely as the state of replication makes sense.
    async fn replica(
        &self,
        original: &Original<'_>,
        reachable: &Reachable,
        settled: &Settled,
    ) -> Result<ReplicaSide, VerifyError> {
        let destination = &reachable.destination;
        let Some(access) = &reachable.access else {
            return Ok(ReplicaSide {
                finding: Finding::NoBucket,
                ..replica::unseen_side(destination)
            });
        };
        let full = Scrutiny {
            level: self.verification.level,
            probe: self.verification.probe,
        };
        let look = async |scrutiny| {
            let (key, observer) = (&self.headers, self.observer);
            replica::examine(original, destination, access, key, scrutiny, observer).await
        };
        match settled {
            Settled::Completed => look(full).await,
            Settled::Silent => match self.await_replica(access).await {
                Ok(()) => look(full).await,
                Err(detail) => Ok(ReplicaSide {
                    finding: Finding::Unreachable { detail },
                    ..replica::unseen_side(destination)
                }),
            },
            Settled::Replica => Ok(replica::unseen_side(destination)),
            // Trouble on this side must not hide what the source says.
            Settled::Pending | Settled::Failed | Settled::OlderThanRule => {
                Ok(look(Scrutiny::glance())
                    .await
                    .unwrap_or_else(|_| replica::unseen_side(destination)))
            }
        }
    }

    /// Where a replica is, if not with the source's server.
    fn endpoint_elsewhere(&self, destination: &Destination) -> Option<String> {
        let elsewhere = self.regions.replica_side()?;
        elsewhere.endpoint(destination.region.as_ref()?)
    }

    /// Waits for the replica itself, where the server gives no status. The error is what kept its
    /// server from answering until the deadline: a region that is down may be back before then.
    async fn await_replica(&self, access: &ObjectAccess) -> Result<(), String> {
        let wait = self.verification.wait;
        let mut watch = Watch::new(wait, false, None);
        loop {
            let look = access.head(Some(&self.headers));
            let left = wait.saturating_sub(self.started.elapsed());
            let answer = match tokio::time::timeout(left.max(SHORTEST_LOOK), look).await {
                Ok(answer) => answer,
                Err(_) => Err(Trouble::Unreachable("it does not answer".to_owned())),
            };
            let trouble = match answer {
                Err(Trouble::Refused(refusal)) if refusal.is_absence() => None,
                Err(Trouble::Unreachable(detail)) => Some(detail),
                Ok(_) | Err(_) => return Ok(()),
            };
            let elapsed = self.started.elapsed();
            let Some(next) = watch.delay(elapsed, rand::random()) else {
                return trouble.map_or(Ok(()), Err);
            };
            self.observer.on(Event::Waiting {
                status: None,
                elapsed,
                next,
            });
            tokio::time::sleep(next).await;
        }
    }

    /// Why replication failed. With several destinations, those that have their replica did not.
    async fn reasons(
        &self,
        access: &ObjectAccess,
        side: &SourceSide,
        destinations: &[Reachable],
        replicas: &[ReplicaSide],
        how: How,
        unseen: &mut Vec<Unseen>,
    ) -> Vec<FailureReason> {
        let without_replica: Vec<_> = destinations
            .iter()
            .zip(replicas)
            .filter(|(_, replica)| replica.view.is_none())
            .map(|(reachable, _)| {
                let client = reachable.access.as_ref().map(ObjectAccess::client);
                (&reachable.destination, client)
            })
            .collect();
        let subject = self.verification.subject;
        let background = Background::new(
            self.regions,
            &side.bucket,
            &side.region,
            self.verification.replica.clone(),
        );
        let failing = Failing {
            source: access.client(),
            key: &subject.source.key,
            view: &side.view,
            role: side.replication_role.as_deref(),
            destinations: &without_replica,
            how,
        };
        causes::gather(&background, &failing, unseen).await
    }

    fn report_not_covered(&self, why: NotCovered, side: SourceSide, unseen: Vec<Unseen>) -> Report {
        let outcome = if probe::any_answered(&side.probes) {
            Outcome::NotRefused {
                buckets: vec![side.bucket.clone()],
            }
        } else {
            Outcome::NotCovered { why }
        };
        let timings = Timings {
            looks: 1,
            ..Timings::default()
        };
        self.report(outcome, side, Vec::new(), timings, unseen)
    }

    pub(crate) fn report(
        &self,
        outcome: Outcome,
        source: SourceSide,
        replicas: Vec<ReplicaSide>,
        timings: Timings,
        unseen: Vec<Unseen>,
    ) -> Report {
        Report {
            subject: self.verification.subject.clone(),
            outcome,
            asked: self.verification.level,
            source,
            replicas,
            reasons: Vec::new(),
            timings: Timings {
                total: self.started.elapsed(),
                ..timings
            },
            unseen,
        }
    }

    /// Time since an event that another clock recorded; none if the clocks disagree about the order.
    pub(crate) fn since(&self, event: jiff::Timestamp) -> Option<Duration> {
        jiff::Timestamp::now().duration_since(event).try_into().ok()
    }
}
