//! The twenty cells of the matrix as plans: encryption, Bucket Key, accounts, directions.

use keyferry_policy::{BucketKey, Encryption, Flow, Profile, ReplicationPlan, Site};

pub(crate) const HERE: &str = "111122223333";
pub(crate) const ELSEWHERE: &str = "444455556666";

/// Each cell's name and plan, in this profile. Every feature that needs permissions of its own is on.
pub(crate) fn cells(profile: Profile) -> Vec<(String, ReplicationPlan)> {
    let mut cells = Vec::new();
    for (encryption, make) in ENCRYPTIONS {
        for (layout, account) in [("same account", HERE), ("cross account", ELSEWHERE)] {
            for both_ways in [false, true] {
                let source = site("tokyo", "ap-northeast-1", HERE, *make);
                let destination = site("osaka", "ap-northeast-3", account, *make);
                let there = Flow::new(source.bucket.clone(), destination.bucket.clone());
                let mut flows = vec![there.clone()];
                if both_ways {
                    flows.push(there.reversed());
                }
                let direction = if both_ways { "two-way" } else { "one-way" };
                let plan = ReplicationPlan::new(vec![source, destination], flows, profile)
                    .expect("every cell is possible");
                cells.push((format!("{encryption}, {layout}, {direction}"), plan));
            }
        }
    }
    cells
}

type Make = fn(&str, &str) -> Encryption;

const ENCRYPTIONS: &[(&str, Make)] = &[
    ("SSE-S3", |_, _| Encryption::SseS3),
    ("SSE-C", |_, _| Encryption::SseC),
    ("SSE-KMS", |region, account| {
        kms(region, account, BucketKey::Off)
    }),
    ("SSE-KMS with Bucket Key", |region, account| {
        kms(region, account, BucketKey::On)
    }),
    ("DSSE-KMS", |region, account| Encryption::DsseKms {
        key: key(region, account),
    }),
];

fn kms(region: &str, account: &str, bucket_key: BucketKey) -> Encryption {
    Encryption::SseKms {
        key: key(region, account),
        bucket_key,
    }
}

fn key(region: &str, account: &str) -> keyferry_policy::KmsKeyArn {
    format!("arn:aws:kms:{region}:{account}:key/11111111-2222-3333-4444-555555555555")
        .parse()
        .expect("a key")
}

fn site(bucket: &str, region: &str, account: &str, make: Make) -> Site {
    let mut site = Site::new(
        bucket.parse().expect("a bucket"),
        region.parse().expect("a region"),
        account.parse().expect("an account"),
        make(region, account),
    );
    site.object_lock = true;
    site.annotations = true;
    site.guard = true;
    site
}
