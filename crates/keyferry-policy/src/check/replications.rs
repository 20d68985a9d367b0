//! What S3 will do in a direction, as it is set up: the plan's replications, by the role that the
//! configuration names, with what the installed settings add.

use super::installed::{Given, Installed, Known};
use crate::calls::{Call, Gate, Payload, Replication};
use crate::documents::{self, ReplicationConfiguration, Status};
use crate::plan::{PlannedFlow, Profile};
use crate::{Encryption, EncryptionKind, RoleArn, Site};

/// A direction of the plan, and how it is set up.
#[derive(Debug, Clone)]
pub(super) struct Direction<'a> {
    pub(super) flow: &'a PlannedFlow<'a>,
    /// The role that S3 acts as.
    pub(super) role: RoleArn,
    /// The replication configuration of the source, if it is known and there.
    pub(super) configuration: Option<&'a Given<ReplicationConfiguration>>,
    /// The rule that is about this direction, and its place.
    pub(super) rule: Option<(usize, &'a documents::Rule)>,
    missing: bool,
    object_lock: bool,
    replica_bucket_key: Option<bool>,
}

/// A call that S3 makes in a direction.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) call: Call,
    /// What it is made for.
    pub(super) replication: Replication,
    /// Whether only some of AWS's pages ask for it.
    pub(super) disputed: bool,
}

impl<'a> Direction<'a> {
    pub(super) fn of(flow: &'a PlannedFlow<'a>, installed: &'a Installed) -> Self {
        let source = installed.bucket(&flow.source.bucket);
        let replication = source.map(|bucket| &bucket.replication);
        let configuration = replication.and_then(Known::given);
        let named: Option<RoleArn> =
            configuration.and_then(|configuration| configuration.value.role.parse().ok());
        let role = named
            .filter(|role| installed.role(role).is_some())
            .unwrap_or_else(|| flow.role_arn());
        let rule = configuration.and_then(|configuration| rule_of(flow, &configuration.value));
        let has_role = installed.role(&role).is_some_and(|role| {
            let policies = role.policies.iter();
            role.trust.value().is_some()
                || policies
                    .into_iter()
                    .any(|policy| policy.document.value().is_some())
        });
        let object_lock = source.is_some_and(|bucket| bucket.object_lock.value() == Some(&true));
        Self {
            flow,
            role,
            configuration,
            rule,
            missing: matches!(replication, Some(Known::Absent)) && !has_role,
            object_lock,
            replica_bucket_key: installed_bucket_key(flow.destination, installed),
        }
    }

    /// Whether anything of it is there, or may be.
    pub(super) fn is_set_up(&self) -> bool {
        !self.missing
    }

    /// How reports name it.
    pub(super) fn subject(&self) -> String {
        format!(
            "{} -> {}",
            self.flow.source.bucket, self.flow.destination.bucket
        )
    }

    /// Every kind of replication that happens in this direction.
    fn replications(&self) -> Vec<Replication> {
        let overrides = self
            .rule
            .is_some_and(|(_, rule)| rule.destination.access_control_translation.is_some());
        let mut all = Vec::new();
        for payload in [Payload::Object, Payload::DeleteMarker, Payload::Metadata] {
            for replication in Replication::of_flow(self.flow, payload) {
                let replication = Replication {
                    role: self.role.clone(),
                    owner_override: replication.owner_override || overrides,
                    object_lock: replication.object_lock || self.object_lock,
                    ..replication
                };
                all.extend(self.with_other_bucket_key(&replication));
                all.push(replication);
            }
        }
        all
    }

    /// The same replication with the state of Bucket Keys that the destination is in.
    fn with_other_bucket_key(&self, replication: &Replication) -> Option<Replication> {
        let actual = self.replica_bucket_key?;
        let planned = self.flow.destination.encryption.bucket_key();
        let kms = replication.kms.clone()?;
        let covered = planned == crate::BucketKey::Mixed || planned.is_used() == actual;
        // DSSE-KMS never uses a Bucket Key.
        let layers = matches!(self.flow.source.encryption, Encryption::DsseKms { .. });
        (!covered && !layers).then(|| Replication {
            kms: Some(crate::calls::KmsUse {
                replica_bucket_key: actual,
                ..kms
            }),
            ..replication.clone()
        })
    }

    /// Every call of these replications once, with what S3 tells about itself and the object.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let mut all: Vec<Asked> = Vec::new();
        for replication in self.replications() {
            let needed = self.told(replication.calls()).into_iter();
            let disputed = self.told(replication.disputed_calls()).into_iter();
            let calls = needed
                .map(|call| (call, false))
                .chain(disputed.map(|call| (call, true)));
            for (call, disputed) in calls {
                let known = |known: &Asked| {
                    known.call.gate == call.gate && known.call.request == call.request
                };
                if !all.iter().any(known) {
                    all.push(Asked {
                        call,
                        replication: replication.clone(),
                        disputed,
                    });
                }
            }
        }
        all
    }

    /// Whether a denied disputed call is worth a finding.
    pub(super) fn wants_disputed(&self) -> bool {
        self.flow.profile == Profile::Compatible
    }

    fn told(&self, mut calls: Vec<Call>) -> Vec<Call> {
        for call in &mut calls {
            let context = &mut call.request.context;
            let mut tell = |key: &str, value: &str| context.insert(key, vec![value.to_owned()]);
            // S3 encrypts replication in transit: https://aws.amazon.com/s3/faqs/
            tell("aws:SecureTransport", "true");
            if call.request.action == "s3:ReplicateObject" {
                let algorithm = match self.flow.source.encryption.kind() {
                    EncryptionKind::SseS3 => Some("AES256"),
                    EncryptionKind::SseKms => Some("aws:kms"),
                    EncryptionKind::DsseKms => Some("aws:kms:dsse"),
                    EncryptionKind::SseC => None,
                };
                match algorithm {
                    Some(algorithm) => tell("s3:x-amz-server-side-encryption", algorithm),
                    None => {
                        tell(
                            "s3:x-amz-server-side-encryption-customer-algorithm",
                            "AES256",
                        );
                    }
                }
                if let Some(key) = self.flow.destination.encryption.kms_key() {
                    tell(
                        "s3:x-amz-server-side-encryption-aws-kms-key-id",
                        key.as_str(),
                    );
                }
            }
            if call.gate == Gate::Trust {
                // AWS does not say whether S3 names the bucket when it assumes the role.
                context.insert_unknown("aws:SourceAccount");
                context.insert_unknown("aws:SourceArn");
            }
        }
        calls
    }
}

/// The rule that replicates what a flow is about: the one in force that covers it, by priority; else
/// whichever comes nearest.
fn rule_of<'a>(
    flow: &PlannedFlow<'_>,
    configuration: &'a ReplicationConfiguration,
) -> Option<(usize, &'a documents::Rule)> {
    let rules = configuration.rules.iter().enumerate();
    rules
        .filter(|(_, rule)| rule.destination.bucket_name() == flow.destination.bucket.as_str())
        .max_by_key(|(_, rule)| {
            let enabled = rule.status == Status::Enabled;
            (covers(rule, flow), enabled, rule.priority.unwrap_or(0))
        })
}

/// Beginning of the keys that a rule covers, in either version.
pub(super) fn prefix_of(rule: &documents::Rule) -> &str {
    match &rule.filter {
        Some(filter) => filter.key_prefix(),
        None => rule.prefix.as_deref().unwrap_or_default(),
    }
}

/// Tags that a rule asks for.
pub(super) fn tags_of(rule: &documents::Rule) -> Vec<(&str, &str)> {
    let Some(filter) = &rule.filter else {
        return Vec::new();
    };
    let and = filter.and.iter().flat_map(|and| &and.tags);
    filter
        .tag
        .iter()
        .chain(and)
        .map(|tag| (tag.key.as_str(), tag.value.as_str()))
        .collect()
}

/// Whether a rule covers every object that a flow is about.
pub(super) fn covers(rule: &documents::Rule, flow: &PlannedFlow<'_>) -> bool {
    let tags = &flow.settings.tags;
    flow.settings.prefix.starts_with(prefix_of(rule))
        && tags_of(rule)
            .iter()
            .all(|(key, value)| tags.get(*key).is_some_and(|planned| planned == value))
}

/// Whether new objects of a bucket use a Bucket Key, if its configuration says so.
pub(super) fn installed_bucket_key(site: &Site, installed: &Installed) -> Option<bool> {
    let encryption = installed.bucket(&site.bucket)?.encryption.value()?;
    let rule = encryption.rules.first()?;
    let algorithm = rule
        .apply_server_side_encryption_by_default
        .algorithm
        .as_str();
    (algorithm == "aws:kms").then_some(rule.bucket_key_enabled)
}
