//! The source side of a verification: what it shows, and that it refuses strangers.

use std::time::Duration;

use keyferry_transfer::ObjectAddress;
use tokio::time::Instant;

use crate::access::{KeyDiagnosis, ObjectAccess};
use crate::answer::Trouble;
use crate::destination::Configuration;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::probe::{self, Presented, Probe, ProbeAnswer, ProbeRequest};
use crate::report::{Report, Side, SourceSide, Timings, Unseen};
use crate::tagging::Tags;
use crate::verify::{Course, Early, Looked};
use crate::{ObjectView, Refusal, Subject, VerifyError};

/// What the first look came to.
pub(crate) enum FirstLook {
    /// The source, and the replica if it showed at the same time.
    Seen(Looked),
    /// The source opens without the key, and not with it.
    OpenWithoutKey(Box<ObjectView>),
}

/// How long the first look at a replica may take, which is made beside that at its source.
const EARLY_LOOK: Duration = Duration::from_secs(3);

impl Course<'_> {
    /// The source with the key. The only replica that there can be is looked at meanwhile.
    pub(crate) async fn first_look(
        &self,
        access: &ObjectAccess,
        address: &ObjectAddress,
    ) -> Result<FirstLook, VerifyError> {
        let early = Box::pin(self.early_look(access, address));
        let (looked, early) = tokio::join!(self.look(access, address), early);
        let refusal = match looked? {
            Ok(view) => {
                return Ok(FirstLook::Seen(Looked {
                    source: Box::new(view),
                    replica: early,
                }));
            }
            Err(refusal) => refusal,
        };
        let Some(key) = self.key() else {
            // Only what is under a customer key is refused so to whoever comes without (S3-XFER-4).
            let spoken = match refusal.status {
                400 => access.spoken(refusal, None).await,
                _ => refusal,
            };
            return Err(match spoken.status == 400 && spoken.is_about_a_key() {
                true => VerifyError::NoKey {
                    address: address.clone(),
                    expected: None,
                },
                false => access.error("HeadObject", Trouble::Refused(spoken)),
            });
        };
        match Box::pin(access.diagnose(&refusal, key)).await {
            KeyDiagnosis::OpenWithoutKey(view) => Ok(FirstLook::OpenWithoutKey(view)),
            KeyDiagnosis::WrongKey => Err(VerifyError::WrongKey {
                address: address.clone(),
                given: *key.md5(),
                expected: None,
            }),
            KeyDiagnosis::Forbidden => Err(access.error("HeadObject", Trouble::Refused(refusal))),
            KeyDiagnosis::Unclear(spoken) => {
                Err(access.error("HeadObject", Trouble::Refused(spoken)))
            }
        }
    }

    pub(crate) async fn look(
        &self,
        access: &ObjectAccess,
        address: &ObjectAddress,
    ) -> Result<Result<ObjectView, Refusal>, VerifyError> {
        match access.head(self.key()).await {
            Ok(view) => Ok(Ok(view)),
            Err(Trouble::Refused(refusal)) if refusal.is_absence() => {
                Err(VerifyError::SourceMissing {
                    address: address.clone(),
                    version_id: access.version_id().map(str::to_owned),
                })
            }
            Err(Trouble::Refused(refusal)) => Ok(Err(refusal)),
            Err(trouble) => Err(access.error("HeadObject", trouble)),
        }
    }

    /// The replica of a known version, where there can be only one. Nothing but its being there counts:
    /// what is missing or refused now is asked for again when the source's status is known.
    async fn early_look(&self, source: &ObjectAccess, address: &ObjectAddress) -> Option<Early> {
        source.version_id()?;
        let (bucket, place) = self.bucket.only_place(&address.key).await?;
        let (_, client) = place.found.as_ref()?;
        let access = source.in_bucket(client.clone(), &bucket);
        // A region that is down must not hold up what the source has to say.
        let look = tokio::time::timeout(EARLY_LOOK, access.head(self.key())).await;
        let view = Box::new(look.ok()?.ok()?);
        Some(Early { access, view })
    }

    /// The report on a source that the key does not open, and that opens without one.
    pub(crate) fn report_open_source(
        &self,
        subject: Subject,
        view: ObjectView,
        started: Instant,
    ) -> Report {
        let side = SourceSide {
            probes: vec![Probe {
                side: Side::Source,
                request: ProbeRequest::Head,
                presented: Presented::NoKey,
                answer: ProbeAnswer::Answered,
            }],
            ..self.bare_side(view)
        };
        let outcome = Outcome::NotRefused {
            buckets: vec![side.bucket.clone()],
        };
        let timings = Timings {
            looks: 1,
            total: started.elapsed(),
            ..Timings::default()
        };
        self.report(subject, outcome, side, timings, Vec::new())
    }

    fn bare_side(&self, view: ObjectView) -> SourceSide {
        SourceSide {
            view,
            ..SourceSide::unseen(self.bucket.name.clone(), self.bucket.region.clone())
        }
    }

    pub(crate) async fn source_side(
        &self,
        view: ObjectView,
        tags: &Tags,
    ) -> Result<SourceSide, VerifyError> {
        let configuration = self.bucket.configuration().await?;
        Ok(SourceSide {
            tags: tags.as_ref().ok().cloned(),
            replication_role: match configuration {
                Configuration::Read(configuration) => Some(configuration.role().to_owned()),
                Configuration::Absent | Configuration::Refused(_) => None,
            },
            ..self.bare_side(view)
        })
    }

    pub(crate) async fn probe_source(
        &self,
        access: &ObjectAccess,
        side: &mut SourceSide,
        unseen: &mut Vec<Unseen>,
    ) -> Result<(), VerifyError> {
        if self.key.is_none() {
            // Whoever may read the object needs no key: there is nothing to refuse.
            return Ok(());
        }
        if !self.probe {
            unseen.push(Unseen::Probes);
            return Ok(());
        }
        self.observer.on(Event::Probing {
            side: Side::Source,
            bucket: side.bucket.clone(),
        });
        side.probes = Box::pin(probe::all(access, Side::Source, side.view.size)).await?;
        if probe::any_unclear(&side.probes) {
            unseen.push(Unseen::Probe { side: Side::Source });
        }
        Ok(())
    }
}
