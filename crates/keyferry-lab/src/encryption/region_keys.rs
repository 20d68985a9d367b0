//! The keys a region holds: the one behind SSE-S3, and KMS keys.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::customer_key::{CustomerKey, KeyVerifier};
use super::data_key::{DataKey, KEY_LEN};
use super::object_encryption::{EncryptionChoice, ObjectEncryption, UnlockError};
use super::wrap::WrappedKey;
use crate::store::{StoreError, Tag, random_uuid};

/// A KMS key, its material wrapped by the region's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KmsKeyRecord {
    pub(crate) key_id: String,
    pub(crate) arn: String,
    /// Account id of the owner.
    pub(crate) account: String,
    /// Made by AWS for one of its services, as `alias/aws/s3` is.
    pub(crate) aws_managed: bool,
    pub(crate) created: SystemTime,
    pub(crate) description: String,
    pub(crate) state: KeyState,
    /// The key policy, JSON as given.
    pub(crate) policy: String,
    pub(crate) tags: Vec<Tag>,
    material: WrappedKey,
}

/// `KeyState`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyState {
    Enabled,
    Disabled,
    PendingDeletion {
        /// When its material goes. The lab keeps it until then and does not use it.
        at: SystemTime,
    },
}

/// What a new KMS key is made from.
#[derive(Clone, Debug)]
pub(crate) struct NewKmsKey {
    pub(crate) account: String,
    pub(crate) aws_managed: bool,
    pub(crate) description: String,
    /// JSON as given.
    pub(crate) policy: String,
    pub(crate) tags: Vec<Tag>,
}

/// The key that a region holds outside its database.
#[derive(Clone)]
pub(crate) struct RegionKeys {
    root: Zeroizing<[u8; KEY_LEN]>,
}

impl std::fmt::Debug for RegionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RegionKeys")
    }
}

const SSE_S3: &str = "keyferry-lab SSE-S3 data key";
const KMS_MATERIAL: &str = "keyferry-lab KMS key material";

fn kms_context(arn: &str, context: Option<&str>) -> String {
    format!("{arn}\n{}", context.unwrap_or_default())
}

/// What seals for clients never opens what seals for S3.
fn client_context(arn: &str, context: &str) -> String {
    format!("keyferry-lab KMS client\n{arn}\n{context}")
}

/// Whether a key may be used now.
fn usable(key: &KmsKeyRecord) -> Result<(), UnlockError> {
    match key.state {
        KeyState::Enabled => Ok(()),
        KeyState::Disabled => Err(UnlockError::KmsKeyDisabled(key.arn.clone())),
        KeyState::PendingDeletion { .. } => {
            Err(UnlockError::KmsKeyPendingDeletion(key.arn.clone()))
        }
    }
}

impl RegionKeys {
    /// From the key file's bytes.
    pub(crate) fn new(root: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self { root }
    }

    /// A new KMS key with random material.
    pub(crate) fn create_kms_key(
        &self,
        region: &str,
        new: NewKmsKey,
    ) -> Result<KmsKeyRecord, StoreError> {
        let key_id = random_uuid();
        let material = Zeroizing::new(rand::random::<[u8; KEY_LEN]>());
        Ok(KmsKeyRecord {
            arn: format!("arn:aws:kms:{region}:{}:key/{key_id}", new.account),
            key_id,
            account: new.account,
            aws_managed: new.aws_managed,
            created: SystemTime::now(),
            description: new.description,
            state: KeyState::Enabled,
            policy: new.policy,
            tags: new.tags,
            material: WrappedKey::seal_bytes(&self.root, KMS_MATERIAL, material.as_slice())?,
        })
    }

    /// Seals what a client gives to KMS's Encrypt; `context` must be the same to open it.
    pub(crate) fn seal_for_client(
        &self,
        key: &KmsKeyRecord,
        context: &str,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, UnlockError> {
        usable(key)?;
        let material = self.kms_material(key)?;
        let sealed =
            WrappedKey::seal_bytes(&material, &client_context(&key.arn, context), plaintext)?;
        Ok(sealed.into_bytes())
    }

    /// Opens what [`RegionKeys::seal_for_client`] sealed.
    pub(crate) fn open_for_client(
        &self,
        key: &KmsKeyRecord,
        context: &str,
        sealed: Vec<u8>,
    ) -> Result<Zeroizing<Vec<u8>>, UnlockError> {
        usable(key)?;
        let material = self.kms_material(key)?;
        let sealed = WrappedKey::from_bytes(sealed);
        Ok(sealed.open_bytes(&material, &client_context(&key.arn, context))?)
    }

    fn kms_material(&self, key: &KmsKeyRecord) -> Result<Zeroizing<[u8; KEY_LEN]>, StoreError> {
        let bytes = key.material.open_bytes(&self.root, KMS_MATERIAL)?;
        let material = bytes
            .as_slice()
            .try_into()
            .map_err(|_| StoreError::Cryptography("unwrapping a KMS key"))?;
        Ok(Zeroizing::new(material))
    }

    /// The record and data key of a new object. `kms_key` is the key that `choice` means, where
    /// it means one.
    pub(crate) fn begin(
        &self,
        choice: &EncryptionChoice,
        kms_key: impl FnOnce(Option<&str>) -> Result<KmsKeyRecord, StoreError>,
    ) -> Result<(ObjectEncryption, DataKey), UnlockError> {
        match choice {
            EncryptionChoice::SseC(key) => {
                let (verifier, data_key) = KeyVerifier::create(key)?;
                Ok((ObjectEncryption::SseC { verifier }, data_key))
            }
            EncryptionChoice::SseS3 => {
                let data_key = DataKey::random(1);
                let wrapped = WrappedKey::seal(&self.root, SSE_S3, &data_key)?;
                Ok((ObjectEncryption::SseS3 { wrapped }, data_key))
            }
            EncryptionChoice::SseKms {
                key,
                bucket_key_enabled,
                context,
            } => {
                let data_key = DataKey::random(1);
                let kms = kms_key(key.as_deref())?;
                let encryption = ObjectEncryption::SseKms {
                    wrapped: self.wrap_kms(&kms, context.as_deref(), &data_key)?,
                    key_arn: kms.arn,
                    bucket_key_enabled: *bucket_key_enabled,
                    context: context.clone(),
                };
                Ok((encryption, data_key))
            }
            EncryptionChoice::DsseKms { key, context } => {
                let data_key = DataKey::random(2);
                let kms = kms_key(key.as_deref())?;
                let encryption = ObjectEncryption::DsseKms {
                    wrapped: self.wrap_kms(&kms, context.as_deref(), &data_key)?,
                    key_arn: kms.arn,
                    context: context.clone(),
                };
                Ok((encryption, data_key))
            }
        }
    }

    /// The data key of a stored object. `kms_key` looks up a KMS key by ARN.
    pub(crate) fn unlock(
        &self,
        encryption: &ObjectEncryption,
        customer_key: Option<&CustomerKey>,
        kms_key: impl FnOnce(&str) -> Result<KmsKeyRecord, StoreError>,
    ) -> Result<DataKey, UnlockError> {
        if let ObjectEncryption::SseC { verifier } = encryption {
            let key = customer_key.ok_or(UnlockError::KeyRequired)?;
            return verifier.open(key)?.ok_or(UnlockError::WrongKey);
        }
        if customer_key.is_some() {
            return Err(UnlockError::KeyNotApplicable);
        }
        self.unlock_lab_held(encryption, kms_key)
    }

    /// The same for a key the lab holds; what the replicator may use.
    pub(crate) fn unlock_lab_held(
        &self,
        encryption: &ObjectEncryption,
        kms_key: impl FnOnce(&str) -> Result<KmsKeyRecord, StoreError>,
    ) -> Result<DataKey, UnlockError> {
        match encryption {
            ObjectEncryption::SseC { .. } => Err(UnlockError::KeyRequired),
            ObjectEncryption::SseS3 { wrapped } => Ok(wrapped.open(&self.root, SSE_S3)?),
            ObjectEncryption::SseKms {
                key_arn,
                context,
                wrapped,
                ..
            }
            | ObjectEncryption::DsseKms {
                key_arn,
                context,
                wrapped,
            } => {
                let kms = kms_key(key_arn)?;
                usable(&kms)?;
                let material = self.kms_material(&kms)?;
                Ok(wrapped.open(&material, &kms_context(&kms.arn, context.as_deref()))?)
            }
        }
    }

    /// The record for the same data key held by this region: what replication writes. Under a
    /// KMS type `kms_key` replaces the source's key.
    pub(crate) fn rewrap(
        &self,
        source: &ObjectEncryption,
        data_key: &DataKey,
        kms_key: Option<&KmsKeyRecord>,
    ) -> Result<ObjectEncryption, UnlockError> {
        let kms = || kms_key.ok_or_else(|| StoreError::NoSuchKmsKey("none named".to_owned()));
        Ok(match source {
            ObjectEncryption::SseC { .. } => source.clone(),
            ObjectEncryption::SseS3 { .. } => ObjectEncryption::SseS3 {
                wrapped: WrappedKey::seal(&self.root, SSE_S3, data_key)?,
            },
            ObjectEncryption::SseKms {
                bucket_key_enabled,
                context,
                ..
            } => ObjectEncryption::SseKms {
                key_arn: kms()?.arn.clone(),
                bucket_key_enabled: *bucket_key_enabled,
                context: context.clone(),
                wrapped: self.wrap_kms(kms()?, context.as_deref(), data_key)?,
            },
            ObjectEncryption::DsseKms { context, .. } => ObjectEncryption::DsseKms {
                key_arn: kms()?.arn.clone(),
                context: context.clone(),
                wrapped: self.wrap_kms(kms()?, context.as_deref(), data_key)?,
            },
        })
    }

    fn wrap_kms(
        &self,
        kms: &KmsKeyRecord,
        context: Option<&str>,
        data_key: &DataKey,
    ) -> Result<WrappedKey, UnlockError> {
        usable(kms)?;
        let material = self.kms_material(kms)?;
        Ok(WrappedKey::seal(
            &material,
            &kms_context(&kms.arn, context),
            data_key,
        )?)
    }
}
