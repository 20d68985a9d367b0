//! Where replicas of an object should be, without looking at the object itself.

use std::collections::BTreeMap;

use keyferry_policy::Region;
use keyferry_transfer::ObjectAddress;

use crate::access::ObjectAccess;
use crate::answer::Trouble;
use crate::destination::{Configuration, bucket_of, read_configuration};
use crate::regions::{Regions, client_of};
use crate::rules::{Coverage, any_selects_by_tag};
use crate::{ReplicaTarget, VerifyError};

/// The buckets to which replication rules send an object, from the source bucket's configuration.
/// Needs no customer key: the object's tags, where rules ask for them, are readable without it.
///
/// # Errors
/// When the configuration, or tags that a rule asks for, cannot be read.
pub async fn replicas_of(
    regions: &dyn Regions,
    address: &ObjectAddress,
    region: &Region,
) -> Result<Vec<ReplicaTarget>, VerifyError> {
    let access = ObjectAccess::new(client_of(regions, region)?, address, None);
    let configuration = match read_configuration(&access).await? {
        Configuration::Read(configuration) => configuration,
        Configuration::Absent => return Ok(Vec::new()),
        Configuration::Refused(refusal) => {
            return Err(access.error("GetBucketReplication", Trouble::Refused(refusal)));
        }
    };
    let rules = configuration.rules();
    let tags = if any_selects_by_tag(rules) {
        access
            .tags()
            .await
            .map_err(|trouble| access.error("GetObjectTagging", trouble))?
    } else {
        BTreeMap::new()
    };
    let mut targets = Vec::new();
    for rule in Coverage::of(rules, &address.key, &tags).matched {
        let bucket = bucket_of(&rule.destination).ok_or(VerifyError::DestinationArn {
            arn: rule.destination,
        })?;
        targets.push(ReplicaTarget {
            region: regions.bucket_region(&bucket, region).await?,
            bucket,
        });
    }
    Ok(targets)
}
