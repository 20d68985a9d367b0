//! A write transaction: what changing buckets, versions and uploads does to the tables, and
//! what is left to do once it is committed.

use redb::{ReadableTable as _, WriteTransaction};

use super::bucket_record::{BucketRecord, Versioning};
use super::database::{
    BUCKETS, FAILURES, LAST_SEQUENCE, LAYOUTS, NUMBERS, QUEUE, VERSION_IDS, VERSIONS, by_id,
    decode, encode, newest,
};
use super::error::StoreError;
use super::identifiers::{NULL_VERSION, Sequence, SequenceClock, version_id};
use super::objects::Precondition;
use super::segment_files::StagedFile;
use super::version_record::{Layout, VersionRecord};
use crate::replication::{QueueEntry, ReplicationFailure, version_targets};

/// A transaction in progress.
pub(super) struct Transaction<'a> {
    region: &'a str,
    clock: &'a SequenceClock,
    pub(super) tables: &'a WriteTransaction,
    effects: Effects,
}

/// What follows a commit.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Segments that nothing refers to any more.
    pub(super) freed: Vec<String>,
    /// Versions to replicate.
    pub(super) queued: Vec<QueueEntry>,
    /// Files of segments that records now refer to.
    pub(super) adopted: Vec<StagedFile>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(
        region: &'a str,
        clock: &'a SequenceClock,
        tables: &'a WriteTransaction,
    ) -> Self {
        Self {
            region,
            clock,
            tables,
            effects: Effects::default(),
        }
    }

    /// The last step before the commit.
    pub(super) fn finish(self) -> Result<Effects, StoreError> {
        let last = self.clock.next();
        self.tables
            .open_table(NUMBERS)?
            .insert(LAST_SEQUENCE, last.0)?;
        Ok(self.effects)
    }

    pub(super) fn next_sequence(&self) -> Sequence {
        self.clock.next()
    }

    pub(super) fn bucket(&self, name: &str) -> Result<BucketRecord, StoreError> {
        match self.tables.open_table(BUCKETS)?.get(name)? {
            Some(record) => decode(record.value()),
            None => Err(StoreError::NoSuchBucket(name.to_owned())),
        }
    }

    pub(super) fn put_bucket(&self, bucket: &BucketRecord) -> Result<(), StoreError> {
        let record = encode(bucket)?;
        self.tables
            .open_table(BUCKETS)?
            .insert(bucket.name.as_str(), record.as_slice())?;
        Ok(())
    }

    /// The newest version of a key, or the one with that id.
    pub(super) fn version(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Option<VersionRecord>, StoreError> {
        let versions = self.tables.open_table(VERSIONS)?;
        match version_id {
            None => newest(&versions, bucket, key),
            Some(id) => by_id(
                &versions,
                &self.tables.open_table(VERSION_IDS)?,
                bucket,
                key,
                id,
            ),
        }
    }

    /// Judges a precondition against a version, or the absence of one.
    pub(super) fn check(
        precondition: &Precondition,
        key: &str,
        current: Option<&VersionRecord>,
    ) -> Result<(), StoreError> {
        let object = current.and_then(VersionRecord::object);
        match (precondition, object) {
            (Precondition::None, _) | (Precondition::Absent, None) => Ok(()),
            (Precondition::Absent, Some(_)) => Err(StoreError::PreconditionFailed),
            (Precondition::Matches(_), None) => Err(StoreError::NoSuchKey(key.to_owned())),
            (Precondition::Matches(etag), Some(object)) => {
                if etag == "*" || *etag == object.etag {
                    Ok(())
                } else {
                    Err(StoreError::PreconditionFailed)
                }
            }
        }
    }

    /// The version id of a new version in that bucket.
    pub(super) fn new_version_id(bucket: &BucketRecord, sequence: Sequence) -> String {
        match bucket.versioning {
            Versioning::Enabled => version_id(sequence),
            Versioning::Unversioned | Versioning::Suspended => NULL_VERSION.to_owned(),
        }
    }

    /// Adds a version made by a user: replaces the null version if it is one, and marks and
    /// queues it for replication where rules cover it.
    pub(super) fn add_version(
        &mut self,
        bucket: &BucketRecord,
        mut version: VersionRecord,
        layout: Option<&Layout>,
    ) -> Result<VersionRecord, StoreError> {
        if version.is_null_version()
            && let Some(replaced) = self.version(&bucket.name, &version.key, Some(NULL_VERSION))?
        {
            self.remove_version(&bucket.name, &replaced)?;
        }
        version.replication.targets = version_targets(bucket, &version);
        self.insert_version(&bucket.name, &version, layout)?;
        if !version.replication.targets.is_empty() {
            self.enqueue(&bucket.name, &version)?;
        }
        Ok(version)
    }

    /// Writes a version that is not there yet.
    pub(super) fn insert_version(
        &self,
        bucket: &str,
        version: &VersionRecord,
        layout: Option<&Layout>,
    ) -> Result<(), StoreError> {
        self.tables.open_table(VERSION_IDS)?.insert(
            (bucket, version.key.as_str(), version.version_id.as_str()),
            version.sequence.newest_first(),
        )?;
        if let Some(layout) = layout {
            let record = encode(layout)?;
            self.tables
                .open_table(LAYOUTS)?
                .insert((bucket, version.sequence.0), record.as_slice())?;
        }
        self.update_version(bucket, version)
    }

    /// Rewrites a version's record, its layout apart.
    pub(super) fn update_version(
        &self,
        bucket: &str,
        version: &VersionRecord,
    ) -> Result<(), StoreError> {
        let record = encode(version)?;
        self.tables.open_table(VERSIONS)?.insert(
            (
                bucket,
                version.key.as_str(),
                version.sequence.newest_first(),
            ),
            record.as_slice(),
        )?;
        Ok(())
    }

    /// Removes a version for good and frees its segments.
    pub(super) fn remove_version(
        &mut self,
        bucket: &str,
        version: &VersionRecord,
    ) -> Result<(), StoreError> {
        let key = version.key.as_str();
        self.tables
            .open_table(VERSIONS)?
            .remove((bucket, key, version.sequence.newest_first()))?;
        self.tables
            .open_table(VERSION_IDS)?
            .remove((bucket, key, version.version_id.as_str()))?;
        if let Some(layout) = self
            .tables
            .open_table(LAYOUTS)?
            .remove((bucket, version.sequence.0))?
        {
            let layout: Layout = decode(layout.value())?;
            self.effects
                .freed
                .extend(layout.parts.into_iter().map(|part| part.segment.id));
        }
        Ok(())
    }

    /// Keeps a staged file, if the transaction is committed.
    pub(super) fn adopt(&mut self, file: StagedFile) {
        self.effects.adopted.push(file);
    }

    /// Frees a segment.
    pub(super) fn free(&mut self, segment: String) {
        self.effects.freed.push(segment);
    }

    /// Queues a version for replication, durably.
    pub(super) fn enqueue(
        &mut self,
        bucket: &str,
        version: &VersionRecord,
    ) -> Result<(), StoreError> {
        let entry = QueueEntry {
            region: self.region.to_owned(),
            bucket: bucket.to_owned(),
            key: version.key.clone(),
            version_id: version.version_id.clone(),
            row: self.clock.next(),
        };
        let record = encode(&entry)?;
        self.tables
            .open_table(QUEUE)?
            .insert(entry.row.0, record.as_slice())?;
        self.effects.queued.push(entry);
        Ok(())
    }

    /// Forgets a queue entry.
    pub(super) fn dequeue(&self, row: Sequence) -> Result<(), StoreError> {
        self.tables.open_table(QUEUE)?.remove(row.0)?;
        Ok(())
    }

    /// Notes a failed replication.
    pub(super) fn note_failure(&self, failure: &ReplicationFailure) -> Result<(), StoreError> {
        let record = encode(failure)?;
        self.tables
            .open_table(FAILURES)?
            .insert(self.clock.next().0, record.as_slice())?;
        Ok(())
    }
}
