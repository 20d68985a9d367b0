//! What a bucket, role or key has, in the form in which it is compared and shown.

use std::collections::BTreeMap;

use keyferry_policy::documents::{
    BlockedType, EncryptionConfiguration, EncryptionRule, ReplicationConfiguration,
    VersioningConfiguration,
};
use keyferry_policy::iam::{
    ActionElement, PolicyDocument, PrincipalElement, Principals, ResourceElement, Statement,
};
use keyferry_policy::{Ownership, Region};
use serde::{Serialize, Serializer};

/// What something has, or is to have.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A bucket that is to be made.
    Bucket(BucketContent),
    /// Versioning.
    Versioning(VersioningConfiguration),
    /// Encryption configuration.
    Encryption(EncryptionConfiguration),
    /// Who owns the objects.
    Ownership(Ownership),
    /// A policy of any kind.
    Policy(PolicyDocument),
    /// Replication configuration.
    Replication(ReplicationConfiguration),
}

/// What a new bucket is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketContent {
    /// Where it is.
    pub region: Region,
    /// Who owns its objects.
    pub ownership: Ownership,
    /// Whether Object Lock is on.
    pub object_lock: bool,
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bucket(bucket) => {
                let mut fields = BTreeMap::new();
                fields.insert("LocationConstraint", bucket.region.to_string());
                fields.insert("ObjectOwnership", bucket.ownership.as_str().to_owned());
                if bucket.object_lock {
                    fields.insert("ObjectLockEnabledForBucket", "true".to_owned());
                }
                fields.serialize(serializer)
            }
            Self::Versioning(versioning) => versioning.serialize(serializer),
            Self::Encryption(encryption) => encryption.serialize(serializer),
            Self::Ownership(ownership) => {
                let rule = BTreeMap::from([("ObjectOwnership", ownership.as_str())]);
                BTreeMap::from([("Rules", [rule])]).serialize(serializer)
            }
            Self::Policy(policy) => policy.serialize(serializer),
            Self::Replication(replication) => replication.serialize(serializer),
        }
    }
}

impl Content {
    /// Indented JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers, lists and maps with string keys: nothing in it can fail to serialise.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Whether both say the same, whatever the order and form in which AWS gives them back.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Policy(one), Self::Policy(other)) => policies_agree(one, other),
            (Self::Encryption(one), Self::Encryption(other)) => encryptions_agree(one, other),
            (Self::Replication(one), Self::Replication(other)) => by_id(one) == by_id(other),
            (one, other) => one == other,
        }
    }
}

fn by_id(configuration: &ReplicationConfiguration) -> ReplicationConfiguration {
    let mut sorted = configuration.clone();
    sorted.rules.sort_by(|one, other| one.id.cmp(&other.id));
    for rule in &mut sorted.rules {
        if let Some(and) = rule.filter.as_mut().and_then(|filter| filter.and.as_mut()) {
            and.tags.sort_by(|one, other| one.key.cmp(&other.key));
        }
    }
    sorted
}

fn policies_agree(one: &PolicyDocument, other: &PolicyDocument) -> bool {
    let statements = |document: &PolicyDocument| -> Vec<Statement> {
        document.statements.iter().map(sorted).collect()
    };
    one.version == other.version && statements(one) == statements(other)
}

/// Whether two statements say the same, whatever they are called.
pub(crate) fn statements_agree(one: &Statement, other: &Statement) -> bool {
    let unnamed = |statement: &Statement| Statement {
        sid: None,
        ..sorted(statement)
    };
    unnamed(one) == unnamed(other)
}

/// The statement with its lists in order. AWS gives lists back in an order of its own.
fn sorted(statement: &Statement) -> Statement {
    let list = |values: &[String]| -> Vec<String> {
        let mut values = values.to_vec();
        values.sort();
        values.dedup();
        values
    };
    let principals = |principals: &Principals| match principals {
        Principals::Everyone => Principals::Everyone,
        Principals::Listed {
            aws,
            service,
            federated,
            canonical_user,
        } => Principals::Listed {
            aws: list(aws),
            service: list(service),
            federated: list(federated),
            canonical_user: list(canonical_user),
        },
    };
    let mut condition = statement.condition.clone();
    for values in condition.values_mut().flat_map(BTreeMap::values_mut) {
        *values = list(values);
    }
    Statement {
        sid: statement.sid.clone(),
        effect: statement.effect,
        principal: statement.principal.as_ref().map(|element| match element {
            PrincipalElement::Principal(inner) => PrincipalElement::Principal(principals(inner)),
            PrincipalElement::NotPrincipal(inner) => {
                PrincipalElement::NotPrincipal(principals(inner))
            }
        }),
        action: match &statement.action {
            ActionElement::Action(values) => ActionElement::Action(list(values)),
            ActionElement::NotAction(values) => ActionElement::NotAction(list(values)),
        },
        resource: statement.resource.as_ref().map(|element| match element {
            ResourceElement::Resource(values) => ResourceElement::Resource(list(values)),
            ResourceElement::NotResource(values) => ResourceElement::NotResource(list(values)),
        }),
        condition,
    }
}

fn encryptions_agree(one: &EncryptionConfiguration, other: &EncryptionConfiguration) -> bool {
    one.rules.len() == other.rules.len()
        && one
            .rules
            .iter()
            .zip(&other.rules)
            .all(|(one, other)| rules_agree(one, other))
}

/// Bucket Keys mean nothing outside SSE-KMS, and keys can be named by ARN or id.
fn rules_agree(one: &EncryptionRule, other: &EncryptionRule) -> bool {
    let default = |rule: &EncryptionRule| rule.apply_server_side_encryption_by_default.clone();
    let (mine, its) = (default(one), default(other));
    let key_id = |key: Option<String>| {
        key.map(|key| match key.rsplit_once(":key/") {
            Some((_, id)) => id.to_owned(),
            None => key,
        })
    };
    // A server that leaves out that nothing is blocked says the same.
    let blocked = |rule: &EncryptionRule| {
        rule.blocked_encryption_types
            .as_ref()
            .is_some_and(|blocked| blocked.encryption_type.contains(&BlockedType::SseC))
    };
    mine.algorithm == its.algorithm
        && key_id(mine.kms_key) == key_id(its.kms_key)
        && blocked(one) == blocked(other)
        && (mine.algorithm != "aws:kms" || one.bucket_key_enabled == other.bucket_key_enabled)
}
