//! Why one of many objects was not transferred.

use keyferry_transfer::{ErrorKind, JobError, TransferError};
use serde_json::Value;

use crate::commands::actions::Actions;
use crate::exit::Exit;
use crate::failure::Failure;

/// Why an object was not transferred.
#[derive(Debug)]
pub(in crate::commands) struct JobFailure {
    pub(in crate::commands) failure: Failure,
    concerns_all: bool,
    is_interruption: bool,
    is_there: bool,
    /// Whether the reason, which all that were left fail for, was told with another.
    is_known: bool,
}

impl From<TransferError> for JobFailure {
    fn from(error: TransferError) -> Self {
        Self {
            concerns_all: error.concerns_all(),
            is_there: matches!(
                error,
                TransferError::ObjectExists { .. } | TransferError::TargetExists { .. }
            ),
            is_interruption: error.kind() == ErrorKind::Interrupted,
            is_known: false,
            failure: match error {
                // The command that goes on is told once, for all.
                TransferError::Resumable { cause, .. } => Failure::from(*cause),
                error => error.into(),
            },
        }
    }
}

impl From<Failure> for JobFailure {
    fn from(failure: Failure) -> Self {
        Self {
            concerns_all: failure.exit() == Exit::Store,
            is_there: false,
            is_interruption: failure.exit() == Exit::Interrupted,
            is_known: false,
            failure,
        }
    }
}

impl JobFailure {
    /// Whether the object exists that was not to be overwritten.
    pub(in crate::commands) fn is_object_there(&self) -> bool {
        self.is_there
    }

    /// What all that were left fail for is told once.
    pub(super) fn known(self, is_known: bool) -> Self {
        Self { is_known, ..self }
    }

    /// Tells what happened to `name`, by an action that lacks it.
    pub(in crate::commands) fn tell(
        self,
        mut action: Value,
        name: &str,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        if let Some(fields) = action.as_object_mut() {
            let status = match self.is_interruption {
                true => "unfinished",
                false => "failed",
            };
            fields.insert("status".to_owned(), status.into());
            let mut error = self.failure.to_json();
            let error = error.get_mut("error").map(Value::take);
            fields.insert("error".to_owned(), error.unwrap_or_default());
        }
        match self.is_known || self.is_interruption {
            true => actions.silent(&action),
            false => actions.failed(&action, self.about(name)),
        }
    }

    /// The failure, with the name of what failed in its message.
    fn about(self, name: &str) -> Failure {
        let message = self.failure.message();
        match message.contains(name) {
            true => self.failure,
            false => Failure::new(self.failure.exit(), format!("`{name}`: {message}"))
                .maybe_hint(self.failure.hint_text().map(str::to_owned)),
        }
    }
}

impl JobError for JobFailure {
    fn concerns_all(&self) -> bool {
        self.concerns_all
    }

    fn is_interruption(&self) -> bool {
        self.is_interruption
    }
}
