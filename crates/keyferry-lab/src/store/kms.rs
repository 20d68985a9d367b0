//! Encryption keys of a region, and what objects need of them.

use super::error::StoreError;
use super::region::RegionStore;
use crate::encryption::{
    CustomerKey, DataKey, EncryptionChoice, KmsKeyRecord, ObjectEncryption, UnlockError,
};

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
        todo!()
    }

    /// The data key of an object or upload, for reading it or adding a part. Pass the request's
    /// customer key, if it has one; the answer is S3's decision about it (`S3-SSEC-3` to
    /// `S3-SSEC-5`).
    pub(crate) fn unlock(
        &self,
        encryption: &ObjectEncryption,
        customer_key: Option<&CustomerKey>,
    ) -> Result<DataKey, UnlockError> {
        todo!()
    }

    /// Creates a KMS key; `alias` as `alias/NAME`.
    pub(crate) fn create_kms_key(&self, alias: Option<&str>) -> Result<KmsKeyRecord, StoreError> {
        todo!()
    }

    /// A KMS key of this region by id, ARN, alias or alias ARN. `alias/aws/s3` is created when
    /// first asked for.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKmsKey`].
    pub(crate) fn kms_key(&self, key: &str) -> Result<KmsKeyRecord, StoreError> {
        todo!()
    }

    /// All KMS keys of this region.
    pub(crate) fn kms_keys(&self) -> Result<Vec<KmsKeyRecord>, StoreError> {
        todo!()
    }

    /// Enables or disables a KMS key.
    pub(crate) fn set_kms_key_enabled(&self, key: &str, enabled: bool) -> Result<(), StoreError> {
        todo!()
    }
}
