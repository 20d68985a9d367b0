//! From what is live to a plan.

use std::collections::BTreeMap;

use keyferry_policy::check::{Finding, Installed, InstalledBucket, Level, Preflight, Rule};
use keyferry_policy::documents::{self, ReplicationConfiguration, Status};
use keyferry_policy::plan::StorageClass;
use keyferry_policy::{
    AccountId, BucketKey, BucketName, Encryption, Flow, KmsKeyArn, PlanError, Profile,
    ReplicationPlan, RoleArn, Site,
};

use super::Place;
use crate::ReplicaTarget;

/// Plans, and what kept one from being made.
pub(super) struct Inferred {
    pub(super) plans: Vec<ReplicationPlan>,
    pub(super) findings: Vec<Finding>,
}

/// The buckets that a bucket's rules name, with the accounts that own them as far as the rules say so.
pub(super) fn destinations(
    bucket: &InstalledBucket,
    account: &AccountId,
) -> BTreeMap<BucketName, AccountId> {
    let rules = bucket.replication.value().map(|known| &known.rules);
    rules
        .into_iter()
        .flatten()
        .filter_map(|rule| {
            let name = rule.destination.bucket_name().parse().ok()?;
            let named = rule.destination.account.as_deref();
            let owner = named.and_then(|named| named.parse().ok());
            Some((name, owner.unwrap_or_else(|| account.clone())))
        })
        .collect()
}

pub(super) fn infer(
    source: &BucketName,
    installed: &Installed,
    places: &BTreeMap<BucketName, Place>,
    given: Option<&ReplicaTarget>,
) -> Inferred {
    let work = Work {
        source,
        installed,
        places,
        flows: flows(source, installed, given),
    };
    let mut inferred = Inferred {
        plans: Vec::new(),
        findings: Vec::new(),
    };
    if work.flows.is_empty() {
        return inferred;
    }
    match work.plan(|_| Some(Encryption::SseC)) {
        Ok(plan) => inferred.plans.push(plan),
        Err(error) => inferred.findings.push(
            Finding::new(
                Rule::DocumentUnknown,
                Level::Note,
                format!("bucket {source}"),
                format!("the replication rules make no plan: {error}"),
            )
            .because("the calls that S3 makes for them were not evaluated"),
        ),
    }
    let by_default = installed.bucket(source).and_then(default_key);
    let Some(encryption) = by_default else {
        return inferred;
    };
    let keyless = work
        .flows
        .iter()
        .find(|flow| flow.source == *source && work.replica_key(&flow.destination).is_none());
    let why = match keyless {
        Some(flow) => format!(
            "no KMS key of the region of `{}` is named for the replicas, and the bucket has none by \
             default",
            flow.destination
        ),
        None => match work.plan(|bucket| work.under_kms(bucket, &encryption)) {
            Ok(plan) => {
                inferred.plans.push(plan);
                return inferred;
            }
            Err(error) => error.to_string(),
        },
    };
    inferred.findings.push(
        Finding::new(
            Rule::Preflight(Preflight::ReplicaKeyUnknown),
            Level::Warning,
            format!("bucket {source}"),
            format!("objects under the bucket's KMS key do not replicate: {why}"),
        )
        .because(
            "what is uploaded without a customer key gets that key; what is under a customer key \
             is not concerned",
        )
        .fix(
            "name a key of the destination's region in `ReplicaKmsKeyID`, and enable \
             `SseKmsEncryptedObjects`",
        ),
    );
    inferred
}

/// The directions out of the bucket, and back into it.
fn flows(source: &BucketName, installed: &Installed, given: Option<&ReplicaTarget>) -> Vec<Flow> {
    let mut flows: Vec<Flow> = Vec::new();
    let own = installed.bucket(source);
    if let Some(configuration) = own.and_then(|bucket| bucket.replication.value()) {
        flows.extend(directions(source, configuration, |_| true));
    }
    if let Some(given) = given
        && *source != given.bucket
        && !flows.iter().any(|flow| flow.destination == given.bucket)
    {
        flows.push(Flow::new(source.clone(), given.bucket.clone()));
    }
    for bucket in installed
        .buckets
        .iter()
        .filter(|bucket| bucket.name != *source)
    {
        if let Some(configuration) = bucket.replication.value() {
            flows.extend(directions(&bucket.name, configuration, |name| {
                name == source
            }));
        }
    }
    flows
}

/// Each rule as a direction. One that is switched off counts where no other does its work.
fn directions(
    source: &BucketName,
    configuration: &ReplicationConfiguration,
    wanted: impl Fn(&BucketName) -> bool,
) -> Vec<Flow> {
    let mut flows: Vec<Flow> = Vec::new();
    for status in [Status::Enabled, Status::Disabled] {
        for rule in configuration
            .rules
            .iter()
            .filter(|rule| rule.status == status)
        {
            let Ok(destination) = rule.destination.bucket_name().parse::<BucketName>() else {
                continue;
            };
            if destination == *source || !wanted(&destination) {
                continue;
            }
            let flow = direction(source, destination, rule);
            let covered = |known: &Flow| {
                known.destination == flow.destination
                    && (known.prefix == flow.prefix && known.tags == flow.tags
                        || status == Status::Disabled
                            && flow.prefix.starts_with(&known.prefix)
                            && known
                                .tags
                                .iter()
                                .all(|(key, value)| flow.tags.get(key) == Some(value)))
            };
            if !flows.iter().any(covered) {
                flows.push(flow);
            }
        }
    }
    flows
}

fn direction(source: &BucketName, destination: BucketName, rule: &documents::Rule) -> Flow {
    let tags: BTreeMap<String, String> = tags_of(rule)
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect();
    let markers = rule.delete_marker_replication.as_ref();
    let class = rule.destination.storage_class.as_ref();
    Flow {
        prefix: prefix_of(rule).to_owned(),
        delete_markers: markers.map(|markers| markers.status == Status::Enabled && tags.is_empty()),
        tags,
        time_control: rule
            .destination
            .replication_time
            .is_some_and(|time| time.status == Status::Enabled),
        storage_class: class
            .and_then(|class| serde_json::from_value::<StorageClass>(class.as_str().into()).ok()),
        ..Flow::new(source.clone(), destination)
    }
}

/// Beginning of the keys that a rule covers, in either version.
pub(crate) fn prefix_of(rule: &documents::Rule) -> &str {
    match &rule.filter {
        Some(filter) => filter.key_prefix(),
        None => rule.prefix.as_deref().unwrap_or_default(),
    }
}

/// Tags that a rule asks for.
pub(crate) fn tags_of(rule: &documents::Rule) -> impl Iterator<Item = &documents::Tag> {
    let filter = rule.filter.as_ref();
    let one = filter.and_then(|filter| filter.tag.as_ref());
    let several = filter.and_then(|filter| filter.and.as_ref());
    one.into_iter()
        .chain(several.into_iter().flat_map(|and| &and.tags))
}

/// The key that a bucket encrypts with by default, where it is one of KMS that is named in full.
fn default_key(bucket: &InstalledBucket) -> Option<Encryption> {
    let rule = bucket.encryption.value()?.rules.first()?;
    let default = &rule.apply_server_side_encryption_by_default;
    let key: KmsKeyArn = default.kms_key.as_deref()?.parse().ok()?;
    match default.algorithm.as_str() {
        "aws:kms" => Some(Encryption::SseKms {
            key,
            bucket_key: if rule.bucket_key_enabled {
                BucketKey::On
            } else {
                BucketKey::Off
            },
        }),
        "aws:kms:dsse" => Some(Encryption::DsseKms { key }),
        _ => None,
    }
}

struct Work<'a> {
    source: &'a BucketName,
    installed: &'a Installed,
    places: &'a BTreeMap<BucketName, Place>,
    flows: Vec<Flow>,
}

impl Work<'_> {
    fn plan(
        &self,
        encryption: impl Fn(&BucketName) -> Option<Encryption>,
    ) -> Result<ReplicationPlan, PlanError> {
        let mut sites: Vec<Site> = Vec::new();
        let sources = self.flows.iter().map(|flow| &flow.source);
        let names = sources.chain(self.flows.iter().map(|flow| &flow.destination));
        for name in names {
            if sites.iter().any(|site| site.bucket == *name) {
                continue;
            }
            // Where a bucket that does not exist would be makes no difference.
            let place = self
                .places
                .get(name)
                .or_else(|| self.places.get(self.source));
            if let (Some(place), Some(encryption)) = (place, encryption(name)) {
                let site = self.site(name, place, encryption, &sites);
                sites.push(site);
            }
        }
        let known = |name: &BucketName| sites.iter().any(|site| site.bucket == *name);
        let flows = self.flows.iter();
        let flows = flows
            .filter(|flow| known(&flow.source) && known(&flow.destination))
            .cloned()
            .collect();
        ReplicationPlan::new(sites, flows, Profile::Minimal)
    }

    fn site(
        &self,
        name: &BucketName,
        place: &Place,
        encryption: Encryption,
        before: &[Site],
    ) -> Site {
        let bucket = self.installed.bucket(name);
        let mut site = Site::new(
            name.clone(),
            place.region.clone(),
            place.account.clone(),
            encryption,
        );
        site.allow_sse_c = true;
        let Some(bucket) = bucket else { return site };
        site.ownership = bucket.ownership.value().copied().unwrap_or_default();
        // Without a lock at the destination a plan would not be one; the check finds that by itself.
        site.object_lock = self.locked(name)
            && self
                .flows
                .iter()
                .filter(|flow| flow.source == *name)
                .all(|flow| self.locked(&flow.destination));
        let replicates = self.flows.iter().any(|flow| flow.source == *name);
        let role = bucket
            .replication
            .value()
            .and_then(|configuration| configuration.role.parse::<RoleArn>().ok())
            .filter(|role| replicates && *role.account() == place.account)
            .and_then(|role| role.role_name().parse().ok());
        // Two buckets with one role: the plan names it once, and the check goes by what is named.
        site.role =
            role.filter(|role| !before.iter().any(|other| other.role.as_ref() == Some(role)));
        site
    }

    fn locked(&self, name: &BucketName) -> bool {
        let bucket = self.installed.bucket(name);
        bucket.is_some_and(|bucket| bucket.object_lock.value() == Some(&true))
    }

    /// A bucket's encryption in a plan for objects under the source's KMS key.
    fn under_kms(&self, name: &BucketName, source: &Encryption) -> Option<Encryption> {
        if name == self.source {
            return Some(source.clone());
        }
        let key = self.replica_key(name)?;
        let bucket = self.installed.bucket(name)?;
        Some(match source {
            Encryption::DsseKms { .. } => Encryption::DsseKms { key },
            _ => Encryption::SseKms {
                key,
                bucket_key: match default_key(bucket) {
                    Some(Encryption::SseKms { bucket_key, .. }) => bucket_key,
                    _ => BucketKey::Off,
                },
            },
        })
    }

    /// The KMS key of the replicas: the one that the rule names, or the destination's own.
    fn replica_key(&self, destination: &BucketName) -> Option<KmsKeyArn> {
        let region = &self.places.get(destination)?.region;
        let own = self
            .installed
            .bucket(destination)
            .and_then(default_key)
            .and_then(|encryption| encryption.kms_key().cloned());
        let configuration = self.installed.bucket(self.source)?.replication.value();
        let rules = configuration.map(|configuration| &configuration.rules);
        let named = rules.into_iter().flatten().find_map(|rule| {
            let encryption = rule.destination.encryption_configuration.as_ref()?;
            (rule.destination.bucket_name() == destination.as_str())
                .then(|| {
                    encryption
                        .replica_kms_key
                        .as_deref()?
                        .parse::<KmsKeyArn>()
                        .ok()
                })
                .flatten()
        });
        named
            .filter(|key| key.region() == region)
            .or(own)
            .filter(|key| key.region() == region)
    }
}
