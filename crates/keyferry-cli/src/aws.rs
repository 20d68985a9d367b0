//! Credentials and connections, from where AWS users keep them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_s3::Client;
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{
    BucketRegionError, ConnectError, Connector, ConnectorSettings, Endpoints, ErrorKind,
    TransferError,
};

use crate::args::ReplicaArgs;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::settings::Settings;

/// Where S3 is asked first when nothing says where a bucket is.
const FIRST_REGION: &str = "us-east-1";

/// Connections to S3, one per region.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    connector: Arc<Connector>,
    region: Option<Region>,
}

/// Why nobody can be asked, with credentials or without.
pub(crate) enum NoConnection {
    /// The settings make no connection.
    Settings(ConnectError),
    /// Something in them cannot be read.
    Other(Failure),
}

impl From<ConnectError> for NoConnection {
    fn from(error: ConnectError) -> Self {
        Self::Settings(error)
    }
}

impl From<Failure> for NoConnection {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

/// What a server is reached with.
struct Server<'a> {
    profile: Option<&'a str>,
    region: Option<Region>,
    endpoints: Option<Endpoints>,
    other_services: Option<Endpoints>,
    ca_bundle: Option<PathBuf>,
    allow_plaintext_loopback: bool,
}

impl<'a> Server<'a> {
    fn of(settings: &Settings, profile: Option<&'a str>) -> Self {
        Self {
            profile,
            region: settings.region.clone(),
            endpoints: settings.endpoints.clone(),
            other_services: settings.other_services.clone(),
            ca_bundle: settings.ca_bundle.clone(),
            allow_plaintext_loopback: settings.allow_plaintext_loopback,
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::from_error(Exit::Failure, &error).maybe_hint(error.hint())
    }
}

impl From<BucketRegionError> for Failure {
    fn from(error: BucketRegionError) -> Self {
        match error {
            BucketRegionError::Connect(error) => error.into(),
            BucketRegionError::Transfer(error) => error.into(),
        }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        let exit = match error.kind() {
            ErrorKind::Key => Exit::Key,
            ErrorKind::Interrupted => Exit::Interrupted,
            ErrorKind::Failure => Exit::Failure,
        };
        Self::from_error(exit, &error).maybe_hint(error.hint())
    }
}

impl Aws {
    /// Finds credentials and settings as the AWS CLI does, with keyferry's own on top.
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, Failure> {
        Self::connect_as(settings, settings.profile.as_deref()).await
    }

    /// The same with the credentials of another profile.
    pub(crate) async fn connect_as(
        settings: &Settings,
        profile: Option<&str>,
    ) -> Result<Self, Failure> {
        Self::connect_to(Server::of(settings, profile)).await
    }

    /// Connections to where replicas are: what the arguments leave open is as it is for sources.
    pub(crate) async fn connect_replica(
        settings: &Settings,
        replica: &ReplicaArgs,
    ) -> Result<Self, Failure> {
        let profile = replica
            .replica_profile
            .as_ref()
            .or(settings.profile.as_ref());
        let common = Server::of(settings, profile.map(String::as_str));
        // Regions and trust of one server say nothing about another.
        let moved = replica.replica_endpoint_url.is_some();
        Self::connect_to(Server {
            region: replica
                .replica_region
                .clone()
                .or(common.region.filter(|_| !moved)),
            endpoints: replica.replica_endpoint_url.clone().or(common.endpoints),
            ca_bundle: replica.replica_ca_bundle.clone().or(common.ca_bundle),
            ..common
        })
        .await
    }

    async fn connect_to(settings: Server<'_>) -> Result<Self, Failure> {
        let profile = settings.profile;
        let http = keyferry_transfer::https_client(settings.ca_bundle.as_deref())?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(aws_config::Region::new(region.to_string()));
        }
        let shared = loader.load().await;
        let region = match &settings.region {
            Some(region) => Some(region.clone()),
            None => shared
                .region()
                .and_then(|region| region.as_ref().parse().ok()),
        };
        // A profile that was asked for is the one to use, whatever the environment holds.
        let credentials = match profile {
            Some(name) => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .profile_name(name)
                    .configure(&ProviderConfig::without_region().with_http_client(http))
                    .build(),
            ),
            None => shared
                .credentials_provider()
                .ok_or_else(|| no_credentials(profile))?,
        };
        // Asked for now, so that what is wrong with them is not taken for S3's answer.
        credentials
            .provide_credentials()
            .await
            .map_err(|error| credentials_failure(profile, &error))?;
        let endpoints = match settings.endpoints {
            Some(endpoints) => endpoints,
            None => match shared.endpoint_url() {
                Some(url) => url.parse().context("use the endpoint", url)?,
                None => Endpoints::default(),
            },
        };
        let connector = Connector::new(ConnectorSettings {
            endpoints,
            other_services: settings.other_services,
            ca_bundle: settings.ca_bundle,
            allow_plaintext_loopback: settings.allow_plaintext_loopback,
            ..ConnectorSettings::new(credentials)
        })?;
        Ok(Self {
            connector: Arc::new(connector),
            region,
        })
    }

    /// Connections to a lab, whatever the environment says.
    pub(crate) fn to_lab(
        ca_bundle: &Path,
        credentials: Credentials,
        endpoints: Endpoints,
        region: Region,
    ) -> Result<Self, Failure> {
        let connector = Connector::new(ConnectorSettings {
            endpoints,
            ca_bundle: Some(ca_bundle.to_owned()),
            ..ConnectorSettings::new(SharedCredentialsProvider::new(credentials))
        })?;
        Ok(Self {
            connector: Arc::new(connector),
            region: Some(region),
        })
    }

    /// Connections without credentials, for what S3 tells everybody, and the region to begin at.
    pub(crate) async fn unsigned(settings: &Settings) -> Result<(Connector, Region), NoConnection> {
        let http = keyferry_transfer::https_client(settings.ca_bundle.as_deref())?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        let shared = loader.load().await;
        let named = shared
            .region()
            .and_then(|region| region.as_ref().parse().ok());
        let endpoints = match (&settings.endpoints, shared.endpoint_url()) {
            (Some(endpoints), _) => endpoints.clone(),
            (None, Some(url)) => url.parse().context("use the endpoint", url)?,
            (None, None) => Endpoints::default(),
        };
        // Where not every region has an endpoint, one that has.
        let first = endpoints.regions.keys().next().cloned();
        let region = match settings.region.clone().or(named).or(first) {
            Some(region) => region,
            None => FIRST_REGION
                .parse()
                .map_err(|error| Failure::from_error(Exit::Failure, &error))?,
        };
        let nobody = Credentials::new("unsigned", "unsigned", None, None, "none");
        let connector = Connector::new(ConnectorSettings {
            endpoints,
            other_services: settings.other_services.clone(),
            ca_bundle: settings.ca_bundle.clone(),
            allow_plaintext_loopback: settings.allow_plaintext_loopback,
            ..ConnectorSettings::new(SharedCredentialsProvider::new(nobody))
        })?;
        Ok((connector, region))
    }

    /// A region to ask what concerns no bucket.
    pub(crate) fn first_region(&self) -> Result<Region, Failure> {
        match &self.region {
            Some(region) => Ok(region.clone()),
            None => FIRST_REGION
                .parse()
                .map_err(|error| Failure::from_error(Exit::Failure, &error)),
        }
    }

    /// The region that was asked for, or that the configuration names.
    pub(crate) fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// Whether every region is at one endpoint that is not AWS's: most such servers have one region.
    pub(crate) fn has_one_endpoint(&self) -> bool {
        self.connector.endpoints().default.is_some()
    }

    /// What hands out clients by region.
    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// The same, to keep.
    pub(crate) fn shared_connector(&self) -> Arc<Connector> {
        Arc::clone(&self.connector)
    }

    /// The client for a region.
    pub(crate) fn client(&self, region: &Region) -> Result<Client, Failure> {
        Ok(self.connector.client(region)?)
    }

    /// The region a bucket is in: S3 knows.
    pub(crate) async fn bucket_region(&self, bucket: &BucketName) -> Result<Region, Failure> {
        Ok(self.ask_for_region(bucket).await??)
    }

    /// The region a bucket is in, or `None` if there is no such bucket.
    pub(crate) async fn region_if_exists(
        &self,
        bucket: &BucketName,
    ) -> Result<Option<Region>, Failure> {
        match self.ask_for_region(bucket).await? {
            Err(BucketRegionError::Transfer(TransferError::NoSuchBucket { .. })) => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }

    async fn ask_for_region(
        &self,
        bucket: &BucketName,
    ) -> Result<Result<Region, BucketRegionError>, Failure> {
        let start = self.first_region()?;
        let region = self.connector.bucket_region(bucket, &start).await;
        if let Ok(region) = &region {
            tracing::info!(%bucket, %region, "found the bucket");
        }
        Ok(region)
    }
}

fn credentials_failure(profile: Option<&str>, error: &CredentialsError) -> Failure {
    match error {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => {
            no_credentials(profile)
        }
        other => Failure::from_error(Exit::Failure, other)
            .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile NAME; if they come from `aws sso login` or a role, renew them"),
    }
}

fn no_credentials(profile: Option<&str>) -> Failure {
    match profile {
        Some(profile) => Failure::new(
            Exit::Failure,
            format!("no AWS credentials were found for the profile `{profile}`"),
        )
        .hint("`aws configure list-profiles` shows the profiles there are"),
        None => Failure::new(Exit::Failure, "no AWS credentials were found")
            .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile NAME"),
    }
}
