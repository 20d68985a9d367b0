//! Sending one object.
//!
//! Below a threshold the object goes in a single PUT, above it in parts, several in flight. Each part
//! carries its own CRC64NVME and the whole the combined one, which S3 computes as well and refuses
//! the upload if they differ (S3-XFER-7). Bodies are not signed (S3-XFER-13): TLS and the checksum
//! protect them, and SHA-256 signing would double the CPU time. The key goes with every request but
//! an abort (S3-XFER-2).

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use aws_sdk_s3::Client;
use futures::future::BoxFuture;
use jiff::Timestamp;
use keyferry_key::{CustomerKey, CustomerKeyHeaders, KeyId};
use keyferry_policy::Region;
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use crate::{
    Checksum, Engine, Event, NoKeyTag, ObjectAddress, Observer, Overwrite, PartLayout, PartPlan,
    PartSize, Receipt, ResumePlace, TransferError,
};

pub(crate) mod blocked;
mod body;
mod existing;
mod headers;
mod key_tag_denied;
mod labels;
mod lost_tags;
mod meter;
mod multipart;
mod part;
mod reading;
mod request;
mod resuming;
mod single;
mod source;
pub(crate) mod trial;
mod unfinished;

pub use headers::ContentHeaders;
use labels::Labels;
use meter::Meter;
use reading::{Content, PassSettings};
use resuming::Cut;
use source::Source;
use unfinished::{Unfinished, Wanted};

/// What to upload.
pub enum UploadSource {
    /// A file. It is watched: one that changes while it is read is not stored. Pipes and devices
    /// are read as streams.
    File(PathBuf),
    /// A stream of unknown length, such as standard input.
    Reader(Box<dyn AsyncRead + Send + Unpin>),
}

impl fmt::Debug for UploadSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
            Self::Reader(_) => formatter.write_str("Reader(..)"),
        }
    }
}

/// One upload.
#[derive(Debug)]
pub struct Upload {
    /// The content.
    pub source: UploadSource,
    /// Where it goes.
    pub destination: ObjectAddress,
    /// Region of the destination bucket, for the receipt.
    pub region: Region,
    /// The key to encrypt under.
    pub key: CustomerKey,
    /// The key's id; it becomes the object tag [`KEY_TAG`](crate::KEY_TAG).
    pub key_id: Option<KeyId>,
    /// Media type; by the names of file and object where it is not given.
    pub content_type: Option<String>,
    /// Other headers of the content, and its storage class.
    pub headers: ContentHeaders,
    /// User metadata, without the `x-amz-meta-` prefix. Names become lower-case.
    pub metadata: BTreeMap<String, String>,
    /// Object tags beside the key's. With ten of them there is no room for that one, and the object
    /// is stored without: see [`Event::KeyTagLeftOut`].
    pub tags: BTreeMap<String, String>,
    /// Size of the parts; chosen by the object's size where it is not given.
    pub part_size: Option<PartSize>,
    /// Files of this many bytes and more are sent in parts; by default, those of a whole part and
    /// more. Streams are always sent in parts unless they end within the first one.
    pub multipart_threshold: Option<u64>,
    /// Expected length of a stream, from which the part size is chosen.
    pub expected_size: Option<u64>,
    /// How many parts are in flight at most; fewer are where the engine's memory or the pace that
    /// the server can take do not allow more.
    pub concurrency: NonZeroUsize,
    /// Where an upload of a file in parts is remembered, so that it can be continued when it breaks
    /// off. Without, nothing is kept, and a stream cannot be continued in any case.
    pub resume: Option<ResumePlace>,
    /// Whether the SHA-256 of the content is computed for the receipt. It costs as much CPU time as
    /// TLS does. Off by default.
    pub sha256: bool,
    /// What happens to an object that exists under this name and, in a versioned bucket, would
    /// become an older version. [`Overwrite::Always`] by default.
    ///
    /// [`Overwrite::Never`] asks before anything is sent, and then as `if_none_match` does.
    pub overwrite: Overwrite,
    /// Makes the server store the object only if none has its name, however many try at once.
    /// Off by default.
    pub if_none_match: bool,
    /// What it shares with the other transfers of the run; an engine of its own by default.
    pub engine: Engine,
}

/// What an upload came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// Proof of what is stored.
    pub receipt: Receipt,
    /// Whether the object was the same already, and nothing was sent: see
    /// [`Overwrite::IfDifferent`]. The receipt is then of that object.
    pub unchanged: bool,
}

impl Upload {
    /// How many parts are in flight where nothing else is asked for.
    pub const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(8).unwrap();

    /// An upload with defaults for everything not given.
    #[must_use]
    pub fn new(
        source: UploadSource,
        destination: ObjectAddress,
        region: Region,
        key: CustomerKey,
    ) -> Self {
        Self {
            source,
            destination,
            region,
            key,
            key_id: None,
            content_type: None,
            headers: ContentHeaders::default(),
            metadata: BTreeMap::new(),
            tags: BTreeMap::new(),
            part_size: None,
            multipart_threshold: None,
            expected_size: None,
            concurrency: Self::DEFAULT_CONCURRENCY,
            resume: None,
            sha256: false,
            overwrite: Overwrite::Always,
            if_none_match: false,
            engine: Engine::default(),
        }
    }
}

/// What every request of one upload needs.
struct Sending<'a> {
    client: &'a Client,
    destination: &'a ObjectAddress,
    key: CustomerKeyHeaders,
    labels: Labels,
    meter: Meter,
    /// Whether the object is to be stored only where none has its name.
    if_none_match: bool,
    engine: &'a Engine,
    concurrency: usize,
    events: &'a dyn Observer,
    cancel: &'a CancellationToken,
}

/// What S3 made of an upload.
struct Stored {
    version_id: Option<String>,
    etag: String,
    parts: Option<PartLayout>,
    content: Content,
    /// Whether it was stored without the key's tag because tags were refused.
    tag_denied: bool,
}

/// Uploads one object under a customer key.
///
/// On any failure, and when `cancel` is cancelled, a multipart upload that was begun is aborted.
/// A single PUT that was interrupted may have been stored.
///
/// With [`Upload::resume`], an upload in parts that was cancelled, or that trouble on the way or with
/// credentials stopped, is kept and remembered: [`TransferError::Resumable`]. Parts in flight get a
/// few seconds to arrive.
///
/// Where the credentials may store objects but not tag them, the object is stored without the tag
/// that names its key, and [`Event::KeyTagLeftOut`] says so.
///
/// # Errors
/// See [`TransferError`]. [`TransferError::SseCNotConfirmed`] means that the server may hold
/// plaintext; [`TransferError::LeftBehind`] that the parts sent could not be removed.
pub fn upload<'a>(
    client: &'a Client,
    upload: Upload,
    events: &'a dyn Observer,
    cancel: CancellationToken,
) -> BoxFuture<'a, Result<Uploaded, TransferError>> {
    // In a box, so that it is compiled here, optimised as this crate is, and not where it is awaited.
    Box::pin(run(client, upload, events, cancel))
}

async fn run(
    client: &Client,
    upload: Upload,
    events: &dyn Observer,
    cancel: CancellationToken,
) -> Result<Uploaded, TransferError> {
    if cancel.is_cancelled() {
        return Err(TransferError::Interrupted);
    }
    let labels = Labels::new(&upload)?;
    let settings = PassSettings {
        // Small files are whole whatever the size of parts.
        part_size: 0,
        sha256: upload.sha256,
        memory: upload.engine.memory().clone(),
    };
    let source = Source::open(upload.source, settings).await?;
    let size = source.size();
    let plan = match size {
        Some(size) => PartPlan::for_size(size, upload.part_size)?,
        None => PartPlan::for_stream(upload.expected_size, upload.part_size)?,
    };
    let threshold = upload
        .multipart_threshold
        .unwrap_or(plan.part_size.bytes())
        .min(crate::MAX_SINGLE_PUT);
    let in_one = size.filter(|size| *size < threshold);
    let sending = Sending {
        client,
        destination: &upload.destination,
        key: upload.key.headers(),
        labels,
        meter: Meter::default(),
        if_none_match: upload.if_none_match || upload.overwrite == Overwrite::Never,
        engine: &upload.engine,
        concurrency: upload.concurrency.get(),
        events,
        cancel: &cancel,
    };
    let cut = Cut {
        in_one,
        part_size: plan.part_size.bytes(),
        concurrency: sending.concurrency,
        sha256: upload.sha256,
    };
    events.on(Event::Started { total: size });
    let unfinished = match (&upload.resume, &source) {
        (Some(place), Source::File(file)) => {
            let wanted = Wanted {
                file,
                destination: &upload.destination,
                key_id: upload.key_id.as_ref(),
                key_md5: upload.key.md5(),
                labels: &sending.labels,
                part_size: plan.part_size,
                any_part_size: upload.part_size.is_none(),
                in_parts: in_one.is_none(),
            };
            Unfinished::open(place, wanted).await?
        }
        _ => None,
    };
    let existing = match upload.overwrite {
        // An object that is there may be what an upload to be continued has become.
        _ if unfinished.as_ref().is_some_and(Unfinished::continues) => Ok(None),
        Overwrite::Always => Ok(None),
        Overwrite::Never => existing::refuse(&sending).await.map(|()| None),
        Overwrite::IfDifferent => existing::same(&sending, source.again(), cut).await,
    };
    let same = match existing {
        Ok(same) => same,
        Err(error) => {
            if let Some(unfinished) = unfinished {
                unfinished.close().await;
            }
            return Err(error);
        }
    };
    let unchanged = same.is_some();
    let (stored, uploaded) = match same {
        None => (send(&sending, source, cut, unfinished).await?, None),
        Some(same) => {
            if let Some(unfinished) = unfinished {
                resuming::leave(&sending, unfinished).await;
            }
            (same.stored, same.last_modified)
        }
    };
    let size = stored.content.size;
    events.on(Event::Finished { bytes: size });
    let receipt = Receipt {
        format: Receipt::FORMAT,
        source: upload.destination,
        region: upload.region,
        version_id: stored.version_id,
        size,
        etag: stored.etag,
        parts: stored.parts,
        checksum: Checksum {
            algorithm: crate::ChecksumAlgorithm::Crc64Nvme.to_string(),
            value: stored.content.crc.to_base64(),
        },
        sha256: stored.content.sha256,
        key_id: upload.key_id,
        key_md5: upload.key.md5(),
        uploaded: uploaded.unwrap_or_else(Timestamp::now),
        seal: None,
    };
    Ok(Uploaded {
        receipt: receipt.sealed(&upload.key),
        unchanged,
    })
}

/// Sends the content, or what an earlier run left of it.
async fn send(
    sending: &Sending<'_>,
    source: Source,
    cut: Cut,
    mut unfinished: Option<Unfinished>,
) -> Result<Stored, TransferError> {
    let cut = Cut {
        part_size: unfinished
            .as_ref()
            .map_or(cut.part_size, Unfinished::part_size),
        ..cut
    };
    let stored = resuming::send(sending, source, cut, unfinished.as_mut()).await;
    if let Some(unfinished) = unfinished {
        unfinished.close().await;
    }
    let stored = stored?;
    if stored.tag_denied || sending.labels.key_tag_left_out {
        let reason = match stored.tag_denied {
            true => NoKeyTag::Denied,
            false => NoKeyTag::Full,
        };
        sending.events.on(Event::KeyTagLeftOut { reason });
    }
    Ok(stored)
}
