//! Versioning and ownership of a bucket.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html>

use serde::{Deserialize, Serialize};

/// What `aws s3api put-bucket-versioning --versioning-configuration` takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VersioningConfiguration {
    /// `Enabled` or `Suspended`; absent where versioning never was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<VersioningStatus>,
}

/// State of a bucket's versioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VersioningStatus {
    /// On, as replication needs it.
    Enabled,
    /// No longer on.
    Suspended,
}

impl VersioningConfiguration {
    /// On.
    #[must_use]
    pub fn enabled() -> Self {
        Self {
            status: Some(VersioningStatus::Enabled),
        }
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.status == Some(VersioningStatus::Enabled)
    }
}
