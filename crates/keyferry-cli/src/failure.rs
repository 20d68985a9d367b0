//! Why a command did not do what was asked, as a person reads it.

use std::error::Error;
use std::fmt;

use crate::exit::Exit;

/// What happened, what to do about it, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// A failure with a message of its own.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            exit,
        }
    }

    /// A failure that an error describes, with its causes behind colons.
    pub(crate) fn from_error(exit: Exit, error: &dyn Error) -> Self {
        Self::new(exit, chain(error))
    }

    /// What to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to do about it, if anything is known.
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// The same with another exit code.
    pub(crate) fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// What happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, if anything is known.
    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The failure as data.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"error": {
            "message": self.message,
            "hint": self.hint,
            "exit_code": self.exit as u8,
        }})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = anstyle::AnsiColor::Red.on_default().bold();
        let hint = anstyle::AnsiColor::Cyan.on_default().bold();
        write!(formatter, "{error}error:{error:#} {}", self.message)?;
        if let Some(text) = &self.hint {
            write!(formatter, "\n{hint}hint:{hint:#} {text}")?;
        }
        Ok(())
    }
}

/// An error and its causes in one line. A cause that its effect already names is left out.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = cause.source();
    }
    message
}

/// Turns errors of input and output into failures that name the file.
pub(crate) trait Context<T> {
    /// `cannot {action} {what}: {why}`
    fn context(self, action: &str, what: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: Error> Context<T> for Result<T, E> {
    fn context(self, action: &str, what: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| {
            Failure::new(
                Exit::Failure,
                format!("cannot {action} `{what}`: {}", chain(&error)),
            )
        })
    }
}
