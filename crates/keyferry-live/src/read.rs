//! What S3, IAM and KMS have of a plan.
//!
//! What access denies is unknown, which is not the same as absent.

pub(crate) mod bucket;
pub(crate) mod caller;
pub(crate) mod key;
pub(crate) mod role;

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _};
use keyferry_policy::check::{
    Installed, InstalledBucket, InstalledKey, InstalledRole, Known, Origin,
};
use keyferry_policy::iam::PolicyDocument;
use keyferry_policy::{
    AccountId, BucketName, Encryption, KmsKeyArn, Region, ReplicationPlan, RoleArn, Site,
};

use crate::connections::Connections;
use crate::service_error::ServiceError;

/// How many buckets, roles and keys are read at a time.
const AT_A_TIME: usize = 8;

/// What is live.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    /// Roles, buckets and keys with their documents.
    pub installed: Installed,
    /// Whether S3 itself calls a bucket's policy public, for buckets where it said so or not.
    pub public: BTreeMap<BucketName, bool>,
}

/// Reads everything that a plan is about.
pub async fn read(plan: &ReplicationPlan, connections: &Connections) -> Live {
    let buckets: Vec<_> = plan
        .sites()
        .iter()
        .map(|site| bucket::read(site, connections))
        .collect();
    let roles: Vec<_> = roles(plan)
        .into_iter()
        .map(|(arn, near)| role::read(arn, near, connections))
        .collect();
    let keys: Vec<_> = keys(plan)
        .into_iter()
        .map(|arn| key::read(arn, connections))
        .collect();
    let (buckets, roles, keys) = tokio::join!(
        stream::iter(buckets)
            .buffered(AT_A_TIME)
            .collect::<Vec<_>>(),
        stream::iter(roles).buffered(AT_A_TIME).collect(),
        stream::iter(keys).buffered(AT_A_TIME).collect(),
    );
    let mut live = Live::default();
    for (bucket, public) in buckets {
        if let Some(public) = public {
            live.public.insert(bucket.name.clone(), public);
        }
        live.installed.buckets.push(bucket);
    }
    live.installed.roles = roles;
    live.installed.keys = keys;
    live
}

/// The roles of a plan, with the region of their source bucket.
pub(crate) fn roles(plan: &ReplicationPlan) -> BTreeMap<RoleArn, Region> {
    let mut roles = BTreeMap::new();
    for flow in plan.flows() {
        let near = || flow.source.region.clone();
        roles.insert(flow.role_arn(), near());
        if flow.settings.existing_objects.is_some() {
            let partition = flow.source.partition();
            let account: AccountId = flow.source.account.clone();
            let arn = RoleArn::new(partition, account, &flow.batch_role_name());
            roles.insert(arn, near());
        }
    }
    roles
}

/// The KMS keys of a plan.
pub(crate) fn keys(plan: &ReplicationPlan) -> BTreeSet<KmsKeyArn> {
    let keys = plan.sites().iter();
    keys.filter_map(|site| site.encryption.kms_key().cloned())
        .collect()
}

/// Reads a bucket, whatever it is to a plan.
pub async fn read_bucket(
    bucket: &BucketName,
    region: &Region,
    account: &AccountId,
    connections: &Connections,
) -> InstalledBucket {
    let site = Site::new(
        bucket.clone(),
        region.clone(),
        account.clone(),
        Encryption::SseC,
    );
    // The requests of a bucket are many at once: their state does not belong on the stack of a worker.
    Box::pin(bucket::read(&site, connections)).await.0
}

/// Reads a role with all of its policies. `near` says at which endpoint IAM is asked, where it has several.
pub async fn read_role(arn: &RoleArn, near: &Region, connections: &Connections) -> InstalledRole {
    Box::pin(role::read(arn.clone(), near.clone(), connections)).await
}

/// Reads a KMS key.
pub async fn read_key(arn: &KmsKeyArn, connections: &Connections) -> InstalledKey {
    Box::pin(key::read(arn.clone(), connections)).await
}

/// What an answer says of one thing.
fn known<T>(answer: Result<Option<T>, ServiceError>, place: String) -> Known<T> {
    match answer {
        Ok(Some(value)) => Known::present(value, Origin::place(place)),
        Ok(None) => Known::Absent,
        Err(error) => Known::unknown(error.to_string()),
    }
}

/// A policy as AWS stores it.
fn parsed(what: &str, text: &str) -> Result<PolicyDocument, ServiceError> {
    PolicyDocument::parse(text).map_err(|error| ServiceError::Unreadable {
        what: what.to_owned(),
        why: error.to_string(),
    })
}
