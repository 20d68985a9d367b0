//! What PutBucketReplication refuses (`S3-REPL-20`).
//!
//! Codes and messages are S3's where its documentation or widely published answers give them;
//! where they do not, the code is InvalidRequest and the message says what is wrong.

use std::collections::HashSet;

use super::configuration::{ReplicationConfiguration, ReplicationRule, RuleVersion};
use crate::store::{BucketRecord, Store, StoreError, Versioning};

/// S3 allows this many rules.
const MAXIMUM_RULES: usize = 1000;

/// The only time that replication time control knows, in minutes.
const REPLICATION_TIME: i32 = 15;

/// A refusal, with S3's code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct ConfigurationError {
    /// `InvalidRequest`, `InvalidArgument` or `MalformedXML`; all are 400.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ConfigurationError {
    pub(super) fn invalid_request(message: impl Into<String>) -> Self {
        Self {
            code: "InvalidRequest",
            message: message.into(),
        }
    }

    pub(super) fn invalid_argument(message: impl Into<String>) -> Self {
        Self {
            code: "InvalidArgument",
            message: message.into(),
        }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self {
            code: "MalformedXML",
            message: message.into(),
        }
    }
}

impl ReplicationConfiguration {
    /// Judges the configuration for `source` as PutBucketReplication does (`S3-REPL-20`).
    pub(crate) fn validate(
        &self,
        store: &Store,
        source: &BucketRecord,
    ) -> Result<Result<(), ConfigurationError>, StoreError> {
        if let Err(refusal) = self.validate_alone(source) {
            return Ok(Err(refusal));
        }
        for rule in &self.rules {
            match store.locate(&rule.destination.bucket)? {
                None => {
                    return Ok(Err(ConfigurationError::invalid_request(
                        "Destination bucket must exist.",
                    )));
                }
                Some(bucket) if bucket.versioning != Versioning::Enabled => {
                    return Ok(Err(ConfigurationError::invalid_request(
                        "Destination bucket must have versioning enabled.",
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(Ok(()))
    }

    /// What can be judged without looking at the destinations.
    fn validate_alone(&self, source: &BucketRecord) -> Result<(), ConfigurationError> {
        if self.rules.is_empty() || self.rules.len() > MAXIMUM_RULES {
            return Err(ConfigurationError::malformed(
                "a configuration has between 1 and 1,000 rules",
            ));
        }
        if source.versioning != Versioning::Enabled {
            return Err(ConfigurationError::invalid_request(
                "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
            ));
        }
        if !is_role_arn(&self.role) {
            return Err(ConfigurationError::invalid_argument(format!(
                "`{}` is not the ARN of a role",
                self.role
            )));
        }
        let schemas: HashSet<_> = self
            .rules
            .iter()
            .map(|rule| std::mem::discriminant(&rule.version))
            .collect();
        if schemas.len() > 1 {
            return Err(ConfigurationError::invalid_request(
                "all rules must be of the same version of the configuration schema",
            ));
        }
        let mut ids = HashSet::new();
        let mut priorities = HashSet::new();
        for rule in &self.rules {
            if !ids.insert(rule.id.as_str()) {
                return Err(ConfigurationError::invalid_argument(
                    "Rule Id must be unique. Found same Id for more than one rule",
                ));
            }
            if let RuleVersion::V2 { priority, .. } = rule.version
                && !priorities.insert(priority)
            {
                return Err(ConfigurationError::invalid_request(format!(
                    "priority {priority} is that of more than one rule"
                )));
            }
            rule.validate(source)?;
        }
        self.validate_v1_prefixes()
    }

    /// V1 has no priorities, so that no key may be under two rules.
    fn validate_v1_prefixes(&self) -> Result<(), ConfigurationError> {
        let mut prefixes: Vec<_> = self
            .rules
            .iter()
            .filter_map(|rule| match &rule.version {
                RuleVersion::V1 { prefix } => Some(prefix.as_str()),
                RuleVersion::V2 { .. } => None,
            })
            .collect();
        // A prefix sorts right before what it is a prefix of.
        prefixes.sort_unstable();
        let overlap = prefixes
            .iter()
            .zip(prefixes.iter().skip(1))
            .find(|(shorter, longer)| longer.starts_with(*shorter));
        match overlap {
            None => Ok(()),
            Some((a, b)) => Err(ConfigurationError::invalid_request(format!(
                "prefixes `{a}` and `{b}` overlap"
            ))),
        }
    }
}

impl ReplicationRule {
    fn validate(&self, source: &BucketRecord) -> Result<(), ConfigurationError> {
        let refuse = |message: &str| Err(ConfigurationError::invalid_request(message));
        if self.id.chars().count() > 255 {
            return Err(ConfigurationError::invalid_argument(
                "a rule's ID has at most 255 characters",
            ));
        }
        if self.destination.bucket == source.name {
            return refuse("Destination bucket cannot be the same as the source bucket.");
        }
        if self.replicates_delete_markers() && !self.tags().is_empty() {
            return refuse(
                "Delete marker replication is not supported if any Tag filter is specified. \
                 Please refer to S3 Developer Guide for more information.",
            );
        }
        let has_key = self.destination.replica_kms_key.is_some();
        if self.sse_kms_objects == Some(true) && !has_key {
            return refuse(
                "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.",
            );
        }
        if self.sse_kms_objects.is_none() && has_key {
            return refuse(
                "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.",
            );
        }
        if matches!(self.version, RuleVersion::V1 { .. }) && self.replica_modifications.is_some() {
            return refuse(
                "ReplicaModifications cannot be specified for this version of Cross Region \
                 Replication configuration schema. Please refer to S3 Developer Guide for more \
                 information.",
            );
        }
        if self.destination.owner_is_destination && self.destination.account.is_none() {
            return refuse("Account must be specified if AccessControlTranslation is specified.");
        }
        if let Some((true, minutes)) = self.destination.replication_time {
            if minutes != Some(REPLICATION_TIME) {
                return refuse("ReplicationTime must be 15 minutes.");
            }
            if !matches!(self.destination.metrics, Some((true, _))) {
                return refuse("Metrics must be enabled if ReplicationTime is enabled.");
            }
        }
        Ok(())
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/NAME`, with a path or without.
fn is_role_arn(arn: &str) -> bool {
    let mut fields = arn.splitn(6, ':');
    let mut next = || fields.next().unwrap_or_default();
    let (prefix, partition, service) = (next(), next(), next());
    let (region, account, resource) = (next(), next(), next());
    prefix == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource
            .strip_prefix("role/")
            .is_some_and(|name| !name.is_empty())
}
