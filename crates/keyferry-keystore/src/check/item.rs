//! What a check gives.

use std::path::PathBuf;

use keyferry_key::KeyId;
use serde::Serialize;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckLevel {
    /// As it should be.
    Sound,
    /// Nothing is lost, but something is to be done.
    Warning,
    /// A key does not open, or the store cannot be trusted or written.
    Error,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CheckSubject {
    /// Type, owner and mode of every file and folder.
    Permissions,
    /// The chain of the journal, and its head.
    Journal,
    /// Every key's file: whether it opens, and holds the key that the journal records.
    KeyFiles,
    /// How much randomness the keys can hold.
    Strength,
    /// Keys in states that ask for something to be done.
    States,
    /// Whether a backup holds each key, and was opened as a test.
    Backups,
    /// What opens the store: the file of each opener.
    Openers,
    /// Whether the catalogue says what the journal says.
    Catalogue,
    /// What interrupted or foreign writes left behind.
    Leftovers,
}

/// One result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckItem {
    /// What was looked at.
    pub subject: CheckSubject,
    /// How bad it is.
    pub level: CheckLevel,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The key concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// The file concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
}

impl CheckItem {
    /// Something found.
    #[must_use]
    pub fn new(subject: CheckSubject, level: CheckLevel, message: impl Into<String>) -> Self {
        Self {
            subject,
            level,
            message: message.into(),
            hint: None,
            key: None,
            path: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn key(mut self, key: &KeyId) -> Self {
        self.key = Some(key.clone());
        self
    }

    pub(super) fn path(mut self, path: PathBuf) -> Self {
        self.path = Some(path);
        self
    }
}
