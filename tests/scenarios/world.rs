//! A lab with two replicating buckets, as the policy core's documents set it up.

use std::path::Path;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use keyferry_lab::{Lab, LabOptions};
use keyferry_live::{CompareOptions, Connections, Silent, apply, compare, read};
use keyferry_policy::{Encryption, Region, ReplicationPlan, Site};
use keyferry_transfer::{Connector, ConnectorSettings};
use tokio_util::sync::CancellationToken;

/// A running lab and connections to it.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) connector: Arc<Connector>,
}

impl World {
    /// Starts the lab in a folder, anew or again.
    pub(crate) async fn start(dir: &Path) -> Self {
        let lab = Lab::start(LabOptions {
            dir: Some(dir.to_owned()),
            ..LabOptions::default()
        })
        .await
        .unwrap();
        let credentials = Credentials::new(
            lab.credentials().access_key_id(),
            lab.credentials().secret_access_key(),
            None,
            None,
            "lab",
        );
        let endpoints: Vec<String> = lab
            .regions()
            .iter()
            .map(|region| format!("{}={}", region.name(), region.endpoint_url()))
            .collect();
        let connector = Connector::new(ConnectorSettings {
            endpoints: endpoints.join(",").parse().unwrap(),
            ca_bundle: Some(lab.ca_path().to_owned()),
            ..ConnectorSettings::new(SharedCredentialsProvider::new(credentials))
        })
        .unwrap();
        Self {
            lab,
            connector: Arc::new(connector),
        }
    }

    /// A client for one of the lab's regions.
    pub(crate) fn client(&self, region: &Region) -> aws_sdk_s3::Client {
        self.connector.client(region).unwrap()
    }

    /// Makes `tokyo` and `osaka`, replicating one way.
    pub(crate) async fn install(&self) {
        let site = |bucket: &str, region: &str| {
            let account = self.lab.account_id().parse().unwrap();
            Site::new(
                bucket.parse().unwrap(),
                region.parse().unwrap(),
                account,
                Encryption::SseC,
            )
        };
        let plan = ReplicationPlan::between(
            site("tokyo", "ap-northeast-1"),
            site("osaka", "ap-northeast-3"),
            false,
        )
        .unwrap();
        let first = &plan.sites().first().unwrap().region;
        let connections = Connections::identify(vec![Arc::clone(&self.connector)], first)
            .await
            .unwrap();
        let options = CompareOptions {
            create_buckets: true,
            ..CompareOptions::default()
        };
        let live = read(&plan, &connections).await;
        let changes = compare(&plan, &live, options).unwrap();
        apply(&changes, &connections, &Silent, &CancellationToken::new())
            .await
            .unwrap();
    }
}
