//! Why each statement and each setting of a plan is there, as data.
//!
//! Everything is quoted from the [matrix](crate::matrix), which names the AWS page for each row; the
//! failure codes are those of
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics-events.html#replication-failure-codes>.

mod settings;

use serde::Serialize;

use crate::documents::{Content, Document, Kind, Reason};
use crate::iam::{Conditions, Effect, PrincipalElement, Principals, Statement};
use crate::matrix::{Evidence, Matrix, Need, Source};
use crate::{BucketName, Documents, ReplicationPlan};

/// A plan's documents, explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Every statement of every policy, in the order in which they are installed.
    pub statements: Vec<ExplainedStatement>,
    /// Every setting beside the policies.
    pub settings: Vec<ExplainedSetting>,
}

/// A statement, and why it is there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedStatement {
    /// The kind of its document: `trust`, `role`, `key-policy`, ...
    pub document: Kind,
    /// The bucket that the document is named after.
    pub bucket: BucketName,
    /// The document's file.
    pub file: String,
    /// Its name.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// Who, where the document says so.
    pub principals: Vec<String>,
    /// May do what.
    pub actions: Vec<String>,
    /// To what.
    pub resources: Vec<String>,
    /// On which conditions.
    pub conditions: Conditions,
    /// Why.
    pub reasons: Vec<ExplainedReason>,
}

/// One reason for a statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedReason {
    /// The row or guard of the matrix.
    pub id: String,
    /// The actions it is about.
    pub actions: Vec<String>,
    /// What S3 does with it.
    pub why: String,
    /// Whether replication needs it. Guards are nothing that replication needs.
    pub need: Option<Need>,
    /// How sure that is.
    pub evidence: Option<Evidence>,
    /// How S3 names the failure without it; empty where AWS names none.
    pub failure_codes: Vec<String>,
    /// What happens without it, where a code does not say so.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub without: String,
    /// What else there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The pages it rests on.
    pub pages: Vec<Source>,
}

/// A setting, and why it has its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedSetting {
    /// The kind of its document: `versioning`, `encryption`, `replication`.
    pub document: Kind,
    /// The bucket that the document is named after.
    pub bucket: BucketName,
    /// The document's file.
    pub file: String,
    /// The replication rule it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The setting of the matrix.
    pub id: String,
    /// Where it is set.
    pub place: String,
    /// To what, in this plan.
    pub value: String,
    /// What S3 does with it.
    pub why: String,
    /// What happens without it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub without: String,
    /// Whether that shows nowhere.
    pub silent: bool,
    /// How S3 names the failure without it; empty where AWS names none.
    pub failure_codes: Vec<String>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The pages it rests on.
    pub pages: Vec<Source>,
}

impl Explanation {
    /// Explains all documents of a plan.
    #[must_use]
    pub fn of(plan: &ReplicationPlan) -> Self {
        let documents = Documents::of(plan);
        Self {
            statements: documents.iter().flat_map(statements).collect(),
            settings: documents.iter().flat_map(settings::of).collect(),
        }
    }

    /// Keeps what belongs to one kind of document.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.statements
            .retain(|statement| statement.document == kind);
        self.settings.retain(|setting| setting.document == kind);
        self
    }

    /// Keeps the statements of one name.
    #[must_use]
    pub fn of_statement(mut self, sid: &str) -> Self {
        self.statements
            .retain(|statement| statement.sid.as_deref() == Some(sid));
        self.settings.clear();
        self
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.settings.is_empty()
    }
}

fn statements(document: &Document) -> Vec<ExplainedStatement> {
    let Content::Policy(policy) = &document.content else {
        return Vec::new();
    };
    let explained = |(statement, reasons): (&Statement, &[Reason])| ExplainedStatement {
        document: document.kind,
        bucket: document.bucket.clone(),
        file: document.file_name(),
        sid: statement.sid.clone(),
        effect: statement.effect,
        principals: principals(statement),
        actions: statement.action.patterns().to_vec(),
        resources: statement
            .resource
            .as_ref()
            .map(|resource| resource.patterns().to_vec())
            .unwrap_or_default(),
        conditions: statement.condition.clone(),
        reasons: reasons
            .iter()
            .map(|reason| explained(reason, statement))
            .collect(),
    };
    policy.statements().map(explained).collect()
}

fn explained(reason: &Reason, statement: &Statement) -> ExplainedReason {
    let granted = statement.action.patterns();
    match reason {
        Reason::Row(row) => ExplainedReason {
            id: row.id.clone(),
            actions: row
                .actions
                .iter()
                .filter(|action| granted.contains(action))
                .cloned()
                .collect(),
            why: row.why.clone(),
            need: Some(row.need),
            evidence: Some(row.evidence),
            failure_codes: row.failure_codes.clone(),
            without: row.without.clone(),
            note: row.note.clone(),
            pages: pages(&row.sources),
        },
        Reason::Guard(guard) => ExplainedReason {
            id: guard.id.clone(),
            actions: granted.to_vec(),
            why: guard.why.clone(),
            need: None,
            evidence: None,
            failure_codes: Vec::new(),
            without: String::new(),
            note: guard.note.clone(),
            pages: pages(&guard.sources),
        },
    }
}

fn principals(statement: &Statement) -> Vec<String> {
    match &statement.principal {
        None => Vec::new(),
        Some(
            PrincipalElement::Principal(Principals::Everyone)
            | PrincipalElement::NotPrincipal(Principals::Everyone),
        ) => vec!["*".to_owned()],
        Some(
            PrincipalElement::Principal(Principals::Listed {
                aws,
                service,
                federated,
                canonical_user,
            })
            | PrincipalElement::NotPrincipal(Principals::Listed {
                aws,
                service,
                federated,
                canonical_user,
            }),
        ) => [aws, service, federated, canonical_user]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
    }
}

fn pages(names: &[String]) -> Vec<Source> {
    Matrix::carried().pages(names).cloned().collect()
}

#[cfg(test)]
mod tests;
