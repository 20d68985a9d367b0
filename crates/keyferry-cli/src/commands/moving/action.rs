//! What is done to one object, as data and in words.

use keyferry_key::KeyId;
use keyferry_transfer::{ErrorKind, JobError, ObjectAddress, TransferError};
use serde::Serialize;

use crate::commands::actions::Actions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{human_bytes, printable};

/// What a job is about.
#[derive(Debug, Clone)]
pub(in crate::commands) struct What {
    /// What is done: `upload`, `download`, `copy` or `look`.
    pub(in crate::commands) action: &'static str,
    pub(in crate::commands) source: String,
    pub(in crate::commands) destination: String,
    /// The object that is stored, where one is.
    pub(in crate::commands) stored: Option<ObjectAddress>,
    /// The object that is read, where one is.
    pub(in crate::commands) read: Option<ObjectAddress>,
    pub(in crate::commands) size: u64,
}

/// Why something is moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(in crate::commands) enum Reason {
    /// It was asked for.
    Asked,
    /// The destination does not have it.
    New,
    /// Its size differs.
    Size,
    /// Its checksum differs.
    Content,
    /// The destination is older, and there is no checksum that both sides have.
    Newer,
    /// The destination is under another key of the store.
    OtherKey { key_id: KeyId },
    /// The destination is under a customer key that the store does not have.
    UnknownKey,
    /// The destination is under no customer key.
    NoCustomerKey,
}

/// What was done.
#[derive(Debug, Clone)]
pub(in crate::commands) struct Done {
    pub(in crate::commands) outcome: Outcome,
    /// The version that was stored, or read.
    pub(in crate::commands) version_id: Option<String>,
    /// The key of what was stored or read.
    pub(in crate::commands) key_id: Option<KeyId>,
    /// What is worth knowing besides.
    pub(in crate::commands) notes: Vec<String>,
}

/// How a job ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Outcome {
    Moved(Reason),
    /// It would be moved.
    Planned(Reason),
    /// It is the same already.
    Same,
    /// It is left out, for this reason.
    LeftOut(String),
    /// It was copied, and the copy is not what its source is.
    Differs(Vec<String>),
}

impl Done {
    pub(in crate::commands) fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            version_id: None,
            key_id: None,
            notes: Vec::new(),
        }
    }
}

/// Why a job failed.
#[derive(Debug)]
pub(in crate::commands) enum Trouble {
    Transfer(TransferError),
    Other(Failure),
}

impl From<TransferError> for Trouble {
    fn from(error: TransferError) -> Self {
        Self::Transfer(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Transfer(error) => error.into(),
            Trouble::Other(failure) => failure,
        }
    }
}

impl JobError for Trouble {
    fn concerns_all(&self) -> bool {
        matches!(self, Self::Transfer(error) if error.concerns_all())
    }

    fn is_interruption(&self) -> bool {
        match self {
            Self::Transfer(error) => error.kind() == ErrorKind::Interrupted,
            Self::Other(failure) => failure.exit() == Exit::Interrupted,
        }
    }
}

/// One line of the output.
#[derive(Serialize)]
struct Line<'a> {
    action: &'static str,
    source: &'a str,
    destination: &'a str,
    size: u64,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a KeyId>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Tells what became of a job.
pub(super) fn tell(
    actions: &mut Actions,
    what: &What,
    result: Result<Done, Trouble>,
) -> Result<(), Failure> {
    let mut line = Line {
        action: what.action,
        source: &what.source,
        destination: &what.destination,
        size: what.size,
        result: "failed",
        reason: None,
        version_id: None,
        key_id: None,
        notes: &[],
        error: None,
    };
    let done = match result {
        Ok(done) => done,
        Err(trouble) => {
            // Who interrupts knows, and is told once.
            if trouble.is_interruption() {
                return Ok(());
            }
            let failure = Failure::from(trouble);
            line.error = Some(failure.message().to_owned());
            return actions.failed(&line, failure);
        }
    };
    line.version_id = done.version_id.as_deref();
    line.key_id = done.key_id.as_ref();
    line.notes = &done.notes;
    let (source, destination) = (printable(&what.source), printable(&what.destination));
    let size = human_bytes(what.size);
    match &done.outcome {
        Outcome::Moved(reason) => {
            (line.result, line.reason) = ("done", Some(reason));
            actions.done(&line, || {
                format!("{} {source} to {destination} ({size})", what.action)
            })
        }
        Outcome::Planned(reason) => {
            (line.result, line.reason) = ("would", Some(reason));
            actions.done(&line, || {
                format!(
                    "would {} {source} to {destination} ({size}): {reason}",
                    what.action
                )
            })
        }
        Outcome::Same => {
            line.result = "same";
            actions.same(&line)
        }
        Outcome::LeftOut(why) => {
            line.result = "left-out";
            line.error = Some(why.clone());
            actions.left_out(&line, format!("{source} is left out: {why}"))
        }
        Outcome::Differs(differences) => {
            line.result = "differs";
            let what = format!(
                "the copy `{destination}` is not what `{source}` is: {}",
                differences.join("; ")
            );
            line.error = Some(what.clone());
            actions.failed(
                &line,
                Failure::new(Exit::Differs, what)
                    .hint("both are there: compare them before either is removed"),
            )
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asked => formatter.write_str("it was asked for"),
            Self::New => formatter.write_str("it is not there"),
            Self::Size => formatter.write_str("its size differs"),
            Self::Content => formatter.write_str("its checksum differs"),
            Self::Newer => formatter.write_str("the source is newer, and no checksum tells more"),
            Self::OtherKey { key_id } => write!(formatter, "it is under key {key_id}"),
            Self::UnknownKey => formatter.write_str("it is under an unknown customer key"),
            Self::NoCustomerKey => formatter.write_str("it is under no customer key"),
        }
    }
}
