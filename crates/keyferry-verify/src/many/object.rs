//! One item of a run, from its first look to its result.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use keyferry_transfer::{ObjectAddress, Receipt};

use super::checked::{Checked, CheckedResult, Extra};
use super::context::Context;
use super::extra;
use super::first_look::Opened;
use super::item::Item;
use super::marker::{self, WaitingMarker};
use super::opener::Opening;
use crate::access::ObjectAccess;
use crate::bucket::Bucket;
use crate::outcome::{NotCovered, Outcome};
use crate::underway::Underway;
use crate::verify::{Course, Step, Target, check_key};
use crate::{ReplicationStatus, Report, Subject, VerifyError};

/// Something that waits for its replication.
pub(super) enum Parked<'a> {
    Object(Box<WaitingObject<'a>>),
    Marker(Box<WaitingMarker<'a>>),
}

/// An object that waits for its replication.
pub(super) struct WaitingObject<'a> {
    begun: Begun<'a>,
    underway: Box<Underway>,
}

/// An object that was turned to.
pub(super) struct Begun<'a> {
    pub(super) bucket: Arc<Bucket<'a>>,
    pub(super) opening: Opening,
    probe: bool,
    /// Whether the other way was looked at already, or is not to be.
    one_way: bool,
}

/// What work on an item came to.
pub(super) enum Worked<'a> {
    /// A result; none where there is nothing to say.
    Done(Option<Checked>),
    /// Look again, after so long.
    Again(Parked<'a>, Duration),
}

impl Parked<'_> {
    /// Lets the time run out.
    pub(super) fn give_up_waiting(&mut self) {
        match self {
            Self::Object(object) => object.underway.give_up_waiting(),
            Self::Marker(marker) => marker.give_up_waiting(),
        }
    }
}

/// Turns to an item. An error ends the run; what is wrong with the item is a result.
pub(super) async fn begin<'a>(
    context: Arc<Context<'a>>,
    item: Item,
) -> Result<Worked<'a>, VerifyError> {
    let (address, version_id) = named(&context, &item)?;
    let worked = match item {
        Item::Version { .. } => listed_version(&context, &address, version_id.as_deref()).await,
        Item::Receipt { receipt } => of_receipt(&context, &receipt).await,
        Item::Subject { subject } => of_subject(&context, *subject).await,
        Item::Marker {
            of,
            made,
            shown_in,
            is_latest,
            ..
        } => {
            let marker = marker::Listed {
                address: address.clone(),
                version_id: version_id.clone(),
                is_latest,
                made,
                shown_in,
            };
            marker::begin(&context, of.as_ref(), marker).await
        }
        Item::Extra {
            bucket,
            is_delete_marker,
            is_latest,
            size,
            made,
            ..
        } => {
            let found = Extra {
                is_delete_marker,
                is_latest,
                size,
                status: None,
            };
            extra::look(
                &context,
                &bucket,
                (&address.key, version_id.clone()),
                found,
                made,
            )
            .await
        }
    };
    or_failed(worked, address, version_id)
}

/// What is wrong with one object is its result; what is wrong with all of them is said once.
fn or_failed<'a>(
    worked: Result<Worked<'a>, VerifyError>,
    address: ObjectAddress,
    version_id: Option<String>,
) -> Result<Worked<'a>, VerifyError> {
    match worked {
        Err(error) if !error.is_of_all() => Ok(failed(address, version_id, error)),
        worked => worked,
    }
}

/// Looks again. An error ends the run.
pub(super) async fn go_on<'a>(
    context: Arc<Context<'a>>,
    parked: Parked<'a>,
) -> Result<Worked<'a>, VerifyError> {
    match parked {
        Parked::Marker(marker) => Ok(marker::look(&context, *marker).await),
        Parked::Object(object) => {
            let WaitingObject { begun, underway } = *object;
            let subject = &underway.subject;
            let (address, version_id) = (subject.source.clone(), subject.version_id.clone());
            let course = begun.course(&context);
            let looked = course.look_again(underway).await;
            let worked = match looked {
                Ok(step) => begun.stepped(&context, step).await,
                Err(VerifyError::SourceMissing { .. }) => Ok(gone(&address, version_id.as_deref())),
                Err(error) => Err(error),
            };
            or_failed(worked, address, version_id)
        }
    }
}

/// What an item is about.
fn named(
    context: &Context<'_>,
    item: &Item,
) -> Result<(ObjectAddress, Option<String>), VerifyError> {
    Ok(match item {
        Item::Receipt { receipt } => (receipt.source.clone(), receipt.version_id.clone()),
        Item::Subject { subject } => (subject.source.clone(), subject.version_id.clone()),
        Item::Version { key, version_id }
        | Item::Marker {
            of: None,
            key,
            version_id,
            ..
        } => {
            let (bucket, _) = context.listed_bucket()?;
            let address = ObjectAddress {
                bucket: bucket.clone(),
                key: key.clone(),
            };
            (address, version_id.clone())
        }
        Item::Marker {
            of: Some(bucket),
            key,
            version_id,
            ..
        }
        | Item::Extra {
            bucket,
            key,
            version_id,
            ..
        } => {
            let address = ObjectAddress {
                bucket: bucket.clone(),
                key: key.clone(),
            };
            (address, version_id.clone())
        }
    })
}

async fn listed_version<'a>(
    context: &Context<'a>,
    address: &ObjectAddress,
    version_id: Option<&str>,
) -> Result<Worked<'a>, VerifyError> {
    let (name, region) = context.listed_bucket()?;
    let bucket = context.source(name, region)?;
    version(context, bucket, address, version_id, false).await
}

/// Verifies a version of which only the name is known.
pub(super) fn version<'c, 'a: 'c>(
    context: &'c Context<'a>,
    bucket: Arc<Bucket<'a>>,
    address: &'c ObjectAddress,
    version_id: Option<&'c str>,
    one_way: bool,
) -> BoxFuture<'c, Result<Worked<'a>, VerifyError>> {
    async move {
        let access = ObjectAccess::new(bucket.client.clone(), address, version_id);
        let mut begun = Begun {
            opening: context.opener.likely(address, version_id),
            bucket,
            probe: false,
            one_way,
        };
        let looked = match begun.open(context, &access, address).await? {
            Opened::Looked(looked) => looked,
            Opened::Gone => return Ok(gone(address, version_id)),
            Opened::Exposed(report) => return Ok(done(*report)),
        };
        begun.probe = begun.opening.key.is_some() && context.probes(&begun.bucket);
        let target = Target::Listed {
            address: address.clone(),
            key_id: begun.opening.id.clone(),
            seen: Some(looked),
        };
        let step = begun.course(context).begin(access, target).await?;
        begun.stepped(context, step).await
    }
    .boxed()
}

async fn of_receipt<'a>(
    context: &Context<'a>,
    receipt: &Receipt,
) -> Result<Worked<'a>, VerifyError> {
    // Before S3 is asked about what may never have been.
    if context.opener.shows_change(receipt) {
        let report = Report::of_changed_receipt(receipt, context.options.level);
        return Ok(Worked::Done(Some(Checked {
            address: receipt.source.clone(),
            version_id: receipt.version_id.clone(),
            result: CheckedResult::Object(Box::new(report)),
        })));
    }
    let (subject, opening) = context.opener.of_receipt(receipt)?;
    recorded(context, subject, opening).await
}

async fn of_subject<'a>(
    context: &Context<'a>,
    subject: Subject,
) -> Result<Worked<'a>, VerifyError> {
    let opening = context.opener.of_subject(&subject)?;
    recorded(context, subject, opening).await
}

async fn recorded<'a>(
    context: &Context<'a>,
    subject: Subject,
    opening: Opening,
) -> Result<Worked<'a>, VerifyError> {
    check_key(&subject, opening.key.as_deref())?;
    let bucket = context.source(&subject.source.bucket, &subject.region)?;
    let access = ObjectAccess::new(
        bucket.client.clone(),
        &subject.source,
        subject.version_id.as_deref(),
    );
    let begun = Begun {
        probe: opening.key.is_some() && context.probes(&bucket),
        bucket,
        opening,
        one_way: true,
    };
    let step = begun
        .course(context)
        .begin(access, Target::Subject(subject))
        .await?;
    begun.stepped(context, step).await
}

impl<'a> Begun<'a> {
    pub(super) fn course<'c>(&'c self, context: &'c Context<'a>) -> Course<'c>
    where
        'a: 'c,
    {
        let options = &context.options;
        Course {
            bucket: &self.bucket,
            key: self.opening.key.clone(),
            wait: options.wait,
            level: options.level,
            read: options.read,
            probe: self.probe,
            observer: context.observer,
        }
    }

    /// Goes on after a look.
    async fn stepped(self, context: &Context<'a>, step: Step) -> Result<Worked<'a>, VerifyError> {
        let report = match step {
            Step::Done(report) => report,
            Step::Again(underway, after) => {
                let waiting = WaitingObject {
                    begun: self,
                    underway,
                };
                return Ok(Worked::Again(Parked::Object(Box::new(waiting)), after));
            }
        };
        let is_replica = matches!(
            report.outcome,
            Outcome::NotCovered {
                why: NotCovered::IsReplica
            }
        );
        if is_replica && context.options.both_ways && !self.one_way {
            return self.other_way(context, *report).await;
        }
        Ok(done(*report))
    }

    /// Verifies what came by replication from the bucket that it came from.
    async fn other_way(
        &self,
        context: &Context<'a>,
        report: Report,
    ) -> Result<Worked<'a>, VerifyError> {
        let version_id = report.subject.version_id.clone();
        for side in &report.replicas {
            let (Some(region), Some(_)) = (&side.region, &side.view) else {
                continue;
            };
            let origin = context.other_way(&self.bucket, &side.bucket, region)?;
            let address = ObjectAddress {
                bucket: side.bucket.clone(),
                key: report.subject.source.key.clone(),
            };
            return version(context, origin, &address, version_id.as_deref(), true).await;
        }
        if report.replicas.is_empty() {
            return Ok(done(report));
        }
        // What replication made is left, and what it was made of is not there.
        let size = report.subject.size;
        Ok(Worked::Done(Some(Checked {
            address: report.subject.source,
            version_id,
            result: CheckedResult::Extra(Extra {
                is_delete_marker: false,
                is_latest: true,
                size,
                status: Some(ReplicationStatus::Replica),
            }),
        })))
    }
}

fn failed<'a>(
    address: ObjectAddress,
    version_id: Option<String>,
    error: VerifyError,
) -> Worked<'a> {
    Worked::Done(Some(Checked {
        address,
        version_id,
        result: CheckedResult::Error(error),
    }))
}

pub(super) fn gone<'a>(address: &ObjectAddress, version_id: Option<&str>) -> Worked<'a> {
    Worked::Done(Some(Checked {
        address: address.clone(),
        version_id: version_id.map(str::to_owned),
        result: CheckedResult::Gone,
    }))
}

fn done<'a>(report: Report) -> Worked<'a> {
    Worked::Done(Some(Checked {
        address: report.subject.source.clone(),
        version_id: report.subject.version_id.clone(),
        result: CheckedResult::Object(Box::new(report)),
    }))
}
