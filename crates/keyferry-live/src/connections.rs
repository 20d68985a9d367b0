//! Clients of S3, IAM and KMS for the accounts of a plan.
//!
//! A plan may span two accounts, each with credentials of its own. Whose credentials they are is asked
//! of STS (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>), which
//! needs no permission, before anything else is.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_types::SdkConfig;
use keyferry_policy::iam::PolicyDocument;
use keyferry_policy::{AccountId, KmsKeyArn, Partition, Region, ReplicationPlan, RoleArn, Site};
use keyferry_transfer::{Connector, NameEndpoint, UntrustedIsFinal};

use crate::service_error::{Named as _, ServiceError};

/// Connections by account.
#[derive(Debug, Clone)]
pub struct Connections {
    accounts: BTreeMap<AccountId, Arc<Account>>,
}

#[derive(Debug)]
struct Account {
    connector: Arc<Connector>,
    identity: Identity,
}

/// Whose credentials they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// ARN of the user or of the role's session.
    pub arn: String,
}

/// Why there are no connections.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionsError {
    /// The credentials cannot be asked about.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The credentials are another account's.
    #[error(
        "the plan names account {account}, but the credentials belong to {}",
        list(identities)
    )]
    WrongAccount {
        /// The account that the plan names.
        account: AccountId,
        /// Whose credentials there are.
        identities: Vec<Identity>,
    },
}

fn list(identities: &[Identity]) -> String {
    let each: Vec<String> = identities
        .iter()
        .map(|identity| format!("account {} (`{}`)", identity.account, identity.arn))
        .collect();
    each.join(" and ")
}

impl Connections {
    /// Asks whose credentials each connector has. `region` is where STS is asked.
    ///
    /// # Errors
    /// When STS cannot be reached or does not accept the credentials.
    pub async fn identify(
        connectors: Vec<Arc<Connector>>,
        region: &Region,
    ) -> Result<Self, ServiceError> {
        let mut accounts = BTreeMap::new();
        for connector in connectors {
            let identity = identity(&connector, region).await?;
            let account = Account {
                connector,
                identity,
            };
            accounts.insert(account.identity.account.clone(), Arc::new(account));
        }
        Ok(Self { accounts })
    }

    /// Takes somebody's word for whose credentials they are, where there is nobody to ask: servers
    /// that have no STS.
    #[must_use]
    pub fn assumed(connector: Arc<Connector>, identity: Identity) -> Self {
        let account = identity.account.clone();
        let known = Account {
            connector,
            identity,
        };
        Self {
            accounts: [(account, Arc::new(known))].into(),
        }
    }

    /// Whose credentials there are.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        let identity = |account: &Arc<Account>| account.identity.clone();
        self.accounts.values().map(identity).collect()
    }

    /// Checks that there are credentials for each account that owns a bucket of the plan.
    ///
    /// # Errors
    /// [`ConnectionsError::WrongAccount`] otherwise.
    pub fn require_all(&self, plan: &ReplicationPlan) -> Result<(), ConnectionsError> {
        let lacking = plan.sites().iter().map(|site| &site.account);
        self.refuse(lacking.into_iter().find(|account| !self.has(account)))
    }

    /// Checks that there are credentials for some account that owns a bucket of the plan.
    ///
    /// # Errors
    /// [`ConnectionsError::WrongAccount`] otherwise.
    pub fn require_some(&self, plan: &ReplicationPlan) -> Result<(), ConnectionsError> {
        let any = plan.sites().iter().any(|site| self.has(&site.account));
        let first = plan.sites().first().map(|site| &site.account);
        self.refuse(first.filter(|_| !any))
    }

    fn refuse(&self, lacking: Option<&AccountId>) -> Result<(), ConnectionsError> {
        match lacking {
            None => Ok(()),
            Some(account) => Err(ConnectionsError::WrongAccount {
                account: account.clone(),
                identities: self.identities(),
            }),
        }
    }

    fn has(&self, account: &AccountId) -> bool {
        self.accounts.contains_key(account)
    }

    fn connector(&self, account: &AccountId) -> Result<&Connector, ServiceError> {
        let known = self.accounts.get(account);
        known
            .map(|account| account.connector.as_ref())
            .ok_or_else(|| ServiceError::NoCredentials {
                account: account.clone(),
            })
    }

    /// S3 in a site's region, for its account.
    pub(crate) fn s3(&self, site: &Site) -> Result<aws_sdk_s3::Client, ServiceError> {
        self.s3_of(&site.account, &site.region)
    }

    pub(crate) fn s3_of(
        &self,
        account: &AccountId,
        region: &Region,
    ) -> Result<aws_sdk_s3::Client, ServiceError> {
        Ok(self.connector(account)?.client(region)?)
    }

    /// IAM of an account. It is one for all regions; with endpoints of one's own, it is asked for at
    /// that of `near`.
    pub(crate) fn iam(
        &self,
        account: &AccountId,
        near: &Region,
    ) -> Result<aws_sdk_iam::Client, ServiceError> {
        let shared = self.connector(account)?.shared_config(near)?;
        let config = aws_sdk_iam::config::Builder::from(&shared)
            .region(aws_sdk_iam::config::Region::new(global_region(
                near.partition(),
            )))
            .interceptor(NameEndpoint)
            .retry_classifier(UntrustedIsFinal)
            .build();
        Ok(aws_sdk_iam::Client::from_conf(config))
    }

    /// Writes an inline policy of a role as it is given, whatever stands there.
    ///
    /// # Errors
    /// When IAM does not take it.
    pub async fn put_role_policy(
        &self,
        role: &RoleArn,
        near: &Region,
        name: &str,
        policy: &PolicyDocument,
    ) -> Result<(), ServiceError> {
        self.iam(role.account(), near)?
            .put_role_policy()
            .role_name(role.role_name())
            .policy_name(name)
            .policy_document(policy.to_json())
            .send()
            .await
            .named("iam:PutRolePolicy", role.as_str())
            .map(drop)
    }

    /// KMS in a key's region, for its account.
    pub(crate) fn kms(&self, key: &KmsKeyArn) -> Result<aws_sdk_kms::Client, ServiceError> {
        let shared = self.connector(key.account())?.shared_config(key.region())?;
        let config = aws_sdk_kms::config::Builder::from(&shared)
            .interceptor(NameEndpoint)
            .retry_classifier(UntrustedIsFinal)
            .build();
        Ok(aws_sdk_kms::Client::from_conf(config))
    }
}

/// The region that requests to IAM are signed for:
/// <https://docs.aws.amazon.com/general/latest/gr/iam-service.html>.
fn global_region(partition: Partition) -> &'static str {
    match partition {
        Partition::Standard => "us-east-1",
        Partition::China => "cn-north-1",
        Partition::GovCloud => "us-gov-west-1",
    }
}

async fn identity(connector: &Connector, region: &Region) -> Result<Identity, ServiceError> {
    let shared: SdkConfig = connector.shared_config(region)?;
    let config = aws_sdk_sts::config::Builder::from(&shared)
        .interceptor(NameEndpoint)
        .retry_classifier(UntrustedIsFinal)
        .build();
    let answer = aws_sdk_sts::Client::from_conf(config)
        .get_caller_identity()
        .send()
        .await
        .named("sts:GetCallerIdentity", "the credentials")?;
    let unreadable = |why: String| ServiceError::Unreadable {
        what: "the answer of sts:GetCallerIdentity".to_owned(),
        why,
    };
    let account = answer.account().unwrap_or_default();
    Ok(Identity {
        account: account
            .parse()
            .map_err(|error: keyferry_policy::NameError| unreadable(error.to_string()))?,
        arn: answer.arn().unwrap_or_default().to_owned(),
    })
}
