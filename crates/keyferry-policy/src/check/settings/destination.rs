//! What a rule says about the destination: the replicas' key, their owner, their class, and time.

use super::rules::Checked;
use crate::check::finding::{Finding, Level};
use crate::check::installed::{Installed, Known};
use crate::check::rule::Rule;
use crate::documents::Status;
use crate::{KmsKeyArn, Ownership};

impl Checked<'_> {
    pub(super) fn destination(&self, installed: &Installed) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.replica_key());
        findings.extend(self.owner_account());
        findings.extend(self.owner(installed));
        findings.extend(self.time_control());
        findings.extend(self.storage_class());
        findings.extend(self.object_lock(installed));
        findings
    }

    fn replica_key(&self) -> Option<Finding> {
        let planned = self.flow.destination.encryption.kms_key()?;
        if !self.flow.source.encryption.kind().uses_kms() {
            return None;
        }
        let change = || {
            self.element("Destination.EncryptionConfiguration", |rule| {
                rule.destination.encryption_configuration.clone()
            })
        };
        let configuration = self.rule.destination.encryption_configuration.as_ref();
        let Some(named) = configuration.and_then(|named| named.replica_kms_key.as_deref()) else {
            return Some(
                self.finding(
                    Rule::ReplicaKeyMissing,
                    Level::Error,
                    "`ReplicaKmsKeyID` names no key for the replicas",
                )
                .because("objects under KMS do not replicate without it")
                .fix(format!("set `ReplicaKmsKeyID` to `{planned}`"))
                .change(change()),
            );
        };
        if named == planned.as_str() {
            return None;
        }
        let why = match named.parse::<KmsKeyArn>() {
            Ok(key) if key.region() != &self.flow.destination.region => format!(
                "the key is in {}, the bucket in {}; S3 accepts it and every replica fails",
                key.region(),
                self.flow.destination.region
            ),
            Ok(_) => "the role and the key's policy are made for the planned key".to_owned(),
            Err(_) => "it is no ARN of a key: S3 accepts it unread, and policies cannot name it"
                .to_owned(),
        };
        Some(
            self.finding(
                Rule::ReplicaKeyWrong,
                Level::Error,
                format!("`ReplicaKmsKeyID` is `{named}`"),
            )
            .because(why)
            .code(Some("DstPutObjectNotPermitted"))
            .fix(format!("set `ReplicaKmsKeyID` to `{planned}`"))
            .change(change()),
        )
    }

    fn owner_account(&self) -> Option<Finding> {
        let destination = &self.rule.destination;
        destination.access_control_translation?;
        let owner = self.flow.destination.account.as_str();
        if destination.account.as_deref() == Some(owner) {
            return None;
        }
        let message = match &destination.account {
            None => "`AccessControlTranslation` stands without `Account`".to_owned(),
            Some(other) => format!("`Account` is {other}, and the destination's owner is {owner}"),
        };
        Some(
            self.finding(Rule::OwnerAccountMissing, Level::Error, message)
                .because("S3 refuses to change the owner without the owner's account")
                .fix(format!("set `Account` to `{owner}`"))
                .change(self.element("Destination.Account", |_| owner.to_owned())),
        )
    }

    fn owner(&self, installed: &Installed) -> Option<Finding> {
        let overrides = self.rule.destination.access_control_translation.is_some();
        let destination = self.flow.destination;
        let ownership = match installed
            .bucket(&destination.bucket)
            .map(|bucket| &bucket.ownership)
        {
            Some(Known::Present(given)) => given.value,
            _ => destination.ownership,
        };
        let crosses = self.flow.crosses_accounts();
        if overrides && !crosses {
            return Some(
                self.finding(
                    Rule::OwnerOverrideNotNeeded,
                    Level::Warning,
                    "the rule changes the replicas' owner inside one account",
                )
                .because("there is no other owner; AWS advises against it")
                .fix("remove `AccessControlTranslation` and `Account`"),
            );
        }
        let planned = self.flow.owner_override();
        if overrides && ownership == Ownership::BucketOwnerEnforced && !planned {
            return Some(
                self.finding(
                    Rule::OwnerOverrideNotNeeded,
                    Level::Warning,
                    "the rule changes the replicas' owner, and the destination is BucketOwnerEnforced",
                )
                .because("its owner owns every replica already")
                .fix("remove `AccessControlTranslation` and `Account`"),
            );
        }
        let wants = planned || crosses && ownership != Ownership::BucketOwnerEnforced;
        // Somebody who plans without it wants the source's account to own the replicas.
        let refused = self.flow.settings.owner_override == Some(false);
        (wants && !overrides && !refused).then(|| {
            self.finding(
                Rule::OwnerOverrideMissing,
                Level::Warning,
                "the rule does not hand the replicas to the destination's owner",
            )
            .because(format!(
                "the destination is {}, so replicas belong to the source's account, and the \
                 destination's cannot read them",
                ownership.as_str()
            ))
            .fix("add `AccessControlTranslation` and `Account`")
            .change(self.element("Destination", |rule| rule.destination.clone()))
        })
    }

    fn time_control(&self) -> Option<Finding> {
        let destination = &self.rule.destination;
        let change = || self.element("Destination", |rule| rule.destination.clone());
        let time = destination
            .replication_time
            .filter(|time| time.status == Status::Enabled);
        let Some(time) = time else {
            return self.flow.settings.time_control.then(|| {
                self.finding(
                    Rule::TimeControlMissing,
                    Level::Warning,
                    "Replication Time Control is planned and off",
                )
                .because("nothing promises 15 minutes")
                .fix("enable `ReplicationTime` and `Metrics`")
                .change(change())
            });
        };
        let metrics = destination.metrics.is_some_and(|metrics| {
            metrics.status == Status::Enabled && metrics.event_threshold.is_some()
        });
        let message = match (metrics, time.time.minutes) {
            (true, 15) => return None,
            (false, _) => {
                "`ReplicationTime` stands without `Metrics` and their threshold".to_owned()
            }
            (true, minutes) => format!("`ReplicationTime` is {minutes} minutes"),
        };
        Some(
            self.finding(Rule::TimeControlWithoutMetrics, Level::Error, message)
                .because("S3 takes 15 minutes only, and only with metrics")
                .fix("set both to 15 minutes, or remove `ReplicationTime`"),
        )
    }

    fn storage_class(&self) -> Option<Finding> {
        let actual = self.rule.destination.storage_class.as_deref();
        let planned = self.flow.settings.storage_class.map(|class| class.as_str());
        if actual == planned {
            return None;
        }
        let named = |class: Option<&str>| match class {
            Some(class) => format!("`{class}`"),
            None => "the source's".to_owned(),
        };
        Some(
            self.finding(
                Rule::StorageClassDiffers,
                Level::Warning,
                format!(
                    "the replicas' storage class is {}, and the plan says {}",
                    named(actual),
                    named(planned)
                ),
            )
            .because("it changes what replicas cost and how soon they can be read")
            .fix("set the planned class"),
        )
    }

    fn object_lock(&self, installed: &Installed) -> Option<Finding> {
        let lock = |site: &crate::Site| match &installed.bucket(&site.bucket)?.object_lock {
            Known::Present(given) => Some(given.value),
            Known::Absent => Some(false),
            Known::Unknown(_) => None,
        };
        let only = lock(self.flow.source)? && !lock(self.flow.destination)?;
        only.then(|| {
            self.finding(
                Rule::ObjectLockOnSourceOnly,
                Level::Error,
                "the source has Object Lock and the destination has not",
            )
            .because("S3 does not put a locked object into a bucket without Object Lock")
            .code(Some("DstBucketObjectLockConfigMissing"))
            .fix("enable Object Lock on the destination")
        })
    }
}
