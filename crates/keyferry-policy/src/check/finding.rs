//! One thing that `check` found.

use serde::Serialize;

use super::installed::Origin;
use super::rule::Rule;
use crate::iam::StatementId;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule found it; its name stays the same, for machines.
    pub rule: Rule,
    /// How bad it is.
    pub level: Level,
    /// What it is about: a direction, a bucket, a role or a key.
    pub subject: String,
    /// Where it is, if it is in a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// Why that is so, or what follows from it.
    pub why: String,
    /// How S3 will name the failure, where AWS names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    /// The page of AWS's documentation that it rests on.
    pub page: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fix: String,
    /// The very changes that repair it, where they can be written down.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Commands that make the changes, where they are known; run one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// What is allowed beyond need.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<Surplus>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Something will not replicate.
    Error,
    /// It replicates, but not as planned, or more is allowed than needed.
    Warning,
    /// Something could not be checked.
    Note,
}

impl Level {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// What a person calls the document: `the permission policy of s3-replication-tokyo`.
    pub document: String,
    /// Where it was found.
    pub origin: Origin,
    /// Which statement or rule, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

impl Place {
    /// A whole document.
    pub(super) fn document(document: impl Into<String>, origin: &Origin) -> Self {
        Self {
            document: document.into(),
            origin: origin.clone(),
            statement: None,
            sid: None,
        }
    }

    /// A statement.
    pub(super) fn statement(id: &StatementId, origin: &Origin) -> Self {
        Self {
            document: id.document.clone(),
            origin: origin.clone(),
            statement: Some(id.index),
            sid: id.sid.clone(),
        }
    }

    /// The line it begins on, counted from 1, where it came from a file that has lines.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.origin.file.as_ref()?;
        match self.statement {
            Some(statement) => self.origin.lines.get(statement).copied(),
            None => Some(1),
        }
    }
}

/// A change of a document that repairs something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The document, as a person calls it.
    pub document: String,
    /// What to do: `add a statement`, `statement 2 becomes`.
    pub action: String,
    /// What it will say.
    pub json: serde_json::Value,
    /// The same, indented, in the order in which people write it.
    #[serde(skip)]
    text: String,
    /// How it is made.
    #[serde(skip)]
    pub(super) step: Step,
}

/// How a change is made in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It says all that the document will say.
    Whole,
    /// It is a further statement.
    AddStatement,
    /// It takes the place of a statement, counted from 0.
    Statement(usize),
    /// It is a further replication rule.
    AddRule,
    /// It holds elements of a replication rule, counted from 0.
    Rule(usize),
    /// It only describes what to do.
    Described,
}

impl Change {
    pub(super) fn new(
        document: &str,
        action: impl Into<String>,
        step: Step,
        content: &impl Serialize,
    ) -> Self {
        Self {
            step,
            document: document.to_owned(),
            action: action.into(),
            // Strings, numbers, lists and maps with string keys: nothing in it can fail to serialise.
            json: serde_json::to_value(content).unwrap_or_default(),
            text: serde_json::to_string_pretty(content).unwrap_or_default(),
        }
    }

    /// The same as members of objects, the outermost name first: `Destination.Metrics`.
    pub(super) fn within(self, path: &str) -> Self {
        path.rsplit('.').fold(self, |inner, name| Self {
            json: serde_json::Value::Object([(name.to_owned(), inner.json)].into_iter().collect()),
            text: format!("{{\n  \"{name}\": {}\n}}", inner.text.replace('\n', "\n  ")),
            ..inner
        })
    }

    /// What it will say, as indented JSON.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Some actions on some resources, allowed beyond need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Surplus {
    /// On what: `objects of tokyo`, `any other bucket`.
    pub on: String,
    /// Which actions.
    pub actions: Vec<String>,
    /// Without which conditions, for what is allowed under the right ones, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without: Option<String>,
}

impl Finding {
    /// A finding about which nothing else is said yet.
    #[must_use]
    pub fn new(
        rule: Rule,
        level: Level,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            level,
            subject: subject.into(),
            place: None,
            message: message.into(),
            why: String::new(),
            failure_code: None,
            page: rule.page().to_owned(),
            fix: String::new(),
            changes: Vec::new(),
            commands: Vec::new(),
            surplus: Vec::new(),
        }
    }

    /// The same with its reason, or what follows from it.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// The same with a further command that repairs it.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }

    pub(super) fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    pub(super) fn code(mut self, code: Option<&str>) -> Self {
        self.failure_code = code.map(ToOwned::to_owned);
        self
    }
}
