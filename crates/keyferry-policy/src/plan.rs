//! The plan: which buckets replicate to which, and how objects are encrypted.
//!
//! A plan is checked when it is made: what AWS would refuse, or accept and then silently not
//! replicate, is no plan. Two-way replication is two flows, each with a role of its own.

mod error;
mod file;
mod flow;
mod rules;
mod site;

pub use error::{PlanError, PlanRule};
pub use file::PlanFileError;
pub use flow::{ExistingObjects, Flow, PlannedFlow, StorageClass};
pub use site::{BucketKey, Encryption, EncryptionKind, Ownership, Site};

use serde::{Deserialize, Serialize};

use crate::{BucketName, Partition};

/// How much the documents grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// What AWS's page on encrypted objects asks for.
    #[default]
    Minimal,
    /// Also what only some of AWS's pages ask for.
    Compatible,
}

impl Profile {
    /// The name in flags and plan files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Compatible => "compatible",
        }
    }

    /// What fits an encryption when nothing is said: whether `kms:Encrypt` alone suffices was never
    /// tested for DSSE-KMS.
    #[must_use]
    pub fn default_for(encryption: EncryptionKind) -> Self {
        match encryption {
            EncryptionKind::DsseKms => Self::Compatible,
            EncryptionKind::SseS3 | EncryptionKind::SseKms | EncryptionKind::SseC => Self::Minimal,
        }
    }
}

/// Buckets, and the directions of replication between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationPlan {
    sites: Vec<Site>,
    flows: Vec<Flow>,
    profile: Profile,
}

impl ReplicationPlan {
    /// Checks and makes a plan.
    ///
    /// # Errors
    /// The first rule that is broken, and the field that breaks it: see [`PlanRule`].
    pub fn new(sites: Vec<Site>, flows: Vec<Flow>, profile: Profile) -> Result<Self, PlanError> {
        rules::check(&sites, &flows)?;
        Ok(Self {
            sites,
            flows,
            profile,
        })
    }

    /// A plan for all objects of one bucket, one way or both, in the profile that fits the encryption.
    ///
    /// # Errors
    /// As [`ReplicationPlan::new`].
    pub fn between(source: Site, destination: Site, both_ways: bool) -> Result<Self, PlanError> {
        let profile = Profile::default_for(source.encryption.kind());
        let there = Flow::new(source.bucket.clone(), destination.bucket.clone());
        let back = both_ways.then(|| there.reversed());
        let flows = std::iter::once(there).chain(back).collect();
        Self::new(vec![source, destination], flows, profile)
    }

    /// The buckets of the plan.
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// How much the documents grant.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The directions as declared.
    #[must_use]
    pub fn declared_flows(&self) -> &[Flow] {
        &self.flows
    }

    /// The partition that all of the plan is in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.sites
            .first()
            .map_or(Partition::Standard, Site::partition)
    }

    /// The site of a bucket.
    #[must_use]
    pub fn site(&self, bucket: &BucketName) -> Option<&Site> {
        self.sites.iter().find(|site| site.bucket == *bucket)
    }

    /// The directions in which objects replicate, with their sites.
    #[must_use]
    pub fn flows(&self) -> Vec<PlannedFlow<'_>> {
        let planned = |(index, settings): (usize, &'_ Flow)| {
            let before = self.flows.iter().take(index);
            Some(PlannedFlow {
                source: self.site(&settings.source)?,
                destination: self.site(&settings.destination)?,
                settings: self.flows.get(index)?,
                both_ways: self.flows.iter().any(|other| {
                    other.source == settings.destination && other.destination == settings.source
                }),
                profile: self.profile,
                ordinal: 1 + before
                    .filter(|other| other.source == settings.source)
                    .count(),
            })
        };
        self.flows.iter().enumerate().filter_map(planned).collect()
    }

    /// The directions out of a bucket.
    #[must_use]
    pub fn flows_from(&self, bucket: &BucketName) -> Vec<PlannedFlow<'_>> {
        let mut flows = self.flows();
        flows.retain(|flow| flow.source.bucket == *bucket);
        flows
    }

    /// The directions into a bucket.
    #[must_use]
    pub fn flows_into(&self, bucket: &BucketName) -> Vec<PlannedFlow<'_>> {
        let mut flows = self.flows();
        flows.retain(|flow| flow.destination.bucket == *bucket);
        flows
    }
}

#[cfg(test)]
mod tests;
