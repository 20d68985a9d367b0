//! A refused request, in AWS's words (`S3-ACCESS-3`).
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use keyferry_policy::iam::{Decision, Denial, Lacking};

/// Which kind of policy a document of a decision is.
const IDENTITY: &str = "an identity-based policy";
const RESOURCE: &str = "a resource-based policy";
const BOUNDARY: &str = "a permissions boundary";

/// Why a request may not be served.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// ARN of who asked.
    pub(super) requester: String,
    pub(super) action: String,
    pub(super) resource: String,
    /// The caller is of the account that owns the resource, and so may know why.
    pub(super) same_account: bool,
    pub(super) decision: Decision,
}

impl Refusal {
    /// `User: ARN is not authorized to perform: ACTION on resource: ARN because ...`
    pub(crate) fn message(&self) -> String {
        format!(
            "User: {} is not authorized to perform: {} on resource: {} {}",
            self.requester,
            self.action,
            self.resource,
            self.because()
        )
    }

    /// S3's form of it: the resource in quotes, and nothing but "Access Denied" to other
    /// accounts.
    pub(crate) fn s3_message(&self) -> String {
        if self.same_account {
            format!(
                "User: {} is not authorized to perform: {} on resource: \"{}\" {}",
                self.requester,
                self.action,
                self.resource,
                self.because()
            )
        } else {
            "Access Denied".to_owned()
        }
    }

    /// What the evaluation found, for the log and for replication failures.
    pub(crate) fn decision(&self) -> &Decision {
        &self.decision
    }

    fn because(&self) -> String {
        let no = |kind: &str| {
            let kind = kind.trim_start_matches("an ").trim_start_matches("a ");
            format!("because no {kind} allows the {} action", self.action)
        };
        match &self.decision {
            Decision::Denied(Denial::Explicit { by }) => {
                let kind = if by.document.starts_with("the permissions boundary") {
                    BOUNDARY
                } else if by.document.starts_with("the role's policy")
                    || by.document.starts_with("the attached policy")
                    || by.document.starts_with("the account's own")
                {
                    IDENTITY
                } else {
                    RESOURCE
                };
                format!("with an explicit deny in {kind}")
            }
            Decision::Denied(Denial::Implicit { lacking, .. }) => match lacking {
                Lacking::Boundary => no(BOUNDARY),
                Lacking::Resource(_) | Lacking::Delegation(_) => no(RESOURCE),
                _ => no(IDENTITY),
            },
            Decision::Undecided { .. } | Decision::Allowed { .. } => {
                "because the lab cannot decide it".to_owned()
            }
        }
    }
}
