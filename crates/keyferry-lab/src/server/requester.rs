//! Who asks: an account itself, a role's session, or nobody known.

/// Who signed a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Requester {
    /// Nobody: the request is not signed.
    Anonymous,
    /// The account itself, which may do everything in it.
    Root {
        /// Account id.
        account: String,
    },
    /// A session of a role.
    Session {
        /// Account id of the role.
        account: String,
        /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`
        role_arn: String,
        /// `AROA...`
        role_id: String,
        /// Name of the role, without its path.
        role_name: String,
        /// As the caller of AssumeRole named it.
        session_name: String,
    },
}

impl Requester {
    /// The account on whose behalf it asks.
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::Root { account } | Self::Session { account, .. } => Some(account),
        }
    }

    /// As GetCallerIdentity and refusals name it.
    pub(crate) fn arn(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Root { account } => format!("arn:aws:iam::{account}:root"),
            Self::Session {
                account,
                role_name,
                session_name,
                ..
            } => format!("arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}"),
        }
    }

    /// `aws:userid`
    pub(crate) fn user_id(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Root { account } => account.clone(),
            Self::Session {
                role_id,
                session_name,
                ..
            } => format!("{role_id}:{session_name}"),
        }
    }
}
