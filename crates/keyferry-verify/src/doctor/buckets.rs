//! What buckets are set to: whether they may be looked into, who owns objects, how long replicas are
//! locked.

use aws_sdk_s3::types::DefaultRetention;
use keyferry_policy::check::{Finding, Installed, InstalledBucket, Known, Level, Preflight, Rule};
use keyferry_policy::documents::{
    BlockedEncryptionTypes, BlockedType, EncryptionConfiguration, VersioningConfiguration,
};
use keyferry_policy::{BucketName, Ownership, Region};
use keyferry_transfer::Connector;
use serde_json::{Value, json};

use super::{Examination, preflight};
use crate::situation::{Shell, Situation};

/// Whether the bucket tells anything about itself.
pub(super) fn may_be_looked_into(situation: &Situation, examination: &mut Examination) -> bool {
    let Some(bucket) = situation.bucket() else {
        return false;
    };
    let subject = examination.subject();
    if !bucket.exists {
        // Anybody was told that there is one; whoever signs is told of none.
        examination.findings.push(
            Finding::new(
                Rule::BucketMissing,
                Level::Error,
                subject,
                "the bucket does not exist",
            )
            .because("nothing can be uploaded to it")
            .fix("check the name and the endpoint"),
        );
        return false;
    }
    let Some(why) = bucket.region.why_unknown() else {
        return true;
    };
    let something = bucket.versioning.why_unknown().is_none()
        || bucket.replication.why_unknown().is_none()
        || bucket.encryption.why_unknown().is_none();
    let level = if something {
        Level::Warning
    } else {
        Level::Error
    };
    examination.findings.push(
        preflight(Preflight::BucketRefused, level, subject, why)
            .because("S3 does not tell a missing object from a forbidden one without s3:ListBucket, and says nothing of a bucket of another account")
            .fix("check that these are the right credentials (--profile), and that they have s3:ListBucket on the bucket"),
    );
    something
}

/// What a bucket is, whether it replicates or not.
pub(super) fn check(situation: &Situation, shell: &Shell) -> Vec<Finding> {
    let Some(bucket) = situation.bucket() else {
        return Vec::new();
    };
    let Some(place) = situation.places.get(&bucket.name) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    findings.extend(owned_by_writers(bucket, &place.region, shell));
    if situation.plans.is_empty() {
        findings.extend(alone(bucket, &place.region, shell));
    }
    findings
}

/// Objects of other owners: S3 replicates what the bucket's owner may read.
fn owned_by_writers(bucket: &InstalledBucket, region: &Region, shell: &Shell) -> Option<Finding> {
    let (level, what) = match &bucket.ownership {
        Known::Present(given) => match given.value {
            Ownership::BucketOwnerEnforced => return None,
            Ownership::BucketOwnerPreferred => (
                Level::Note,
                "objects that other accounts write without `bucket-owner-full-control` belong to them",
            ),
            Ownership::ObjectWriter => (
                Level::Warning,
                "objects that other accounts write belong to them",
            ),
        },
        Known::Absent | Known::Unknown(_) => return None,
    };
    let rules = [(
        "--ownership-controls",
        r#"{"Rules":[{"ObjectOwnership":"BucketOwnerEnforced"}]}"#,
    )];
    let subject = format!("bucket {}", bucket.name);
    Some(
        preflight(Preflight::OwnedByWriters, level, subject, what)
            .because("S3 replicates an object only if the bucket's owner may read it and its ACL")
            .fix("make the bucket's owner own everything, unless something still needs ACLs")
            .command(shell.s3api(
                "put-bucket-ownership-controls",
                &bucket.name,
                region,
                &rules,
            )),
    )
}

/// A bucket that replicates nowhere yet, or whose rules are not known.
fn alone(bucket: &InstalledBucket, region: &Region, shell: &Shell) -> Vec<Finding> {
    let subject = format!("bucket {}", bucket.name);
    let mut findings = Vec::new();
    match &bucket.replication {
        Known::Absent => findings.push(
            Finding::new(
                Rule::ReplicationMissing,
                Level::Error,
                subject.as_str(),
                format!("`{}` has no replication configuration", bucket.name),
            )
            .because("nothing replicates")
            .fix(format!(
                "name the destination: `keyferry doctor s3://{} --replica BUCKET@REGION` then has the \
                 command that sets everything up",
                bucket.name
            )),
        ),
        Known::Unknown(why) => findings.push(
            Finding::new(
                Rule::DocumentUnknown,
                Level::Note,
                subject.as_str(),
                format!("not known: the replication configuration; {why}"),
            )
            .because("where objects replicate to, and whether they can, was not checked")
            .fix("allow s3:GetReplicationConfiguration on the bucket"),
        ),
        Known::Present(_) => {}
    }
    let versioned = bucket
        .versioning
        .value()
        .is_some_and(VersioningConfiguration::is_enabled);
    if !versioned && bucket.versioning.why_unknown().is_none() {
        let status = [("--versioning-configuration", r#"{"Status":"Enabled"}"#)];
        findings.push(
            Finding::new(
                Rule::VersioningOff,
                Level::Error,
                subject.as_str(),
                "versioning is not on",
            )
            .because("S3 replicates versions; both buckets need versioning")
            .fix("switch versioning on")
            .command(shell.s3api(
                "put-bucket-versioning",
                &bucket.name,
                region,
                &status,
            )),
        );
    }
    if let Some(live) = bucket.encryption.value()
        && live.blocks_sse_c()
    {
        let json = letting_in(live);
        let rules = [("--server-side-encryption-configuration", json.as_str())];
        findings.push(
            Finding::new(
                Rule::SseCBlocked,
                Level::Error,
                subject,
                "the bucket blocks SSE-C",
            )
            .because("uploads with a customer key are refused with 403")
            .fix("set `BlockedEncryptionTypes` to `NONE`")
            .command(shell.s3api(
                "put-bucket-encryption",
                &bucket.name,
                region,
                &rules,
            )),
        );
    }
    findings
}

/// The same encryption with SSE-C let in.
fn letting_in(live: &EncryptionConfiguration) -> String {
    let mut wanted = live.clone();
    for rule in &mut wanted.rules {
        rule.blocked_encryption_types = Some(BlockedEncryptionTypes {
            encryption_type: vec![BlockedType::None],
        });
    }
    serde_json::to_string(&wanted).unwrap_or_default()
}

/// Replicas that a destination locks by default, where the source does not.
pub(super) async fn locks(
    connector: &Connector,
    situation: &Situation,
    shell: &Shell,
) -> Vec<Finding> {
    let Some(home) = situation.places.get(&situation.source) else {
        return Vec::new();
    };
    if is_locked(&situation.installed, &situation.source)
        && retention(connector, &situation.source, &home.region)
            .await
            .is_some()
    {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (name, place) in situation.destinations() {
        if !is_locked(&situation.installed, name) {
            continue;
        }
        let Some(retention) = retention(connector, name, &place.region).await else {
            continue;
        };
        let (text, json) = described(&retention);
        let lock = [("--object-lock-configuration", json.as_str())];
        let source = &situation.source;
        findings.push(
            preflight(
                Preflight::ReplicasLockedLonger,
                Level::Warning,
                format!("{source} -> {name}"),
                format!("`{name}` locks what comes in for {text}, and `{source}` does not"),
            )
            .because("a replica without a retention of its own gets the destination's, so it stays when its source is deleted")
            .fix(format!("give `{source}` the same default retention"))
            .command(shell.s3api("put-object-lock-configuration", source, &home.region, &lock)),
        );
    }
    findings
}

fn is_locked(installed: &Installed, name: &BucketName) -> bool {
    let bucket = installed.bucket(name);
    bucket.is_some_and(|bucket| bucket.object_lock.value() == Some(&true))
}

async fn retention(
    connector: &Connector,
    bucket: &BucketName,
    region: &Region,
) -> Option<DefaultRetention> {
    let client = connector.client(region).ok()?;
    let answer = client
        .get_object_lock_configuration()
        .bucket(bucket.as_str())
        .send()
        .await
        .ok()?;
    answer
        .object_lock_configuration?
        .rule?
        .default_retention
        .filter(|retention| retention.mode().is_some())
}

fn described(retention: &DefaultRetention) -> (String, String) {
    let mode = retention
        .mode()
        .map(|mode| mode.as_str())
        .unwrap_or_default();
    let mut rule = json!({"Mode": mode});
    let (name, number, unit) = match (retention.days(), retention.years()) {
        (Some(days), _) => ("Days", days, "days"),
        (None, years) => ("Years", years.unwrap_or_default(), "years"),
    };
    if let Some(rule) = rule.as_object_mut() {
        rule.insert(name.to_owned(), Value::from(number));
    }
    let whole = json!({"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": rule}});
    (format!("{number} {unit} ({mode})"), whole.to_string())
}
