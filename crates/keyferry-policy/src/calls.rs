//! What S3 asks IAM and KMS for when it replicates one version.
//!
//! S3 publishes no list of these calls; this one follows from the permissions that its pages ask for,
//! and from the failure reasons of
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics-events.html#replication-failure-codes>.
//! The order is the likely one: the first call that is denied names the failure.

mod sequence;

use crate::iam::Request;
use crate::plan::{BucketKey, PlannedFlow};
use crate::{AccountId, BucketName, Encryption, KmsKeyArn, Region, RoleArn};

/// A bucket as S3 meets it while replicating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region.
    pub region: Region,
    /// Its owner.
    pub account: AccountId,
}

impl Place {
    fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.region.partition(), self.bucket)
    }

    fn via_service(&self) -> String {
        let suffix = self.region.partition().dns_suffix();
        format!("s3.{}.{suffix}", self.region)
    }
}

impl From<&crate::Site> for Place {
    fn from(site: &crate::Site) -> Self {
        Self {
            bucket: site.bucket.clone(),
            region: site.region.clone(),
            account: site.account.clone(),
        }
    }
}

/// How KMS is involved with one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsUse {
    /// The key that encrypts the object.
    pub source_key: KmsKeyArn,
    /// Whether the object uses a Bucket Key.
    pub source_bucket_key: bool,
    /// The key that will encrypt the replica.
    pub replica_key: KmsKeyArn,
    /// Whether the replica will use a Bucket Key.
    pub replica_bucket_key: bool,
}

/// What is replicated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// An object version.
    Object,
    /// A delete marker.
    DeleteMarker,
    /// A change of tags or other metadata of a version that is there already.
    Metadata,
}

/// One version on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replication {
    /// The role that S3 acts as.
    pub role: RoleArn,
    /// Where the version is.
    pub source: Place,
    /// Where it goes.
    pub destination: Place,
    /// Its key.
    pub key: String,
    /// What it is.
    pub payload: Payload,
    /// KMS, where the object is under SSE-KMS or DSSE-KMS.
    pub kms: Option<KmsUse>,
    /// Whether it has tags.
    pub tagged: bool,
    /// Whether the rule hands the replica to the destination's owner.
    pub owner_override: bool,
    /// Whether the source bucket has Object Lock.
    pub object_lock: bool,
    /// Whether the object has annotations to carry along.
    pub annotations: bool,
}

/// Whose policies decide about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gate {
    /// The role's trust policy.
    Trust,
    /// The role's policies and the source bucket's.
    SourceBucket,
    /// The role's policies and the destination bucket's.
    DestinationBucket,
    /// The role's policies and those of the key that encrypts the object.
    SourceKey,
    /// The role's policies and those of the key that will encrypt the replica.
    ReplicaKey,
}

/// One thing that S3 asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The row of the matrix that grants it.
    pub row: &'static str,
    /// Whose policies decide.
    pub gate: Gate,
    /// Who asks for what.
    pub request: Request,
    /// How S3 names the failure when it is denied; `None` where AWS names none.
    pub failure_code: Option<&'static str>,
}

impl Replication {
    /// A replication as the plan foresees it, of a key that the flow covers; one for each Bucket Key
    /// state that its objects can be in. `DeleteMarker` gives none where the flow carries none.
    #[must_use]
    pub fn of_flow(flow: &PlannedFlow<'_>, payload: Payload) -> Vec<Self> {
        if payload == Payload::DeleteMarker && !flow.delete_markers() {
            return Vec::new();
        }
        let states = |encryption: &Encryption| match encryption.bucket_key() {
            BucketKey::Off => vec![false],
            BucketKey::On => vec![true],
            BucketKey::Mixed => vec![false, true],
        };
        let base = Self {
            role: flow.role_arn(),
            source: Place::from(flow.source),
            destination: Place::from(flow.destination),
            key: format!("{}example", flow.settings.prefix),
            payload,
            kms: None,
            tagged: true,
            owner_override: flow.owner_override(),
            object_lock: flow.source.object_lock,
            annotations: flow.source.annotations,
        };
        let keys = flow
            .source
            .encryption
            .kms_key()
            .zip(flow.destination.encryption.kms_key());
        let Some((source_key, replica_key)) = keys else {
            return vec![base];
        };
        let layers = matches!(flow.source.encryption, Encryption::DsseKms { .. });
        let replica_states = if layers {
            vec![false]
        } else {
            states(&flow.destination.encryption)
        };
        let mut all = Vec::new();
        for source_bucket_key in states(&flow.source.encryption) {
            for &replica_bucket_key in &replica_states {
                all.push(Self {
                    kms: Some(KmsUse {
                        source_key: source_key.clone(),
                        source_bucket_key,
                        replica_key: replica_key.clone(),
                        replica_bucket_key,
                    }),
                    ..base.clone()
                });
            }
        }
        all
    }
}

#[cfg(test)]
mod tests;
