//! What is installed: roles, buckets and keys, with their documents.
//!
//! What nobody has looked at is [`Known::Unknown`], which is not the same as [`Known::Absent`]. A role,
//! bucket or key that is not listed is unknown altogether; one that is known not to exist is listed with
//! `exists: false`.

use serde::{Serialize, Serializer};

use crate::documents::{
    EncryptionConfiguration, ReplicationConfiguration, VersioningConfiguration,
};
use crate::iam::PolicyDocument;
use crate::{AccountId, BucketName, KmsKeyArn, Ownership, Region, RoleArn};

/// What is installed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Installed {
    /// Roles.
    pub roles: Vec<InstalledRole>,
    /// Buckets.
    pub buckets: Vec<InstalledBucket>,
    /// KMS keys.
    pub keys: Vec<InstalledKey>,
}

/// What is known of one thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known<T> {
    /// It is there.
    Present(Given<T>),
    /// It is known not to be there.
    Absent,
    /// Nobody knows; why.
    Unknown(String),
}

/// Something that is there, and where it was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Given<T> {
    /// What it says.
    pub value: T,
    /// Where it was found.
    pub origin: Origin,
}

/// Where something was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// How reports name the place: a file, an ARN, the address of a Terraform resource.
    pub place: String,
    /// The file, where there is one, as it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line on which each statement or rule begins, counted from 1; empty where there are no lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<usize>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstalledRole {
    /// Its ARN.
    #[serde(serialize_with = "as_text")]
    pub arn: RoleArn,
    /// Whether there is such a role.
    pub exists: bool,
    /// Its trust policy.
    pub trust: Known<PolicyDocument>,
    /// Its permission policies, inline and attached.
    pub policies: Vec<NamedPolicy>,
    /// Why there may be permission policies beside these, if there may.
    pub unread_policies: Option<String>,
    /// Its permissions boundary.
    pub boundary: Known<PolicyDocument>,
}

/// A permission policy of a role.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedPolicy {
    /// Its name, or the ARN of an attached policy.
    pub name: String,
    /// What it says.
    pub document: Known<PolicyDocument>,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstalledBucket {
    /// Its name.
    pub name: BucketName,
    /// Whether there is such a bucket.
    pub exists: bool,
    /// The region it is in.
    pub region: Known<Region>,
    /// The account that owns it.
    pub account: Known<AccountId>,
    /// Its versioning; absent where it was never on.
    pub versioning: Known<VersioningConfiguration>,
    /// Its encryption. A rule without blocked types does not say whether SSE-C is let in: S3 decides by
    /// the age of the bucket and the account.
    pub encryption: Known<EncryptionConfiguration>,
    /// Its bucket policy.
    pub policy: Known<PolicyDocument>,
    /// Its replication configuration, as it stands there: version 1 where rules have no `Filter`.
    pub replication: Known<ReplicationConfiguration>,
    /// Who owns its objects; absent where there are no ownership controls.
    pub ownership: Known<Ownership>,
    /// Whether Object Lock is on; absent is off.
    pub object_lock: Known<bool>,
    /// Which public access is blocked.
    pub public_access_block: Known<PublicAccessBlock>,
}

/// Which public access a bucket blocks.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PublicAccessBlock {
    /// `BlockPublicAcls`
    pub block_public_acls: bool,
    /// `IgnorePublicAcls`
    pub ignore_public_acls: bool,
    /// `BlockPublicPolicy`
    pub block_public_policy: bool,
    /// `RestrictPublicBuckets`
    pub restrict_public_buckets: bool,
}

/// A KMS key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstalledKey {
    /// Its ARN.
    #[serde(serialize_with = "as_text")]
    pub arn: KmsKeyArn,
    /// Whether there is such a key.
    pub exists: bool,
    /// Its key policy.
    pub policy: Known<PolicyDocument>,
    /// Whether it can be used.
    pub state: Known<KeyState>,
}

/// Whether a KMS key can be used.
///
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// It can.
    Enabled,
    /// It is switched off.
    Disabled,
    /// It waits to be deleted.
    PendingDeletion,
    /// It has no key material.
    PendingImport,
    /// It cannot be used for another reason.
    Unavailable,
}

impl<T> Known<T> {
    /// It is there, found at a place.
    pub fn present(value: T, origin: Origin) -> Self {
        Self::Present(Given { value, origin })
    }

    /// Nobody knows.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// What it says, if it is there.
    pub fn value(&self) -> Option<&T> {
        self.given().map(|given| &given.value)
    }

    /// What it says and where it was found, if it is there.
    pub fn given(&self) -> Option<&Given<T>> {
        match self {
            Self::Present(given) => Some(given),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// Why nobody knows, if so.
    pub fn why_unknown(&self) -> Option<&str> {
        match self {
            Self::Unknown(why) => Some(why),
            Self::Present(_) | Self::Absent => None,
        }
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self::unknown("it was not given")
    }
}

impl Origin {
    /// A place that is no file: an ARN, the address of a Terraform resource.
    #[must_use]
    pub fn place(place: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            file: None,
            lines: Vec::new(),
        }
    }

    /// A file.
    #[must_use]
    pub fn file(path: impl Into<String>) -> Self {
        let path = path.into();
        Self {
            place: path.clone(),
            file: Some(path),
            lines: Vec::new(),
        }
    }
}

impl InstalledRole {
    /// A role of which nothing else is known.
    #[must_use]
    pub fn new(arn: RoleArn) -> Self {
        Self {
            arn,
            exists: true,
            trust: Known::default(),
            policies: Vec::new(),
            unread_policies: Some("they were not given".to_owned()),
            boundary: Known::default(),
        }
    }
}

impl InstalledBucket {
    /// A bucket of which nothing else is known.
    #[must_use]
    pub fn new(name: BucketName) -> Self {
        Self {
            name,
            exists: true,
            region: Known::default(),
            account: Known::default(),
            versioning: Known::default(),
            encryption: Known::default(),
            policy: Known::default(),
            replication: Known::default(),
            ownership: Known::default(),
            object_lock: Known::default(),
            public_access_block: Known::default(),
        }
    }
}

impl InstalledKey {
    /// A key of which nothing else is known.
    #[must_use]
    pub fn new(arn: KmsKeyArn) -> Self {
        Self {
            arn,
            exists: true,
            policy: Known::default(),
            state: Known::default(),
        }
    }
}

impl Installed {
    /// A role, if it is listed.
    #[must_use]
    pub fn role(&self, arn: &RoleArn) -> Option<&InstalledRole> {
        self.roles.iter().find(|role| role.arn == *arn)
    }

    /// A bucket, if it is listed.
    #[must_use]
    pub fn bucket(&self, name: &BucketName) -> Option<&InstalledBucket> {
        self.buckets.iter().find(|bucket| bucket.name == *name)
    }

    /// A key, if it is listed.
    #[must_use]
    pub fn key(&self, arn: &KmsKeyArn) -> Option<&InstalledKey> {
        self.keys.iter().find(|key| key.arn == *arn)
    }

    /// A role to be filled in, listed from now on.
    pub fn role_mut(&mut self, arn: &RoleArn) -> &mut InstalledRole {
        entry(
            &mut self.roles,
            |role| role.arn == *arn,
            || InstalledRole::new(arn.clone()),
        )
    }

    /// A bucket to be filled in, listed from now on.
    pub fn bucket_mut(&mut self, name: &BucketName) -> &mut InstalledBucket {
        let new = || InstalledBucket::new(name.clone());
        entry(&mut self.buckets, |bucket| bucket.name == *name, new)
    }

    /// A key to be filled in, listed from now on.
    pub fn key_mut(&mut self, arn: &KmsKeyArn) -> &mut InstalledKey {
        entry(
            &mut self.keys,
            |key| key.arn == *arn,
            || InstalledKey::new(arn.clone()),
        )
    }
}

/// The first that fits, or a new one at the end.
#[expect(
    clippy::indexing_slicing,
    reason = "the place was found or made just before"
)]
fn entry<T>(list: &mut Vec<T>, fits: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let place = list.iter().position(fits).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    });
    &mut list[place]
}

fn as_text<S: Serializer>(
    value: &impl std::fmt::Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
