//! Who asks for what: the request as IAM sees it.
//!
//! Request context: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-reqcontext.html>.
//! Keys and when they are present: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use std::collections::BTreeMap;
use std::fmt;

use crate::names::{AccountId, Partition};

/// Who asks.
///
/// Sessions of `GetFederationToken` and of outside identity providers are not modelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A service on its own behalf, by service principal: `s3.amazonaws.com`.
    Service(String),
    /// The root user of an account.
    Root {
        /// The account.
        account: AccountId,
        /// Its partition.
        partition: Partition,
    },
    /// An IAM user.
    User {
        /// `arn:aws:iam::ACCOUNT:user/NAME`
        arn: String,
    },
    /// A session of an IAM role.
    Role {
        /// The role, not the session: `arn:aws:iam::ACCOUNT:role/NAME`.
        arn: String,
        /// Name of the session, if known.
        session: Option<String>,
    },
    /// Nobody known: an unsigned request.
    Anonymous,
}

impl Caller {
    /// The account that the caller belongs to; none for services and unsigned requests.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root { account, .. } => Some(account.clone()),
            Self::User { arn } | Self::Role { arn, .. } => arn.split(':').nth(4)?.parse().ok(),
            Self::Service(_) | Self::Anonymous => None,
        }
    }

    /// ARN of the account that the caller belongs to, as a principal.
    pub(crate) fn account_arn(&self) -> Option<String> {
        match self {
            Self::Root { account, partition } => {
                Some(format!("arn:{partition}:iam::{account}:root"))
            }
            Self::User { arn } | Self::Role { arn, .. } => {
                let mut parts = arn.split(':');
                let partition = parts.nth(1)?;
                let account = parts.nth(2)?;
                Some(format!("arn:{partition}:iam::{account}:root"))
            }
            Self::Service(_) | Self::Anonymous => None,
        }
    }

    /// ARN of the session, for a role whose session has a name.
    pub(crate) fn session_arn(&self) -> Option<String> {
        let Self::Role { arn, session } = self else {
            return None;
        };
        let session = session.as_ref()?;
        let mut parts = arn.splitn(6, ':');
        let partition = parts.nth(1)?;
        let account = parts.nth(2)?;
        // A role's path is not part of the ARN of its sessions.
        let name = parts.next()?.rsplit('/').next()?;
        Some(format!(
            "arn:{partition}:sts::{account}:assumed-role/{name}/{session}"
        ))
    }

    /// Whether this is the role of a service that AWS alone manages. Service and resource control
    /// policies do not limit it:
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>.
    pub(crate) fn is_service_linked_role(&self) -> bool {
        matches!(self, Self::Role { arn, .. } if arn.contains(":role/aws-service-role/"))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => write!(formatter, "the service `{name}`"),
            Self::Root { account, .. } => write!(formatter, "the root user of account {account}"),
            Self::User { arn } => write!(formatter, "`{arn}`"),
            Self::Role { arn, .. } => match self.session_arn() {
                Some(session) => write!(formatter, "`{session}`"),
                None => write!(formatter, "`{arn}`"),
            },
            Self::Anonymous => formatter.write_str("anybody, unsigned"),
        }
    }
}

/// One call to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub caller: Caller,
    /// For what, such as `s3:GetObject`.
    pub action: String,
    /// On what, as ARN; `*` for actions that are about no resource.
    pub resource: String,
    /// Who owns the resource. If it is not given, it is taken from the ARN; if that has no account
    /// either (as for buckets) and it matters, the decision is that it cannot be decided.
    pub resource_account: Option<AccountId>,
    /// What else is known about the call.
    pub context: Context,
}

impl Request {
    /// A request about which nothing else is known.
    #[must_use]
    pub fn new(caller: Caller, action: &str, resource: &str) -> Self {
        Self {
            caller,
            action: action.to_owned(),
            resource: resource.to_owned(),
            resource_account: None,
            context: Context::new(),
        }
    }

    /// The same request on a resource of this account.
    #[must_use]
    pub fn owned_by(mut self, account: AccountId) -> Self {
        self.resource_account = Some(account);
        self
    }

    /// The same request with one more context key.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.context.insert(key, vec![value.to_owned()]);
        self
    }

    pub(crate) fn owner(&self) -> Option<AccountId> {
        self.resource_account
            .clone()
            .or_else(|| self.resource.split(':').nth(4)?.parse().ok())
    }

    /// The context, completed by what follows from caller and resource.
    pub(crate) fn complete_context(&self) -> Context {
        let mut context = self.context.clone();
        if let Some(owner) = self.owner() {
            context.fill("aws:ResourceAccount", owner.as_str());
        }
        let kms = self.action.to_ascii_lowercase().starts_with("kms:");
        if let Some(account) = self.caller.account() {
            context.fill("aws:PrincipalAccount", account.as_str());
            context.fill("aws:PrincipalIsAWSService", "false");
            if kms {
                context.fill("kms:CallerAccount", account.as_str());
            }
        }
        match &self.caller {
            Caller::Service(name) => {
                context.fill("aws:PrincipalIsAWSService", "true");
                context.fill("aws:PrincipalServiceName", name);
                // The list has the service's regional names too, which are not known here.
                context.fill_unknown("aws:PrincipalServiceNamesList");
            }
            Caller::Root { account, .. } => {
                context.fill("aws:PrincipalType", "Account");
                context.fill("aws:userid", account.as_str());
                if let Some(arn) = self.caller.account_arn() {
                    context.fill("aws:PrincipalArn", &arn);
                }
            }
            Caller::User { arn } => {
                context.fill("aws:PrincipalType", "User");
                context.fill("aws:PrincipalArn", arn);
                context.fill("aws:username", arn.rsplit('/').next().unwrap_or_default());
                context.fill_unknown("aws:userid");
            }
            Caller::Role { arn, .. } => {
                context.fill("aws:PrincipalType", "AssumedRole");
                context.fill("aws:PrincipalArn", arn);
                context.fill_unknown("aws:userid");
                context.fill_unknown("aws:TokenIssueTime");
            }
            Caller::Anonymous => {
                context.fill("aws:PrincipalType", "Anonymous");
                context.fill("aws:userid", "anonymous");
            }
        }
        context
    }
}

/// What is known about a call, by condition key. Keys do not distinguish case; binary values are
/// given in base64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, ContextValue>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum ContextValue {
    Known(Vec<String>),
    Unknown,
}

/// What a context says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given<'a> {
    /// The request has no such key, or no value for it.
    Missing,
    /// The request has it, its value is not known.
    Unknown,
    /// The values; never none.
    Values(&'a [String]),
}

impl Context {
    /// A context without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same context with one more key.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.insert(key, vec![value.to_owned()]);
        self
    }

    /// Sets the values of a key.
    pub fn insert(&mut self, key: &str, values: Vec<String>) {
        self.0
            .insert(key.to_ascii_lowercase(), ContextValue::Known(values));
    }

    /// Says that the request has this key with a value that is not known here. Whatever depends on the
    /// value cannot be decided.
    pub fn insert_unknown(&mut self, key: &str) {
        self.0
            .insert(key.to_ascii_lowercase(), ContextValue::Unknown);
    }

    /// The values of a key, if they are known.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[String]> {
        match self.0.get(&key.to_ascii_lowercase()) {
            Some(ContextValue::Known(values)) => Some(values),
            Some(ContextValue::Unknown) | None => None,
        }
    }

    /// All keys, in lower case and in order, with the values that are known.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&[String]>)> {
        self.0.iter().map(|(key, value)| {
            let values = match value {
                ContextValue::Known(values) => Some(values.as_slice()),
                ContextValue::Unknown => None,
            };
            (key.as_str(), values)
        })
    }

    pub(crate) fn given(&self, key: &str) -> Given<'_> {
        match self.0.get(&key.to_ascii_lowercase()) {
            None => Given::Missing,
            Some(ContextValue::Unknown) => Given::Unknown,
            Some(ContextValue::Known(values)) if values.is_empty() => Given::Missing,
            Some(ContextValue::Known(values)) => Given::Values(values),
        }
    }

    fn fill(&mut self, key: &str, value: &str) {
        self.0
            .entry(key.to_ascii_lowercase())
            .or_insert_with(|| ContextValue::Known(vec![value.to_owned()]));
    }

    fn fill_unknown(&mut self, key: &str) {
        self.0
            .entry(key.to_ascii_lowercase())
            .or_insert(ContextValue::Unknown);
    }
}

impl<K: AsRef<str>> FromIterator<(K, Vec<String>)> for Context {
    fn from_iter<I: IntoIterator<Item = (K, Vec<String>)>>(entries: I) -> Self {
        let mut context = Self::new();
        for (key, values) in entries {
            context.insert(key.as_ref(), values);
        }
        context
    }
}
