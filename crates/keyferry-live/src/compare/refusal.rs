//! What speaks against touching what is live.

use keyferry_policy::check::KeyState;
use keyferry_policy::{BucketName, KmsKeyArn, Region};

/// What speaks against touching what is live.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A bucket does not exist.
    #[error("there is no bucket `{bucket}`")]
    NoBucket {
        /// The bucket.
        bucket: BucketName,
    },
    /// A bucket is in another region.
    #[error("bucket `{bucket}` is in {region}, the plan says {planned}")]
    Elsewhere {
        /// The bucket.
        bucket: BucketName,
        /// Where the plan has it.
        planned: Region,
        /// Where it is.
        region: Region,
    },
    /// What cannot be read is not overwritten.
    #[error("{what} cannot be read, and is not overwritten unread: {why}")]
    Unreadable {
        /// What.
        what: String,
        /// Why not.
        why: String,
    },
    /// A bucket's policy lets anybody in.
    #[error("bucket `{bucket}` is public{}", statement.as_ref().map(|statement| format!(", by {statement} of its policy")).unwrap_or_default())]
    Public {
        /// The bucket.
        bucket: BucketName,
        /// The statement that lets anybody in, as far as it can be told.
        statement: Option<String>,
    },
    /// A bucket's policy would let anybody in.
    #[error("bucket `{bucket}` would become public, by {statement} of its policy")]
    WouldBePublic {
        /// The bucket.
        bucket: BucketName,
        /// The statement.
        statement: String,
    },
    /// Another role replicates out of the bucket, and there is one for all rules.
    #[error(
        "bucket `{bucket}` replicates as `{live}`{}, and all rules of a bucket have one role",
        rules(foreign)
    )]
    ForeignRole {
        /// The bucket.
        bucket: BucketName,
        /// The role that is there.
        live: String,
        /// The role that the plan has.
        planned: String,
        /// Rules that are not the plan's.
        foreign: Vec<String>,
    },
    /// Rules of version 1 and version 2 do not mix.
    #[error(
        "bucket `{bucket}` has replication rules of version 1{}, which S3 does not mix with the plan's",
        rules(foreign)
    )]
    VersionOne {
        /// The bucket.
        bucket: BucketName,
        /// Those rules.
        foreign: Vec<String>,
    },
    /// A KMS key does not exist.
    #[error("there is no KMS key `{key}`")]
    NoKey {
        /// The key.
        key: KmsKeyArn,
    },
    /// A KMS key cannot be used.
    #[error("KMS key `{key}` cannot be used: it is {}", state_name(*state))]
    KeyUnusable {
        /// The key.
        key: KmsKeyArn,
        /// Its state.
        state: KeyState,
    },
    /// The key policy would leave the account without a say over its key.
    #[error("the policy of KMS key `{key}` would leave nobody in its account who may change it")]
    LockOut {
        /// The key.
        key: KmsKeyArn,
    },
}

fn rules(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!(" (rules {})", quoted.join(", "))
}

fn state_name(state: KeyState) -> &'static str {
    match state {
        KeyState::Enabled => "enabled",
        KeyState::Disabled => "disabled",
        KeyState::PendingDeletion => "about to be deleted",
        KeyState::PendingImport => "without key material",
        KeyState::Unavailable => "unavailable",
    }
}

impl Refusal {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoBucket { .. } => "--create-buckets makes the buckets of the plan".to_owned(),
            Self::Elsewhere { bucket, region, .. } => {
                format!("put `{bucket}@{region}` into the plan")
            }
            Self::Unreadable { .. } => {
                "use credentials that may read it, or `policy emit` and another way to install"
                    .to_owned()
            }
            Self::Public { .. } | Self::WouldBePublic { .. } => {
                "keyferry does not touch public buckets; take the statement out first".to_owned()
            }
            Self::ForeignRole { planned, .. } => format!(
                "--replace-role lets `{planned}` take over, which may not do what the other rules need; or name the other role in the plan file (`role`)"
            ),
            Self::VersionOne { .. } => {
                "give those rules a Filter, which makes them version 2".to_owned()
            }
            Self::NoKey { .. } => {
                "make the key first (`aws kms create-key`), and put its ARN into the plan"
                    .to_owned()
            }
            Self::KeyUnusable {
                state: KeyState::Disabled,
                key,
            } => format!("`aws kms enable-key --key-id {key}`"),
            Self::KeyUnusable {
                state: KeyState::PendingDeletion,
                key,
            } => format!("`aws kms cancel-key-deletion --key-id {key}`, then enable it"),
            Self::KeyUnusable { .. } => return None,
            Self::LockOut { .. } => {
                "give the account's root principal `kms:*` in the key policy first".to_owned()
            }
        })
    }
}
