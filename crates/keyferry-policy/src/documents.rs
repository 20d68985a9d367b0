//! What AWS must be given for a plan, as typed data that serialises to the exact JSON.
//!
//! Policies are made from the rows of the [matrix](crate::matrix), so that each statement knows why it
//! is there. The order is that in which they can be installed.

mod encryption;
mod guards;
mod policies;
mod replication;
mod versioning;

pub use encryption::{
    BlockedEncryptionTypes, BlockedType, DefaultEncryption, EncryptionConfiguration, EncryptionRule,
};
pub use guards::GUARD_SIDS;
pub(crate) use policies::granted;
pub use policies::{EmittedPolicy, Reason};
pub use replication::{
    AccessControlTranslation, AndFilter, DeleteMarkerReplication, Destination,
    EncryptionConfigurationOfReplicas, Filter, Metrics, Minutes, OwnerOverride,
    ReplicationConfiguration, ReplicationTime, Rule, SourceSelectionCriteria, Status, Switch, Tag,
};
pub use versioning::{VersioningConfiguration, VersioningStatus};

use serde::Serialize;

use crate::iam::PolicyDocument;
use crate::{BucketName, KmsKeyArn, ReplicationPlan, Site};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Versioning of a bucket.
    Versioning,
    /// Default encryption of a bucket, and what it refuses.
    Encryption,
    /// Trust policy of the replication role.
    Trust,
    /// Permission policy of the replication role.
    Role,
    /// Policy of the KMS key that encrypts the bucket.
    KeyPolicy,
    /// Policy of the bucket.
    BucketPolicy,
    /// Replication configuration of a source bucket.
    Replication,
    /// Trust policy of the role of Batch Operations.
    BatchTrust,
    /// Permission policy of that role.
    BatchRole,
    /// What uploads and downloads need.
    Uploader,
    /// What verification and preflight need.
    Verifier,
}

impl Kind {
    /// All kinds, in the order in which their documents are installed.
    pub const ALL: [Self; 11] = [
        Self::Versioning,
        Self::Encryption,
        Self::Trust,
        Self::Role,
        Self::KeyPolicy,
        Self::BucketPolicy,
        Self::Replication,
        Self::BatchTrust,
        Self::BatchRole,
        Self::Uploader,
        Self::Verifier,
    ];

    /// Beginning of the file's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Versioning => "versioning",
            Self::Encryption => "encryption",
            Self::Trust => "trust",
            Self::Role => "role",
            Self::KeyPolicy => "key-policy",
            Self::BucketPolicy => "bucket-policy",
            Self::Replication => "replication",
            Self::BatchTrust => "batch-trust",
            Self::BatchRole => "batch-role",
            Self::Uploader => "uploader",
            Self::Verifier => "verifier",
        }
    }

    /// What a person calls it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Versioning => "versioning",
            Self::Encryption => "encryption configuration",
            Self::Trust => "trust policy",
            Self::Role => "permission policy",
            Self::KeyPolicy => "key policy",
            Self::BucketPolicy => "bucket policy",
            Self::Replication => "replication configuration",
            Self::BatchTrust => "trust policy of the Batch Operations role",
            Self::BatchRole => "permission policy of the Batch Operations role",
            Self::Uploader => "permission policy for uploads and downloads",
            Self::Verifier => "permission policy for verification",
        }
    }
}

/// One document of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// The bucket it is named after: the source bucket for what belongs to a flow.
    pub bucket: BucketName,
    /// What it says.
    pub content: Content,
}

/// What a document says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A policy.
    Policy(EmittedPolicy),
    /// A replication configuration.
    Replication(ReplicationConfiguration),
    /// An encryption configuration.
    Encryption(EncryptionConfiguration),
    /// Versioning.
    Versioning(VersioningConfiguration),
}

impl Serialize for Content {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Policy(policy) => policy.document().serialize(serializer),
            Self::Replication(configuration) => configuration.serialize(serializer),
            Self::Encryption(configuration) => configuration.serialize(serializer),
            Self::Versioning(configuration) => configuration.serialize(serializer),
        }
    }
}

impl Document {
    /// `KIND-BUCKET.json`
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.json", self.kind.as_str(), self.bucket)
    }

    /// Indented JSON, as the AWS CLI takes it, without a line break at the end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers, lists and maps with string keys: nothing in it can fail to serialise.
        serde_json::to_string_pretty(&self.content).unwrap_or_default()
    }

    /// The policy, if it is one.
    #[must_use]
    pub fn policy(&self) -> Option<&EmittedPolicy> {
        match &self.content {
            Content::Policy(policy) => Some(policy),
            Content::Replication(_) | Content::Encryption(_) | Content::Versioning(_) => None,
        }
    }
}

/// All documents of a plan, in the order in which they can be installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Documents(Vec<Document>);

impl Documents {
    /// Makes them.
    #[must_use]
    pub fn of(plan: &ReplicationPlan) -> Self {
        let mut documents = Vec::new();
        for site in plan.sites() {
            let mut add = |kind, content| documents.push(document(kind, site, content));
            let versioning = VersioningConfiguration::enabled();
            add(Kind::Versioning, Content::Versioning(versioning));
            let encryption = EncryptionConfiguration::of(site);
            add(Kind::Encryption, Content::Encryption(encryption));
        }
        for site in plan.sites() {
            for kind in [Kind::Trust, Kind::Role] {
                documents.extend(policy(kind, site, plan));
            }
        }
        for site in plan.sites() {
            if first_with_its_key(plan, site) {
                documents.extend(policy(Kind::KeyPolicy, site, plan));
            }
            documents.extend(policy(Kind::BucketPolicy, site, plan));
        }
        for site in plan.sites() {
            let configuration = ReplicationConfiguration::of(&plan.flows_from(&site.bucket));
            documents.extend(configuration.map(|configuration| {
                document(Kind::Replication, site, Content::Replication(configuration))
            }));
        }
        for kinds in [
            [Kind::BatchTrust, Kind::BatchRole],
            [Kind::Uploader, Kind::Verifier],
        ] {
            for site in plan.sites() {
                for kind in kinds {
                    documents.extend(policy(kind, site, plan));
                }
            }
        }
        Self(documents)
    }

    /// The documents one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Document> {
        self.0.iter()
    }

    /// One of them.
    #[must_use]
    pub fn find(&self, kind: Kind, bucket: &BucketName) -> Option<&Document> {
        self.iter()
            .find(|document| document.kind == kind && document.bucket == *bucket)
    }

    /// A policy among them.
    #[must_use]
    pub fn policy(&self, kind: Kind, bucket: &BucketName) -> Option<&PolicyDocument> {
        self.find(kind, bucket)?
            .policy()
            .map(EmittedPolicy::document)
    }

    /// The policy of a KMS key, whichever of its buckets it is named after.
    #[must_use]
    pub fn key_policy(&self, plan: &ReplicationPlan, key: &KmsKeyArn) -> Option<&PolicyDocument> {
        let site = plan
            .sites()
            .iter()
            .find(|site| site.encryption.kms_key() == Some(key))?;
        self.policy(Kind::KeyPolicy, &site.bucket)
    }
}

impl<'a> IntoIterator for &'a Documents {
    type Item = &'a Document;
    type IntoIter = std::slice::Iter<'a, Document>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn document(kind: Kind, site: &Site, content: Content) -> Document {
    Document {
        kind,
        bucket: site.bucket.clone(),
        content,
    }
}

fn policy(kind: Kind, site: &Site, plan: &ReplicationPlan) -> Option<Document> {
    let policy = EmittedPolicy::of(kind, site, plan)?;
    Some(document(kind, site, Content::Policy(policy)))
}

/// Two buckets of one region may share a key, which has one policy.
fn first_with_its_key(plan: &ReplicationPlan, site: &Site) -> bool {
    site.encryption.kms_key().is_some_and(|key| {
        plan.sites()
            .iter()
            .find(|other| other.encryption.kms_key() == Some(key))
            .is_some_and(|first| first.bucket == site.bucket)
    })
}

#[cfg(test)]
mod tests;
