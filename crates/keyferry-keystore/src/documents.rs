//! Places that keep named documents: a folder, a bucket, a secrets manager.
//!
//! Backups go to one, and a store may live in one. Names are relative paths with `/` between, of
//! ASCII letters, digits, `-`, `_` and `.` only, no part of them begins with `.`, and no two differ in
//! case alone, so that every place can hold them.

use zeroize::Zeroizing;

/// What a document was when it was read: opaque, and different after every write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision(pub String);

/// A document as it was read.
pub struct Document {
    /// Its content.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Which of its states this was.
    pub revision: Revision,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Document")
            .field("bytes", &self.bytes.len())
            .field("revision", &self.revision)
            .finish()
    }
}

/// What a write expects to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Nothing: the name must be free.
    Absent,
    /// The document as it was read.
    At(Revision),
}

/// Why a place did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentsError {
    /// Somebody else wrote first.
    #[error("`{name}` in {place} was written by somebody else meanwhile")]
    #[expect(missing_docs, reason = "the fields are what the message names")]
    Conflict { place: String, name: String },
    /// The place does not answer, or not now: the same may work later.
    #[error("{place} does not answer: {reason}")]
    #[expect(missing_docs, reason = "the fields are what the message names")]
    Unreachable {
        place: String,
        reason: String,
        hint: Option<String>,
    },
    /// The place refused.
    #[error("cannot {action} `{name}` in {place}: {reason}")]
    #[expect(missing_docs, reason = "the fields are what the message names")]
    Failed {
        action: &'static str,
        place: String,
        name: String,
        reason: String,
        hint: Option<String>,
    },
}

/// Whether every place can hold a document of this name.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain))
}

impl DocumentsError {
    /// What to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Conflict { .. } => Some("try again"),
            Self::Unreachable { hint, .. } | Self::Failed { hint, .. } => hint.as_deref(),
        }
    }
}

/// A place that keeps named documents. Calls block until the place has answered, and a write that
/// succeeded is durable.
pub trait Documents: Send + Sync {
    /// What people call it: a path, `s3://bucket/prefix`, `vault://...`.
    fn place(&self) -> String;

    /// The names of all documents below a prefix, sorted.
    ///
    /// # Errors
    /// [`DocumentsError::Failed`], [`DocumentsError::Unreachable`].
    fn names(&self, prefix: &str) -> Result<Vec<String>, DocumentsError>;

    /// A document; `None` if there is none of this name.
    ///
    /// # Errors
    /// [`DocumentsError::Failed`], [`DocumentsError::Unreachable`].
    fn read(&self, name: &str) -> Result<Option<Document>, DocumentsError>;

    /// Writes a document, unless it is not in the state expected.
    ///
    /// # Errors
    /// [`DocumentsError::Conflict`], [`DocumentsError::Failed`], [`DocumentsError::Unreachable`]. After
    /// a failure the document may have been written: read it to know.
    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        expected: Expected,
    ) -> Result<Revision, DocumentsError>;

    /// Removes a document for good; one that is not there is no error.
    ///
    /// # Errors
    /// [`DocumentsError::Failed`], [`DocumentsError::Unreachable`].
    fn remove(&self, name: &str) -> Result<(), DocumentsError>;
}
