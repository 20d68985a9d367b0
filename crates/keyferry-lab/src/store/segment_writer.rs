//! Writing a stream of bytes as one sealed segment, with digests in the same pass.

use std::fs::File;
use std::io::Write as _;
use std::pin::pin;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::task::{JoinHandle, spawn_blocking};

use super::checksum::{DigestPlan, Digests, Hashers};
use super::error::StoreError;
use super::region::{RegionStore, blocking};
use super::segment_files::StagedFile;
use super::version_record::SegmentRecord;
use crate::encryption::{CHUNK_PLAINTEXT, DataKey, SegmentCipher};

/// The body is handed to the blocking pool in batches of this size; one is written while the
/// next comes in.
const BATCH: usize = 256 * 1024;

/// Sealed chunks are written to the file in steps of this size.
const WRITE: usize = 512 * 1024;

/// A written segment that no record refers to yet. Its file is removed on drop, unless a commit
/// took it.
#[derive(Debug)]
pub(crate) struct StagedSegment {
    record: SegmentRecord,
    digests: Digests,
    file: StagedFile,
}

impl StagedSegment {
    /// Bytes of plaintext.
    pub(crate) fn size(&self) -> u64 {
        self.record.size
    }

    /// What the plan asked for. Compare with what the request claims before committing.
    pub(crate) fn digests(&self) -> &Digests {
        &self.digests
    }

    /// What a record keeps of it.
    pub(super) fn record(&self) -> &SegmentRecord {
        &self.record
    }

    /// Its file, for the transaction that refers to it.
    pub(super) fn into_file(self) -> StagedFile {
        self.file
    }
}

/// Why writing a segment failed.
#[derive(Debug)]
pub(crate) enum WriteError<E> {
    /// The body's stream failed; nothing is kept.
    Body(E),
    /// The store failed; nothing is kept.
    Store(StoreError),
}

impl RegionStore {
    /// Writes the body as a segment sealed under `key`, holding at most a few buffers of it.
    /// Dropping the future removes what was written. Limits of size are the caller's: end the
    /// body with an error.
    pub(crate) async fn write_segment<S, E>(
        &self,
        key: &DataKey,
        plan: DigestPlan,
        body: S,
    ) -> Result<StagedSegment, WriteError<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Send,
    {
        let mut body = pin!(body);
        let salt: [u8; 32] = rand::random();
        let cipher = SegmentCipher::new(key, &salt).map_err(WriteError::Store)?;
        let mut work = Work::Idle(Box::new(SegmentBuilder::new(
            self.files().stage(),
            cipher,
            salt,
            &plan,
        )));
        loop {
            let (batch, last) = next_batch(&mut body).await.map_err(WriteError::Body)?;
            let mut builder = work.done().await.map_err(WriteError::Store)?;
            if last {
                let finish = move || {
                    builder.push_all(&batch)?;
                    builder.finish()
                };
                return blocking(spawn_blocking(finish))
                    .await
                    .map_err(WriteError::Store);
            }
            work = Work::Busy(spawn_blocking(move || {
                builder.push_all(&batch)?;
                Ok(builder)
            }));
        }
    }
}

/// A segment being written: between batches, or taking one on the blocking pool.
enum Work {
    Idle(Box<SegmentBuilder>),
    Busy(JoinHandle<Result<SegmentBuilder, StoreError>>),
}

impl Work {
    async fn done(self) -> Result<SegmentBuilder, StoreError> {
        match self {
            Self::Idle(builder) => Ok(*builder),
            Self::Busy(work) => blocking(work).await,
        }
    }
}

/// The next batch of the body, and whether it is the last.
async fn next_batch<S, E>(body: &mut S) -> Result<(Vec<Bytes>, bool), E>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut batch = Vec::new();
    let mut size = 0;
    while size < BATCH {
        match body.next().await {
            None => return Ok((batch, true)),
            Some(bytes) => {
                let bytes = bytes?;
                size += bytes.len();
                batch.push(bytes);
            }
        }
    }
    Ok((batch, false))
}

/// A segment being written.
struct SegmentBuilder {
    staged: StagedFile,
    /// Created with the first write.
    file: Option<File>,
    cipher: SegmentCipher,
    salt: [u8; 32],
    hashers: Hashers,
    size: u64,
    index: u64,
    /// Plaintext not sealed yet: at most one chunk, because whether a whole chunk is the last
    /// shows only when more comes.
    pending: Vec<u8>,
    sealed: Vec<u8>,
}

impl SegmentBuilder {
    fn new(staged: StagedFile, cipher: SegmentCipher, salt: [u8; 32], plan: &DigestPlan) -> Self {
        Self {
            staged,
            file: None,
            cipher,
            salt,
            hashers: Hashers::new(plan),
            size: 0,
            index: 0,
            pending: Vec::new(),
            sealed: Vec::new(),
        }
    }

    fn push_all(&mut self, batch: &[Bytes]) -> Result<(), StoreError> {
        batch.iter().try_for_each(|bytes| self.push(bytes))
    }

    fn push(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        self.hashers.update(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.pending.len() == CHUNK_PLAINTEXT {
                let chunk = std::mem::take(&mut self.pending);
                self.seal(&chunk, false)?;
                self.pending = chunk;
                self.pending.clear();
            }
            let room = CHUNK_PLAINTEXT - self.pending.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn seal(&mut self, chunk: &[u8], last: bool) -> Result<(), StoreError> {
        self.cipher
            .seal(self.index, last, chunk, &mut self.sealed)?;
        self.index += 1;
        if last || self.sealed.len() >= WRITE {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => self.staged.create()?,
            };
            file.write_all(&self.sealed)
                .map_err(|error| StoreError::io("writing", self.staged.path(), error))?;
            self.file = Some(file);
            self.sealed.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<StagedSegment, StoreError> {
        let chunk = std::mem::take(&mut self.pending);
        self.seal(&chunk, true)?;
        Ok(StagedSegment {
            record: SegmentRecord {
                id: self.staged.id().to_owned(),
                size: self.size,
                salt: hex::encode(self.salt),
                unchecked: false,
            },
            digests: self.hashers.finish(),
            file: self.staged,
        })
    }
}
