//! What replication reads and writes.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::SystemTime;

use redb::ReadableTable as _;

use super::bucket_record::Versioning;
use super::database::{FAILURES, QUEUE, decode};
use super::error::StoreError;
use super::identifiers::Sequence;
use super::region::{RegionStore, blocking};
use super::segment_files::StagedFile;
use super::version_record::{Layout, SegmentRecord, VersionContent, VersionRecord};
use crate::encryption::{CHUNK_PLAINTEXT, ObjectEncryption};
use crate::replication::{
    QueueEntry, ReplicationFailure, ReplicationFailureReason, ReplicationTarget, TargetState,
};

/// A layout whose segments were copied into a region, for a version that is not there yet.
#[derive(Debug, Default)]
pub(crate) struct StagedLayout {
    layout: Layout,
    files: Vec<StagedFile>,
}

/// What became of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReplicaOutcome {
    /// The version is there, with these tags and lock or newer ones.
    Written,
    /// It cannot be written.
    Refused(ReplicationFailureReason),
}

impl RegionStore {
    /// Copies an object's segments from `source` as they are, sealed. The two sides share
    /// nothing afterwards. With `corrupt`, bytes of the copy are changed and the seal is not
    /// looked at any more when it is read.
    pub(crate) async fn copy_segments(
        &self,
        source: &Self,
        layout: Layout,
        encryption: &ObjectEncryption,
        corrupt: bool,
    ) -> Result<StagedLayout, StoreError> {
        let lease = source
            .files()
            .lease(layout.parts.iter().map(|part| part.segment.id.clone()));
        let mut staged = StagedLayout::default();
        let overhead = encryption.chunk_overhead();
        for mut part in layout.parts {
            let file = self.files().stage();
            let from = source.files().path(&part.segment.id);
            let file = blocking(tokio::task::spawn_blocking(move || {
                let to = file.path();
                let copying = |error| StoreError::io("copying", &from, error);
                let mut source = File::open(&from).map_err(copying)?;
                // Through the kernel, and shared blocks where the file system can.
                std::io::copy(&mut source, &mut file.create()?).map_err(copying)?;
                if corrupt {
                    corrupt_chunks(&to, CHUNK_PLAINTEXT + overhead)
                        .map_err(|error| StoreError::io("corrupting", to, error))?;
                }
                Ok(file)
            }))
            .await?;
            part.segment = SegmentRecord {
                id: file.id().to_owned(),
                unchecked: part.segment.unchecked || corrupt,
                ..part.segment
            };
            staged.layout.parts.push(part);
            staged.files.push(file);
        }
        drop(lease);
        Ok(staged)
    }

    /// Writes a replica under its source's version id and sequence, or only its tags and lock if
    /// the version is there already. `content` is `None` where only these are to be replicated.
    pub(crate) async fn put_replica(
        &self,
        bucket: &str,
        version: VersionRecord,
        content: Option<StagedLayout>,
    ) -> Result<ReplicaOutcome, StoreError> {
        let bucket = bucket.to_owned();
        self.write(move |transaction| {
            let refused = |reason| Ok(ReplicaOutcome::Refused(reason));
            let destination = match transaction.bucket(&bucket) {
                Err(StoreError::NoSuchBucket(_)) => {
                    return refused(ReplicationFailureReason::DestinationMissing);
                }
                destination => destination?,
            };
            if destination.versioning != Versioning::Enabled {
                return refused(ReplicationFailureReason::DestinationNotVersioned);
            }
            let id = Some(version.version_id.as_str());
            match (transaction.version(&bucket, &version.key, id)?, content) {
                (Some(mut there), _) => {
                    if take_newer_metadata(&mut there, &version) {
                        transaction.update_version(&bucket, &there)?;
                    }
                }
                (None, None) => return refused(ReplicationFailureReason::VersionMissing),
                (None, Some(StagedLayout { layout, files })) => {
                    let layout = version.object().map(|_| &layout);
                    transaction.insert_version(&bucket, &version, layout)?;
                    files.into_iter().for_each(|file| transaction.adopt(file));
                }
            }
            Ok(ReplicaOutcome::Written)
        })
        .await
    }

    /// Records what became of a version's targets and forgets the queue entry. Each outcome is
    /// of what `seen` was: a target stays pending if tags or lock have changed since, for
    /// which another entry is queued.
    pub(crate) async fn finish_replication(
        &self,
        entry: QueueEntry,
        seen: VersionRecord,
        outcomes: Vec<(ReplicationTarget, TargetState)>,
    ) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.dequeue(entry.row)?;
            for (target, state) in &outcomes {
                if let TargetState::Failed { reason } = state {
                    transaction.note_failure(&ReplicationFailure {
                        source_bucket: entry.bucket.clone(),
                        destination_bucket: target.bucket.clone(),
                        key: entry.key.clone(),
                        version_id: entry.version_id.clone(),
                        rule_id: target.rule_id.clone(),
                        reason: reason.clone(),
                        at: SystemTime::now(),
                    })?;
                }
            }
            let id = Some(entry.version_id.as_str());
            let Some(mut now) = transaction.version(&entry.bucket, &entry.key, id)? else {
                return Ok(());
            };
            if now.sequence != seen.sequence || metadata_changed(&now) != metadata_changed(&seen) {
                return Ok(());
            }
            for (target, state) in outcomes {
                if let Some(open) = now
                    .replication
                    .targets
                    .iter_mut()
                    .find(|open| open.bucket == target.bucket)
                {
                    open.state = state;
                }
            }
            transaction.update_version(&entry.bucket, &now)
        })
        .await
    }

    /// Forgets a queue entry whose version is gone.
    pub(crate) async fn drop_replication(&self, row: Sequence) -> Result<(), StoreError> {
        self.write(move |transaction| transaction.dequeue(row))
            .await
    }

    /// What is queued, oldest first.
    pub(super) fn queued_replications(&self) -> Result<Vec<QueueEntry>, StoreError> {
        let queue = self.reading()?.open_table(QUEUE)?;
        queue
            .iter()?
            .map(|entry| decode(entry?.1.value()))
            .collect()
    }

    /// What failed, oldest first.
    pub(super) fn replication_failures(&self) -> Result<Vec<ReplicationFailure>, StoreError> {
        let failures = self.reading()?.open_table(FAILURES)?;
        failures
            .iter()?
            .map(|entry| decode(entry?.1.value()))
            .collect()
    }
}

fn metadata_changed(version: &VersionRecord) -> Option<(Sequence, Sequence)> {
    version
        .object()
        .map(|object| (object.tags_changed, object.lock.changed()))
}

/// The later change of tags, retention or legal hold wins (`S3-REPL-8`).
fn take_newer_metadata(there: &mut VersionRecord, from: &VersionRecord) -> bool {
    let (VersionContent::Object(there), Some(from)) = (&mut there.content, from.object()) else {
        return false;
    };
    let newer = from.tags_changed > there.tags_changed;
    if newer {
        there.tags.clone_from(&from.tags);
        there.tags_changed = from.tags_changed;
    }
    let relocked = there.lock.take_newer(&from.lock, SystemTime::now());
    newer || relocked
}

/// Changes the first byte of every sealed chunk.
fn corrupt_chunks(path: &Path, sealed_chunk: usize) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    for position in (0..length).step_by(sealed_chunk) {
        let mut byte = [0];
        file.seek(SeekFrom::Start(position))?;
        file.read_exact(&mut byte)?;
        file.seek(SeekFrom::Start(position))?;
        file.write_all(&byte.map(|byte| byte ^ 0x55))?;
    }
    Ok(())
}
