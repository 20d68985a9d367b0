//! Encryption keys of a region, and what objects need of them.

use redb::ReadableTable as _;
use zeroize::Zeroizing;

use super::database::{KMS_ALIASES, KMS_KEYS, decode, encode};
use super::error::StoreError;
use super::region::RegionStore;
use crate::encryption::{
    CustomerKey, DataKey, EncryptionChoice, KmsKeyRecord, NewKmsKey, ObjectEncryption, UnlockError,
};

/// The key that S3 uses where SSE-KMS names none; made when first needed.
pub(crate) const MANAGED_ALIAS: &str = "alias/aws/s3";

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

    /// Creates a KMS key.
    pub(crate) fn create_kms_key(&self, new: NewKmsKey) -> Result<KmsKeyRecord, StoreError> {
        let key = self.keys().create_kms_key(self.name(), new)?;
        self.put_kms_key(&key)?;
        Ok(key)
    }

    /// A KMS key of this region by ARN or alias ARN, or of the lab's first account by id or
    /// alias. See [`RegionStore::kms_key_of`].
    pub(crate) fn kms_key(&self, key: &str) -> Result<KmsKeyRecord, StoreError> {
        self.kms_key_of(self.account_id(), key)
    }

    /// A KMS key of this region: by ARN or alias ARN, of whichever account, or by id or alias of
    /// `account`. An account's `alias/aws/s3` is created when first asked for.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKmsKey`].
    pub(crate) fn kms_key_of(&self, account: &str, key: &str) -> Result<KmsKeyRecord, StoreError> {
        let missing = || StoreError::NoSuchKmsKey(key.to_owned());
        let (account, name) = match key.strip_prefix("arn:aws:kms:") {
            None => (account, key),
            Some(rest) => rest
                .strip_prefix(self.name())
                .and_then(|rest| rest.strip_prefix(':')?.split_once(':'))
                .ok_or_else(missing)?,
        };
        let key_id = match name.strip_prefix("key/") {
            Some(id) => Some(id.to_owned()),
            None if name.starts_with("alias/") => self.alias_target(account, name)?,
            None => Some(name.to_owned()),
        };
        if key_id.is_none() && name == MANAGED_ALIAS && self.has_account(account) {
            return self.create_managed_key(account);
        }
        let keys = self.reading()?.open_table(KMS_KEYS)?;
        let record = keys.get(key_id.ok_or_else(missing)?.as_str())?;
        let record: KmsKeyRecord = decode(record.ok_or_else(missing)?.value())?;
        if record.account == account {
            Ok(record)
        } else {
            Err(missing())
        }
    }

    fn create_managed_key(&self, account: &str) -> Result<KmsKeyRecord, StoreError> {
        let record = self.keys().create_kms_key(
            self.name(),
            NewKmsKey {
                account: account.to_owned(),
                aws_managed: true,
                description: "Default key that protects my S3 objects when no other key is defined"
                    .to_owned(),
                policy: managed_key_policy(self.name(), account),
                tags: Vec::new(),
            },
        )?;
        self.write_now(|transaction| {
            let mut aliases = transaction.tables.open_table(KMS_ALIASES)?;
            if let Some(existing) = aliases.get((account, MANAGED_ALIAS))? {
                // Another request was first.
                let keys = transaction.tables.open_table(KMS_KEYS)?;
                let found = keys.get(existing.value())?;
                return match found {
                    Some(found) => decode(found.value()),
                    None => Err(StoreError::NoSuchKmsKey(MANAGED_ALIAS.to_owned())),
                };
            }
            aliases.insert((account, MANAGED_ALIAS), record.key_id.as_str())?;
            transaction
                .tables
                .open_table(KMS_KEYS)?
                .insert(record.key_id.as_str(), encode(&record)?.as_slice())?;
            Ok(record)
        })
    }

    /// The KMS keys of an account in this region.
    pub(crate) fn kms_keys(&self, account: &str) -> Result<Vec<KmsKeyRecord>, StoreError> {
        let keys = self.reading()?.open_table(KMS_KEYS)?;
        let mut found = Vec::new();
        for entry in keys.iter()? {
            let record: KmsKeyRecord = decode(entry?.1.value())?;
            if record.account == account {
                found.push(record);
            }
        }
        Ok(found)
    }

    /// Creates or replaces a KMS key's record.
    pub(crate) fn put_kms_key(&self, key: &KmsKeyRecord) -> Result<(), StoreError> {
        let record = encode(key)?;
        self.write_now(|transaction| {
            transaction
                .tables
                .open_table(KMS_KEYS)?
                .insert(key.key_id.as_str(), record.as_slice())?;
            Ok(())
        })
    }

    /// Forgets a KMS key for good.
    pub(crate) fn remove_kms_key(&self, key_id: &str) -> Result<(), StoreError> {
        self.write_now(|transaction| {
            transaction.tables.open_table(KMS_KEYS)?.remove(key_id)?;
            Ok(())
        })
    }

    /// Names a key of the account `alias/NAME`. Gives back whether the name was free.
    pub(crate) fn create_kms_alias(
        &self,
        account: &str,
        alias: &str,
        key_id: &str,
    ) -> Result<bool, StoreError> {
        self.write_now(|transaction| {
            let mut aliases = transaction.tables.open_table(KMS_ALIASES)?;
            if aliases.get((account, alias))?.is_some() {
                return Ok(false);
            }
            aliases.insert((account, alias), key_id)?;
            Ok(true)
        })
    }

    /// An account's aliases in this region, each with the id of its key.
    pub(crate) fn kms_aliases(&self, account: &str) -> Result<Vec<(String, String)>, StoreError> {
        let aliases = self.reading()?.open_table(KMS_ALIASES)?;
        let end = format!("{account}\0");
        aliases
            .range((account, "")..(end.as_str(), ""))?
            .map(|entry| {
                let (name, key) = entry?;
                Ok((name.value().1.to_owned(), key.value().to_owned()))
            })
            .collect()
    }

    fn alias_target(&self, account: &str, alias: &str) -> Result<Option<String>, StoreError> {
        let aliases = self.reading()?.open_table(KMS_ALIASES)?;
        let target = aliases.get((account, alias))?;
        Ok(target.map(|target| target.value().to_owned()))
    }

    /// KMS's Encrypt: see [`RegionKeys`](crate::encryption::RegionKeys).
    pub(crate) fn seal_for_client(
        &self,
        key: &KmsKeyRecord,
        context: &str,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, UnlockError> {
        self.keys().seal_for_client(key, context, plaintext)
    }

    /// KMS's Decrypt.
    pub(crate) fn open_for_client(
        &self,
        key: &KmsKeyRecord,
        context: &str,
        sealed: Vec<u8>,
    ) -> Result<Zeroizing<Vec<u8>>, UnlockError> {
        self.keys().open_for_client(key, context, sealed)
    }
}

/// What every key has whose creator says nothing: the account may use and delegate it by IAM
/// policies (`S3-KMS-1`).
pub(crate) fn default_key_policy(account: &str) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// The policy of `alias/aws/s3`: everybody of the account, through S3 alone.
fn managed_key_policy(region: &str, account: &str) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "auto-s3-2",
  "Statement" : [ {{
    "Sid" : "Allow access through S3 for all principals in the account that are authorized to use S3",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "s3.{region}.amazonaws.com"
      }}
    }}
  }}, {{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*" ],
    "Resource" : "*"
  }} ]
}}"#
    )
}
