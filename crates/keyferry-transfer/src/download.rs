//! Fetching one object.
//!
//! There is no HEAD before: the first ranged GET tells size, version and entity tag, and all other
//! ranges ask for exactly that object (If-Match and version id, S3-XFER-10). Ranges are fetched side
//! by side, and one that breaks off is continued where it stopped.
//!
//! A file takes its final name only after the object's checksum was verified and the bytes were
//! synced to disk. A stream is written in order while it arrives; its checksum is known only at the
//! end, so an error after the last byte must make the reader discard what it has.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use aws_sdk_s3::Client;
use futures::future::BoxFuture;
use jiff::Timestamp;
use keyferry_key::{CustomerKey, KeyMd5};
use tokio::io::AsyncWrite;
use tokio_util::sync::CancellationToken;

use crate::{
    Checksum, Engine, Event, KeyPath, ObjectAddress, Observer, Overwrite, Resume, TargetFolder,
    TransferError,
};

mod diagnosis;
mod object;
mod opening;
mod partial;
mod range;
mod resuming;
mod target;
mod to_file;
mod to_writer;
mod unchanged;
mod verification;
mod within;

use crate::local::Unnamed;
#[cfg(feature = "benches")]
pub(crate) use to_file::reassemble;

use object::{Fetching, RemoteObject};
use partial::Partial;
use target::Target;

/// Where the content goes.
pub enum DownloadTarget {
    /// A file. Its folder must exist.
    File(PathBuf),
    /// A file in a folder with others. Folders on the way to it are made.
    Within {
        /// The folder.
        folder: Arc<TargetFolder>,
        /// Where in it.
        path: KeyPath,
        /// Size of the object, as listed. Those of one range are written and named together with others,
        /// and only larger ones can be continued.
        size: u64,
    },
    /// A stream, such as standard output; written in order.
    Writer(Box<dyn AsyncWrite + Send + Unpin>),
}

impl fmt::Debug for DownloadTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
            Self::Within { folder, path, .. } => formatter
                .debug_struct("Within")
                .field("folder", folder)
                .field("path", path)
                .finish(),
            Self::Writer(_) => formatter.write_str("Writer(..)"),
        }
    }
}

/// One download.
#[derive(Debug)]
pub struct Download {
    /// The object.
    pub source: ObjectAddress,
    /// The version; the current one where it is not given.
    pub version_id: Option<String>,
    /// The key it is encrypted under.
    pub key: CustomerKey,
    /// Where the content goes.
    pub destination: DownloadTarget,
    /// What happens to a file that exists. A stream does not care.
    pub overwrite: Overwrite,
    /// Bytes of one range.
    pub range_size: NonZeroU64,
    /// How many ranges are in flight at most. A stream holds as many in memory.
    pub concurrency: NonZeroUsize,
    /// Whether a download to a file that breaks off leaves what it has, beside its target, and what
    /// becomes of what an earlier one left. Without, nothing is left. Objects of one range are not
    /// worth it.
    pub resume: Option<Resume>,
    /// What it shares with the other transfers of the run; an engine of its own by default.
    pub engine: Engine,
}

impl Download {
    /// Bytes of one range where nothing else is asked for: 8 MiB.
    pub const DEFAULT_RANGE_SIZE: NonZeroU64 = NonZeroU64::new(8 << 20).unwrap();
    /// How many ranges are in flight where nothing else is asked for.
    pub const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(6).unwrap();

    /// A download with defaults for everything not given.
    #[must_use]
    pub fn new(source: ObjectAddress, key: CustomerKey, destination: DownloadTarget) -> Self {
        Self {
            source,
            version_id: None,
            key,
            destination,
            overwrite: Overwrite::default(),
            range_size: Self::DEFAULT_RANGE_SIZE,
            concurrency: Self::DEFAULT_CONCURRENCY,
            resume: None,
            engine: Engine::default(),
        }
    }
}

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// The version; absent when the bucket is not versioned.
    pub version_id: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// Entity tag, without quotes.
    pub etag: String,
    /// Whether the content is what was uploaded.
    pub verification: Verification,
    /// MD5 of the key, as the server confirmed it.
    pub key_md5: KeyMd5,
    /// When the object was made.
    pub last_modified: Option<Timestamp>,
    /// Media type.
    pub content_type: Option<String>,
    /// User metadata, without the `x-amz-meta-` prefix.
    pub metadata: BTreeMap<String, String>,
    /// Whether the file was the same already and was left alone: see [`Overwrite::IfDifferent`].
    pub unchanged: bool,
}

/// How far the content was verified. A checksum that differs is an error, not a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// The stored checksum over the full object is that of the content.
    FullObject(Checksum),
    /// The stored checksum is one over the checksums of the parts; all of them were verified.
    Parts {
        /// The checksum of checksums.
        checksum: Checksum,
        /// How many parts there are.
        parts: u32,
    },
    /// The content could not be verified. Each byte still came over TLS from the server.
    Unverified(Unverified),
}

/// Why content could not be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unverified {
    /// The server has no checksum for the object.
    #[error("the server has no checksum of the object")]
    NoChecksum,
    /// The checksum is by an algorithm that is not known here.
    #[error("the object's checksum is {0}, which cannot be verified here")]
    Algorithm(String),
    /// The checksum is one over the parts, and how the object was cut cannot be learned.
    #[error(
        "the object's checksum covers its {parts} parts one by one, and their sizes are not known"
    )]
    UnknownParts {
        /// How many parts there are.
        parts: u32,
    },
}

/// Downloads one object under its customer key.
///
/// # Errors
/// See [`TransferError`]. On any error, and when `cancel` is cancelled, nothing is left under the
/// target's name that was not there before, and no temporary file either. What was written to a
/// stream must be discarded.
///
/// With [`Download::resume`], a file of several ranges whose download was cancelled, or stopped by
/// trouble on the way, with credentials or with permissions, stays beside its target as
/// `.NAME.keyferry-part`, and `.NAME.keyferry-state` with it: [`TransferError::Resumable`].
pub fn download<'a>(
    client: &'a Client,
    download: Download,
    events: &'a dyn Observer,
    cancel: CancellationToken,
) -> BoxFuture<'a, Result<Downloaded, TransferError>> {
    download_then(client, download, events, cancel, Box::new(|| {}))
}

/// The same; `when_here` is called when all that is left to be done is to give the file its name.
pub(crate) fn download_then<'a>(
    client: &'a Client,
    download: Download,
    events: &'a dyn Observer,
    cancel: CancellationToken,
    when_here: Box<dyn FnOnce() + Send + 'a>,
) -> BoxFuture<'a, Result<Downloaded, TransferError>> {
    // In a box, so that it is compiled here, optimised as this crate is, and not where it is awaited.
    Box::pin(run(client, download, events, cancel, when_here))
}

async fn run(
    client: &Client,
    download: Download,
    events: &dyn Observer,
    cancel: CancellationToken,
    when_here: impl FnOnce(),
) -> Result<Downloaded, TransferError> {
    let fetching = Fetching {
        client,
        source: &download.source,
        key: download.key.headers(),
        asked_version: download.version_id.as_deref(),
        range_size: download.range_size.get(),
        concurrency: download.concurrency.get(),
        engine: &download.engine,
        events,
    };
    let key_md5 = download.key.md5();
    // Before any request: a target that cannot be written needs no download.
    let overwrite = download.overwrite;
    let target = match download.destination {
        DownloadTarget::File(path) => Target::file(path, overwrite).await?,
        DownloadTarget::Within { folder, path, size } => {
            Target::within(folder, path, size, overwrite).await?
        }
        DownloadTarget::Writer(writer) => Target::Writer(writer),
    };
    if overwrite == Overwrite::IfDifferent
        && let Some(path) = target.path()
    {
        let look = Box::pin(unchanged::look(&fetching, path));
        let found = cancel.run_until_cancelled(look).await;
        if let Some((object, verification)) = found.unwrap_or(Err(TransferError::Interrupted))? {
            if let (Target::File(file), Some(_)) = (&target, download.resume) {
                file.tidy(&fetching).await?;
            }
            let total = Some(object.size);
            events.on(Event::Started { total });
            events.on(Event::AlreadyThere { bytes: object.size });
            events.on(Event::Finished { bytes: object.size });
            return Ok(downloaded(object, verification, key_md5, true));
        }
    }
    let kept = OnceLock::new();
    // On the heap, so that a file that waits for its batch takes little memory: many may wait.
    let fetched = Box::pin(fetch(&fetching, target, download.resume, &kept));
    let fetched = cancel
        .run_until_cancelled(fetched)
        .await
        .unwrap_or(Err(TransferError::Interrupted));
    let named = match fetched {
        // From here on it takes its name or leaves nothing: no way to stop halfway.
        Ok((object, verification, saved)) => {
            let named = match saved {
                Saved::Alone(file) => file.take_name().await,
                Saved::WithOthers(folder, file) => folder.keep(file, when_here).await,
                Saved::Nowhere => Ok(()),
            };
            named.map(|()| (object, verification))
        }
        Err(error) => Err(error),
    };
    let (object, verification) = match (named, kept.into_inner()) {
        (Err(error), Some(partial)) => return Err(partial.stop(error).await),
        (named, _) => named?,
    };
    events.on(Event::Finished { bytes: object.size });
    Ok(downloaded(object, verification, key_md5, false))
}

fn downloaded(
    object: RemoteObject,
    verification: Verification,
    key_md5: KeyMd5,
    unchanged: bool,
) -> Downloaded {
    Downloaded {
        version_id: object.version_id,
        size: object.size,
        etag: object.etag.trim_matches('"').to_owned(),
        verification,
        key_md5,
        last_modified: object.last_modified,
        content_type: object.content_type,
        metadata: object.metadata,
        unchanged,
    }
}

/// Where the content is, complete and verified.
enum Saved {
    Alone(target::Complete),
    WithOthers(Arc<TargetFolder>, Unnamed),
    Nowhere,
}

async fn fetch(
    fetching: &Fetching<'_>,
    target: Target,
    resume: Option<Resume>,
    kept: &OnceLock<Arc<Partial>>,
) -> Result<(RemoteObject, Verification, Saved), TransferError> {
    let open = async || {
        let (object, first) = fetching.open().await?;
        fetching.events.on(Event::Started {
            total: Some(object.size),
        });
        Ok::<_, TransferError>((object, first))
    };
    match target {
        Target::Within(within) if within.size <= fetching.range_size => {
            // Memory first, as for a stream.
            let _held = fetching.engine.memory().reserve(within.size).await;
            let (object, first) = open().await?;
            if first.length < object.size {
                // It has grown since it was listed.
                let file = within.alone().await?;
                let none = resuming::Done::new();
                let (verification, file) =
                    to_file::fetch(fetching, &object, first, none, file).await?;
                return Ok((object, verification, Saved::Alone(file)));
            }
            let folder = Arc::clone(&within.folder);
            let (verification, file) = within::fetch(fetching, &object, first, within).await?;
            Ok((object, verification, Saved::WithOthers(folder, file)))
        }
        Target::Within(within) => {
            let file = within.alone().await?;
            let (object, verification, file) =
                resuming::fetch(fetching, file, resume, kept).await?;
            Ok((object, verification, Saved::Alone(file)))
        }
        Target::File(file) => {
            let (object, verification, file) =
                resuming::fetch(fetching, file, resume, kept).await?;
            Ok((object, verification, Saved::Alone(file)))
        }
        Target::Writer(writer) => {
            // Memory first: nobody waits for it while others wait for the request to end.
            let memory = fetching.engine.memory();
            let for_first = memory.reserve(fetching.range_size).await;
            let (object, first) = open().await?;
            let verification =
                to_writer::fetch(fetching, &object, first, for_first, writer).await?;
            Ok((object, verification, Saved::Nowhere))
        }
    }
}
