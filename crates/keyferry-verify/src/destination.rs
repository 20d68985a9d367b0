//! Where the replicas of an object are to be found.
//!
//! The rule names a bucket (S3-VERIFY-7); where that is, S3 is asked (S3-XFER-16).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{ReplicationConfiguration, ReplicationRule};
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::ObjectAddress;

use crate::access::ObjectAccess;
use crate::answer::Trouble;
use crate::bucket::{Bucket, Place, Way};
use crate::outcome::NotCovered;
use crate::regions::Regions;
use crate::report::Unseen;
use crate::rules::{Coverage, RuleMatch, any_selects_by_tag, sole_destination};
use crate::tagging::read_tags;
use crate::{ObjectView, Refusal, ReplicaTarget, ReplicationStatus, VerifyError};

/// A bucket that should hold a replica.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) bucket: BucketName,
    /// Absent when the bucket does not exist.
    pub(crate) region: Option<Region>,
    /// The rule that sends the object there; absent when the bucket was given and no rule is known.
    pub(crate) rule: Option<RuleMatch>,
    /// What is known of the bucket.
    pub(crate) place: Arc<Place>,
}

/// The outcome of looking for destinations.
#[derive(Debug)]
pub(crate) enum Destinations {
    /// There are some.
    Found {
        destinations: Vec<Destination>,
        /// Whether a rule is known to cover the object.
        covered: bool,
    },
    /// There are none.
    None(NotCovered),
}

/// What can be known about replication of the source bucket.
#[derive(Debug)]
pub(crate) enum Configuration {
    Read(ReplicationConfiguration),
    Absent,
    Refused(Refusal),
}

impl Configuration {
    /// Its rules, as far as they are known.
    pub(crate) fn rules(&self) -> &[ReplicationRule] {
        match self {
            Self::Read(configuration) => configuration.rules(),
            Self::Absent | Self::Refused(_) => &[],
        }
    }
}

/// Reads the replication configuration of the source bucket.
pub(crate) async fn read_configuration(
    client: &Client,
    bucket: &BucketName,
) -> Result<Configuration, VerifyError> {
    let answer = client
        .get_bucket_replication()
        .bucket(bucket.as_str())
        .send()
        .await;
    let failed = |trouble| VerifyError::of("GetBucketReplication", bucket, trouble);
    match answer.map_err(Trouble::of) {
        Ok(output) => Ok(output
            .replication_configuration
            // Ceph's gateway answers with an empty one.
            .filter(|configuration| !configuration.rules().is_empty())
            .map_or(Configuration::Absent, Configuration::Read)),
        Err(Trouble::Refused(refusal)) if refusal.has_code("NoSuchBucket") => {
            Err(failed(Trouble::Refused(refusal)))
        }
        Err(Trouble::Refused(refusal))
            if refusal.status == 404
                || refusal.has_code("ReplicationConfigurationNotFoundError") =>
        {
            Ok(Configuration::Absent)
        }
        Err(Trouble::Refused(refusal)) => Ok(Configuration::Refused(refusal)),
        Err(trouble) => Err(failed(trouble)),
    }
}

/// Every bucket that a rule of this one's replication configuration names, disabled rules included:
/// replicas made earlier are still there.
///
/// # Errors
/// When the configuration cannot be read (s3:GetReplicationConfiguration), or S3 not be reached.
pub async fn destination_buckets(
    client: &Client,
    bucket: &BucketName,
) -> Result<BTreeSet<BucketName>, VerifyError> {
    match read_configuration(client, bucket).await? {
        Configuration::Absent => Ok(BTreeSet::new()),
        Configuration::Refused(refusal) => Err(VerifyError::of(
            "GetBucketReplication",
            bucket,
            Trouble::Refused(refusal),
        )),
        Configuration::Read(configuration) => Ok(configuration
            .rules()
            .iter()
            .filter_map(|rule| bucket_of(rule.destination()?.bucket()))
            .collect()),
    }
}

/// The buckets that the replication configuration sends an object to, as its rules and the object's tags
/// are today. None where no rule covers the object; buckets that do not exist are left out.
///
/// Needs no customer key. Objects under AWS KMS keys are not told apart here.
///
/// # Errors
/// When the configuration, or tags that a rule asks for, cannot be read, and when S3 cannot be
/// reached.
pub async fn destinations(
    regions: &dyn Regions,
    region: &Region,
    address: &ObjectAddress,
) -> Result<Vec<ReplicaTarget>, VerifyError> {
    let way = Way::straight(regions);
    let bucket = Bucket::new(way, &address.bucket, region, Vec::new())?;
    let access = ObjectAccess::new(bucket.client.clone(), address, None);
    let view = ObjectView::default();
    let tags = read_tags(&access, &view, &bucket.tag_counting).await?;
    let search = Search {
        bucket: &bucket,
        key: &address.key,
        view: &view,
        tags: tags.as_ref(),
    };
    Ok(match search.run(&mut Vec::new()).await? {
        Destinations::None(_) => Vec::new(),
        Destinations::Found { destinations, .. } => destinations
            .into_iter()
            .filter_map(|destination| {
                Some(ReplicaTarget {
                    bucket: destination.bucket,
                    region: destination.region?,
                })
            })
            .collect(),
    })
}

/// A search for the buckets that should hold replicas of one object.
pub(crate) struct Search<'a> {
    pub(crate) bucket: &'a Bucket<'a>,
    /// The object key.
    pub(crate) key: &'a str,
    pub(crate) view: &'a ObjectView,
    pub(crate) tags: Result<&'a BTreeMap<String, String>, &'a Refusal>,
}

impl Search<'_> {
    /// Finds the buckets: those that the caller names, or those of the rules that cover the object.
    pub(crate) async fn run(self, unseen: &mut Vec<Unseen>) -> Result<Destinations, VerifyError> {
        let given = &self.bucket.given;
        let configuration = self.bucket.configuration().await?;
        let rules = self.rules(configuration, unseen)?;
        let no_tags = BTreeMap::new();
        let tags = match self.tags {
            Ok(tags) => tags,
            // Without tags a rule that asks for them would look as if it did not match.
            Err(refusal) if given.is_empty() && any_selects_by_tag(rules) => {
                let refusal = Trouble::Refused(refusal.clone());
                let bucket = &self.bucket.name;
                return Err(VerifyError::of("GetObjectTagging", bucket, refusal));
            }
            Err(_) => &no_tags,
        };
        let mut coverage = Coverage::of(rules, self.key, tags);
        let matched_any = !coverage.matched.is_empty();
        if self.view.is_under_kms() {
            coverage.matched.retain(|rule| rule.kms_opt_in);
        }
        if !given.is_empty() {
            return self.named(&coverage).await;
        }
        if coverage.matched.is_empty() {
            match sole_destination(rules).filter(|_| self.was_eligible()) {
                Some(rule) => {
                    unseen.push(Unseen::ActingRule);
                    coverage.matched.push(rule);
                }
                None => {
                    let why = why_none(configuration, coverage, matched_any);
                    return Ok(Destinations::None(why));
                }
            }
        }
        let mut destinations = Vec::with_capacity(coverage.matched.len());
        for rule in coverage.matched {
            let bucket =
                bucket_of(&rule.destination).ok_or_else(|| VerifyError::DestinationArn {
                    arn: rule.destination.clone(),
                })?;
            let place = self.bucket.place(&bucket, None).await?;
            destinations.push(Destination {
                region: place.found.as_ref().map(|(region, _)| region.clone()),
                bucket,
                rule: Some(rule),
                place,
            });
        }
        Ok(Destinations::Found {
            destinations,
            covered: true,
        })
    }

    fn rules<'c>(
        &self,
        configuration: &'c Configuration,
        unseen: &mut Vec<Unseen>,
    ) -> Result<&'c [ReplicationRule], VerifyError> {
        match configuration {
            Configuration::Read(configuration) => Ok(configuration.rules()),
            Configuration::Absent => Ok(&[]),
            Configuration::Refused(refusal) if !self.bucket.given.is_empty() => {
                unseen.push(Unseen::ReplicationConfiguration {
                    refusal: refusal.clone(),
                });
                Ok(&[])
            }
            Configuration::Refused(refusal) => Err(VerifyError::of(
                "GetBucketReplication",
                &self.bucket.name,
                Trouble::Refused(refusal.clone()),
            )),
        }
    }

    async fn named(&self, coverage: &Coverage) -> Result<Destinations, VerifyError> {
        let given = &self.bucket.given;
        let mut destinations = Vec::with_capacity(given.len());
        for target in given {
            let place = self
                .bucket
                .place(&target.bucket, Some(&target.region))
                .await?;
            destinations.push(Destination {
                bucket: target.bucket.clone(),
                region: Some(target.region.clone()),
                rule: coverage
                    .matched
                    .iter()
                    .find(|rule| bucket_of(&rule.destination).as_ref() == Some(&target.bucket))
                    .cloned(),
                place,
            });
        }
        Ok(Destinations::Found {
            // A bucket that the caller names is looked into even where S3 gives no status.
            covered: false,
            destinations,
        })
    }

    /// Whether S3 counted the object as eligible when it was written.
    fn was_eligible(&self) -> bool {
        use ReplicationStatus::{Completed, Failed, Pending};
        matches!(self.view.status, Some(Pending | Completed | Failed))
    }
}

fn why_none(configuration: &Configuration, coverage: Coverage, kms_missed: bool) -> NotCovered {
    let disabled = coverage.disabled();
    if !matches!(configuration, Configuration::Read(_)) {
        NotCovered::NoConfiguration
    } else if kms_missed {
        NotCovered::KmsNotIncluded
    } else if !disabled.is_empty() {
        NotCovered::RulesDisabled { rules: disabled }
    } else {
        NotCovered::NoRuleMatches {
            rules: coverage.missed,
        }
    }
}

/// The bucket in `arn:PARTITION:s3:::BUCKET`.
pub(crate) fn bucket_of(arn: &str) -> Option<BucketName> {
    let (prefix, bucket) = arn.rsplit_once(":::")?;
    let mut fields = prefix.split(':');
    let named = fields.next() == Some("arn")
        && fields
            .next()
            .is_some_and(|partition| partition.starts_with("aws"))
        && fields.next() == Some("s3")
        && fields.next().is_none();
    bucket.parse().ok().filter(|_| named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_bucket_arns() {
        let bucket = |arn| bucket_of(arn).map(|bucket| bucket.to_string());
        assert_eq!(bucket("arn:aws:s3:::osaka"), Some("osaka".to_owned()));
        assert_eq!(bucket("arn:aws-cn:s3:::osaka"), Some("osaka".to_owned()));
        for bad in [
            "osaka",
            "arn:aws:s3:::",
            "arn:aws:s3:::osaka/key",
            "arn:aws:sqs:::osaka",
            "arn:aws:s3:ap-northeast-1:111122223333:accesspoint/osaka",
            "",
        ] {
            assert_eq!(bucket(bad), None, "{bad}");
        }
    }
}
