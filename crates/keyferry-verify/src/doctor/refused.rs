//! What the caller is refused when verification's own requests are made.
//!
//! Whose policies may not be read is not told by them what is denied; the refusal itself tells it. An
//! endpoint that does not serve a bucket's region refuses everything, and no permission changes that.

use aws_sdk_s3::Client;
use futures::future::join_all;
use keyferry_policy::check::{Finding, Level, Preflight, Rule};
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::Connector;

use super::preflight;
use crate::answer::{Refusal, Trouble};
use crate::situation::Situation;

/// A key that hardly any bucket has.
const NOBODYS_KEY: &str = "keyferry-doctor-looks-whether-head-is-allowed";

/// What came of the requests.
#[derive(Default)]
pub(super) struct Refused {
    pub(super) findings: Vec<Finding>,
    /// Buckets whose region is not served.
    unserved: Vec<BucketName>,
}

/// What is asked of a bucket.
#[derive(Clone, Copy)]
enum Side {
    Source {
        /// Whether someone has named the destination.
        named: bool,
    },
    Replica,
}

/// Asks what verification asks of the buckets.
pub(super) async fn check(
    connector: &Connector,
    situation: &Situation,
    object: Option<&str>,
    named: bool,
) -> Refused {
    let places = situation.places.iter().map(|(name, place)| {
        let side = match *name == situation.source {
            true => Side::Source { named },
            false => Side::Replica,
        };
        Asked {
            connector,
            bucket: name,
            region: &place.region,
            side,
            object,
        }
    });
    let all = join_all(places.map(|asked| async move { Box::pin(asked.ask()).await })).await;
    let mut refused = Refused::default();
    for one in all {
        refused.findings.extend(one.findings);
        refused.unserved.extend(one.unserved);
    }
    refused
}

impl Refused {
    pub(super) fn is_unserved(&self, bucket: &BucketName) -> bool {
        self.unserved.contains(bucket)
    }

    /// Adds the findings. What follows from them, and what policies have told already, is not told
    /// again.
    pub(super) fn join(self, known: &mut Vec<Finding>) {
        known.retain(|finding| !self.explains(finding));
        for finding in self.findings {
            let mut told = known.iter_mut().filter(|other| {
                other.rule == finding.rule
                    && other.subject == finding.subject
                    && action_of(&finding).is_some_and(|action| other.message.contains(action))
            });
            match told.next() {
                Some(told) => told.level = told.level.min(finding.level),
                None => known.push(finding),
            }
        }
    }

    fn explains(&self, finding: &Finding) -> bool {
        let about = |bucket: &BucketName| {
            let bucket = bucket.as_str();
            let direction = finding.subject.split_once(" -> ");
            finding.subject == format!("bucket {bucket}")
                || direction.is_some_and(|(from, to)| from == bucket || to == bucket)
        };
        let of_unserved = finding.level == Level::Note && self.unserved.iter().any(about);
        let unknown = finding.rule == Rule::DocumentUnknown
            && finding.message.contains("the replication configuration;");
        let configuration = |denied: &Finding| {
            denied.subject == finding.subject
                && action_of(denied) == Some("`s3:GetReplicationConfiguration`")
        };
        of_unserved || (unknown && self.findings.iter().any(configuration))
    }
}

/// The action that a message begins with, as it is quoted there.
fn action_of(finding: &Finding) -> Option<&str> {
    finding.message.split(' ').next()
}

struct Asked<'a> {
    connector: &'a Connector,
    bucket: &'a BucketName,
    region: &'a Region,
    side: Side,
    object: Option<&'a str>,
}

impl Asked<'_> {
    async fn ask(&self) -> Refused {
        let mut refused = Refused::default();
        // Without a client there is a finding of its own.
        let Ok(client) = self.connector.client(self.region) else {
            return refused;
        };
        let listed = client
            .list_object_versions()
            .bucket(self.bucket.as_str())
            .max_keys(1)
            .send()
            .await
            .map_err(Trouble::of);
        if let Err(Trouble::Refused(refusal)) = &listed
            && is_elsewhere(refusal)
        {
            refused.findings.push(self.unserved());
            refused.unserved.push(self.bucket.clone());
            return refused;
        }
        if let Err(trouble) = &listed {
            let level = match self.side {
                Side::Source { .. } => Level::Error,
                // Each replica is still found by its key.
                Side::Replica => Level::Warning,
            };
            let without = "which versions there are cannot be listed, so prefixes and versions that \
                only the replica bucket has cannot be verified";
            refused
                .findings
                .extend(self.denied("s3:ListBucketVersions", level, trouble, without));
        }
        match self.side {
            Side::Source { named } => {
                refused
                    .findings
                    .extend(self.configuration(&client, named).await);
            }
            Side::Replica => {
                let some = listed.ok().and_then(|page| {
                    let first = page.versions().first()?;
                    Some((first.key()?.to_owned(), first.version_id()?.to_owned()))
                });
                refused.findings.extend(self.head(&client, some).await);
            }
        }
        refused
    }

    async fn configuration(&self, client: &Client, named: bool) -> Option<Finding> {
        let answer = client
            .get_bucket_replication()
            .bucket(self.bucket.as_str())
            .send()
            .await;
        let trouble = Trouble::of(answer.err()?);
        let (level, without) = if named {
            (
                Level::Warning,
                "whether a rule covers an object that did not replicate cannot be told",
            )
        } else {
            (
                Level::Error,
                "verification does not learn where the replicas are, and stops, unless --replica names \
                 the bucket",
            )
        };
        self.denied("s3:GetReplicationConfiguration", level, &trouble, without)
    }

    /// Replicas are asked for by their versions.
    async fn head(&self, client: &Client, some: Option<(String, String)>) -> Option<Finding> {
        let (key, version) = some.unwrap_or_else(|| {
            let key = self.object.unwrap_or(NOBODYS_KEY);
            (key.to_owned(), "null".to_owned())
        });
        let answer = client
            .head_object()
            .bucket(self.bucket.as_str())
            .key(key)
            .version_id(version)
            .send()
            .await;
        let trouble = Trouble::of(answer.err()?);
        self.denied(
            "s3:GetObjectVersion",
            Level::Error,
            &trouble,
            "HEAD of the replicas is refused, so no replica can be compared with its source",
        )
    }

    /// Only 403 is about permissions; an object that a key opens is refused with 400.
    fn denied(
        &self,
        action: &'static str,
        level: Level,
        trouble: &Trouble,
        without: &str,
    ) -> Option<Finding> {
        let Trouble::Refused(refusal) = trouble else {
            return None;
        };
        let code = refusal.code.as_deref();
        if refusal.status != 403 || code.is_some_and(|code| code != "AccessDenied") {
            return None;
        }
        let bucket = self.bucket;
        let fix = match action {
            // Without ListBucket S3 refuses HEAD of what is missing, too.
            "s3:GetObjectVersion" => format!(
                "allow s3:GetObject, s3:GetObjectVersion and s3:ListBucket on `{bucket}` and what is in it"
            ),
            _ => format!("allow {action} on `{bucket}`"),
        };
        let finding = preflight(
            Preflight::CallerDenied,
            level,
            format!("bucket {bucket}"),
            format!("`{action}` on `{bucket}` is denied to these credentials: {refusal}"),
        );
        Some(finding.because(without).fix(fix))
    }

    fn unserved(&self) -> Finding {
        let (bucket, region) = (self.bucket, self.region);
        let endpoint = self
            .connector
            .endpoint(region)
            .map_or_else(|| "the endpoint".to_owned(), |url| format!("`{url}`"));
        preflight(
            Preflight::EndpointMissing,
            Level::Error,
            format!("bucket {bucket}"),
            format!("{endpoint} does not serve {region}, where `{bucket}` is"),
        )
        .because("what is signed for another region than the endpoint's is refused, whoever asks")
        .fix(format!(
            "name an endpoint for each region: --endpoint-url {region}=URL,REGION=URL"
        ))
    }
}

/// Whether the answer is about the region that was signed for, or asked.
fn is_elsewhere(refusal: &Refusal) -> bool {
    let codes = [
        "AuthorizationHeaderMalformed",
        "PermanentRedirect",
        "TemporaryRedirect",
        "IllegalLocationConstraintException",
    ];
    matches!(refusal.status, 301 | 307) || codes.iter().any(|code| refusal.has_code(code))
}
