//! What is the same for all objects of a bucket, read when it is first asked for, and kept for the run.

use std::sync::Arc;

use keyferry_live::Connections;
use keyferry_policy::{BucketName, Region};
use tokio::sync::OnceCell;

use crate::ReplicaTarget;
use crate::events::{EventsError, FailureEvent};
use crate::regions::Regions;
use crate::situation::{Place, Shell, Situation};

/// How the replication of a bucket is set up, and what S3 has reported about it.
pub(crate) struct Background<'a> {
    regions: &'a dyn Regions,
    /// Both sides: what they are together.
    sides: &'a dyn Regions,
    bucket: BucketName,
    region: Region,
    given: Option<ReplicaTarget>,
    situation: OnceCell<Option<Situation>>,
}

impl<'a> Background<'a> {
    pub(crate) fn new(
        regions: &'a dyn Regions,
        sides: &'a dyn Regions,
        bucket: &BucketName,
        region: &Region,
        given: Option<&ReplicaTarget>,
    ) -> Self {
        Self {
            regions,
            sides,
            bucket: bucket.clone(),
            region: region.clone(),
            given: given.cloned(),
            situation: OnceCell::new(),
        }
    }

    pub(super) fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// What S3 itself reported about a version.
    pub(super) async fn reported(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Vec<FailureEvent>, EventsError> {
        let queue = self.sides.failure_queue().zip(self.regions.connector());
        match queue {
            Some((queue, connector)) => {
                let object = (&self.bucket, key, version);
                queue.about(&connector, &self.region, object).await
            }
            None => Ok(Vec::new()),
        }
    }

    /// What is live; none where IAM and KMS cannot be asked, which is no error: causes are then
    /// what buckets say.
    pub(super) async fn situation(&self) -> Option<&Situation> {
        let read = || Box::pin(self.read());
        self.situation.get_or_init(read).await.as_ref()
    }

    async fn read(&self) -> Option<Situation> {
        // Another server's buckets are not in this one's plan.
        if self.sides.replica_side().is_some() {
            return None;
        }
        let connector = Arc::new(self.regions.connector()?);
        let connections = Connections::identify(vec![connector], &self.region)
            .await
            .ok()?;
        let identity = connections.identities().into_iter().next()?;
        let home = Place {
            region: self.region.clone(),
            account: identity.account,
        };
        let given = self.given.as_ref();
        let read = Situation::read(connections, self.regions, &self.bucket, home, given);
        Box::pin(read).await.ok()
    }

    /// How commands reach the buckets.
    pub(super) fn shell(&self) -> Shell {
        Shell {
            endpoints: self
                .regions
                .connector()
                .map(|connector| connector.endpoints().clone())
                .unwrap_or_default(),
            ..Shell::default()
        }
    }
}
