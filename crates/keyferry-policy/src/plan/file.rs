//! `plan.toml`: a plan as a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    BucketKey, Encryption, EncryptionKind, ExistingObjects, Flow, Ownership, PlanError, PlanRule,
    Profile, ReplicationPlan, Site, StorageClass,
};
use crate::{AccountId, BucketName, KmsKeyArn, Region, RoleName};

/// A plan file that is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// Not the TOML of a plan; the message has line and column.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// A plan that breaks a rule.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PlanFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    #[serde(default, rename = "site")]
    sites: Vec<SiteEntry>,
    #[serde(default, rename = "flow")]
    flows: Vec<FlowEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SiteEntry {
    bucket: BucketName,
    region: Region,
    account: AccountId,
    encryption: EncryptionKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_key: Option<BucketKey>,
    #[serde(default, skip_serializing_if = "is_default")]
    ownership: Ownership,
    #[serde(default, skip_serializing_if = "is_default")]
    object_lock: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    annotations: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    allow_sse_c: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    guard: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleName>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FlowEntry {
    source: BucketName,
    destination: BucketName,
    #[serde(default, skip_serializing_if = "is_default")]
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_markers: Option<bool>,
    #[serde(default, skip_serializing_if = "is_default")]
    time_control: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_override: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<StorageClass>,
    #[serde(default, skip_serializing_if = "is_default")]
    tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    existing_objects: Option<ExistingObjects>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ReplicationPlan {
    /// Reads `plan.toml`.
    ///
    /// # Errors
    /// Text that is no plan file, with line and column; a plan that breaks a rule, with the field.
    pub fn from_toml(text: &str) -> Result<Self, PlanFileError> {
        let file: PlanFile = toml::from_str(text)?;
        let across = file
            .sites
            .windows(2)
            .any(|pair| matches!(pair, [first, second] if first.account != second.account));
        let sites = file
            .sites
            .into_iter()
            .map(|entry| entry.site(across))
            .collect::<Result<Vec<_>, _>>()?;
        let flows: Vec<Flow> = file.flows.into_iter().map(Flow::from).collect();
        let profile = file.profile.unwrap_or_else(|| {
            let kinds = sites.iter().map(|site| site.encryption.kind());
            kinds
                .map(Profile::default_for)
                .find(|profile| *profile == Profile::Compatible)
                .unwrap_or_default()
        });
        let plan = Self::new(sites, flows, profile)?;
        match file.partition {
            Some(named) if named != plan.partition().to_string() => Err(PlanError::new(
                "partition",
                PlanRule::WrongPartition {
                    named,
                    actual: plan.partition().to_string(),
                },
            )
            .into()),
            _ => Ok(plan),
        }
    }

    /// The plan as `plan.toml`.
    ///
    /// # Errors
    /// None that a checked plan can cause.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(&PlanFile {
            partition: Some(self.partition().to_string()),
            profile: Some(self.profile),
            sites: self.sites.iter().map(SiteEntry::from).collect(),
            flows: self.flows.iter().map(FlowEntry::from).collect(),
        })
    }
}

impl Encryption {
    /// Encryption from its kind and what goes with it, as flags and plan files have it.
    ///
    /// # Errors
    /// A key that is missing, of no use, or no key; a Bucket Key where there can be none.
    /// `across_accounts` says whether another account has to use the key.
    pub fn from_parts(
        kind: EncryptionKind,
        kms_key: Option<&str>,
        bucket_key: Option<BucketKey>,
        across_accounts: bool,
    ) -> Result<Self, PlanError> {
        let title = kind.title();
        let error = |field: &str, rule| Err(PlanError::new(field, rule));
        let wanted = bucket_key.unwrap_or_default();
        if wanted.is_used() && kind != EncryptionKind::SseKms {
            return error("bucket-key", PlanRule::BucketKeyNotSupported(title));
        }
        let key = match kms_key {
            Some(_) if !kind.uses_kms() => return error("kms-key", PlanRule::KeyUnused(title)),
            None if kind.uses_kms() => return error("kms-key", PlanRule::KeyMissing(title)),
            Some(text) => match text.parse::<KmsKeyArn>() {
                Ok(key) => Some(key),
                Err(_) if across_accounts && (text.contains("alias/") || text == "aws/s3") => {
                    return error("kms-key", PlanRule::AliasAcrossAccounts(text.to_owned()));
                }
                Err(bad) => return error("kms-key", PlanRule::BadKey(bad.to_string())),
            },
            None => None,
        };
        Ok(match (kind, key) {
            (EncryptionKind::SseKms, Some(key)) => Self::SseKms {
                key,
                bucket_key: wanted,
            },
            (EncryptionKind::DsseKms, Some(key)) => Self::DsseKms { key },
            (EncryptionKind::SseC, _) => Self::SseC,
            (EncryptionKind::SseS3 | EncryptionKind::SseKms | EncryptionKind::DsseKms, _) => {
                Self::SseS3
            }
        })
    }
}

impl SiteEntry {
    fn site(self, across_accounts: bool) -> Result<Site, PlanError> {
        let encryption = Encryption::from_parts(
            self.encryption,
            self.kms_key.as_deref(),
            self.bucket_key,
            across_accounts,
        )
        .map_err(|PlanError { field, rule }| {
            PlanError::new(format!("site {}: {field}", self.bucket), rule)
        })?;
        Ok(Site {
            ownership: self.ownership,
            object_lock: self.object_lock,
            annotations: self.annotations,
            allow_sse_c: self.allow_sse_c,
            guard: self.guard,
            role: self.role,
            ..Site::new(self.bucket, self.region, self.account, encryption)
        })
    }
}

impl From<&Site> for SiteEntry {
    fn from(site: &Site) -> Self {
        Self {
            bucket: site.bucket.clone(),
            region: site.region.clone(),
            account: site.account.clone(),
            encryption: site.encryption.kind(),
            kms_key: site.encryption.kms_key().map(ToString::to_string),
            bucket_key: matches!(site.encryption, Encryption::SseKms { .. })
                .then(|| site.encryption.bucket_key()),
            ownership: site.ownership,
            object_lock: site.object_lock,
            annotations: site.annotations,
            allow_sse_c: site.allow_sse_c,
            guard: site.guard,
            role: site.role.clone(),
        }
    }
}

impl From<FlowEntry> for Flow {
    fn from(entry: FlowEntry) -> Self {
        Self {
            source: entry.source,
            destination: entry.destination,
            prefix: entry.prefix,
            tags: entry.tags,
            delete_markers: entry.delete_markers,
            time_control: entry.time_control,
            owner_override: entry.owner_override,
            storage_class: entry.storage_class,
            existing_objects: entry.existing_objects,
        }
    }
}

impl From<&Flow> for FlowEntry {
    fn from(flow: &Flow) -> Self {
        Self {
            source: flow.source.clone(),
            destination: flow.destination.clone(),
            prefix: flow.prefix.clone(),
            delete_markers: flow.delete_markers,
            time_control: flow.time_control,
            owner_override: flow.owner_override,
            storage_class: flow.storage_class,
            tags: flow.tags.clone(),
            existing_objects: flow.existing_objects.clone(),
        }
    }
}
