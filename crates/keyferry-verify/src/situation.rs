//! How a bucket's replication is set up: everything that is live about it, and the plan that follows.
//!
//! Nobody wrote the plan down. It is inferred: each rule of the replication configuration is a direction,
//! and what the buckets are is what they were meant to be. Whether S3 can do what the rules say is then
//! for the policy core to decide ([`keyferry_policy::check`]).

mod commands;
pub(crate) mod infer;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use keyferry_live::{Connections, Identity, read_bucket, read_key, read_role};
use keyferry_policy::check::{
    Finding, Installed, InstalledBucket, InstalledKey, Known, Repaired, Rule, check, repaired,
};
use keyferry_policy::{
    AccountId, BucketName, Encryption, KmsKeyArn, Region, ReplicationPlan, RoleArn,
};

use crate::regions::Regions;
use crate::{ReplicaTarget, VerifyError};
pub use commands::Shell;
pub(crate) use commands::compact;

/// Where a bucket is, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) region: Region,
    pub(crate) account: AccountId,
}

/// What is live about the replication of one bucket.
#[derive(Debug)]
pub(crate) struct Situation {
    pub(crate) connections: Connections,
    pub(crate) source: BucketName,
    pub(crate) places: BTreeMap<BucketName, Place>,
    pub(crate) installed: Installed,
    /// For objects under customer keys and, where the bucket has one by default, under its KMS key.
    pub(crate) plans: Vec<ReplicationPlan>,
    /// What keeps a plan from being inferred.
    pub(crate) unplanned: Vec<Finding>,
}

impl Situation {
    /// Reads everything that is in force about a bucket's replication.
    ///
    /// # Errors
    /// When the region of a destination cannot be found out. What may not be read is unknown.
    pub(crate) async fn read(
        connections: Connections,
        regions: &dyn Regions,
        source: &BucketName,
        home: Place,
        given: Option<&ReplicaTarget>,
    ) -> Result<Self, VerifyError> {
        let mut installed = Installed::default();
        let bucket = read_bucket(source, &home.region, &home.account, &connections).await;
        let mut wanted = infer::destinations(&bucket, &home.account);
        if let Some(given) = given {
            let account = || home.account.clone();
            wanted.entry(given.bucket.clone()).or_insert_with(account);
        }
        installed.buckets.push(bucket);
        let mut places = BTreeMap::from([(source.clone(), home.clone())]);
        let regions_of = wanted.keys().map(|name| async {
            match given.filter(|given| given.bucket == *name) {
                Some(given) => Ok(Some(given.region.clone())),
                None => match regions.bucket_region(name, &home.region).await {
                    Ok(region) => Ok(Some(region)),
                    Err(VerifyError::NoBucket { .. }) => Ok(None),
                    Err(error) => Err(error),
                },
            }
        });
        let found = join_all(regions_of).await;
        for ((name, account), region) in wanted.into_iter().zip(found) {
            match region? {
                Some(region) => {
                    places.insert(name, Place { region, account });
                }
                None => installed.buckets.push(InstalledBucket {
                    exists: false,
                    versioning: Known::Absent,
                    encryption: Known::Absent,
                    policy: Known::Absent,
                    replication: Known::Absent,
                    ownership: Known::Absent,
                    object_lock: Known::Absent,
                    ..InstalledBucket::new(name)
                }),
            }
        }
        let others = places.iter().filter(|(name, _)| *name != source);
        let others = others
            .map(|(name, place)| read_bucket(name, &place.region, &place.account, &connections));
        installed.buckets.extend(join_all(others).await);
        let inferred = infer::infer(source, &installed, &places, given);
        let mut situation = Self {
            connections,
            source: source.clone(),
            places,
            installed,
            plans: inferred.plans,
            unplanned: inferred.findings,
        };
        situation.read_roles_and_keys().await;
        Ok(situation)
    }

    async fn read_roles_and_keys(&mut self) {
        let mut roles: BTreeMap<RoleArn, Region> = BTreeMap::new();
        let mut keys: BTreeSet<KmsKeyArn> = BTreeSet::new();
        for plan in &self.plans {
            for flow in plan.flows() {
                let configuration = self.installed.bucket(&flow.source.bucket);
                let named = configuration
                    .and_then(|bucket| bucket.replication.value())
                    .and_then(|configuration| configuration.role.parse().ok());
                let role = named.unwrap_or_else(|| flow.role_arn());
                roles.insert(role, flow.source.region.clone());
            }
            let of_sites = plan.sites().iter().map(|site| &site.encryption);
            keys.extend(of_sites.filter_map(Encryption::kms_key).cloned());
        }
        let roles = roles
            .iter()
            .map(|(arn, near)| read_role(arn, near, &self.connections));
        let keys = keys.iter().map(|arn| read_key(arn, &self.connections));
        let (roles, keys): (Vec<_>, Vec<InstalledKey>) =
            tokio::join!(join_all(roles), join_all(keys));
        self.installed.roles = roles;
        self.installed.keys = keys;
    }

    /// The bucket itself.
    pub(crate) fn bucket(&self) -> Option<&InstalledBucket> {
        self.installed.bucket(&self.source)
    }

    /// The destinations of the bucket's rules, or the one that was named, that exist.
    pub(crate) fn destinations(&self) -> impl Iterator<Item = (&BucketName, &Place)> {
        self.places.iter().filter(|(name, _)| **name != self.source)
    }

    /// Everything that the policy core finds, and the documents that repair it.
    pub(crate) fn findings(&self) -> (Vec<Finding>, Vec<Repaired>) {
        let mut findings = self.unplanned.clone();
        let (found, documents) = self.found(&self.plans);
        findings.extend(found);
        (findings, documents)
    }

    /// The plans that objects under KMS keys, or others, replicate by.
    pub(crate) fn plans_for(&self, under_kms: bool) -> &[ReplicationPlan] {
        let customer = |plan: &ReplicationPlan| {
            plan.site(&self.source)
                .is_some_and(|site| site.encryption == Encryption::SseC)
        };
        let first = self.plans.iter().take_while(|plan| customer(plan)).count();
        let (others, kms) = self.plans.split_at(first);
        if under_kms { kms } else { others }
    }

    /// What the policy core finds in some of the plans, each with the commands that repair it.
    pub(crate) fn findings_of(&self, plans: &[ReplicationPlan], shell: &Shell) -> Vec<Finding> {
        let (mut findings, documents) = self.found(plans);
        self.give_commands(&mut findings, &documents, shell);
        findings
    }

    fn found(&self, plans: &[ReplicationPlan]) -> (Vec<Finding>, Vec<Repaired>) {
        let mut findings: Vec<Finding> = Vec::new();
        for plan in plans {
            for finding in check(plan, &self.installed) {
                let known = findings.iter().any(|known: &Finding| {
                    known.rule == finding.rule
                        && known.subject == finding.subject
                        && known.message == finding.message
                });
                if !known && is_about_what_is(&finding) {
                    findings.push(finding);
                }
            }
        }
        let documents = repaired(plans, &self.installed, is_about_what_is);
        (findings, documents)
    }

    /// Gives findings the commands that write the documents they are about.
    pub(crate) fn give_commands(
        &self,
        findings: &mut [Finding],
        documents: &[Repaired],
        shell: &Shell,
    ) {
        for finding in findings {
            let commands = shell.commands(finding, documents, self);
            for command in commands {
                if !finding.commands.contains(&command) {
                    finding.commands.push(command);
                }
            }
        }
    }
}

/// The inferred plan wants what is there: what goes against it, or beyond need, is another command's
/// matter, `keyferry policy check`.
fn is_about_what_is(finding: &Finding) -> bool {
    !matches!(
        finding.rule,
        Rule::SurplusAllowed
            | Rule::KmsConditionsMissing
            | Rule::TrustTooWide
            | Rule::EncryptionDiffers
            | Rule::BucketKeyDiffers
            | Rule::ObjectLockDiffers
            | Rule::StorageClassDiffers
            | Rule::DeleteMarkersDiffer
            | Rule::TimeControlMissing
            | Rule::RuleTooWide
            | Rule::RuleTooNarrow
    )
}

/// Who a server without STS is asked as. The account is nobody's.
pub(crate) fn stand_in() -> Option<Identity> {
    Some(Identity {
        account: "000000000000".parse().ok()?,
        arn: String::new(),
    })
}
