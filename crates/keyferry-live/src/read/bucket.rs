//! One bucket.

use aws_sdk_s3::Client;
use keyferry_policy::check::{InstalledBucket, Known, Origin, PublicAccessBlock};
use keyferry_policy::documents::{
    EncryptionConfiguration, ReplicationConfiguration, VersioningConfiguration, VersioningStatus,
};
use keyferry_policy::iam::PolicyDocument;
use keyferry_policy::{AccountId, BucketName, Ownership, Region, Site};

use super::{known, parsed};
use crate::connections::Connections;
use crate::service_error::{Named as _, OrAbsent as _, ServiceError};
use crate::translate::{encryption_from_sdk, ownership_from_sdk, replication_from_sdk};

/// A bucket to ask about: the account is named in each request, so that another owner's bucket of
/// the same name is refused:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>.
pub(crate) struct Asked<'a> {
    pub(crate) client: &'a Client,
    pub(crate) bucket: &'a BucketName,
    pub(crate) account: &'a AccountId,
}

/// Sends a request about the bucket, under the operation's name.
macro_rules! ask {
    ($asked:expr, $request:ident, $operation:literal) => {
        Box::pin(
            $asked
                .client
                .$request()
                .bucket($asked.bucket.as_str())
                .expected_bucket_owner($asked.account.as_str())
                .send(),
        )
        .await
        .named($operation, $asked.bucket.as_str())
    };
}

/// Where a bucket is, as far as anybody is told.
pub(crate) enum Whereabouts {
    /// In this region, and the account's.
    Found(Region),
    /// In another region than the one asked.
    Elsewhere(Region),
    /// Nowhere.
    Nowhere,
}

/// Reads a bucket, and whether S3 calls its policy public.
pub(super) async fn read(
    site: &Site,
    connections: &Connections,
) -> (InstalledBucket, Option<bool>) {
    let mut bucket = InstalledBucket::new(site.bucket.clone());
    let place = |what: &str| format!("{what} of bucket `{}`", site.bucket);
    let client = match connections.s3(site) {
        Ok(client) => client,
        Err(error) => {
            all_unknown(&mut bucket, &error.to_string());
            return (bucket, None);
        }
    };
    let asked = Asked {
        client: &client,
        bucket: &site.bucket,
        account: &site.account,
    };
    match asked.whereabouts(&site.region).await {
        Ok(Whereabouts::Found(region)) => {
            bucket.region = Known::present(region, Origin::place(place("region")));
            bucket.account = Known::present(site.account.clone(), Origin::place(place("owner")));
        }
        Ok(Whereabouts::Elsewhere(region)) => {
            all_unknown(&mut bucket, &format!("the bucket is in {region}"));
            bucket.region = Known::present(region, Origin::place(place("region")));
            return (bucket, None);
        }
        Ok(Whereabouts::Nowhere) => {
            bucket.exists = false;
            all_absent(&mut bucket);
            return (bucket, None);
        }
        Err(error) => {
            bucket.region = Known::unknown(error.to_string());
            bucket.account = Known::unknown(error.to_string());
        }
    }
    let (versioning, encryption, ownership, policy, replication, object_lock, block, public) = tokio::join!(
        asked.versioning(),
        asked.encryption(),
        asked.ownership(),
        asked.policy(),
        asked.replication(),
        asked.object_lock(),
        asked.public_access_block(),
        asked.policy_is_public(),
    );
    bucket.versioning = known(versioning, place("versioning"));
    bucket.encryption = known(encryption, place("encryption configuration"));
    bucket.ownership = known(ownership, place("object ownership"));
    bucket.policy = known(policy, place("bucket policy"));
    bucket.replication = known(replication, place("replication configuration"));
    bucket.object_lock = known(object_lock, place("Object Lock"));
    bucket.public_access_block = known(block, place("Block Public Access"));
    (bucket, public.ok().flatten())
}

fn all_unknown(bucket: &mut InstalledBucket, why: &str) {
    bucket.region = Known::unknown(why);
    bucket.account = Known::unknown(why);
    bucket.versioning = Known::unknown(why);
    bucket.encryption = Known::unknown(why);
    bucket.policy = Known::unknown(why);
    bucket.replication = Known::unknown(why);
    bucket.ownership = Known::unknown(why);
    bucket.object_lock = Known::unknown(why);
    bucket.public_access_block = Known::unknown(why);
}

fn all_absent(bucket: &mut InstalledBucket) {
    bucket.region = Known::Absent;
    bucket.account = Known::Absent;
    bucket.versioning = Known::Absent;
    bucket.encryption = Known::Absent;
    bucket.policy = Known::Absent;
    bucket.replication = Known::Absent;
    bucket.ownership = Known::Absent;
    bucket.object_lock = Known::Absent;
    bucket.public_access_block = Known::Absent;
}

impl Asked<'_> {
    /// Where the bucket is. `region` is the one that is asked.
    pub(crate) async fn whereabouts(&self, region: &Region) -> Result<Whereabouts, ServiceError> {
        let answer = self
            .client
            .head_bucket()
            .bucket(self.bucket.as_str())
            .expected_bucket_owner(self.account.as_str())
            .send()
            .await;
        let error = match answer {
            Ok(answer) => {
                let named = answer.bucket_region().and_then(|named| named.parse().ok());
                return Ok(match named {
                    Some(named) if named != *region => Whereabouts::Elsewhere(named),
                    _ => Whereabouts::Found(region.clone()),
                });
            }
            Err(error) => error,
        };
        let raw = error.raw_response();
        let status = raw.map(|raw| raw.status().as_u16());
        let named = raw
            .and_then(|raw| raw.headers().get("x-amz-bucket-region"))
            .and_then(|named| named.parse::<Region>().ok());
        match (status, named) {
            (Some(404), _) => Ok(Whereabouts::Nowhere),
            (Some(_), Some(named)) if named != *region => Ok(Whereabouts::Elsewhere(named)),
            (Some(403), _) => Err(ServiceError::Unreadable {
                what: format!("bucket `{}`", self.bucket),
                why: format!(
                    "access is denied, or it does not belong to account {}",
                    self.account
                ),
            }),
            _ => Err(ServiceError::of(
                "s3:HeadBucket",
                self.bucket.as_str(),
                &error,
            )),
        }
    }

    pub(crate) async fn versioning(&self) -> Result<Option<VersioningConfiguration>, ServiceError> {
        let answer = ask!(self, get_bucket_versioning, "s3:GetBucketVersioning")?;
        let status = match answer
            .status()
            .map(aws_sdk_s3::types::BucketVersioningStatus::as_str)
        {
            Some("Enabled") => VersioningStatus::Enabled,
            Some(_) => VersioningStatus::Suspended,
            None => return Ok(None),
        };
        Ok(Some(VersioningConfiguration {
            status: Some(status),
        }))
    }

    pub(crate) async fn encryption(&self) -> Result<Option<EncryptionConfiguration>, ServiceError> {
        let answer = ask!(self, get_bucket_encryption, "s3:GetBucketEncryption")
            .or_absent(&["ServerSideEncryptionConfigurationNotFoundError"])?;
        Ok(answer
            .as_ref()
            .and_then(|answer| answer.server_side_encryption_configuration())
            .map(encryption_from_sdk))
    }

    pub(crate) async fn ownership(&self) -> Result<Option<Ownership>, ServiceError> {
        let answer = ask!(
            self,
            get_bucket_ownership_controls,
            "s3:GetBucketOwnershipControls"
        )
        .or_absent(&["OwnershipControlsNotFoundError"])?;
        let rule = answer
            .as_ref()
            .and_then(|answer| answer.ownership_controls())
            .and_then(|controls| controls.rules().first());
        rule.map(|rule| {
            ownership_from_sdk(rule.object_ownership()).ok_or_else(|| ServiceError::Unreadable {
                what: format!("object ownership of bucket `{}`", self.bucket),
                why: format!("`{}` is unknown", rule.object_ownership().as_str()),
            })
        })
        .transpose()
    }

    pub(crate) async fn policy(&self) -> Result<Option<PolicyDocument>, ServiceError> {
        let answer = ask!(self, get_bucket_policy, "s3:GetBucketPolicy")
            .or_absent(&["NoSuchBucketPolicy"])?;
        let text = answer.and_then(|answer| answer.policy);
        text.map(|text| parsed(&format!("the policy of bucket `{}`", self.bucket), &text))
            .transpose()
    }

    /// The replication configuration as the SDK has it.
    pub(crate) async fn replication_as_is(
        &self,
    ) -> Result<Option<aws_sdk_s3::types::ReplicationConfiguration>, ServiceError> {
        let answer = ask!(self, get_bucket_replication, "s3:GetBucketReplication")
            .or_absent(&["ReplicationConfigurationNotFoundError"])?;
        Ok(answer.and_then(|answer| answer.replication_configuration))
    }

    pub(crate) async fn replication(
        &self,
    ) -> Result<Option<ReplicationConfiguration>, ServiceError> {
        let configuration = self.replication_as_is().await?;
        configuration
            .map(|configuration| {
                replication_from_sdk(&configuration).ok_or_else(|| ServiceError::Unreadable {
                    what: format!("the replication configuration of bucket `{}`", self.bucket),
                    why: "it has a setting that is unknown here".to_owned(),
                })
            })
            .transpose()
    }

    async fn object_lock(&self) -> Result<Option<bool>, ServiceError> {
        let answer = ask!(
            self,
            get_object_lock_configuration,
            "s3:GetObjectLockConfiguration"
        )
        .or_absent(&["ObjectLockConfigurationNotFoundError"])?;
        Ok(answer
            .and_then(|answer| answer.object_lock_configuration)
            .map(|configuration| configuration.object_lock_enabled.is_some()))
    }

    async fn public_access_block(&self) -> Result<Option<PublicAccessBlock>, ServiceError> {
        let answer = ask!(self, get_public_access_block, "s3:GetPublicAccessBlock")
            .or_absent(&["NoSuchPublicAccessBlockConfiguration"])?;
        Ok(answer
            .and_then(|answer| answer.public_access_block_configuration)
            .map(|block| PublicAccessBlock {
                block_public_acls: block.block_public_acls().unwrap_or_default(),
                ignore_public_acls: block.ignore_public_acls().unwrap_or_default(),
                block_public_policy: block.block_public_policy().unwrap_or_default(),
                restrict_public_buckets: block.restrict_public_buckets().unwrap_or_default(),
            }))
    }

    async fn policy_is_public(&self) -> Result<Option<bool>, ServiceError> {
        let answer = ask!(self, get_bucket_policy_status, "s3:GetBucketPolicyStatus")
            .or_absent(&["NoSuchBucketPolicy"])?;
        Ok(match answer {
            Some(answer) => answer.policy_status().and_then(|status| status.is_public()),
            None => Some(false),
        })
    }
}
