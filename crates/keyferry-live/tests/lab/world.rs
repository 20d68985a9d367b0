//! A lab of two accounts, plans for it, and connections to it.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use keyferry_lab::{Lab, LabOptions};
use keyferry_live::{Change, CompareOptions, Connections, Refusal, Silent, apply, compare, read};
use keyferry_policy::{
    BucketKey, Encryption, EncryptionKind, KmsKeyArn, Ownership, Region, ReplicationPlan, Site,
};
use keyferry_transfer::{Connector, ConnectorSettings};
use tokio_util::sync::CancellationToken;

pub(crate) const HERE: &str = "111122223333";
pub(crate) const THERE: &str = "444455556666";
pub(crate) const TOKYO: &str = "ap-northeast-1";
pub(crate) const OSAKA: &str = "ap-northeast-3";

pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) connections: Connections,
    connectors: [Arc<Connector>; 2],
}

impl World {
    pub(crate) async fn start() -> Self {
        let lab = Lab::start(LabOptions {
            other_accounts: vec![THERE.to_owned()],
            ..LabOptions::default()
        })
        .await
        .unwrap();
        let connectors = [HERE, THERE].map(|account| connector(&lab, account));
        let connections = Connections::identify(connectors.to_vec(), &region(TOKYO))
            .await
            .unwrap();
        Self {
            lab,
            connections,
            connectors,
        }
    }

    /// What signs for an account.
    pub(crate) fn connector(&self, account: &str) -> Arc<Connector> {
        Arc::clone(&self.connectors[usize::from(account == THERE)])
    }

    pub(crate) fn s3(&self, site: &Site) -> aws_sdk_s3::Client {
        let connector = self.connector(site.account.as_str());
        connector.client(&site.region).unwrap()
    }

    pub(crate) fn iam(&self, account: &str) -> aws_sdk_iam::Client {
        let shared = self
            .connector(account)
            .shared_config(&region(TOKYO))
            .unwrap();
        let config = aws_sdk_iam::config::Builder::from(&shared)
            .region(aws_sdk_iam::config::Region::new("us-east-1"))
            .build();
        aws_sdk_iam::Client::from_conf(config)
    }

    pub(crate) fn kms(&self, account: &str, at: &Region) -> aws_sdk_kms::Client {
        let shared = self.connector(account).shared_config(at).unwrap();
        aws_sdk_kms::Client::new(&shared)
    }

    pub(crate) async fn key(&self, account: &str, at: &str) -> KmsKeyArn {
        let made = self.kms(account, &region(at)).create_key().send().await;
        let arn = made.unwrap().key_metadata.unwrap().arn.unwrap();
        arn.parse().unwrap()
    }

    /// A site under an encryption of this kind, with a key of its own where it needs one.
    pub(crate) async fn site(
        &self,
        bucket: &str,
        account: &str,
        at: &str,
        kind: EncryptionKind,
        bucket_key: BucketKey,
    ) -> Site {
        let encryption = match kind {
            EncryptionKind::SseS3 => Encryption::SseS3,
            EncryptionKind::SseC => Encryption::SseC,
            EncryptionKind::SseKms => Encryption::SseKms {
                key: self.key(account, at).await,
                bucket_key,
            },
            EncryptionKind::DsseKms => Encryption::DsseKms {
                key: self.key(account, at).await,
            },
        };
        Site {
            // The owner override is a permission, too, where it is not enforced anyway.
            ownership: if account == THERE {
                Ownership::ObjectWriter
            } else {
                Ownership::BucketOwnerEnforced
            },
            ..Site::new(
                bucket.parse().unwrap(),
                region(at),
                account.parse().unwrap(),
                encryption,
            )
        }
    }

    /// A plan for `NAME-tokyo` and `NAME-osaka`.
    pub(crate) async fn plan(
        &self,
        name: &str,
        kind: EncryptionKind,
        bucket_key: BucketKey,
        across_accounts: bool,
        both_ways: bool,
    ) -> ReplicationPlan {
        let there = if across_accounts { THERE } else { HERE };
        let tokyo = format!("{name}-tokyo");
        let osaka = format!("{name}-osaka");
        let source = self.site(&tokyo, HERE, TOKYO, kind, bucket_key).await;
        let destination = self.site(&osaka, there, OSAKA, kind, bucket_key).await;
        ReplicationPlan::between(source, destination, both_ways).unwrap()
    }

    pub(crate) async fn compared(
        &self,
        plan: &ReplicationPlan,
    ) -> Result<Vec<Change>, Vec<Refusal>> {
        let options = CompareOptions {
            create_buckets: true,
            ..CompareOptions::default()
        };
        self.compared_with(plan, options).await
    }

    pub(crate) async fn compared_with(
        &self,
        plan: &ReplicationPlan,
        options: CompareOptions,
    ) -> Result<Vec<Change>, Vec<Refusal>> {
        compare(plan, &read(plan, &self.connections).await, options)
    }

    /// Makes what is missing, and gives how much that was.
    pub(crate) async fn applied(&self, plan: &ReplicationPlan) -> usize {
        let changes = self.compared(plan).await.unwrap();
        self.make(&changes).await;
        changes.len()
    }

    pub(crate) async fn make(&self, changes: &[Change]) {
        let never = CancellationToken::new();
        apply(changes, &self.connections, &Silent, &never)
            .await
            .unwrap();
    }
}

pub(crate) fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn connector(lab: &Lab, account: &str) -> Arc<Connector> {
    let credentials = lab.credentials_of(account).unwrap();
    let credentials = Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
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
    });
    Arc::new(connector.unwrap())
}
