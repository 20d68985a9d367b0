//! From settings to S3 clients, one per region.
//!
//! Clients share one pool of connections and one trust store. TLS is rustls on aws-lc-rs. Certificate
//! authorities come from the system; a CA bundle *replaces* them, as `--ca-bundle` and
//! `AWS_CA_BUNDLE` do in the AWS CLI, so that no other authority can vouch for the server that is
//! given a customer key. Customer keys travel over TLS only (S3-XFER-1).
//!
//! Checksums are left to this crate (the SDK adds and checks none of its own), and so are retries of
//! the requests that move content; those of others and clock skew are left to the SDK.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, IdentityCache, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient,
};
use aws_sdk_s3::{Client, Config};
use aws_types::SdkConfig;
use jiff::Timestamp;
use keyferry_policy::{BucketName, Region};

use crate::TransferError;
use crate::confirmation::JoinConfirmations;
use crate::error::{Asked, classify, explain_bodyless};
use renewal::Renewal;

mod empty_tags;
mod endpoints;
mod failures;
mod https;
mod renewal;
mod trust;
mod wire;

pub use endpoints::{EndpointUrl, Endpoints, ParseEndpointsError};
use failures::FirstContact;
pub use failures::{NameEndpoint, UntrustedIsFinal};

/// Everything that clients are made from.
#[derive(Debug, Clone)]
pub struct ConnectorSettings {
    /// Who signs the requests.
    pub credentials: SharedCredentialsProvider,
    /// Where the regions are; AWS by default.
    pub endpoints: Endpoints,
    /// Where services other than S3 are, if not there, too.
    pub other_services: Option<Endpoints>,
    /// PEM file with the only authorities to trust, instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Allows `http://` to loopback addresses. Customer keys then travel unencrypted on this machine.
    pub allow_plaintext_loopback: bool,
    /// How often one request is tried at most. Default 5.
    pub max_attempts: u32,
    /// How long making a connection may take. Default 10 seconds.
    pub connect_timeout: Duration,
    /// How long the answer to one request may take to begin, where no large body is sent. Default
    /// 60 seconds.
    pub answer_timeout: Duration,
}

impl ConnectorSettings {
    /// AWS itself, with defaults for everything else.
    #[must_use]
    pub fn new(credentials: SharedCredentialsProvider) -> Self {
        Self {
            credentials,
            endpoints: Endpoints::default(),
            other_services: None,
            ca_bundle: None,
            allow_plaintext_loopback: false,
            max_attempts: 5,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The endpoint is not TLS.
    #[error("`{endpoint}` is refused: a customer key travels over TLS only")]
    Plaintext {
        /// The endpoint.
        endpoint: EndpointUrl,
    },
    /// Endpoints were given, but none for this region.
    #[error("no endpoint was given for region `{region}`")]
    NoEndpoint {
        /// The region.
        region: Region,
    },
    /// The CA bundle cannot be read.
    #[error("the CA bundle `{}` cannot be read", path.display())]
    BundleUnreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The CA bundle holds no usable certificates.
    #[error("the CA bundle `{}` is unusable: {reason}", path.display())]
    BadBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl ConnectError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Plaintext { endpoint } if endpoint.is_loopback() => {
                "use `https://`, or `--allow-plaintext-loopback` for a server on this machine"
                    .to_owned()
            }
            Self::Plaintext { .. } => "use `https://`".to_owned(),
            Self::NoEndpoint { region } => {
                format!("add `{region}=https://HOST:PORT` to `--endpoint-url`")
            }
            Self::BadBundle { .. } => {
                "it must hold certificates between BEGIN CERTIFICATE and END CERTIFICATE lines"
                    .to_owned()
            }
            Self::BundleUnreadable { source, .. } if source.kind() == ErrorKind::NotFound => {
                "check the path that `--ca-bundle` or AWS_CA_BUNDLE gives".to_owned()
            }
            Self::BundleUnreadable { .. } => "it must be a file that this user may read".to_owned(),
        })
    }
}

/// An HTTPS client on the same TLS and the same authorities, for what is not S3: finding credentials.
///
/// # Errors
/// When the CA bundle is unusable.
pub fn https_client(ca_bundle: Option<&Path>) -> Result<SharedHttpClient, ConnectError> {
    Ok(https::client(trust::authorities(ca_bundle, true)?))
}

/// Makes clients, and keeps them. Clones share them.
#[derive(Debug, Clone)]
pub struct Connector {
    settings: ConnectorSettings,
    http_client: SharedHttpClient,
    credentials: Renewal,
    clients: Arc<Mutex<BTreeMap<Region, Client>>>,
}

impl Connector {
    /// Checks the settings and reads the CA bundle; connects to nothing.
    ///
    /// # Errors
    /// When an endpoint is `http://` without being allowed, or the CA bundle is unusable.
    pub fn new(settings: ConnectorSettings) -> Result<Self, ConnectError> {
        let others = settings.other_services.iter().flat_map(Endpoints::iter);
        let plaintext = settings.endpoints.iter().chain(others).find(|endpoint| {
            endpoint.is_plaintext()
                && !(endpoint.is_loopback() && settings.allow_plaintext_loopback)
        });
        if let Some(endpoint) = plaintext {
            return Err(ConnectError::Plaintext {
                endpoint: endpoint.clone(),
            });
        }
        let needs_trust = !settings.endpoints.is_plaintext_only()
            || settings
                .other_services
                .as_ref()
                .is_some_and(|others| !others.is_plaintext_only());
        let authorities = trust::authorities(settings.ca_bundle.as_deref(), needs_trust)?;
        Ok(Self {
            credentials: Renewal::new(settings.credentials.clone()),
            settings,
            http_client: https::client(authorities),
            clients: Arc::default(),
        })
    }

    /// When the credentials end, if they do; none where there are none.
    pub async fn credentials_end(&self) -> Option<Timestamp> {
        let credentials = self.settings.credentials.provide_credentials().await.ok()?;
        Timestamp::try_from(credentials.expiry()?).ok()
    }

    /// The client for a region. Clients are cheap to clone and share connections.
    ///
    /// # Errors
    /// When endpoints were given, but none for this region.
    pub fn client(&self, region: &Region) -> Result<Client, ConnectError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(region) {
            return Ok(client.clone());
        }
        let client = Client::from_conf(self.config(region)?);
        clients.insert(region.clone(), client.clone());
        Ok(client)
    }

    /// The endpoints that were given.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.settings.endpoints
    }

    /// Where a region is reached, if not at AWS's own endpoint.
    #[must_use]
    pub fn endpoint(&self, region: &Region) -> Option<&EndpointUrl> {
        self.settings.endpoints.of(region)
    }

    /// Asks which region a bucket is in, beginning at `start`.
    ///
    /// S3 tells it in `x-amz-bucket-region` even when it redirects (301), and to callers without
    /// permission (403, S3-XFER-16). Whether these are the right credentials for anything at all is asked in that
    /// case: otherwise the first request that needs a permission would seem to lack it.
    ///
    /// # Errors
    /// When there is no such bucket, S3 cannot be reached, or the credentials are not accepted.
    pub async fn bucket_region(
        &self,
        bucket: &BucketName,
        start: &Region,
    ) -> Result<Region, BucketRegionError> {
        let client = self.client(start)?;
        let parsed = |region: &str| region.parse().ok();
        let error = match client.head_bucket().bucket(bucket.as_str()).send().await {
            // A server without the header has answered for the region that was asked.
            Ok(answer) => {
                let named = answer.bucket_region().and_then(parsed);
                return Ok(named.unwrap_or_else(|| start.clone()));
            }
            Err(error) => error,
        };
        let named = error
            .raw_response()
            .filter(|response| response.status().as_u16() != 404)
            .and_then(|response| response.headers().get("x-amz-bucket-region"))
            .and_then(parsed);
        let asked = Asked {
            operation: "HeadBucket",
            client: &client,
            bucket,
            object: None,
            version_id: None,
        };
        let error = explain_bodyless(&asked, classify(error, &asked)).await;
        match named {
            Some(region) if !error.is_about_credentials() => Ok(region),
            _ => Err(error.into()),
        }
    }

    /// What a client of another AWS service is made from, at the endpoint of a region: credentials,
    /// TLS, timeouts, retries. [`NameEndpoint`] and [`UntrustedIsFinal`] belong into the client, too.
    ///
    /// # Errors
    /// When endpoints were given, but none for this region.
    pub fn shared_config(&self, region: &Region) -> Result<SdkConfig, ConnectError> {
        let settings = &self.settings;
        let others = settings.other_services.as_ref();
        self.config_at(region, others.unwrap_or(&settings.endpoints))
    }

    fn config_at(&self, region: &Region, endpoints: &Endpoints) -> Result<SdkConfig, ConnectError> {
        let settings = &self.settings;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .operation_attempt_timeout(settings.answer_timeout)
            .build();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new(region.to_string()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
            // They are kept there.
            .identity_cache(IdentityCache::no_cache())
            .http_client(self.http_client.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(settings.max_attempts.max(1)))
            .timeout_config(timeouts)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        Ok(match endpoints.of(region) {
            None if endpoints.is_aws() => config,
            None => {
                return Err(ConnectError::NoEndpoint {
                    region: region.clone(),
                });
            }
            Some(endpoint) => config.endpoint_url(endpoint.as_str()),
        }
        .build())
    }

    fn config(&self, region: &Region) -> Result<Config, ConnectError> {
        let endpoints = &self.settings.endpoints;
        let path_style = endpoints
            .of(region)
            .is_some_and(EndpointUrl::needs_path_style);
        let shared = self.config_at(region, endpoints)?;
        let first_contact = FirstContact::default();
        Ok(aws_sdk_s3::config::Builder::from(&shared)
            .interceptor(JoinConfirmations)
            .interceptor(empty_tags::EmptyTags)
            .interceptor(NameEndpoint)
            .interceptor(first_contact.clone())
            .interceptor(self.credentials.clone())
            .retry_classifier(self.credentials.clone())
            .retry_classifier(UntrustedIsFinal)
            .retry_classifier(first_contact)
            .force_path_style(path_style)
            .build())
    }
}

/// Why the region of a bucket is not known.
#[derive(Debug, thiserror::Error)]
pub enum BucketRegionError {
    /// There is no client for the region to begin at.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The question failed.
    #[error(transparent)]
    Transfer(#[from] TransferError),
}

#[cfg(test)]
mod tests;
