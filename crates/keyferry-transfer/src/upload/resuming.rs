//! Sending a file, or what an earlier run did not send of it.
//!
//! An earlier upload is continued with those of its parts that the server lists with the size and the
//! checksum that they have in the file now. An entity tag would prove nothing: under a customer key it
//! is no MD5 (S3-ETAG-1). An upload that is gone was perhaps completed before the answer could be
//! read; then the object is there, with the checksum that the file has.

use super::multipart::{self, There, listed, made};
use super::reading::{Content, PassSettings, Reading};
use super::source::Source;
use super::unfinished::{BegunLine, Earlier, Unfinished};
use super::{Sending, Stored, single};
use crate::{Event, PartLayout, StartedOver, TransferError, abort};

mod unlearned;

/// How the content is cut.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// The size of a content that goes in one piece.
    pub(super) in_one: Option<u64>,
    pub(super) part_size: u64,
    pub(super) concurrency: usize,
    pub(super) sha256: bool,
}

/// An earlier upload, and the parts that it has.
pub(super) struct Continued {
    pub(super) begun: BegunLine,
    pub(super) there: There,
}

/// Sends the content, and what is missing of it where an earlier upload is continued.
pub(super) async fn send(
    sending: &Sending<'_>,
    source: Source,
    cut: Cut,
    mut unfinished: Option<&mut Unfinished>,
) -> Result<Stored, TransferError> {
    let mut continued = None;
    if let Some(unfinished) = unfinished.as_deref_mut()
        && let Some(earlier) = unfinished.earlier.take()
    {
        match look(sending, source.again(), cut, unfinished, earlier).await? {
            Looked::Continue(earlier) => continued = Some(earlier),
            Looked::Stored(stored) => return Ok(*stored),
            Looked::Begin => {}
        }
    }
    let unfinished = unfinished.as_deref();
    if let (Some(earlier), Some(again)) = (continued, source.again()) {
        let error = match send_once(sending, again, cut, unfinished, Some(earlier)).await {
            Err(error) if blames_parts(&error) => error,
            sent => return sent,
        };
        tracing::debug!(%error, "the continued upload was refused");
        start_over(sending, StartedOver::PartsRefused);
        // What was counted counts no more.
        let total = source.size();
        sending.events.on(Event::Started { total });
    }
    send_once(sending, source, cut, unfinished, None).await
}

/// Leaves it at what is there already: an upload that an earlier run began is of no use.
pub(super) async fn leave(sending: &Sending<'_>, mut unfinished: Unfinished) {
    if let Some(Earlier::Fits(begun) | Earlier::Unfit(begun, _)) = unfinished.earlier.take() {
        drop_upload(sending, &begun.upload_id).await;
        unfinished.forget().await;
    }
    unfinished.close().await;
}

async fn send_once(
    sending: &Sending<'_>,
    source: Source,
    cut: Cut,
    unfinished: Option<&Unfinished>,
    continued: Option<Continued>,
) -> Result<Stored, TransferError> {
    let size = source.size();
    let mut reading = cut.read(sending, source);
    let first = sending.cancel.run_until_cancelled(reading.next()).await;
    match first {
        None => Err(interrupted(unfinished, continued.as_ref())),
        Some(None) => Err(reading.failure().await),
        // A stream that ends within its first part needs no others.
        Some(Some(part)) if part.is_whole && (cut.in_one.is_some() || size.is_none()) => {
            single::put(sending, reading, part).await
        }
        Some(Some(part)) => {
            multipart::put(sending, reading, part, cut, unfinished, continued).await
        }
    }
}

fn interrupted(unfinished: Option<&Unfinished>, continued: Option<&Continued>) -> TransferError {
    match (unfinished, continued) {
        (Some(unfinished), Some(_)) => unfinished.resumable(TransferError::Interrupted),
        _ => TransferError::Interrupted,
    }
}

impl Cut {
    pub(super) fn read(self, sending: &Sending<'_>, source: Source) -> Reading {
        // In one piece whatever its size: a large one is read to be summed and again to be sent.
        let part_size = self.in_one.map_or(self.part_size, |size| size.max(1));
        let settings = PassSettings {
            part_size,
            sha256: self.sha256,
            memory: sending.engine.memory().clone(),
        };
        Reading::start(source, settings)
    }
}

/// What an earlier upload is good for.
enum Looked {
    Continue(Continued),
    /// It has become the object already.
    Stored(Box<Stored>),
    Begin,
}

async fn look(
    sending: &Sending<'_>,
    source: Option<Source>,
    cut: Cut,
    unfinished: &Unfinished,
    earlier: Earlier,
) -> Result<Looked, TransferError> {
    let why = match earlier {
        Earlier::Fits(begun) if cut.in_one.is_none() => {
            match listed(sending, &begun.upload_id).await {
                Ok(Some(there)) => {
                    let bytes = there.values().map(|part| part.size).sum();
                    unfinished.add(bytes);
                    sending.events.on(Event::Resuming { there: bytes });
                    return Ok(Looked::Continue(Continued { begun, there }));
                }
                Ok(None) => {}
                // What there is, is still there.
                Err(error) if error.may_pass() => return Err(unfinished.resumable(error)),
                Err(error) => return Err(error),
            }
            if let Some(stored) = completed(sending, source, cut, &begun).await? {
                unfinished.forget().await;
                return Ok(Looked::Stored(Box::new(stored)));
            }
            StartedOver::UploadGone
        }
        Earlier::Fits(begun) => {
            drop_upload(sending, &begun.upload_id).await;
            StartedOver::OtherPartSize
        }
        Earlier::Unfit(begun, why) => {
            drop_upload(sending, &begun.upload_id).await;
            why
        }
        Earlier::Unlearned(intent) => {
            unlearned::clean_up(sending, unfinished, &intent).await;
            unfinished.forget().await;
            return Ok(Looked::Begin);
        }
        Earlier::Unknown(why) => why,
    };
    unfinished.forget().await;
    start_over(sending, why);
    Ok(Looked::Begin)
}

fn start_over(sending: &Sending<'_>, why: StartedOver) {
    sending.events.on(Event::StartedOver { why });
}

/// Aborts an upload that is of no use. That it stays where that is not allowed is no reason not to
/// upload.
async fn drop_upload(sending: &Sending<'_>, upload_id: &str) {
    if let Err(left) = abort::abort(sending.client, sending.destination, upload_id).await {
        tracing::warn!(%left, "an earlier upload stays in the bucket");
    }
}

/// The object, if it is what the earlier upload was to become: of the file's size and checksum, under
/// the key, with the same labels.
async fn completed(
    sending: &Sending<'_>,
    source: Option<Source>,
    cut: Cut,
    begun: &BegunLine,
) -> Result<Option<Stored>, TransferError> {
    let Some((size, source)) = source.and_then(|source| Some((source.size()?, source))) else {
        return Ok(None);
    };
    let Some(made) = made(sending, size).await?.filter(|made| made.has_labels) else {
        return Ok(None);
    };
    let mut reading = cut.read(sending, source);
    let read = async {
        while reading.next().await.is_some() {}
        reading.finish().await
    };
    let content: Content = match sending.cancel.run_until_cancelled(read).await {
        Some(content) => content?,
        None => return Err(TransferError::Interrupted),
    };
    if content.crc.to_base64() != made.crc {
        return Ok(None);
    }
    sending.events.on(Event::AlreadyThere { bytes: size });
    let count = u32::try_from(size.div_ceil(cut.part_size)).unwrap_or(u32::MAX);
    Ok(Some(Stored {
        version_id: made.version_id,
        etag: made.etag,
        parts: Some(PartLayout {
            part_size: cut.part_size,
            count,
        }),
        content,
        tag_denied: begun.key_tag_denied,
    }))
}

/// True when the server takes the parts for others than they should be.
fn blames_parts(error: &TransferError) -> bool {
    match error {
        TransferError::DamagedOnTheWay { .. } => true,
        TransferError::Service { answer, .. } => matches!(
            answer.code.as_deref(),
            Some("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" | "NoSuchUpload")
        ),
        _ => false,
    }
}
