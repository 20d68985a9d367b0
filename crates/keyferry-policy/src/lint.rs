//! What is wrong with a policy document before anybody asks what it allows.
//!
//! [`lint`] finds names that do not exist, conditions that cannot hold, actions on resources they do
//! not take, elements that the kind of document does not have, and documents that AWS refuses for
//! their size. [`split`] cuts an identity policy that is too long into several.
//!
//! Grammar: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

mod action;
mod condition;
mod document_kind;
mod resource;
mod sid;
mod size;
mod split;

use std::fmt;

use crate::iam::{PolicyDocument, Statement};

pub use document_kind::{DocumentKind, recognise};
pub(crate) use resource::looks_like_arn;
pub use size::{Limit, limits, size};
pub use split::{CannotSplit, MANAGED_POLICY, split};

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// How bad it is.
    pub severity: Severity,
    /// Which rule found it.
    pub rule: LintRule,
    /// In which statement; `None` when it is about the whole document.
    pub statement: Option<StatementPlace>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// Which statement a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementPlace {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its name.
    pub sid: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It works, but probably not as meant.
    Warning,
    /// AWS refuses the document, or a part of it can have no effect.
    Error,
}

/// The rules, each with a name that stays the same, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LintRule {
    /// An action that does not exist.
    UnknownAction,
    /// A condition key that does not exist.
    UnknownConditionKey,
    /// A condition key that an action of the statement does not take.
    ConditionKeyNotTaken,
    /// A condition operator that does not exist.
    UnknownOperator,
    /// An operator that does not fit the type of the key.
    OperatorType,
    /// `ForAllValues:` or `ForAnyValue:` missing or dangerous.
    SetOperator,
    /// An action without a resource that it takes.
    ActionWithoutResource,
    /// A resource that no action of the statement takes.
    ResourceNotTaken,
    /// What stands where an ARN must.
    NotAnArn,
    /// A document of another kind than said.
    WrongKind,
    /// An element that this kind of document does not have, or lacks.
    Element,
    /// A document that is too long.
    Size,
    /// A `Sid` that AWS refuses or that is there twice.
    Sid,
    /// A document without statements.
    Empty,
}

/// Everything that is wrong with a document, in the order of its statements; what concerns the whole
/// document comes first.
#[must_use]
pub fn lint(document: &PolicyDocument, kind: DocumentKind) -> Vec<LintFinding> {
    let mut findings = Findings::default();
    if document.statements.is_empty() {
        findings.document(
            Severity::Error,
            LintRule::Empty,
            "the document has no statement".to_owned(),
            "add a statement".to_owned(),
        );
        return findings.list;
    }
    let as_said = document_kind::check(document, kind, &mut findings);
    size::check(document, kind, &mut findings);
    sid::check(document, kind, &mut findings);
    for (index, statement) in document.statements.iter().enumerate() {
        findings.at = Some(StatementPlace {
            index,
            sid: statement.sid.clone(),
        });
        // A document of another kind breaks these rules in every statement: once said is enough.
        if as_said {
            document_kind::check_statement(statement, kind, &mut findings);
        }
        check_statement(statement, kind, &mut findings);
    }
    findings
        .list
        .sort_by_key(|finding| finding.statement.as_ref().map(|place| place.index));
    findings.list
}

fn check_statement(statement: &Statement, kind: DocumentKind, findings: &mut Findings) {
    action::check(statement, findings);
    resource::check(statement, kind, findings);
    condition::check(statement, findings);
}

/// Findings as they are collected, and the statement they are about.
#[derive(Default)]
struct Findings {
    list: Vec<LintFinding>,
    at: Option<StatementPlace>,
}

impl Findings {
    fn error(&mut self, rule: LintRule, message: String, fix: String) {
        self.add(Severity::Error, rule, message, fix);
    }

    fn warning(&mut self, rule: LintRule, message: String, fix: String) {
        self.add(Severity::Warning, rule, message, fix);
    }

    fn add(&mut self, severity: Severity, rule: LintRule, message: String, fix: String) {
        let statement = self.at.clone();
        self.list.push(LintFinding {
            severity,
            rule,
            statement,
            message,
            fix,
        });
    }

    fn document(&mut self, severity: Severity, rule: LintRule, message: String, fix: String) {
        self.list.push(LintFinding {
            severity,
            rule,
            statement: None,
            message,
            fix,
        });
    }
}

impl LintRule {
    /// Its name for machines, such as `unknown-action`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownAction => "unknown-action",
            Self::UnknownConditionKey => "unknown-condition-key",
            Self::ConditionKeyNotTaken => "condition-key-not-taken",
            Self::UnknownOperator => "unknown-operator",
            Self::OperatorType => "operator-type",
            Self::SetOperator => "set-operator",
            Self::ActionWithoutResource => "action-without-resource",
            Self::ResourceNotTaken => "resource-not-taken",
            Self::NotAnArn => "not-an-arn",
            Self::WrongKind => "wrong-kind",
            Self::Element => "element",
            Self::Size => "size",
            Self::Sid => "sid",
            Self::Empty => "empty",
        }
    }

    /// The page of AWS's documentation that the rule rests on.
    #[must_use]
    pub fn page(self) -> &'static str {
        match self {
            Self::UnknownAction | Self::ConditionKeyNotTaken => {
                "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
            }
            Self::UnknownConditionKey => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
            }
            Self::UnknownOperator | Self::OperatorType => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
            }
            Self::SetOperator => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html"
            }
            Self::ActionWithoutResource | Self::ResourceNotTaken | Self::NotAnArn => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"
            }
            Self::WrongKind => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html"
            }
            Self::Element | Self::Empty => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"
            }
            Self::Size => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
            }
            Self::Sid => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html"
            }
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// `statement 2 (Replicate)`, counted from 1 as a person does.
impl fmt::Display for StatementPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "statement {}", self.index + 1)?;
        match &self.sid {
            Some(sid) => write!(formatter, " (`{sid}`)"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for LintFinding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.severity)?;
        if let Some(place) = &self.statement {
            write!(formatter, "{place}: ")?;
        }
        write!(formatter, "{}; {}", self.message, self.fix)
    }
}

/// `a`, `a and b`, `a, b and c`, each in backticks.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
