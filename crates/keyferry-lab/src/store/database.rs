//! The tables of a region's database, and how records are laid down in them.

use std::path::Path;

use redb::{Database, Durability, ReadableTable, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;

/// Bucket name → [`BucketRecord`](super::BucketRecord).
pub(super) const BUCKETS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("buckets");

/// Bucket, key, newest first → [`VersionRecord`](super::VersionRecord). redb orders strings by
/// their UTF-8 bytes, as S3 orders keys.
pub(super) const VERSIONS: TableDefinition<'_, (&str, &str, u64), &[u8]> =
    TableDefinition::new("versions");

/// Bucket, key, version id → place in [`VERSIONS`].
pub(super) const VERSION_IDS: TableDefinition<'_, (&str, &str, &str), u64> =
    TableDefinition::new("version_ids");

/// Bucket, sequence → [`Layout`](super::Layout). Apart from the versions, because listings read
/// those.
pub(super) const LAYOUTS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("layouts");

/// Bucket, key, upload id → [`UploadRecord`](super::UploadRecord). Upload ids of a key sort by
/// when they were created.
pub(super) const UPLOADS: TableDefinition<'_, (&str, &str, &str), &[u8]> =
    TableDefinition::new("uploads");

/// Upload id, part number → [`PartRecord`](super::version_record::PartRecord).
pub(super) const PARTS: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("parts");

/// Key id → [`KmsKeyRecord`](crate::encryption::KmsKeyRecord).
pub(super) const KMS_KEYS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("kms_keys");

/// Account, `alias/NAME` → key id.
pub(super) const KMS_ALIASES: TableDefinition<'_, (&str, &str), &str> =
    TableDefinition::new("kms_aliases");

/// Sequence → [`QueueEntry`](crate::replication::QueueEntry).
pub(super) const QUEUE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("replication_queue");

/// Sequence → [`ReplicationFailure`](crate::replication::ReplicationFailure).
pub(super) const FAILURES: TableDefinition<'_, u64, &[u8]> =
    TableDefinition::new("replication_failures");

/// Numbers by name; see [`LAST_SEQUENCE`].
pub(super) const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

/// The newest sequence that was given out before the last commit.
pub(super) const LAST_SEQUENCE: &str = "last_sequence";

/// Memory for pages, so that a large database does not grow the process.
const CACHE: usize = 32 << 20;

/// Opens or creates a region's database with all tables.
pub(super) fn open(path: &Path) -> Result<Database, StoreError> {
    let database = Database::builder().set_cache_size(CACHE).create(path)?;
    // A killed process that never came to a durable commit finds an empty file and is here again.
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::None)?;
    transaction.open_table(BUCKETS)?;
    transaction.open_table(VERSIONS)?;
    transaction.open_table(VERSION_IDS)?;
    transaction.open_table(LAYOUTS)?;
    transaction.open_table(UPLOADS)?;
    transaction.open_table(PARTS)?;
    transaction.open_table(KMS_KEYS)?;
    transaction.open_table(KMS_ALIASES)?;
    transaction.open_table(QUEUE)?;
    transaction.open_table(FAILURES)?;
    transaction.open_table(NUMBERS)?;
    transaction.commit()?;
    Ok(database)
}

/// A record's bytes.
pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    Ok(serde_json::to_vec(record)?)
}

/// A record from its bytes.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    Ok(serde_json::from_slice(bytes)?)
}

/// The keys of one bucket in a table whose keys start with it: from there up to the returned
/// name, excluded.
pub(super) fn after_bucket(bucket: &str) -> String {
    // Bucket names have no NUL, so that nothing lies between.
    format!("{bucket}\0")
}

/// The newest version of a key.
pub(super) fn newest(
    versions: &impl ReadableTable<(&'static str, &'static str, u64), &'static [u8]>,
    bucket: &str,
    key: &str,
) -> Result<Option<super::VersionRecord>, StoreError> {
    let mut range = versions.range((bucket, key, 0)..=(bucket, key, u64::MAX))?;
    range
        .next()
        .transpose()?
        .map(|(_, value)| decode(value.value()))
        .transpose()
}

/// A version of a key by id.
pub(super) fn by_id(
    versions: &impl ReadableTable<(&'static str, &'static str, u64), &'static [u8]>,
    version_ids: &impl ReadableTable<(&'static str, &'static str, &'static str), u64>,
    bucket: &str,
    key: &str,
    version_id: &str,
) -> Result<Option<super::VersionRecord>, StoreError> {
    let Some(place) = version_ids.get((bucket, key, version_id))? else {
        return Ok(None);
    };
    versions
        .get((bucket, key, place.value()))?
        .map(|value| decode(value.value()))
        .transpose()
}
