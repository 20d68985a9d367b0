//! What a caller's own policies are.

use keyferry_policy::iam::{Attached, PolicyDocument, Statement};

use crate::server::requester::Requester;
use crate::store::{RoleRecord, Store, StoreError};

/// A document, and how decisions name it.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) document: PolicyDocument,
}

impl Named {
    pub(super) fn attached(&self) -> Attached<'_> {
        Attached {
            name: &self.name,
            document: &self.document,
        }
    }

    /// A document as stored. What cannot be read is a statement of its own: nothing is decided by
    /// a document of which nobody knows what it says.
    pub(super) fn parse(name: String, json: &str) -> Result<Self, Unreadable> {
        match PolicyDocument::parse(json) {
            Ok(document) => Ok(Self { name, document }),
            Err(error) => Err(Unreadable(format!("{name} cannot be read: {error}"))),
        }
    }
}

/// A stored document that is no policy; why.
pub(super) struct Unreadable(pub(super) String);

/// The policies of a caller, and its permissions boundary.
#[derive(Default)]
pub(super) struct Identity {
    pub(super) policies: Vec<Named>,
    pub(super) boundary: Option<Named>,
}

impl Identity {
    /// Those of whoever asks. A role that is gone has none.
    pub(super) fn of(
        store: &Store,
        requester: &Requester,
    ) -> Result<Result<Self, Unreadable>, StoreError> {
        match requester {
            Requester::Anonymous => Ok(Ok(Self::default())),
            Requester::Root { .. } => Ok(Ok(Self::administrator())),
            Requester::Session {
                role_arn, role_id, ..
            } => match store.role_by_arn(role_arn)? {
                // A role made again under the same name is another role.
                Some(role) if role.id == *role_id => Self::of_role(store, &role),
                _ => Ok(Ok(Self::default())),
            },
        }
    }

    /// Those of a role.
    pub(super) fn of_role(
        store: &Store,
        role: &RoleRecord,
    ) -> Result<Result<Self, Unreadable>, StoreError> {
        let mut documents = Vec::new();
        for (name, json) in &role.policies {
            documents.push((format!("the role's policy `{name}`"), json.clone()));
        }
        for arn in &role.attached {
            if let Some(json) = managed(store, arn)? {
                documents.push((format!("the attached policy `{arn}`"), json));
            }
        }
        let boundary = match &role.boundary {
            None => None,
            // Without its document a boundary allows nothing.
            Some(arn) => Some((
                format!("the permissions boundary `{arn}`"),
                managed(store, arn)?.unwrap_or_default(),
            )),
        };
        let read = || {
            Ok(Self {
                policies: documents
                    .into_iter()
                    .map(|(name, json)| Named::parse(name, &json))
                    .collect::<Result<_, _>>()?,
                boundary: boundary
                    .map(|(name, json)| Named::parse(name, &json))
                    .transpose()?,
            })
        };
        Ok(read())
    }

    /// Everything, as an account's own credentials have it.
    pub(super) fn administrator() -> Self {
        let everything = Statement::allow("Everything", &["*"], vec!["*".to_owned()]);
        Self {
            policies: vec![Named {
                name: "the account's own permissions".to_owned(),
                document: PolicyDocument::new(vec![everything]),
            }],
            boundary: None,
        }
    }
}

fn managed(store: &Store, arn: &str) -> Result<Option<String>, StoreError> {
    let policy = store.policy_by_arn(arn)?;
    Ok(policy.and_then(|policy| policy.document().map(str::to_owned)))
}
