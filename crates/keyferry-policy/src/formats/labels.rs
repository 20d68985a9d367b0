//! Names for buckets where bucket names will not do.

use crate::{BucketName, ReplicationPlan};

/// A label for each bucket of a plan, no two the same.
pub(super) struct Labels(Vec<(BucketName, String)>);

impl Labels {
    /// Labels of lower-case letters, digits and underscores, as Terraform's names are written.
    pub(super) fn snake_case(plan: &ReplicationPlan) -> Self {
        Self::new(plan, |bucket| {
            let label = bucket.replace(['.', '-'], "_");
            if label.starts_with(|first: char| first.is_ascii_digit()) {
                format!("bucket_{label}")
            } else {
                label
            }
        })
    }

    /// Labels of letters and digits, as logical ids of CloudFormation are.
    pub(super) fn camel_case(plan: &ReplicationPlan) -> Self {
        Self::new(plan, |bucket| {
            bucket
                .split(['.', '-'])
                .map(|word| {
                    let mut letters = word.chars();
                    let first = letters.next().map(|first| first.to_ascii_uppercase());
                    first.into_iter().chain(letters).collect::<String>()
                })
                .collect()
        })
    }

    fn new(plan: &ReplicationPlan, label: impl Fn(&str) -> String) -> Self {
        let mut labels: Vec<(BucketName, String)> = Vec::new();
        for site in plan.sites() {
            let wanted = label(site.bucket.as_str());
            let taken = |label: &str| labels.iter().any(|(_, other)| other == label);
            let free = if taken(&wanted) {
                (2_usize..)
                    .map(|number| format!("{wanted}x{number}"))
                    .find(|label| !taken(label))
                    .unwrap_or_default()
            } else {
                wanted
            };
            labels.push((site.bucket.clone(), free));
        }
        Self(labels)
    }

    /// The label of a bucket.
    pub(super) fn of(&self, bucket: &BucketName) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == bucket)
            .map_or("", |(_, label)| label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encryption, Flow, Profile, Site};

    #[test]
    fn labels_differ_where_buckets_do() {
        let buckets = ["a-b", "a.b", "1-a", "ab1"];
        let site = |bucket: &&str| {
            Site::new(
                bucket.parse().unwrap(),
                "eu-west-1".parse().unwrap(),
                "111122223333".parse().unwrap(),
                Encryption::SseS3,
            )
        };
        let sites: Vec<Site> = buckets.iter().map(site).collect();
        let flow = Flow::new("a-b".parse().unwrap(), "a.b".parse().unwrap());
        let plan = ReplicationPlan::new(sites, vec![flow], Profile::Minimal).unwrap();
        let all = |labels: &Labels| -> Vec<String> {
            let label = |bucket: &&str| labels.of(&bucket.parse().unwrap()).to_owned();
            buckets.iter().map(label).collect()
        };
        assert_eq!(
            all(&Labels::snake_case(&plan)),
            ["a_b", "a_bx2", "bucket_1_a", "ab1"]
        );
        assert_eq!(all(&Labels::camel_case(&plan)), ["AB", "ABx2", "1A", "Ab1"]);
    }
}
