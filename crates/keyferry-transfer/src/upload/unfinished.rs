//! What is remembered of an upload in parts, so that it can be continued.
//!
//! Before an upload is begun, what it is to be is written down, and behind that its id as soon as
//! there is one, both synced to disk: otherwise a machine that fails would leave parts in the bucket
//! that nobody knows of. The file is removed when the upload was completed or aborted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use keyferry_key::{KeyId, KeyMd5};
use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::source::WatchedFile;
use crate::resume::{FORMAT, Journal, Opened};
use crate::{ObjectAddress, PartSize, ResumePlace, StartedOver, TransferError};

/// An upload that is about to be begun, or continued.
pub(super) struct Wanted<'a> {
    pub(super) file: &'a WatchedFile,
    pub(super) destination: &'a ObjectAddress,
    pub(super) key_id: Option<&'a KeyId>,
    pub(super) key_md5: KeyMd5,
    pub(super) labels: &'a Labels,
    pub(super) part_size: PartSize,
    /// Whether the size of the parts may be that of an earlier upload.
    pub(super) any_part_size: bool,
    /// An upload in one piece is not remembered; an earlier one in parts is.
    pub(super) in_parts: bool,
}

/// What an upload is to be. First line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    format: u32,
    service: String,
    destination: ObjectAddress,
    /// For whoever reads the file: a source that was moved is still the same.
    source: String,
    size: u64,
    modified: (i64, i64),
    key_id: Option<KeyId>,
    pub(super) key_md5: KeyMd5,
    part_size: u64,
    /// Digest of media type, metadata and tags.
    labels: String,
    /// By this machine's clock.
    pub(super) begun: Timestamp,
}

/// The upload that it became. Second line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BegunLine {
    pub(super) upload_id: String,
    pub(super) key_tag_denied: bool,
}

/// Only this is read of a file whose format is not known.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

/// What an earlier run left.
#[derive(Debug)]
pub(super) enum Earlier {
    /// It can be continued.
    Fits(BegunLine),
    /// It cannot, or shall not.
    Unfit(BegunLine, StartedOver),
    /// Its id was not written down any more.
    Unlearned(Intent),
    /// Nothing is known of it.
    Unknown(StartedOver),
}

/// The state of the upload that is under way.
#[derive(Debug)]
pub(super) struct Unfinished {
    journal: Arc<Journal>,
    intent: Intent,
    pub(super) earlier: Option<Earlier>,
    /// Whether the file must stay, because it names what is in the bucket.
    holds: AtomicBool,
    /// Bytes of the parts that the server has.
    kept: AtomicU64,
}

impl Unfinished {
    /// Opens the state of uploads to the destination.
    ///
    /// Where an earlier upload is to be continued, a state that cannot be used is an error. Where none
    /// is, it is done without.
    pub(super) async fn open(
        place: &ResumePlace,
        wanted: Wanted<'_>,
    ) -> Result<Option<Self>, TransferError> {
        if !wanted.in_parts && !place.may_know(wanted.destination).await {
            return Ok(None);
        }
        let intent = Intent {
            format: FORMAT,
            service: place.service().to_owned(),
            destination: wanted.destination.clone(),
            source: wanted.file.path().to_string_lossy().into_owned(),
            size: wanted.file.size(),
            modified: wanted.file.modified(),
            key_id: wanted.key_id.cloned(),
            key_md5: wanted.key_md5,
            part_size: wanted.part_size.bytes(),
            labels: wanted.labels.digest(),
            begun: Timestamp::now(),
        };
        let place = place.clone();
        let (any_part_size, in_parts) = (wanted.any_part_size, wanted.in_parts);
        tokio::task::spawn_blocking(move || open(&place, intent, any_part_size, in_parts)).await?
    }

    /// The size of the parts; that of the earlier upload where it is continued.
    pub(super) fn part_size(&self) -> u64 {
        self.intent.part_size
    }

    pub(super) fn key_md5(&self) -> &KeyMd5 {
        &self.intent.key_md5
    }

    /// Whether an earlier upload is continued.
    pub(super) fn continues(&self) -> bool {
        matches!(self.earlier, Some(Earlier::Fits(_)))
    }

    /// Writes down what is about to be begun.
    pub(super) async fn intend(&self) {
        let begun = Timestamp::now();
        let intent = Intent {
            begun,
            ..self.intent.clone()
        };
        self.kept.store(0, Ordering::Relaxed);
        let written = self.write(move |journal| {
            journal.clear()?;
            journal.append(&intent)?;
            journal.sync()
        });
        let written = written.await;
        self.holds.store(written, Ordering::Relaxed);
    }

    /// Writes down which upload was begun.
    pub(super) async fn begun(&self, upload_id: &str, key_tag_denied: bool) {
        if !self.holds.load(Ordering::Relaxed) {
            return;
        }
        let line = BegunLine {
            upload_id: upload_id.to_owned(),
            key_tag_denied,
        };
        let written = self
            .write(move |journal| {
                journal.append(&line)?;
                journal.sync()
            })
            .await;
        self.holds.store(written, Ordering::Relaxed);
    }

    /// Says that nothing is in the bucket any more that the file would have to name.
    pub(super) async fn forget(&self) {
        self.write(Journal::clear).await;
        self.holds.store(false, Ordering::Relaxed);
    }

    /// Removes the file unless it must stay.
    pub(super) async fn close(self) {
        if !self.holds.load(Ordering::Relaxed) {
            self.write(Journal::remove).await;
        }
    }

    /// Whether the upload could be continued if it broke off now.
    pub(super) fn holds(&self) -> bool {
        self.holds.load(Ordering::Relaxed)
    }

    /// How many bytes would not have to be sent again.
    pub(super) fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }

    /// The server has so many more bytes.
    pub(super) fn add(&self, bytes: u64) {
        self.kept.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes that the server has are not what they should be.
    pub(super) fn take_off(&self, bytes: u64) {
        self.kept.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// What an upload that broke off is to its caller.
    pub(super) fn resumable(&self, cause: TransferError) -> TransferError {
        TransferError::Resumable {
            cause: Box::new(cause),
            kept: self.kept(),
            total: self.intent.size,
        }
    }

    /// A state that cannot be written is no reason to fail: the upload is then aborted when it breaks
    /// off.
    async fn write(
        &self,
        write: impl FnOnce(&Journal) -> std::io::Result<()> + Send + 'static,
    ) -> bool {
        let journal = Arc::clone(&self.journal);
        let written = tokio::task::spawn_blocking(move || {
            write(&journal).inspect_err(|error| {
                tracing::warn!(path = %journal.path().display(), %error, "the state of the upload cannot be written");
            })
        });
        matches!(written.await, Ok(Ok(())))
    }
}

fn open(
    place: &ResumePlace,
    mut intent: Intent,
    any_part_size: bool,
    in_parts: bool,
) -> Result<Option<Unfinished>, TransferError> {
    let path = place.file(&intent.destination);
    let opened = match in_parts {
        true => Journal::create(&path),
        false => Journal::open(&path),
    };
    let read = opened.and_then(|opened| match opened {
        Opened::Held(journal) => Ok(Some((journal.lines()?, journal))),
        Opened::Missing => Ok(None),
        Opened::Busy => Err(std::io::ErrorKind::ResourceBusy.into()),
    });
    let continues = place.continues();
    let (lines, journal) = match read {
        Ok(Some(held)) => held,
        Ok(None) => return Ok(None),
        Err(error) if !continues => {
            tracing::warn!(path = %path.display(), %error, "the upload is not remembered");
            return Ok(None);
        }
        Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
            return Err(TransferError::ResumeBusy {
                what: format!("to `{}`", intent.destination),
            });
        }
        Err(error) => {
            return Err(TransferError::ResumeState {
                path,
                reason: error.to_string(),
            });
        }
    };
    let mut lines = lines.iter();
    let earlier = lines
        .next()
        .map(|first| read_earlier(first, lines.next(), &mut intent, any_part_size, continues));
    if continues && matches!(earlier, Some(Earlier::Unknown(StartedOver::NewerState))) {
        return Err(TransferError::ResumeState {
            path,
            reason: "a newer version of keyferry wrote it".to_owned(),
        });
    }
    Ok(Some(Unfinished {
        journal: Arc::new(journal),
        intent,
        holds: AtomicBool::new(earlier.is_some()),
        earlier,
        kept: AtomicU64::new(0),
    }))
}

fn read_earlier(
    first: &[u8],
    second: Option<&Vec<u8>>,
    intent: &mut Intent,
    any_part_size: bool,
    continues: bool,
) -> Earlier {
    match serde_json::from_slice(first) {
        Ok(AnyFormat { format }) if format <= FORMAT => {}
        Ok(_) => return Earlier::Unknown(StartedOver::NewerState),
        Err(_) => return Earlier::Unknown(StartedOver::DamagedState),
    }
    let Ok(earlier) = serde_json::from_slice::<Intent>(first) else {
        return Earlier::Unknown(StartedOver::DamagedState);
    };
    let Some(second) = second else {
        return Earlier::Unlearned(earlier);
    };
    let Ok(begun) = serde_json::from_slice::<BegunLine>(second) else {
        return Earlier::Unknown(StartedOver::DamagedState);
    };
    if !continues {
        return Earlier::Unfit(begun, StartedOver::NotAsked);
    }
    if any_part_size && PartSize::new(earlier.part_size).is_ok() {
        intent.part_size = earlier.part_size;
    }
    match differs(&earlier, intent) {
        None => Earlier::Fits(begun),
        Some(why) => Earlier::Unfit(begun, why),
    }
}

/// Why one upload cannot become the other.
fn differs(earlier: &Intent, now: &Intent) -> Option<StartedOver> {
    let pairs = [
        (
            (&earlier.service, &earlier.destination) == (&now.service, &now.destination),
            StartedOver::DamagedState,
        ),
        (
            (earlier.size, earlier.modified) == (now.size, now.modified),
            StartedOver::SourceChanged,
        ),
        (
            (&earlier.key_id, &earlier.key_md5) == (&now.key_id, &now.key_md5),
            StartedOver::OtherKey,
        ),
        (
            earlier.part_size == now.part_size,
            StartedOver::OtherPartSize,
        ),
        (earlier.labels == now.labels, StartedOver::OtherLabels),
    ];
    pairs
        .into_iter()
        .find_map(|(same, why)| (!same).then_some(why))
}
