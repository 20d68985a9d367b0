//! KMS keys in S3 requests: S3 uses them in the requester's name, so the requester must be
//! allowed to (`S3-KMS-6`).
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context>

use s3s::{S3Error, S3Result, s3_error};

use super::RegionService;
use super::errors::{OrS3 as _, from_store};
use crate::authorization::Circumstances;
use crate::encryption::{EncryptionChoice, KmsKeyRecord, ObjectEncryption};
use crate::server::exchange::Exchange;
use crate::server::requester::Requester;
use crate::store::{BucketRecord, MANAGED_ALIAS, RegionStore};

/// An object whose data key KMS makes or opens.
#[derive(Clone, Copy)]
pub(super) struct Sealed<'a> {
    /// The region it is in.
    pub(super) region: &'a RegionStore,
    pub(super) bucket: &'a BucketRecord,
    pub(super) key: &'a str,
}

/// `kms:ViaService`
fn via_service(region: &str) -> String {
    format!("s3.{region}.amazonaws.com")
}

impl RegionService {
    /// The choice with its KMS key found, once the requester may make data keys by it.
    pub(super) fn authorise_encryption(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        key: &str,
        choice: EncryptionChoice,
    ) -> S3Result<EncryptionChoice> {
        let sealed = Sealed {
            region: &self.region,
            bucket,
            key,
        };
        match choice {
            EncryptionChoice::SseKms {
                key: kms_key,
                bucket_key_enabled,
                context,
            } => {
                let kms_key = self.requested_key(exchange, bucket, kms_key.as_deref())?;
                self.use_key(
                    exchange,
                    sealed,
                    "kms:GenerateDataKey",
                    &kms_key,
                    bucket_key_enabled,
                )?;
                Ok(EncryptionChoice::SseKms {
                    key: Some(kms_key.arn),
                    bucket_key_enabled,
                    context,
                })
            }
            EncryptionChoice::DsseKms {
                key: kms_key,
                context,
            } => {
                let kms_key = self.requested_key(exchange, bucket, kms_key.as_deref())?;
                self.use_key(exchange, sealed, "kms:GenerateDataKey", &kms_key, false)?;
                Ok(EncryptionChoice::DsseKms {
                    key: Some(kms_key.arn),
                    context,
                })
            }
            choice => Ok(choice),
        }
    }

    /// Whether the requester may have the data key of what is stored.
    pub(super) fn authorise_decryption(
        &self,
        exchange: &Exchange,
        sealed: Sealed<'_>,
        encryption: &ObjectEncryption,
    ) -> S3Result<()> {
        let Some(arn) = encryption.kms_key_arn() else {
            return Ok(());
        };
        let kms_key = sealed.region.kms_key(arn).or_s3(exchange)?;
        let bucket_key = encryption.uses_bucket_key();
        self.use_key(exchange, sealed, "kms:Decrypt", &kms_key, bucket_key)
    }

    /// The key that a request means: a bare id or alias is one of the requester's account.
    fn requested_key(
        &self,
        exchange: &Exchange,
        bucket: &BucketRecord,
        key: Option<&str>,
    ) -> S3Result<KmsKeyRecord> {
        let account = exchange.requester().account().unwrap_or(&bucket.owner);
        self.region
            .kms_key_of(account, key.unwrap_or(MANAGED_ALIAS))
            .or_s3(exchange)
    }

    fn use_key(
        &self,
        exchange: &Exchange,
        sealed: Sealed<'_>,
        action: &str,
        kms_key: &KmsKeyRecord,
        bucket_key: bool,
    ) -> S3Result<()> {
        let region = sealed.region.name();
        let mut circumstances = Circumstances::of_service(region);
        circumstances.set("kms:ViaService", &via_service(region));
        let arn = format!("arn:aws:s3:::{}", sealed.bucket.name);
        let context = if bucket_key {
            arn
        } else {
            format!("{arn}/{}", sealed.key)
        };
        circumstances.set("kms:EncryptionContext:aws:s3:arn", &context);
        circumstances.set("kms:EncryptionContextKeys", "aws:s3:arn");
        circumstances.set_resource_tags("aws", &kms_key.tags);
        if *exchange.requester() == Requester::Anonymous {
            // KMS knows no anonymous callers.
            return Err(denied("Access Denied"));
        }
        self.authorizer
            .may_use_key(exchange.requester(), action, kms_key, circumstances)
            .map_err(|error| from_store(error, exchange))?
            .map_err(|refusal| denied(&refusal.message()))
    }
}

fn denied(message: &str) -> S3Error {
    s3_error!(AccessDenied, "{message}")
}
