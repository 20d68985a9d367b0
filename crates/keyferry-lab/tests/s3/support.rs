//! A lab and real clients for it.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, EncryptionType, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyferry_lab::{Lab, LabCredentials, LabOptions};
use md5::Digest as _;

/// Five MiB: the smallest part but the last.
pub(crate) const PART: usize = 5 * 1024 * 1024;

/// A running lab.
pub(crate) struct World {
    pub(crate) lab: Lab,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self {
            lab: Lab::start(LabOptions::default()).await.unwrap(),
        }
    }

    /// A client of the first region, path style over TLS.
    pub(crate) fn client(&self) -> Client {
        self.client_of(0)
    }

    /// A client of either region.
    pub(crate) fn client_of(&self, region: usize) -> Client {
        Client::from_conf(self.config(region, self.lab.credentials()).build())
    }

    /// What clients have in common.
    pub(crate) fn config(
        &self,
        region: usize,
        credentials: &LabCredentials,
    ) -> aws_sdk_s3::config::Builder {
        let region = &self.lab.regions()[region];
        aws_sdk_s3::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.name().to_owned()))
            .endpoint_url(region.endpoint_url())
            .force_path_style(true)
            .http_client(https(self.lab.ca_pem()))
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .credentials_provider(Credentials::new(
                credentials.access_key_id(),
                credentials.secret_access_key(),
                credentials.session_token().map(str::to_owned),
                None,
                "lab",
            ))
    }

    /// A client that sends no checksum and asks for none, as older clients.
    pub(crate) fn plain_client(&self) -> Client {
        Client::from_conf(
            self.config(0, self.lab.credentials())
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
                .build(),
        )
    }

    /// A client of the first region over plain http.
    pub(crate) fn http_client(&self) -> Client {
        Client::from_conf(
            self.config(0, self.lab.credentials())
                .endpoint_url(format!("http://127.0.0.1:{}", self.lab.regions()[0].port()))
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    }

    /// A bucket that takes customer keys.
    pub(crate) async fn bucket(&self, name: &str) {
        self.bucket_in(0, name).await;
    }

    pub(crate) async fn bucket_in(&self, region: usize, name: &str) {
        let client = self.client_of(region);
        self.new_bucket_in(region, name).await;
        allow_sse_c(&client, name).await;
    }

    /// A bucket as S3 makes them.
    pub(crate) async fn new_bucket_in(&self, region: usize, name: &str) {
        self.client_of(region)
            .create_bucket()
            .bucket(name)
            .create_bucket_configuration(
                CreateBucketConfiguration::builder()
                    .location_constraint(BucketLocationConstraint::from(
                        self.lab.regions()[region].name(),
                    ))
                    .build(),
            )
            .send()
            .await
            .unwrap();
    }

    /// A bucket that takes customer keys and keeps versions.
    pub(crate) async fn versioned_bucket(&self, name: &str) {
        self.bucket(name).await;
        set_versioning(&self.client(), name, BucketVersioningStatus::Enabled).await;
    }
}

fn https(ca_pem: &str) -> aws_sdk_s3::config::SharedHttpClient {
    let trust = TrustStore::empty().with_pem_certificate(ca_pem);
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(
            TlsContext::builder()
                .with_trust_store(trust)
                .build()
                .unwrap(),
        )
        .build_https()
}

/// The same, with every name resolved to loopback.
pub(crate) fn https_to_loopback(ca_pem: &str) -> aws_sdk_s3::config::SharedHttpClient {
    let trust = TrustStore::empty().with_pem_certificate(ca_pem);
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(
            TlsContext::builder()
                .with_trust_store(trust)
                .build()
                .unwrap(),
        )
        .build_with_resolver(Loopback)
}

#[derive(Clone, Debug)]
struct Loopback;

impl ResolveDns for Loopback {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![std::net::Ipv4Addr::LOCALHOST.into()]))
    }
}

pub(crate) async fn set_versioning(client: &Client, bucket: &str, status: BucketVersioningStatus) {
    client
        .put_bucket_versioning()
        .bucket(bucket)
        .versioning_configuration(VersioningConfiguration::builder().status(status).build())
        .send()
        .await
        .unwrap();
}

/// Encryption configuration with these blocked types.
pub(crate) fn encryption(blocked: Option<EncryptionType>) -> ServerSideEncryptionConfiguration {
    ServerSideEncryptionConfiguration::builder()
        .rules(
            ServerSideEncryptionRule::builder()
                .apply_server_side_encryption_by_default(
                    ServerSideEncryptionByDefault::builder()
                        .sse_algorithm(ServerSideEncryption::Aes256)
                        .build()
                        .unwrap(),
                )
                .set_blocked_encryption_types(blocked.map(|blocked| {
                    BlockedEncryptionTypes::builder()
                        .encryption_type(blocked)
                        .build()
                }))
                .build(),
        )
        .build()
        .unwrap()
}

pub(crate) async fn allow_sse_c(client: &Client, bucket: &str) {
    client
        .put_bucket_encryption()
        .bucket(bucket)
        .server_side_encryption_configuration(encryption(Some(EncryptionType::None)))
        .send()
        .await
        .unwrap();
}

/// A customer key and its headers.
#[derive(Clone)]
pub(crate) struct Key(pub(crate) [u8; 32]);

impl Key {
    pub(crate) fn new(seed: u8) -> Self {
        Self(std::array::from_fn(|index| {
            seed.wrapping_mul(31).wrapping_add(index as u8 * 7)
        }))
    }

    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    pub(crate) fn md5(&self) -> String {
        STANDARD.encode(md5::Md5::digest(self.0))
    }
}

/// Sets the three headers of a key on any fluent builder that has them.
#[macro_export]
macro_rules! with_key {
    ($builder:expr, $key:expr) => {
        $builder
            .sse_customer_algorithm("AES256")
            .sse_customer_key($key.base64())
            .sse_customer_key_md5($key.md5())
    };
}

/// Status and code of an error. HEAD has no body, so no code.
pub(crate) fn refused<T: std::fmt::Debug, E>(
    result: Result<T, SdkError<E>>,
) -> (u16, Option<String>)
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    match result {
        Ok(done) => panic!("not refused: {done:?}"),
        Err(error) => {
            let status = error
                .raw_response()
                .unwrap_or_else(|| panic!("no answer: {error:?}"))
                .status()
                .as_u16();
            (status, error.code().map(str::to_owned))
        }
    }
}

/// Status, code and message of an error.
pub(crate) fn refusal<T: std::fmt::Debug, E>(
    result: Result<T, SdkError<E>>,
) -> (u16, String, String)
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let error = result.unwrap_err();
    let status = error
        .raw_response()
        .unwrap_or_else(|| panic!("no answer: {error:?}"))
        .status()
        .as_u16();
    (
        status,
        error.code().unwrap_or_default().to_owned(),
        error.message().unwrap_or_default().to_owned(),
    )
}

/// What [`refused`] gives for a status and code.
pub(crate) fn answer(status: u16, code: &str) -> (u16, Option<String>) {
    (status, Some(code.to_owned()))
}

/// Bytes that do not repeat within a chunk.
pub(crate) fn pattern(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    })
    .flatten()
    .take(length)
    .collect()
}

pub(crate) async fn put(client: &Client, bucket: &str, key: &str, body: &[u8]) -> String {
    client
        .put_object()
        .bucket(bucket)
        .key(key)
        .body(ByteStream::from(body.to_vec()))
        .send()
        .await
        .unwrap()
        .e_tag
        .unwrap()
}

pub(crate) async fn get(client: &Client, bucket: &str, key: &str) -> Vec<u8> {
    let answer = client
        .get_object()
        .bucket(bucket)
        .key(key)
        .send()
        .await
        .unwrap();
    answer.body.collect().await.unwrap().to_vec()
}
