//! A lab with two replicating buckets, as the policy core's documents set it up.

use std::path::Path;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::types as s3;
use keyferry_lab::{Lab, LabOptions};
use keyferry_policy::documents::Kind;
use keyferry_policy::{Documents, Encryption, PlannedFlow, Region, ReplicationPlan, Site};
use keyferry_transfer::{Connector, ConnectorSettings};

/// A running lab and connections to it.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) connector: Connector,
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
        Self { lab, connector }
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
        for site in plan.sites() {
            self.make_bucket(site).await;
        }
        for flow in plan.flows() {
            self.replicate(&flow, &Documents::of(&plan)).await;
        }
    }

    async fn make_bucket(&self, site: &Site) {
        let client = self.client(&site.region);
        let bucket = site.bucket.as_str();
        let location = s3::CreateBucketConfiguration::builder()
            .location_constraint(site.region.as_str().into())
            .build();
        client
            .create_bucket()
            .bucket(bucket)
            .create_bucket_configuration(location)
            .send()
            .await
            .unwrap();
        let versioning = s3::VersioningConfiguration::builder()
            .status(s3::BucketVersioningStatus::Enabled)
            .build();
        client
            .put_bucket_versioning()
            .bucket(bucket)
            .versioning_configuration(versioning)
            .send()
            .await
            .unwrap();
        let default = s3::ServerSideEncryptionByDefault::builder()
            .sse_algorithm(s3::ServerSideEncryption::Aes256)
            .build()
            .unwrap();
        let nothing_blocked = s3::BlockedEncryptionTypes::builder()
            .encryption_type(s3::EncryptionType::None)
            .build();
        let rule = s3::ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .blocked_encryption_types(nothing_blocked)
            .build();
        client
            .put_bucket_encryption()
            .bucket(bucket)
            .server_side_encryption_configuration(
                s3::ServerSideEncryptionConfiguration::builder()
                    .rules(rule)
                    .build()
                    .unwrap(),
            )
            .send()
            .await
            .unwrap();
    }

    async fn replicate(&self, flow: &PlannedFlow<'_>, documents: &Documents) {
        let json = |kind| {
            let policy = documents.policy(kind, &flow.source.bucket);
            policy.unwrap().to_json()
        };
        let role = self
            .lab
            .put_role(
                &flow.role_name(),
                &json(Kind::Trust),
                &json(Kind::Role),
            )
            .unwrap();
        assert_eq!(role, flow.role_arn().to_string());
        let rule = s3::ReplicationRule::builder()
            .id("everything")
            .priority(1)
            .status(s3::ReplicationRuleStatus::Enabled)
            .filter(s3::ReplicationRuleFilter::builder().prefix("").build())
            .delete_marker_replication(
                s3::DeleteMarkerReplication::builder()
                    .status(s3::DeleteMarkerReplicationStatus::Disabled)
                    .build(),
            )
            .destination(
                s3::Destination::builder()
                    .bucket(flow.destination.bucket_arn())
                    .build()
                    .unwrap(),
            )
            .build()
            .unwrap();
        self.client(&flow.source.region)
            .put_bucket_replication()
            .bucket(flow.source.bucket.as_str())
            .replication_configuration(
                s3::ReplicationConfiguration::builder()
                    .role(role)
                    .rules(rule)
                    .build()
                    .unwrap(),
            )
            .send()
            .await
            .unwrap();
    }
}
