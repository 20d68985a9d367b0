//! What can go wrong with a backup.

use std::fmt;

use crate::{ErrorClass, StoreId};

/// A document of a backup that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFault {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for DocumentFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` {}", self.name, self.reason)
    }
}

/// A failure of a backup or a restore.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum BackupError {
    /// Nothing there, or no backup.
    #[error("there is no backup in `{place}`")]
    Missing { place: String },
    /// Something else is there.
    #[error("`{place}` holds `{name}`, which is not part of a backup")]
    PlaceTaken { place: String, name: String },
    /// Another store's backup.
    #[error("`{place}` holds the backup of store `{found}`, and this is store `{store}`")]
    OtherStore {
        place: String,
        found: StoreId,
        store: StoreId,
    },
    /// A newer state of the store is there.
    #[error(
        "the backup in `{place}` is newer than the store: it has {backup} lines of the journal, the store {store}"
    )]
    Newer {
        place: String,
        backup: u64,
        store: u64,
    },
    /// The store went another way since.
    #[error(
        "the backup in `{place}` has another line {line} in its journal than the store: they are not of one history"
    )]
    Apart { place: String, line: u64 },
    /// A file in the way.
    #[error("`{name}` in `{place}` is another file than the store has; it was not overwritten")]
    Different { place: String, name: String },
    /// Documents that are missing or damaged.
    #[error("the backup in `{place}` is damaged: {}", list(.faults))]
    Damaged {
        place: String,
        faults: Vec<DocumentFault>,
    },
    /// A newer format.
    #[error("the backup in `{place}` has format {found}, and this keyferry knows up to {known}")]
    NewerFormat {
        place: String,
        found: u32,
        known: u32,
    },
    /// The identity would lie open in the backup.
    #[error("the key store has no passphrase, and a backup of it needs one of its own")]
    ProtectionNeeded,
    /// What was given is not what opens it.
    #[error("the backup in `{place}` is opened by {needs}, and {given} was given")]
    WrongOpener {
        place: String,
        needs: &'static str,
        given: &'static str,
    },
    /// The passphrase or identity does not open it.
    #[error("{given} does not open the backup in `{place}`")]
    NotOpened { place: String, given: &'static str },
    /// The store made from the backup would lie open.
    #[error("the backup in `{place}` has no passphrase that the restored store could have")]
    NewProtectionNeeded { place: String },
    /// Keys or entries of both that exclude each other.
    #[error("nothing was restored from `{place}`: {}", .conflicts.join("; "))]
    Conflict {
        place: String,
        conflicts: Vec<String>,
    },
    /// A test by the store's own identity.
    #[error("the backup in `{place}` was opened by the store itself, which proves nothing")]
    NotIndependent { place: String },
    /// Text that is no age recipient.
    #[error("`{text}` is not an age recipient")]
    InvalidRecipient { text: String },
    /// Text that holds no age identity.
    #[error("{source_name} holds no age identity: {reason}")]
    InvalidIdentity { source_name: String, reason: String },
}

fn list(faults: &[DocumentFault]) -> String {
    let shown = faults.iter().take(10).map(ToString::to_string);
    let mut text = shown.collect::<Vec<_>>().join("; ");
    if faults.len() > 10 {
        text.push_str(&format!("; and {} more", faults.len() - 10));
    }
    text
}

impl BackupError {
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::PlaceTaken { .. }
            | Self::Missing { .. }
            | Self::OtherStore { .. }
            | Self::ProtectionNeeded
            | Self::NewProtectionNeeded { .. }
            | Self::NotIndependent { .. }
            | Self::InvalidRecipient { .. }
            | Self::InvalidIdentity { .. } => ErrorClass::Usage,
            Self::WrongOpener { .. } | Self::NotOpened { .. } => ErrorClass::Locked,
            Self::Newer { .. }
            | Self::Apart { .. }
            | Self::Different { .. }
            | Self::Damaged { .. }
            | Self::NewerFormat { .. }
            | Self::Conflict { .. } => ErrorClass::Damaged,
        }
    }

    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "`keyferry key backup TO` makes one; a folder is named by itself, a file ends in `.tar`, a bucket is s3://BUCKET/PREFIX"
            }
            Self::PlaceTaken { .. } => "name an empty place, or one below it",
            Self::OtherStore { .. } => "give each store a place of its own",
            Self::Newer { place, .. } => {
                return format!(
                    "an older state never replaces a newer one: `keyferry key restore {place}` brings the store up to it"
                );
            }
            Self::Apart { place, .. } => {
                return format!(
                    "back up to another place; `keyferry key restore {place}` takes in the keys that only the backup has"
                );
            }
            Self::Different { .. } => {
                "find out what it is; to go on, move it away and back up again"
            }
            Self::Damaged { .. } => {
                "use another backup, or move the files named away and back up again while the store is there; `keyferry key restore --partial` brings back what is sound"
            }
            Self::NewerFormat { .. } => "use the newest keyferry that wrote to it",
            Self::ProtectionNeeded => {
                "give --backup-passphrase-file FILE, or --recipient age1... of an identity that is kept elsewhere"
            }
            Self::WrongOpener { .. } => {
                "give the passphrase by --passphrase-file FILE, an age identity by --identity FILE, or shares by --share FILE"
            }
            Self::NotOpened { .. } => {
                "a backup has the passphrase that the store had when it was made, or one of its own"
            }
            Self::NewProtectionNeeded { .. } => {
                "give --new-passphrase-file FILE, or --no-passphrase to protect the restored store by file permissions alone"
            }
            Self::Conflict { place, .. } => {
                return format!(
                    "restore it beside the store, `keyferry --store NEW key restore {place}`, and export and import the keys that you need"
                );
            }
            Self::NotIndependent { .. } => "give the passphrase or the identity that opens it",
            Self::InvalidRecipient { .. } => {
                "a recipient is the public key that `age-keygen` prints: age1..."
            }
            Self::InvalidIdentity { .. } => {
                "give the file that `age-keygen -o FILE` wrote: it has a line AGE-SECRET-KEY-1..."
            }
        }
        .to_owned()
    }
}
