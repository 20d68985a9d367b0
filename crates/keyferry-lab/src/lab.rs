//! The lab: two regions, in this process, on loopback.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3s::service::{S3Service, S3ServiceBuilder};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::ServiceEndpoint;
use crate::authorization::Access;
use crate::control;
use crate::encryption::NewKmsKey;
use crate::faults::Faults;
use crate::lab_error::LabError;
use crate::lab_folder::{Folder, Opened};
use crate::lab_options::LabOptions;
use crate::lab_region::LabRegion;
use crate::replication::{ReplicationFailure, Replicator, RolePermissions};
use crate::server::certificates::{Authority, HostCertificates};
use crate::server::credentials::{Authenticator, CredentialStore, LabCredentials};
use crate::server::gate::Gate;
use crate::server::host::RegionHosts;
use crate::server::listener;
use crate::server::requester::Requester;
use crate::service::{RegionService, Routes};
use crate::store::{RegionStore, RoleRecord, Store, StoreError, default_key_policy};

/// A running lab. Dropping it stops it; [`Lab::shutdown`] lets running requests finish and
/// makes everything durable first.
pub struct Lab {
    regions: [LabRegion; 2],
    credentials: Arc<CredentialStore>,
    own_credentials: LabCredentials,
    authority: Arc<Authority>,
    store: Arc<Store>,
    faults: Faults,
    replicator: Option<Replicator>,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
    // Last, so that the folder goes when nothing uses it any more.
    folder: Folder,
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab")
            .field("regions", &self.regions)
            .field("dir", &self.folder.path())
            .finish_non_exhaustive()
    }
}

impl Lab {
    /// Starts a lab and returns when both regions serve. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// An option that makes no sense, a port that is taken, a folder that cannot be used or
    /// that another lab uses.
    pub async fn start(options: LabOptions) -> Result<Self, LabError> {
        options.check()?;
        let accounts: Vec<String> = options.accounts().cloned().collect();
        let LabOptions {
            dir,
            regions,
            ports,
            ..
        } = options;
        let listeners = [
            listener::bind(ports[0]).await?,
            listener::bind(ports[1]).await?,
        ];
        let opened = {
            let regions = regions.clone();
            tokio::task::spawn_blocking(move || Opened::open(dir, &regions, &accounts))
        };
        let Opened {
            folder,
            authority,
            credentials,
            store,
        } = opened
            .await
            .map_err(|error| LabError::Store(error.to_string()))??;
        store.flush_regularly().await;
        let own_credentials = credentials
            .account(store.account_id())
            .cloned()
            .ok_or_else(|| LabError::InvalidOption("the lab has no account".to_owned()))?;

        let faults = Faults::default();
        let replicator = Replicator::start(
            Arc::clone(&store),
            faults.clone(),
            Arc::new(RolePermissions::new(Arc::clone(&store))),
        )?;
        let lab_regions = [
            LabRegion::new(&regions[0], port_of(&listeners[0])?),
            LabRegion::new(&regions[1], port_of(&listeners[1])?),
        ];
        let endpoints: Arc<[(String, String); 2]> =
            Arc::new(lab_regions.each_ref().map(|region| {
                (
                    region.name().to_owned(),
                    format!("127.0.0.1:{}", region.port()),
                )
            }));
        let certificates = Arc::new(HostCertificates::new(Arc::clone(&authority), &regions)?);
        let tls = listener::tls(certificates)?;
        let stop = CancellationToken::new();
        let buckets = Arc::clone(&store);
        // Whether it is there is for the store to say; where it fails, the fault is set.
        let has_bucket = move |name: &str| !matches!(buckets.locate(name), Ok(None));
        control::serve(folder.path(), faults.clone(), has_bucket, stop.clone());
        let changing = Arc::new(Mutex::new(()));
        let mut servers = Vec::new();
        for (listener, region) in listeners.into_iter().zip(store.regions()) {
            let service = s3_service(&store, region, &endpoints, &credentials);
            let others = ServiceEndpoint::new(
                Arc::clone(&store),
                region.clone(),
                Arc::clone(&credentials),
                Arc::clone(&changing),
            );
            let gate = Gate::new(
                region.name().to_owned(),
                Arc::clone(&credentials),
                service,
                others,
            );
            servers.push(tokio::spawn(listener::serve(
                listener,
                tls.clone(),
                Arc::new(gate),
                stop.clone(),
            )));
        }
        Ok(Self {
            regions: lab_regions,
            own_credentials,
            credentials,
            authority,
            store,
            faults,
            replicator: Some(replicator),
            stop,
            servers,
            folder,
        })
    }

    /// Both regions, in the order of the options.
    #[must_use]
    pub fn regions(&self) -> &[LabRegion; 2] {
        &self.regions
    }

    /// The access key of the account that [`LabOptions::account_id`] names.
    #[must_use]
    pub fn credentials(&self) -> &LabCredentials {
        &self.own_credentials
    }

    /// The access key of one of the lab's accounts.
    #[must_use]
    pub fn credentials_of(&self, account_id: &str) -> Option<&LabCredentials> {
        self.credentials.account(account_id)
    }

    /// Makes session credentials of the account, with a session token, that end after
    /// `lifetime`. They do not outlive the lab's process.
    #[must_use]
    pub fn session_credentials(&self, lifetime: Duration) -> LabCredentials {
        let account = self.account_id().to_owned();
        let requester = Requester::Root { account };
        self.credentials.start_session(requester, lifetime)
    }

    /// The certificate of the lab's authority, which clients have to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// The file in the lab's folder that holds it.
    #[must_use]
    pub fn ca_path(&self) -> &Path {
        self.authority.path()
    }

    /// That account's id.
    #[must_use]
    pub fn account_id(&self) -> &str {
        self.store.account_id()
    }

    /// The lab's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// Creates or replaces a role with one inline policy, and gives its ARN.
    ///
    /// # Errors
    /// A name that IAM would not take, or a document that is no JSON object.
    pub fn put_role(
        &self,
        role_name: &str,
        trust_policy_json: &str,
        permission_policy_json: &str,
    ) -> Result<String, LabError> {
        let valid_name = (1..=64).contains(&role_name.len())
            && role_name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
        if !valid_name {
            return Err(LabError::InvalidOption(format!(
                "`{role_name}` is not a role name"
            )));
        }
        check_document(role_name, "trust policy", trust_policy_json)?;
        check_document(role_name, "permission policy", permission_policy_json)?;
        let account = self.account_id();
        let mut role = RoleRecord::new(account, "/", role_name, trust_policy_json);
        let policy = permission_policy_json.to_owned();
        role.policies = [("inline".to_owned(), policy)].into();
        let arn = role.arn();
        self.store.change_role(account, role_name, |record| {
            *record = Some(role);
            Ok::<_, StoreError>(())
        })?;
        Ok(arn)
    }

    /// Makes credentials of a session that acts as a role of the lab, as AssumeRole gives them
    /// to whom the trust policy lets.
    ///
    /// # Errors
    /// No such role.
    pub fn role_credentials(
        &self,
        role_arn: &str,
        lifetime: Duration,
    ) -> Result<LabCredentials, LabError> {
        let role = self
            .store
            .role_by_arn(role_arn)?
            .ok_or_else(|| LabError::InvalidOption(format!("no role `{role_arn}`")))?;
        let session = Requester::Session {
            role_arn: role.arn(),
            account: role.account,
            role_id: role.id,
            role_name: role.name,
            session_name: "keyferry-lab".to_owned(),
        };
        Ok(self.credentials.start_session(session, lifetime))
    }

    /// Creates a KMS key of the account in a region, with the default key policy, and gives its
    /// ARN.
    ///
    /// # Errors
    /// A region that the lab does not have.
    pub fn create_kms_key(&self, region: &str) -> Result<String, LabError> {
        let store = self
            .store
            .region(region)
            .ok_or_else(|| LabError::NoSuchRegion(region.to_owned()))?;
        let account = self.account_id();
        let key = store.create_kms_key(NewKmsKey {
            account: account.to_owned(),
            aws_managed: false,
            description: String::new(),
            policy: default_key_policy(account),
            tags: Vec::new(),
        })?;
        Ok(key.arn)
    }

    /// What goes wrong with replication, to set and clear.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Resolves when nothing is waiting to be replicated. Stalled work counts as waiting.
    pub async fn replication_idle(&self) {
        if let Some(replicator) = &self.replicator {
            replicator.idle().await;
        }
    }

    /// Every replication that ended as FAILED since the lab's folder was made, oldest first,
    /// and why.
    ///
    /// # Errors
    /// The store failed.
    pub fn replication_failures(&self) -> Result<Vec<ReplicationFailure>, LabError> {
        Ok(self.store.replication_failures()?)
    }

    /// Stops: no new requests, running ones get a few seconds, everything is made durable.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        for server in std::mem::take(&mut self.servers) {
            if let Err(error) = server.await {
                tracing::error!(%error, "a region's server ended badly");
            }
        }
        if let Some(replicator) = self.replicator.take() {
            replicator.shutdown().await;
        }
        if let Err(error) = self.store.close().await {
            tracing::error!(%error, "the store could not be made durable");
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop.cancel();
        for server in &self.servers {
            server.abort();
        }
    }
}

fn s3_service(
    store: &Arc<Store>,
    region: &RegionStore,
    endpoints: &Arc<[(String, String); 2]>,
    credentials: &Arc<CredentialStore>,
) -> S3Service {
    let hosts = RegionHosts::new(region.name());
    let service = RegionService::new(Arc::clone(store), region.clone(), Arc::clone(endpoints));
    let access = Access::new(Arc::clone(store), region.name());
    let mut builder = S3ServiceBuilder::new(service.clone());
    builder.set_auth(Authenticator(Arc::clone(credentials)));
    builder.set_access(access.clone());
    builder.set_route(Routes::new(service, hosts.clone(), access));
    builder.set_host(hosts);
    builder.build()
}

fn port_of(listener: &TcpListener) -> Result<u16, LabError> {
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(|error| LabError::io("look up the port of", "127.0.0.1", error))
}

fn check_document(role: &str, document: &'static str, json: &str) -> Result<(), LabError> {
    let reason = match serde_json::from_str::<Value>(json) {
        Ok(Value::Object(_)) => return Ok(()),
        Ok(_) => "not a JSON object".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(LabError::InvalidPolicy {
        role: role.to_owned(),
        document,
        reason,
    })
}
