//! What doctor says of the demo's buckets, and of the same with one permission taken away.

use jiff::Timestamp;
use keyferry_live::Connections;
use keyferry_policy::check::{Finding, Level};
use keyferry_policy::{PlannedFlow, ReplicationPlan};
use keyferry_verify::{Checkup, Examination, Outcome, Report, Shell, examine};
use tokio_util::sync::CancellationToken;

use super::permissions::take_away;
use super::{Story, claim_broken};
use crate::aws::Aws;
use crate::failure::Failure;

/// The statement and the action that are taken away.
const PRECIOUS: (&str, &str) = ("WriteReplicas", "s3:ReplicateObject");

/// The source of the demo, with all that doctor asks by.
pub(super) struct Preflight<'a> {
    pub(super) aws: &'a Aws,
    pub(super) plan: &'a ReplicationPlan,
    pub(super) flow: &'a PlannedFlow<'a>,
    pub(super) cancel: &'a CancellationToken,
}

impl Preflight<'_> {
    /// Nothing is in the way.
    pub(super) async fn all_is_well(&self, story: &Story) -> Result<(), Failure> {
        match self.worst().await? {
            None => story.step(
                "doctor",
                "nothing would stop an upload, its replication, verification or a download",
            ),
            Some(finding) => Err(claim_broken(&finding.message)),
        }
    }

    /// Takes a permission away, and tells what doctor says of it.
    pub(super) async fn without_a_permission(&self, story: &Story) -> Result<(), Failure> {
        let (statement, action) = PRECIOUS;
        let source = self.flow.source;
        let connections =
            Connections::identify(vec![self.aws.shared_connector()], &source.region).await?;
        take_away(&connections, self.plan, source, statement, action).await?;
        let finding = self
            .worst()
            .await?
            .ok_or_else(|| claim_broken("doctor found nothing without a permission"))?;
        story.step(
            "without",
            format!("{action}: doctor says, {}", finding.message),
        )
    }

    /// Tells why the object after that was not replicated.
    pub(super) fn failed(story: &Story, report: &Report) -> Result<(), Failure> {
        let Outcome::Failed { reasons } = &report.outcome else {
            return Err(claim_broken(
                "an object was replicated without the permission to",
            ));
        };
        let cause = reasons
            .first()
            .filter(|reason| reason.to_string().contains(PRECIOUS.1))
            .ok_or_else(|| claim_broken("verify names another cause than doctor"))?;
        story.step(
            "failed",
            format!(
                "the next object, and verify names that cause ({})",
                cause.certainty
            ),
        )
    }

    /// The worst of what stands in the way.
    async fn worst(&self) -> Result<Option<Finding>, Failure> {
        let connector = self.aws.connector();
        let source = self.flow.source;
        let checkup = Checkup {
            connector,
            others: Vec::new(),
            signed: true,
            bucket: &source.bucket,
            object: None,
            region: Some(&source.region),
            first_region: &source.region,
            replica: None,
            shell: Shell {
                profile: None,
                endpoints: connector.endpoints().clone(),
                other_services: None,
                ca_bundle: None,
            },
            now: Timestamp::now(),
        };
        let Examination { findings, .. } = examine(&checkup, self.cancel).await?;
        Ok(findings
            .into_iter()
            .find(|finding| finding.level == Level::Error))
    }
}
