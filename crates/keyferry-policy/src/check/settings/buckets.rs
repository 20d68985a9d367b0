//! A bucket itself: whether it is there, where, with versioning and Object Lock.

use crate::Site;
use crate::check::finding::{Change, Finding, Level, Place, Step};
use crate::check::installed::{Installed, InstalledBucket, Known};
use crate::check::rule::Rule;
use crate::documents::VersioningConfiguration;

pub(super) fn check(site: &Site, installed: &Installed) -> Vec<Finding> {
    let subject = format!("bucket {}", site.bucket);
    let Some(bucket) = installed.bucket(&site.bucket) else {
        let note = Finding::new(
            Rule::DocumentUnknown,
            Level::Note,
            subject,
            "not known: the bucket's settings; none was given",
        );
        return vec![note.because("versioning, encryption and Object Lock were not checked")];
    };
    if !bucket.exists {
        return vec![
            Finding::new(
                Rule::BucketMissing,
                Level::Error,
                subject,
                "the bucket does not exist",
            )
            .fix(format!("create it in {}", site.region)),
        ];
    }
    let mut findings = elsewhere(site, bucket, &subject);
    findings.extend(versioning(bucket, &subject));
    findings.extend(object_lock(site, bucket, &subject));
    findings
}

fn elsewhere(site: &Site, bucket: &InstalledBucket, subject: &str) -> Vec<Finding> {
    let differs = |what: &str, actual: &str, planned: &str| {
        Finding::new(
            Rule::BucketElsewhere,
            Level::Error,
            subject,
            format!("the bucket's {what} is {actual}, and the plan says {planned}"),
        )
        .because("every document of the plan is made for another place")
        .fix(format!("correct the {what} in the plan"))
    };
    let region = bucket
        .region
        .value()
        .filter(|region| **region != site.region);
    let account = bucket
        .account
        .value()
        .filter(|account| **account != site.account);
    let region = region.map(|actual| differs("region", actual.as_str(), site.region.as_str()));
    let account = account.map(|actual| differs("account", actual.as_str(), site.account.as_str()));
    region.into_iter().chain(account).collect()
}

fn versioning(bucket: &InstalledBucket, subject: &str) -> Option<Finding> {
    let state = match &bucket.versioning {
        Known::Present(given) if given.value.is_enabled() => return None,
        Known::Present(_) => "suspended",
        Known::Absent => "off",
        Known::Unknown(why) => return Some(unknown(subject, "versioning", why)),
    };
    let name = format!("the versioning of `{}`", bucket.name);
    let place = bucket.versioning.given();
    Some(
        Finding::new(
            Rule::VersioningOff,
            Level::Error,
            subject,
            format!("versioning is {state}"),
        )
        .because("S3 replicates versions; both buckets need versioning")
        .at(place.map(|given| Place::document(&name, &given.origin)))
        .fix("switch versioning on")
        .change(Change::new(
            &name,
            "becomes",
            Step::Whole,
            &VersioningConfiguration::enabled(),
        )),
    )
}

fn object_lock(site: &Site, bucket: &InstalledBucket, subject: &str) -> Option<Finding> {
    let actual = match &bucket.object_lock {
        Known::Present(given) => given.value,
        Known::Absent => false,
        Known::Unknown(_) => return None,
    };
    let (is, planned) = match (actual, site.object_lock) {
        (true, false) => ("on", "off"),
        (false, true) => ("off", "on"),
        _ => return None,
    };
    Some(
        Finding::new(
            Rule::ObjectLockDiffers,
            Level::Warning,
            subject,
            format!("Object Lock is {is}, and the plan says {planned}"),
        )
        .because("under Object Lock the role also reads retention and legal hold")
        .fix(format!(
            "set `object-lock = {actual}` for this site in the plan"
        )),
    )
}

/// What was not looked at.
pub(super) fn unknown(subject: &str, what: &str, why: &str) -> Finding {
    Finding::new(
        Rule::DocumentUnknown,
        Level::Note,
        subject,
        format!("not known: the {what}; {why}"),
    )
    .because("it was not checked")
}
