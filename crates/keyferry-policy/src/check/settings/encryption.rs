//! Default encryption of a bucket, Bucket Keys, and whether SSE-C is let in.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html>

use crate::check::finding::{Change, Finding, Level, Place, Step};
use crate::check::installed::{Given, Installed, Known};
use crate::check::replications::{Direction, installed_bucket_key};
use crate::check::rule::Rule;
use crate::documents::{EncryptionConfiguration, EncryptionRule};
use crate::{BucketKey, Encryption, Site};

pub(super) fn check(
    site: &Site,
    directions: &[Direction<'_>],
    installed: &Installed,
) -> Vec<Finding> {
    let Some(bucket) = installed
        .bucket(&site.bucket)
        .filter(|bucket| bucket.exists)
    else {
        return Vec::new();
    };
    let subject = format!("bucket {}", site.bucket);
    let mut findings = Vec::new();
    match &bucket.encryption {
        Known::Present(given) => {
            findings.extend(default_differs(site, given, &subject));
            findings.extend(bucket_key_differs(site, given, &subject, installed));
        }
        Known::Unknown(why) => {
            findings.push(super::buckets::unknown(
                &subject,
                "encryption configuration",
                why,
            ));
        }
        Known::Absent => {}
    }
    let carries = |direction: &&Direction<'_>| {
        direction.flow.source.accepts_sse_c()
            && (direction.flow.source.bucket == site.bucket
                || direction.flow.destination.bucket == site.bucket)
    };
    if let Some(direction) = directions.iter().find(carries) {
        let into = direction.flow.destination.bucket == site.bucket;
        findings.extend(sse_c(site, &bucket.encryption, &subject, into));
    }
    findings
}

fn document(site: &Site) -> String {
    format!("the encryption configuration of `{}`", site.bucket)
}

fn place(site: &Site, given: &Given<EncryptionConfiguration>) -> Place {
    Place::document(document(site), &given.origin)
}

fn change(site: &Site) -> Change {
    Change::new(
        &document(site),
        "becomes",
        Step::Whole,
        &EncryptionConfiguration::of(site),
    )
}

fn default_differs(
    site: &Site,
    given: &Given<EncryptionConfiguration>,
    subject: &str,
) -> Option<Finding> {
    let planned = EncryptionConfiguration::of(site);
    let default = |configuration: &EncryptionConfiguration| {
        let rule = configuration.rules.first()?;
        let default = &rule.apply_server_side_encryption_by_default;
        Some((default.algorithm.clone(), default.kms_key.clone()))
    };
    let (actual, wanted) = (default(&given.value), default(&planned));
    if actual == wanted {
        return None;
    }
    let named = |default: &Option<(String, Option<String>)>| match default {
        None => "nothing".to_owned(),
        Some((algorithm, None)) => format!("`{algorithm}`"),
        Some((algorithm, Some(key))) => format!("`{algorithm}` under `{key}`"),
    };
    Some(
        Finding::new(
            Rule::EncryptionDiffers,
            Level::Warning,
            subject,
            format!(
                "the default encryption is {}, and the plan says {}",
                named(&actual),
                named(&wanted)
            ),
        )
        .because("what is uploaded without encryption headers is encrypted otherwise than planned")
        .at(Some(place(site, given)))
        .fix("set the planned default encryption")
        .change(change(site)),
    )
}

fn bucket_key_differs(
    site: &Site,
    given: &Given<EncryptionConfiguration>,
    subject: &str,
    installed: &Installed,
) -> Option<Finding> {
    let Encryption::SseKms { bucket_key, .. } = &site.encryption else {
        return None;
    };
    let actual = installed_bucket_key(site, installed)?;
    if *bucket_key == BucketKey::Mixed || bucket_key.is_used() == actual {
        return None;
    }
    let (is, planned) = if actual { ("on", "off") } else { ("off", "on") };
    Some(
        Finding::new(
            Rule::BucketKeyDiffers,
            Level::Warning,
            subject,
            format!("Bucket Keys are {is}, and the plan says {planned}"),
        )
        .because(
            "under a Bucket Key S3 gives KMS the bucket's ARN as encryption context, otherwise the \
             object's; conditions made for the one deny the other",
        )
        .at(Some(place(site, given)))
        .fix("switch Bucket Keys as planned, or plan `bucket-key = \"mixed\"`")
        .change(change(site)),
    )
}

/// Whether objects under customer keys can be written.
fn sse_c(
    site: &Site,
    known: &Known<EncryptionConfiguration>,
    subject: &str,
    into: bool,
) -> Option<Finding> {
    let consequence = if into {
        "replicas are refused with 403"
    } else {
        "uploads with a customer key are refused with 403"
    };
    let finding = |rule, level, message: &str| {
        Finding::new(rule, level, subject, message)
            .because(consequence)
            .fix("set `BlockedEncryptionTypes` to `NONE`")
            .change(change(site))
    };
    let given = match known {
        Known::Present(given) => given,
        Known::Absent => {
            return Some(finding(Rule::SseCNotLetIn, Level::Warning, NOT_SAID));
        }
        Known::Unknown(_) => return None,
    };
    let said = |rule: &EncryptionRule| rule.blocked_encryption_types.is_some();
    if given.value.blocks_sse_c() {
        Some(
            finding(Rule::SseCBlocked, Level::Error, "the bucket blocks SSE-C")
                .at(Some(place(site, given))),
        )
    } else if !given.value.rules.iter().any(said) {
        Some(finding(Rule::SseCNotLetIn, Level::Warning, NOT_SAID).at(Some(place(site, given))))
    } else {
        None
    }
}

const NOT_SAID: &str = "nothing says that SSE-C is let in; buckets made since April 2026 block it";
