//! Everything that would stop upload, replication, verification or download, before anyone tries.
//!
//! It goes the way that a transfer goes: to the endpoint, with the credentials, to the bucket and its
//! settings, along the replication rules to their destinations. Whether S3 may do what the rules say is
//! decided by the policy core, from the policies that are in force. Nothing is changed: all requests
//! read.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-troubleshoot.html>

mod buckets;
mod caller;
mod coverage;
mod credentials;
mod lifecycle;
mod lifecycle_json;
mod refused;
mod tags;
mod unfinished;
mod way;

use std::sync::Arc;

use jiff::Timestamp;
use keyferry_live::{Connections, Identity};
use keyferry_policy::check::{Finding, Level, Preflight, Rule, sort};
use keyferry_policy::{AccountId, BucketName, Region};
use keyferry_transfer::Connector;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::answer::chain as text_of;
use crate::situation::{self, Place, Shell, Situation};
use crate::{ReplicaTarget, VerifyError};
pub use coverage::Covered;
pub use way::no_connection;

/// What is to be examined, and how it is reached.
#[derive(Debug, Clone)]
pub struct Checkup<'a> {
    /// Connections with the caller's credentials.
    pub connector: &'a Connector,
    /// Connections with credentials of further accounts.
    pub others: Vec<Connector>,
    /// Whether there are credentials at all; without, only what everybody sees is looked at.
    pub signed: bool,
    /// The source bucket.
    pub bucket: &'a BucketName,
    /// The key of an object, or the beginning of keys.
    pub object: Option<&'a str>,
    /// The region that the caller has set.
    pub region: Option<&'a Region>,
    /// Where to ask first.
    pub first_region: &'a Region,
    /// A destination that the caller names.
    pub replica: Option<ReplicaTarget>,
    /// How commands that repair something reach it.
    pub shell: Shell,
    /// The time by which the age of things is told.
    pub now: Timestamp,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Examination {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region, if it was found out.
    pub region: Option<Region>,
    /// The account of the credentials.
    pub account: Option<AccountId>,
    /// Whose credentials they are.
    pub caller: Option<String>,
    /// The bucket's replication rules and what they cover.
    pub rules: Vec<Covered>,
    /// What was looked at, in that order.
    pub looked_at: Vec<Look>,
    /// What stands in the way; the worst first.
    pub findings: Vec<Finding>,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Look {
    /// At what.
    pub what: &'static str,
    /// What it is like.
    pub seen: String,
}

impl Examination {
    /// An examination that has found nothing yet.
    #[must_use]
    pub fn begun(bucket: &BucketName) -> Self {
        Self {
            bucket: bucket.clone(),
            region: None,
            account: None,
            caller: None,
            rules: Vec::new(),
            looked_at: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Adds findings from elsewhere, and sorts.
    pub fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
        sort(&mut self.findings);
    }

    fn saw(&mut self, what: &'static str, seen: impl Into<String>) {
        self.looked_at.push(Look {
            what,
            seen: seen.into(),
        });
    }

    fn subject(&self) -> String {
        format!("bucket {}", self.bucket)
    }
}

/// Examines a bucket, and all that its replication depends on.
///
/// # Cancellation
/// When `cancel` is cancelled, or the future is dropped, requests are dropped. Nothing is left behind.
///
/// # Errors
/// Only [`VerifyError::Interrupted`]: whatever does not work is a finding.
pub async fn examine(
    checkup: &Checkup<'_>,
    cancel: &CancellationToken,
) -> Result<Examination, VerifyError> {
    cancel
        .run_until_cancelled(Box::pin(checkup.run()))
        .await
        .ok_or(VerifyError::Interrupted)
}

impl Checkup<'_> {
    async fn run(&self) -> Examination {
        let mut examination = Examination::begun(self.bucket);
        let Some(region) = Box::pin(self.way(&mut examination)).await else {
            examination.add([]);
            return examination;
        };
        examination.region = Some(region.clone());
        if self.signed {
            Box::pin(self.signed(&region, &mut examination)).await;
        }
        examination.add([]);
        examination
    }

    /// To the bucket, as anybody comes there; its region, if it exists.
    async fn way(&self, examination: &mut Examination) -> Option<Region> {
        let asked = self.region.unwrap_or(self.first_region);
        let first = Box::pin(way::look(self.connector, self.bucket, asked)).await;
        let region = match first.region.clone() {
            Some(region) if region != *asked => region,
            found => {
                first.tell(examination);
                return found;
            }
        };
        if let Some(set) = self.region {
            let finding = preflight(
                Preflight::RegionDiffers,
                Level::Note,
                examination.subject(),
                format!("the bucket is in {region}, and {set} is set"),
            );
            examination.findings.push(
                finding
                    .because("keyferry asks the right region by itself; other clients are redirected or fail")
                    .fix(format!("set the region to {region}: --region, AWS_REGION, or in the profile")),
            );
        }
        let second = Box::pin(way::look(self.connector, self.bucket, &region)).await;
        second.tell(examination).then_some(region)
    }

    /// With the credentials.
    async fn signed(&self, region: &Region, examination: &mut Examination) {
        let Some((connections, identity)) = Box::pin(self.identify(region, examination)).await
        else {
            return;
        };
        let home = Place {
            region: region.clone(),
            account: identity.account.clone(),
        };
        let given = self.replica.as_ref();
        let read = Situation::read(connections, self.connector, self.bucket, home, given);
        let situation = match Box::pin(read).await {
            Ok(situation) => situation,
            Err(error) => {
                let finding = preflight(
                    Preflight::EndpointUnreachable,
                    Level::Error,
                    examination.subject(),
                    format!("a destination cannot be examined: {error}"),
                );
                examination.findings.push(
                    finding
                        .because("replicas there can be neither verified nor downloaded")
                        .fix(error.hint().unwrap_or_default()),
                );
                return;
            }
        };
        let refused = refused::check(
            self.connector,
            &situation,
            self.object,
            self.replica.is_some(),
        );
        let refused = Box::pin(refused).await;
        if refused.is_unserved(self.bucket) {
            refused.join(&mut examination.findings);
            return;
        }
        let looked_into = buckets::may_be_looked_into(&situation, examination);
        examination.rules = coverage::of(&situation);
        coverage::tell(&situation, self.object, examination);
        if !looked_into {
            return;
        }
        let (mut findings, mut documents) = situation.findings();
        findings.extend(buckets::check(&situation, &self.shell));
        let (called, locks, lifecycles, uploads, tags) = tokio::join!(
            Box::pin(caller::check(
                &situation,
                &identity,
                &self.shell,
                &mut documents
            )),
            Box::pin(buckets::locks(self.connector, &situation, &self.shell)),
            Box::pin(lifecycle::check(self.connector, &situation, &self.shell)),
            Box::pin(unfinished::check(
                self.connector,
                self.bucket,
                region,
                self.now,
                &self.shell
            )),
            Box::pin(tags::check(
                self.connector,
                self.bucket,
                region,
                self.object
            )),
        );
        // Only now: what the caller lacks is in the same documents.
        situation.give_commands(&mut findings, &documents, &self.shell);
        // What is denied to whoever comes is denied to the caller, too.
        if called.iter().any(is_denied_upload) {
            findings.retain(|finding| finding.rule != Rule::UploadDenied);
        }
        for more in [called, locks, lifecycles] {
            findings.extend(more);
        }
        findings.extend(uploads.into_iter().chain(tags));
        refused.join(&mut findings);
        examination.findings.extend(findings);
    }

    async fn identify(
        &self,
        region: &Region,
        examination: &mut Examination,
    ) -> Option<(Connections, Identity)> {
        if let Some(end) = self.connector.credentials_end().await {
            examination
                .findings
                .extend(credentials::ending(end, self.now));
        }
        let own = Arc::new(self.connector.clone());
        let mut connections = match Connections::identify(vec![Arc::clone(&own)], region).await {
            Ok(connections) => connections,
            Err(error) => {
                // Servers that are not AWS may have no STS; the bucket itself is still looked at.
                let (finding, go_on) = credentials::unidentified(&error);
                examination.findings.push(finding);
                let identity = situation::stand_in().filter(|_| go_on)?;
                return Some((Connections::assumed(own, identity.clone()), identity));
            }
        };
        let identity = connections.identities().into_iter().next()?;
        examination.account = Some(identity.account.clone());
        examination.caller = Some(identity.arn.clone());
        examination.saw("caller", format!("`{}`", identity.arn));
        if !self.others.is_empty() {
            let others = self.others.iter().cloned().map(Arc::new);
            let all = others.chain([own]).collect();
            match Connections::identify(all, region).await {
                Ok(all) => connections = all,
                Err(error) => examination
                    .findings
                    .push(credentials::unidentified(&error).0),
            }
        }
        Some((connections, identity))
    }
}

fn is_denied_upload(finding: &Finding) -> bool {
    finding.rule == Rule::Preflight(Preflight::CallerDenied)
        && finding.message.contains("`s3:PutObject`")
}

fn preflight(
    rule: Preflight,
    level: Level,
    subject: impl Into<String>,
    message: impl Into<String>,
) -> Finding {
    Finding::new(Rule::Preflight(rule), level, subject, message)
}
