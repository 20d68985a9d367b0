//! Encryption keys of a region, and what objects need of them.

use redb::ReadableTable as _;

use super::database::{KMS_KEYS, decode, encode};
use super::error::StoreError;
use super::region::RegionStore;
use crate::encryption::{
    CustomerKey, DataKey, EncryptionChoice, KmsKeyRecord, ObjectEncryption, UnlockError,
};

/// The key that S3 uses where SSE-KMS names none; made when first needed.
const MANAGED_ALIAS: &str = "alias/aws/s3";

impl RegionStore {
    /// The record and data key for a new object or upload. An object's record goes into
    /// [`NewObject`](super::NewObject) or [`NewUpload`](super::NewUpload), the key into
    /// [`RegionStore::write_segment`].
    ///
    /// # Errors
    /// [`StoreError::NoSuchKmsKey`] and [`UnlockError::KmsKeyDisabled`] for the key asked for.
    pub(crate) fn begin_encryption(
        &self,
        choice: &EncryptionChoice,
    ) -> Result<(ObjectEncryption, DataKey), UnlockError> {
        self.keys()
            .begin(choice, |key| self.kms_key(key.unwrap_or(MANAGED_ALIAS)))
    }

    /// The data key of an object or upload, for reading it or adding a part. Pass the request's
    /// customer key, if it has one; the answer is S3's decision about it (`S3-SSEC-3` to
    /// `S3-SSEC-5`).
    pub(crate) fn unlock(
        &self,
        encryption: &ObjectEncryption,
        customer_key: Option<&CustomerKey>,
    ) -> Result<DataKey, UnlockError> {
        self.keys()
            .unlock(encryption, customer_key, |arn| self.kms_key(arn))
    }

    /// The data key of an object under a key the lab holds: what the replicator may have.
    pub(crate) fn unlock_lab_held(
        &self,
        encryption: &ObjectEncryption,
    ) -> Result<DataKey, UnlockError> {
        self.keys()
            .unlock_lab_held(encryption, |arn| self.kms_key(arn))
    }

    /// The same data key as this region keeps it, in a replica's record.
    pub(crate) fn rewrap(
        &self,
        source: &ObjectEncryption,
        data_key: &DataKey,
        kms_key: Option<&KmsKeyRecord>,
    ) -> Result<ObjectEncryption, UnlockError> {
        self.keys().rewrap(source, data_key, kms_key)
    }

    /// Creates a KMS key; `alias` as `alias/NAME`.
    pub(crate) fn create_kms_key(&self, alias: Option<&str>) -> Result<KmsKeyRecord, StoreError> {
        let key = self
            .keys()
            .create_kms_key(self.name(), self.account_id(), alias)?;
        self.put_kms_key(&key)?;
        Ok(key)
    }

    /// A KMS key of this region by id, ARN, alias or alias ARN. `alias/aws/s3` is created when
    /// first asked for.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKmsKey`].
    pub(crate) fn kms_key(&self, key: &str) -> Result<KmsKeyRecord, StoreError> {
        let prefix = format!("arn:aws:kms:{}:{}:", self.name(), self.account_id());
        let name = key.strip_prefix(&prefix).unwrap_or(key);
        let found = self.kms_keys()?.into_iter().find(|record| {
            record.key_id == name
                || name.strip_prefix("key/") == Some(record.key_id.as_str())
                || record.alias.as_deref() == Some(name)
        });
        match found {
            Some(record) => Ok(record),
            None if name == MANAGED_ALIAS => self.create_kms_key(Some(MANAGED_ALIAS)),
            None => Err(StoreError::NoSuchKmsKey(key.to_owned())),
        }
    }

    /// All KMS keys of this region.
    pub(crate) fn kms_keys(&self) -> Result<Vec<KmsKeyRecord>, StoreError> {
        let keys = self.reading()?.open_table(KMS_KEYS)?;
        keys.iter()?.map(|entry| decode(entry?.1.value())).collect()
    }

    /// Creates or replaces a KMS key's record.
    pub(super) fn put_kms_key(&self, key: &KmsKeyRecord) -> Result<(), StoreError> {
        let record = encode(key)?;
        self.write_now(|transaction| {
            transaction
                .tables
                .open_table(KMS_KEYS)?
                .insert(key.key_id.as_str(), record.as_slice())?;
            Ok(())
        })
    }
}
