//! A verification whose source was seen: from one look to the next, until there is a result.

use std::time::Duration;

use tokio::time::Instant;

use crate::access::ObjectAccess;
use crate::answer::Trouble;
use crate::causes::{self, Failing, FailureReason, How};
use crate::conclusion::{self, Evidence};
use crate::destination::Destination;
use crate::event::Event;
use crate::replica::{self, Original, Replica, Scrutiny};
use crate::report::{Finding, ReplicaSide, Report, SourceSide, Timings, Unseen};
use crate::tagging::Tags;
use crate::verify::{Course, Step, since};
use crate::watch::{Next, Settled, Watch};
use crate::{ObjectView, Subject, VerifyError};

/// How long a look at a replica's server may take when the deadline is near or over.
const SHORTEST_LOOK: Duration = Duration::from_secs(5);

/// What is known so far.
pub(crate) struct Underway {
    pub(crate) subject: Subject,
    pub(crate) access: ObjectAccess,
    pub(crate) side: SourceSide,
    pub(crate) tags: Tags,
    pub(crate) destinations: Vec<Reachable>,
    pub(crate) watch: Watch,
    /// Looks at the source so far.
    pub(crate) looks: u32,
    /// When the object was first turned to.
    pub(crate) started: Instant,
    /// When waiting began.
    pub(crate) watched: Instant,
    pub(crate) unseen: Vec<Unseen>,
    /// The only replica, if it showed while the source was looked at.
    pub(crate) early: Option<Box<ObjectView>>,
}

/// A destination and the replica in it; no access where the bucket does not exist.
pub(crate) struct Reachable {
    pub(crate) destination: Destination,
    pub(crate) access: Option<ObjectAccess>,
}

type Head = Option<Result<ObjectView, Trouble>>;

impl Underway {
    /// Lets the time run out: the next look is the last.
    pub(crate) fn give_up_waiting(&mut self) {
        self.watch.give_up();
    }
}

impl Course<'_> {
    /// Looks at the source again.
    pub(crate) async fn look_again(
        &self,
        mut underway: Box<Underway>,
    ) -> Result<Step, VerifyError> {
        let looked = self
            .look(&underway.access, &underway.subject.source)
            .await?;
        underway.side.view = looked.map_err(|refusal| {
            underway
                .access
                .error("HeadObject", Trouble::Refused(refusal))
        })?;
        underway.looks += 1;
        underway.early = None;
        self.proceed(underway).await
    }

    /// Goes on after a look.
    pub(crate) async fn proceed(&self, mut underway: Box<Underway>) -> Result<Step, VerifyError> {
        let elapsed = underway.watched.elapsed();
        let status = underway.side.view.status.clone();
        let next = underway
            .watch
            .next(status.as_ref(), elapsed, rand::random());
        let settled = match next {
            Next::Stop(settled) => settled,
            Next::LookAfter(next) => {
                self.observer.on(Event::Waiting {
                    status,
                    elapsed,
                    next,
                });
                return Ok(Step::Again(underway, next));
            }
        };
        let heads = self.replica_heads(&mut underway, &settled).await;
        // Without a status, the replica itself must show.
        if settled == Settled::Silent
            && heads.iter().flatten().any(may_come)
            && let Some(next) = underway.watch.delay(elapsed, rand::random())
        {
            self.observer.on(Event::Waiting {
                status,
                elapsed,
                next,
            });
            return Ok(Step::Again(underway, next));
        }
        self.observer.on(Event::Settled { status, elapsed });
        let report = self.conclude(*underway, &settled, heads).await?;
        Ok(Step::Done(Box::new(report)))
    }

    /// What the replicas answer to HEAD, as far as the state of replication makes that worth asking.
    async fn replica_heads(&self, underway: &mut Underway, settled: &Settled) -> Vec<Head> {
        let mut heads = Vec::with_capacity(underway.destinations.len());
        let left = self.wait.saturating_sub(underway.watched.elapsed());
        for reachable in &underway.destinations {
            heads.push(match (&reachable.access, underway.early.take()) {
                (None, _) => None,
                (Some(_), Some(view)) => Some(Ok(*view)),
                // A region that is down may be back before the deadline.
                (Some(access), None) if *settled == Settled::Silent => {
                    let head = access.head(self.key());
                    let answer = tokio::time::timeout(left.max(SHORTEST_LOOK), head).await;
                    Some(answer.unwrap_or_else(|_| {
                        Err(Trouble::Unreachable("it does not answer".to_owned()))
                    }))
                }
                (Some(access), None) => Some(access.head(self.key()).await),
            });
        }
        heads
    }

    async fn conclude(
        &self,
        underway: Underway,
        settled: &Settled,
        heads: Vec<Head>,
    ) -> Result<Report, VerifyError> {
        let Underway {
            subject,
            access,
            mut side,
            tags,
            destinations,
            looks,
            started,
            watched,
            mut unseen,
            ..
        } = underway;
        let waited = watched.elapsed();
        let original = Original {
            subject: &subject,
            access: &access,
            view: &side.view,
            tags: &tags,
        };
        let mut replicas = Vec::with_capacity(destinations.len());
        for (reachable, head) in destinations.iter().zip(heads) {
            let mut found = self.replica(&original, reachable, head, settled).await?;
            found.endpoint = reachable.destination.place.endpoint.clone();
            replicas.push(found);
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
        // Only a change that was witnessed says when it came.
        let witnessed = looks > 1 && matches!(settled, Settled::Completed | Settled::Silent);
        let timings = Timings {
            waited,
            looks,
            status_latency: subject
                .uploaded
                .filter(|_| witnessed && replicas.iter().all(|replica| replica.view.is_some()))
                .and_then(since),
            total: started.elapsed(),
        };
        side.key_echoed = access.key_echoed();
        let outcome = conclusion::draw(Evidence {
            asked: self.level,
            settled,
            waited,
            reasons: reasons.clone(),
            source: &side,
            replicas: &replicas,
            probed: self.probe,
            unseen: &unseen,
        });
        let mut report = Report {
            replicas,
            ..self.report(subject, outcome, side, timings, unseen)
        };
        if report.may_have_reasons() {
            report.reasons = reasons;
        }
        Ok(report)
    }

    /// Looks at one replica, as closely as the state of replication makes sense.
    async fn replica(
        &self,
        original: &Original<'_>,
        reachable: &Reachable,
        head: Head,
        settled: &Settled,
    ) -> Result<ReplicaSide, VerifyError> {
        let destination = &reachable.destination;
        let Some(access) = &reachable.access else {
            return Ok(ReplicaSide {
                finding: Finding::NoBucket,
                ..replica::unseen_side(destination)
            });
        };
        let Some(head) = head else {
            return Ok(replica::unseen_side(destination));
        };
        if let (Settled::Silent, Err(Trouble::Unreachable(detail))) = (settled, &head) {
            return Ok(ReplicaSide {
                finding: Finding::Unreachable {
                    detail: detail.clone(),
                },
                ..replica::unseen_side(destination)
            });
        }
        let full = Scrutiny {
            level: self.level,
            read: self.read,
            probe: self.probe,
        };
        let is_over = matches!(settled, Settled::Completed | Settled::Silent);
        let scrutiny = match is_over {
            true => full,
            false => Scrutiny::glance(),
        };
        let replica = Replica {
            destination,
            access,
            tag_counting: &destination.place.tag_counting,
            head,
        };
        let (key, observer) = (self.key(), self.observer);
        let looked = replica::examine(original, replica, key, scrutiny, observer).await;
        match is_over {
            true => looked,
            // Trouble on this side must not hide what the source says.
            false => Ok(looked.unwrap_or_else(|_| replica::unseen_side(destination))),
        }
    }

    /// Why replication failed, or does not happen. With several destinations, those that have their replica did not.
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
        let failing = Failing {
            source: access.client(),
            key: access.key(),
            view: &side.view,
            role: side.replication_role.as_deref(),
            destinations: &without_replica,
            how,
        };
        Box::pin(causes::gather(&self.bucket.background, &failing, unseen)).await
    }
}

/// Whether an answer leaves room for a replica that comes later.
fn may_come(head: &Result<ObjectView, Trouble>) -> bool {
    match head {
        Err(Trouble::Refused(refusal)) => refusal.is_absence(),
        Err(Trouble::Unreachable(_)) => true,
        Ok(_) => false,
    }
}
