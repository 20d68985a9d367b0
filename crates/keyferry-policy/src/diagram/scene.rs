//! What a diagram shows, whichever way it is drawn.

use crate::documents::granted;
use crate::matrix::{DocumentRole, Row};
use crate::plan::{BucketKey, Encryption, PlannedFlow};
use crate::{KmsKeyArn, ReplicationPlan, Site};

/// A plan as places and directions between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// What is shown, in a line.
    pub title: String,
    /// The buckets: those of one account side by side, and in it those of one region.
    pub places: Vec<Place>,
    /// The directions.
    pub lanes: Vec<Lane>,
}

/// A bucket and what encrypts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Its account.
    pub account: String,
    /// What else there is to say about the bucket.
    pub settings: Vec<String>,
    /// Who holds the key.
    pub key: KeyHolder,
    /// What there is to say about the key.
    pub key_settings: Vec<String>,
}

/// Who holds the key that encrypts a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyHolder {
    /// S3 itself.
    S3,
    /// KMS: the key's id and ARN.
    Kms {
        /// What stands behind `key/`.
        id: String,
        /// The whole ARN.
        arn: String,
    },
    /// The customer.
    Customer,
}

/// One direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Index of the place that objects come from.
    pub from: usize,
    /// Index of the place that they go to.
    pub to: usize,
    /// The role that S3 acts as.
    pub role: String,
    /// What the role may do on the source bucket.
    pub reads: Vec<&'static str>,
    /// On the source's key.
    pub decrypts: Vec<&'static str>,
    /// On the destination bucket.
    pub writes: Vec<&'static str>,
    /// On the destination's key.
    pub encrypts: Vec<&'static str>,
    /// Whose word the writes need.
    pub writes_allowed_by: &'static str,
    /// Whose word the destination's key needs.
    pub encrypts_allowed_by: &'static str,
    /// What the rule says besides.
    pub rule: Vec<String>,
}

impl Scene {
    /// What a plan looks like.
    #[must_use]
    pub fn of(plan: &ReplicationPlan) -> Self {
        let mut sites: Vec<&Site> = Vec::new();
        for site in plan.sites() {
            // Beside those of its account and region, else beside those of its account, else last.
            let behind = |same: &dyn Fn(&Site) -> bool| sites.iter().rposition(|other| same(other));
            let place =
                behind(&|other| other.account == site.account && other.region == site.region)
                    .or_else(|| behind(&|other| other.account == site.account))
                    .map_or(sites.len(), |index| index + 1);
            sites.insert(place, site);
        }
        let index = |site: &Site| {
            let place = sites.iter().position(|other| other.bucket == site.bucket);
            place.unwrap_or_default()
        };
        let lanes = plan
            .flows()
            .iter()
            .map(|flow| lane(flow, index(flow.source), index(flow.destination)))
            .collect();
        Self {
            title: title(plan),
            places: sites.into_iter().map(place).collect(),
            lanes,
        }
    }
}

fn title(plan: &ReplicationPlan) -> String {
    let mut encryptions: Vec<String> = Vec::new();
    for site in plan.sites() {
        let title = match &site.encryption {
            Encryption::SseKms {
                bucket_key: BucketKey::On | BucketKey::Mixed,
                ..
            } => "SSE-KMS with Bucket Key".to_owned(),
            other => other.kind().title().to_owned(),
        };
        if !encryptions.contains(&title) {
            encryptions.push(title);
        }
    }
    let flows = plan.flows();
    let directions = match flows.as_slice() {
        [_] => "one way".to_owned(),
        [one, other]
            if one.source.bucket == other.destination.bucket
                && one.destination.bucket == other.source.bucket =>
        {
            "both ways".to_owned()
        }
        several => format!("{} directions", several.len()),
    };
    format!(
        "S3 replication, {directions}, {}, {} permissions",
        encryptions.join(" and "),
        plan.profile().as_str()
    )
}

fn place(site: &Site) -> Place {
    let mut settings = vec!["versioning on".to_owned()];
    settings.push(
        if site.accepts_sse_c() {
            "SSE-C let in"
        } else {
            "SSE-C refused"
        }
        .to_owned(),
    );
    if site.object_lock {
        settings.push("Object Lock".to_owned());
    }
    if site.guard {
        settings.push("guarded".to_owned());
    }
    let (key, key_settings) = key(site);
    Place {
        bucket: site.bucket.to_string(),
        region: site.region.to_string(),
        account: site.account.to_string(),
        settings,
        key,
        key_settings,
    }
}

fn key(site: &Site) -> (KeyHolder, Vec<String>) {
    let kms = |key: &KmsKeyArn| KeyHolder::Kms {
        id: key.key_id().to_owned(),
        arn: key.to_string(),
    };
    let (holder, mut settings) = match &site.encryption {
        Encryption::SseS3 => (KeyHolder::S3, vec!["SSE-S3".to_owned()]),
        Encryption::SseKms { key, bucket_key } => {
            let state = format!("Bucket Key {}", bucket_key.as_str());
            (kms(key), vec!["SSE-KMS".to_owned(), state])
        }
        Encryption::DsseKms { key } => (
            kms(key),
            vec!["DSSE-KMS".to_owned(), "two layers".to_owned()],
        ),
        Encryption::SseC => (
            KeyHolder::Customer,
            vec!["SSE-C".to_owned(), "sent with each request".to_owned()],
        ),
    };
    if let Some(key) = site.encryption.kms_key()
        && *key.account() != site.account
    {
        settings.push(format!("of account {}", key.account()));
    }
    (holder, settings)
}

fn lane(flow: &PlannedFlow<'_>, from: usize, to: usize) -> Lane {
    let on = |placeholder: &str| {
        let mut actions: Vec<&'static str> = Vec::new();
        for (row, granted) in granted(flow, DocumentRole::RolePermissions) {
            if names(row, placeholder) {
                actions.extend(
                    granted
                        .iter()
                        .filter(|action| !actions.contains(action))
                        .copied()
                        .collect::<Vec<_>>(),
                );
            }
        }
        actions
    };
    let foreign_key = flow
        .destination
        .encryption
        .kms_key()
        .is_some_and(|key| *key.account() != flow.source.account);
    let in_bucket_policy = granted(flow, DocumentRole::BucketPolicy).next().is_some();
    Lane {
        from,
        to,
        role: flow.role_name(),
        reads: on("{src.bucket}"),
        decrypts: on("{src.key_arn}"),
        writes: on("{dst.bucket}"),
        encrypts: on("{dst.key_arn}"),
        writes_allowed_by: if in_bucket_policy {
            "by role and bucket policy"
        } else {
            "by the role"
        },
        encrypts_allowed_by: if foreign_key {
            "by role and key policy"
        } else {
            "by the role"
        },
        rule: rule(flow),
    }
}

fn names(row: &Row, placeholder: &str) -> bool {
    row.resource.iter().any(|text| text.contains(placeholder))
}

fn rule(flow: &PlannedFlow<'_>) -> Vec<String> {
    let settings = flow.settings;
    let mut rule = Vec::new();
    if !settings.prefix.is_empty() {
        rule.push(format!("{}*", settings.prefix));
    }
    rule.extend(
        settings
            .tags
            .iter()
            .map(|(key, value)| format!("{key}={value}")),
    );
    if flow.source.encryption.kind().uses_kms() {
        rule.push("KMS opt-in".to_owned());
    }
    if flow.delete_markers() {
        rule.push("delete markers".to_owned());
    }
    if flow.both_ways {
        rule.push("metadata back".to_owned());
    }
    if flow.owner_override() {
        rule.push("new owner".to_owned());
    }
    if settings.time_control {
        rule.push("15 minutes".to_owned());
    }
    rule.extend(
        settings
            .storage_class
            .map(|class| class.as_str().to_owned()),
    );
    if settings.existing_objects.is_some() {
        rule.push("existing objects".to_owned());
    }
    rule
}
