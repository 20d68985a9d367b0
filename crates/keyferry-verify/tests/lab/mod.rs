//! Two buckets in the two regions of a lab, replicated from one to the other.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::config::SharedCredentialsProvider;
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination,
    EncryptionType, ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter,
    ReplicationRuleStatus, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};
use keyferry_key::CustomerKey;
use keyferry_lab::{Lab, LabOptions};
use keyferry_policy::Region;
use keyferry_transfer::{
    Connector, ConnectorSettings, PartSize, Receipt, Silent, Upload, UploadSource, upload,
};
use keyferry_verify::{
    Level, ReadSides, Regions, Report, Subject, Verification, VerifyError, verify,
};
use tokio_util::sync::CancellationToken;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const PERMISSIONS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Action":"s3:*","Resource":"*"}]}"#;
pub(crate) const SOURCE: &str = "tokyo-data";
pub(crate) const REPLICA: &str = "osaka-data";

pub(crate) struct Pair {
    pub(crate) lab: Lab,
    pub(crate) connector: Connector,
    pub(crate) key: CustomerKey,
    pub(crate) level: Level,
    pub(crate) wait: Duration,
}

impl Pair {
    /// A lab with both buckets, versioned and open to customer keys, and no rules yet.
    pub(crate) async fn without_rules() -> Self {
        let lab = Lab::start(LabOptions::default()).await.unwrap();
        let endpoints = lab
            .regions()
            .each_ref()
            .map(|region| format!("{}={}", region.name(), region.endpoint_url()))
            .join(",");
        let pair = Self {
            connector: connector(&lab, &endpoints),
            key: CustomerKey::generate().unwrap(),
            level: Level::Equal,
            wait: Duration::from_secs(20),
            lab,
        };
        pair.make_bucket(0, SOURCE).await;
        pair.make_bucket(1, REPLICA).await;
        pair
    }

    /// The same with a rule for everything.
    pub(crate) async fn replicated() -> Self {
        let pair = Self::without_rules().await;
        pair.replicate(vec![rule("all", 1, "", REPLICA)]).await;
        pair
    }

    /// What knows one of the two regions only.
    pub(crate) fn connector_of(&self, index: usize) -> Connector {
        let region = &self.lab.regions()[index];
        self.connector_at(&format!("{}={}", region.name(), region.endpoint_url()))
    }

    pub(crate) fn connector_at(&self, endpoints: &str) -> Connector {
        connector(&self.lab, endpoints)
    }

    pub(crate) fn region(&self, index: usize) -> Region {
        self.lab.regions()[index].name().parse().unwrap()
    }

    pub(crate) fn client(&self, index: usize) -> Client {
        self.connector.client(&self.region(index)).unwrap()
    }

    pub(crate) async fn make_bucket(&self, index: usize, name: &str) {
        let client = self.client(index);
        let location = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(self.region(index).as_str()))
            .build();
        client
            .create_bucket()
            .bucket(name)
            .create_bucket_configuration(location)
            .send()
            .await
            .unwrap();
        let versioning = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        client
            .put_bucket_versioning()
            .bucket(name)
            .versioning_configuration(versioning)
            .send()
            .await
            .unwrap();
        self.block(index, name, EncryptionType::None).await;
    }

    pub(crate) async fn block(&self, index: usize, name: &str, blocked: EncryptionType) {
        let by_default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::Aes256)
            .build()
            .unwrap();
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by_default)
            .blocked_encryption_types(
                BlockedEncryptionTypes::builder()
                    .encryption_type(blocked)
                    .build(),
            )
            .build();
        self.client(index)
            .put_bucket_encryption()
            .bucket(name)
            .server_side_encryption_configuration(
                ServerSideEncryptionConfiguration::builder()
                    .rules(rule)
                    .build()
                    .unwrap(),
            )
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn replicate(&self, rules: Vec<ReplicationRule>) {
        self.replicate_from(0, SOURCE, rules).await;
    }

    /// A rule for everything from the replica bucket to the source bucket.
    pub(crate) async fn replicate_back(&self) {
        let rules = vec![rule("back", 1, "", SOURCE)];
        self.replicate_from(1, REPLICA, rules).await;
    }

    async fn replicate_from(&self, index: usize, bucket: &str, rules: Vec<ReplicationRule>) {
        let role = self
            .lab
            .put_role("replication", TRUST, PERMISSIONS)
            .unwrap();
        let configuration = ReplicationConfiguration::builder()
            .role(role)
            .set_rules(Some(rules))
            .build()
            .unwrap();
        self.client(index)
            .put_bucket_replication()
            .bucket(bucket)
            .replication_configuration(configuration)
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn upload(&self, object: &str, content: Vec<u8>) -> Receipt {
        let mut sent = Upload::new(
            UploadSource::Reader(Box::new(std::io::Cursor::new(content))),
            format!("s3://{SOURCE}/{object}").parse().unwrap(),
            self.region(0),
            self.key.clone(),
        );
        sent.part_size = Some(PartSize::MIN);
        sent.content_type = Some("application/x-test".to_owned());
        sent.metadata = [("made-by".to_owned(), "a test".to_owned())].into();
        sent.tags = [("class".to_owned(), "gold".to_owned())].into();
        sent.sha256 = true;
        upload(&self.client(0), sent, &Silent, CancellationToken::new())
            .await
            .unwrap()
            .receipt
    }

    pub(crate) async fn verify(&self, receipt: &Receipt) -> Report {
        self.try_verify(&Subject::from(receipt), &self.key)
            .await
            .unwrap()
    }

    pub(crate) async fn try_verify(
        &self,
        subject: &Subject,
        key: &CustomerKey,
    ) -> Result<Report, VerifyError> {
        let verification = Verification {
            subject,
            key: Some(key),
            wait: self.wait,
            level: self.level,
            read: ReadSides::Both,
            replica: None,
            probe: true,
        };
        self.verify_by(&self.connector, verification).await
    }

    pub(crate) async fn verify_by(
        &self,
        regions: &dyn Regions,
        verification: Verification<'_>,
    ) -> Result<Report, VerifyError> {
        let cancel = CancellationToken::new();
        verify(regions, verification, &keyferry_verify::Silent, cancel).await
    }
}

fn connector(lab: &Lab, endpoints: &str) -> Connector {
    let credentials = Credentials::new(
        lab.credentials().access_key_id(),
        lab.credentials().secret_access_key(),
        None,
        None,
        "lab",
    );
    let mut settings = ConnectorSettings::new(SharedCredentialsProvider::new(credentials));
    settings.endpoints = endpoints.parse().unwrap();
    settings.ca_bundle = Some(lab.ca_path().to_owned());
    Connector::new(settings).unwrap()
}

pub(crate) fn rule(id: &str, priority: i32, prefix: &str, bucket: &str) -> ReplicationRule {
    ReplicationRule::builder()
        .id(id)
        .priority(priority)
        .status(ReplicationRuleStatus::Enabled)
        .filter(ReplicationRuleFilter::builder().prefix(prefix).build())
        .delete_marker_replication(
            DeleteMarkerReplication::builder()
                .status(DeleteMarkerReplicationStatus::Disabled)
                .build(),
        )
        .destination(
            Destination::builder()
                .bucket(format!("arn:aws:s3:::{bucket}"))
                .build()
                .unwrap(),
        )
        .build()
        .unwrap()
}
