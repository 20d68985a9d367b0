//! The plan: which bucket replicates to which, and how objects are encrypted.

use std::fmt;

use crate::{AccountId, BucketName, Region};

/// How objects in a bucket are encrypted at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// By keys that S3 holds.
    SseS3,
    /// By keys that the customer sends with each request.
    SseC,
}

/// One bucket of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region.
    pub region: Region,
    /// How its objects are encrypted.
    pub encryption: Encryption,
}

impl Site {
    /// The bucket's ARN.
    #[must_use]
    pub fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.region.partition(), self.bucket)
    }

    /// The ARN that stands for all objects of the bucket.
    #[must_use]
    pub fn objects_arn(&self) -> String {
        format!("{}/*", self.bucket_arn())
    }
}

/// Two buckets of one account, and the direction of replication between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationPlan {
    account: AccountId,
    source: Site,
    destination: Site,
    both_ways: bool,
}

/// A plan that AWS would refuse, or that would silently replicate nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Source and destination are one bucket.
    #[error("destination: `{0}` is the source, too; replication needs two buckets")]
    SameBucket(BucketName),
    /// The buckets are in different partitions.
    #[error(
        "destination: `{destination}` is in another partition than `{source_region}`; replication never crosses partitions"
    )]
    CrossPartition {
        /// Region of the source.
        source_region: Region,
        /// Region of the destination.
        destination: Region,
    },
}

impl ReplicationPlan {
    /// Checks and makes a plan for one direction.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub fn new(account: AccountId, source: Site, destination: Site) -> Result<Self, PlanError> {
        if source.bucket == destination.bucket {
            return Err(PlanError::SameBucket(source.bucket));
        }
        if source.region.partition() != destination.region.partition() {
            return Err(PlanError::CrossPartition {
                source_region: source.region,
                destination: destination.region,
            });
        }
        Ok(Self {
            account,
            source,
            destination,
            both_ways: false,
        })
    }

    /// The same plan in both directions.
    #[must_use]
    pub fn both_ways(self) -> Self {
        Self {
            both_ways: true,
            ..self
        }
    }

    /// The buckets of the plan.
    #[must_use]
    pub fn sites(&self) -> [&Site; 2] {
        [&self.source, &self.destination]
    }

    /// The directions in which objects replicate. Each has a role of its own.
    #[must_use]
    pub fn flows(&self) -> Vec<Flow<'_>> {
        let forth = Flow {
            account: &self.account,
            source: &self.source,
            destination: &self.destination,
            both_ways: self.both_ways,
        };
        let back = Flow {
            source: &self.destination,
            destination: &self.source,
            ..forth
        };
        if self.both_ways {
            vec![forth, back]
        } else {
            vec![forth]
        }
    }
}

/// One direction of a plan.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'a> {
    account: &'a AccountId,
    /// Where objects are written.
    pub source: &'a Site,
    /// Where they arrive.
    pub destination: &'a Site,
    /// Whether objects replicate the other way, too.
    pub both_ways: bool,
}

impl Flow<'_> {
    /// Name of the role that S3 acts as; at most 64 characters, as IAM demands.
    #[must_use]
    pub fn role_name(&self) -> String {
        let name = format!("s3-replication-{}", self.source.bucket);
        name.chars().take(64).collect()
    }

    /// ARN of that role.
    #[must_use]
    pub fn role_arn(&self) -> String {
        let partition = self.source.region.partition();
        format!(
            "arn:{partition}:iam::{}:role/{}",
            self.account,
            self.role_name()
        )
    }
}

impl fmt::Display for Flow<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} ({}) -> {} ({})",
            self.source.bucket,
            self.source.region,
            self.destination.bucket,
            self.destination.region
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(bucket: &str, region: &str) -> Site {
        Site {
            bucket: bucket.parse().unwrap(),
            region: region.parse().unwrap(),
            encryption: Encryption::SseC,
        }
    }

    fn plan(source: Site, destination: Site) -> Result<ReplicationPlan, PlanError> {
        ReplicationPlan::new("111122223333".parse().unwrap(), source, destination)
    }

    #[test]
    fn impossible_plans_are_refused() {
        let tokyo = site("tokyo", "ap-northeast-1");
        assert!(matches!(
            plan(tokyo.clone(), tokyo.clone()),
            Err(PlanError::SameBucket(_))
        ));
        assert!(matches!(
            plan(tokyo, site("beijing", "cn-north-1")),
            Err(PlanError::CrossPartition { .. })
        ));
    }

    #[test]
    fn each_direction_has_its_own_role() {
        let plan = plan(
            site("tokyo", "ap-northeast-1"),
            site("osaka", "ap-northeast-3"),
        )
        .unwrap()
        .both_ways();
        let roles: Vec<String> = plan.flows().iter().map(Flow::role_arn).collect();
        assert_eq!(
            roles,
            [
                "arn:aws:iam::111122223333:role/s3-replication-tokyo",
                "arn:aws:iam::111122223333:role/s3-replication-osaka"
            ]
        );
    }
}
