//! The source side of a verification: what it shows, that it refuses strangers, and what becomes of
//! its replication status.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::access::{KeyDiagnosis, ObjectAccess};
use crate::answer::Trouble;
use crate::destination::Configuration;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::probe::{self, Presented, Probe, ProbeAnswer, ProbeRequest};
use crate::report::{Report, Side, SourceSide, Timings, Unseen};
use crate::verify::Course;
use crate::watch::{Next, Settled, Watch};
use crate::{ObjectView, Refusal, VerifyError};

impl Course<'_> {
    /// The source with the key. The inner error is a source that opens without it.
    pub(crate) async fn first_look(
        &self,
        access: &ObjectAccess,
    ) -> Result<Result<ObjectView, Box<ObjectView>>, VerifyError> {
        let refusal = match self.look(access).await? {
            Ok(view) => return Ok(Ok(view)),
            Err(refusal) => refusal,
        };
        match access.diagnose(&refusal, &self.headers).await {
            KeyDiagnosis::OpenWithoutKey(view) => Ok(Err(view)),
            KeyDiagnosis::WrongKey => Err(VerifyError::WrongKey {
                address: self.verification.subject.source.clone(),
                given: *self.headers.md5(),
                expected: None,
            }),
            KeyDiagnosis::Forbidden | KeyDiagnosis::Unclear => {
                Err(access.error("HeadObject", Trouble::Refused(refusal)))
            }
        }
    }

    async fn look(
        &self,
        access: &ObjectAccess,
    ) -> Result<Result<ObjectView, Refusal>, VerifyError> {
        match access.head(Some(&self.headers)).await {
            Ok(view) => Ok(Ok(view)),
            Err(Trouble::Refused(refusal)) if refusal.is_absence() => {
                Err(VerifyError::SourceMissing {
                    address: self.verification.subject.source.clone(),
                    version_id: access.version_id().map(str::to_owned),
                })
            }
            Err(Trouble::Refused(refusal)) => Ok(Err(refusal)),
            Err(trouble) => Err(access.error("HeadObject", trouble)),
        }
    }

    /// The report on a source that the key does not open, and that opens without one.
    pub(crate) fn report_open_source(&self, view: ObjectView) -> Report {
        let mut side = self.source_side(view, &Ok(BTreeMap::new()), &Configuration::Absent);
        side.tags = None;
        side.probes.push(Probe {
            side: Side::Source,
            request: ProbeRequest::Head,
            presented: Presented::NoKey,
            answer: ProbeAnswer::Answered,
        });
        let outcome = Outcome::NotRefused {
            buckets: vec![side.bucket.clone()],
        };
        let timings = Timings {
            looks: 1,
            ..Timings::default()
        };
        self.report(outcome, side, Vec::new(), timings, Vec::new())
    }

    pub(crate) fn source_side(
        &self,
        view: ObjectView,
        tags: &Result<BTreeMap<String, String>, Refusal>,
        configuration: &Configuration,
    ) -> SourceSide {
        let subject = self.verification.subject;
        SourceSide {
            bucket: subject.source.bucket.clone(),
            region: subject.region.clone(),
            view,
            tags: tags.as_ref().ok().cloned(),
            probes: Vec::new(),
            differences: Vec::new(),
            replication_role: match configuration {
                Configuration::Read(configuration) => Some(configuration.role().to_owned()),
                Configuration::Absent | Configuration::Refused(_) => None,
            },
            key_echoed: false,
        }
    }

    pub(crate) async fn probe_source(
        &self,
        access: &ObjectAccess,
        side: &mut SourceSide,
        unseen: &mut Vec<Unseen>,
    ) -> Result<(), VerifyError> {
        if !self.verification.probe {
            unseen.push(Unseen::Probes);
            return Ok(());
        }
        self.observer.on(Event::Probing {
            side: Side::Source,
            bucket: side.bucket.clone(),
        });
        side.probes = probe::all(access, Side::Source, side.view.size).await?;
        if probe::any_unclear(&side.probes) {
            unseen.push(Unseen::Probe { side: Side::Source });
        }
        Ok(())
    }

    /// Looks at the source until its status is settled or the deadline has passed.
    pub(crate) async fn settle(
        &self,
        access: &ObjectAccess,
        side: &mut SourceSide,
        covered: bool,
    ) -> Result<(Settled, Timings), VerifyError> {
        let begun = Instant::now();
        let age = side.view.last_modified.and_then(|made| self.since(made));
        let mut watch = Watch::new(self.verification.wait, covered, age);
        let mut looks = 1;
        loop {
            let elapsed = begun.elapsed();
            let status = side.view.status.as_ref();
            match watch.next(status, elapsed, rand::random()) {
                Next::Stop(settled) => {
                    self.observer.on(Event::Settled {
                        status: status.cloned(),
                        elapsed,
                    });
                    // Only a change that was witnessed says when it came.
                    let witnessed = looks > 1 && settled == Settled::Completed;
                    let uploaded = self.verification.subject.uploaded;
                    let timings = Timings {
                        waited: elapsed,
                        looks,
                        status_latency: uploaded
                            .filter(|_| witnessed)
                            .and_then(|uploaded| self.since(uploaded)),
                        ..Timings::default()
                    };
                    return Ok((settled, timings));
                }
                Next::LookAfter(next) => {
                    self.observer.on(Event::Waiting {
                        status: status.cloned(),
                        elapsed,
                        next,
                    });
                    tokio::time::sleep(next).await;
                }
            }
            side.view = self
                .look(access)
                .await?
                .map_err(|refusal| access.error("HeadObject", Trouble::Refused(refusal)))?;
            looks += 1;
        }
    }
}
