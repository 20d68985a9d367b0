//! What opening a store noticed, and why it may refuse to write.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use keyferry_key::KeyId;

use crate::{OpenerName, RingName};

/// Something that opening the store noticed, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The temporary file of an interrupted write was removed. No key in it was ever used.
    OrphanSwept {
        /// The file.
        path: PathBuf,
    },
    /// A whole key without a journal entry (its making was interrupted) was taken in as pending.
    KeyAdopted {
        /// The key.
        id: KeyId,
        /// Its ring.
        ring: RingName,
        /// Its version.
        version: u32,
    },
    /// The journal ended in half an entry, which was moved aside.
    TornTailSaved {
        /// Where it is now.
        path: PathBuf,
        /// Its length in bytes.
        bytes: usize,
    },
    /// The journal knows a key whose file is gone.
    KeyFileMissing {
        /// The key.
        id: KeyId,
        /// Where the file should be.
        path: PathBuf,
    },
    /// The place that the store lives in does not answer: everything is as of an earlier time, and
    /// nothing can be written.
    PlaceUnreachable {
        /// The place.
        place: String,
        /// Why it does not answer.
        reason: String,
        /// When it last did.
        as_of: Option<Timestamp>,
    },
    /// A document of the store is not what it should be; it was not taken over.
    DocumentDamaged {
        /// The place.
        place: String,
        /// The document.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The working copy's journal was damaged and was made anew from the place.
    WorkingCopyRebuilt {
        /// Where the damaged one is now.
        path: PathBuf,
    },
    /// A file among the keys is neither in the journal nor a key that this store wrote.
    UnknownKeyFile {
        /// The file.
        path: PathBuf,
        /// Why it was not taken in.
        reason: String,
    },
    /// The catalogue was made anew from the journal. Nothing was lost.
    CatalogueRebuilt {
        /// The file.
        path: PathBuf,
        /// What was wrong with the one before.
        reason: String,
    },
    /// The catalogue's file cannot be used: it is made again in memory each time, or not at all.
    CatalogueUnusable {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        reason: String,
    },
    /// The file of an opener has its final name now: adding or removing it was interrupted.
    OpenerPutInPlace {
        /// The file.
        path: PathBuf,
    },
    /// The file of an opener is not the one that the journal records.
    OpenerChanged {
        /// The opener.
        name: OpenerName,
        /// The file.
        path: PathBuf,
    },
    /// The journal knows an opener whose file is gone.
    OpenerMissing {
        /// The opener.
        name: OpenerName,
        /// Where the file should be.
        path: PathBuf,
    },
    /// A file among the openers is none that the journal records.
    UnknownOpenerFile {
        /// The file.
        path: PathBuf,
        /// Why it does not belong there.
        reason: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OrphanSwept { path } => {
                write!(
                    formatter,
                    "removed `{}`, left by an interrupted write",
                    path.display()
                )
            }
            Self::KeyAdopted { id, ring, version } => write!(
                formatter,
                "took in key `{id}` as pending version {version} of ring `{ring}`: its making was interrupted"
            ),
            Self::TornTailSaved { path, bytes } => write!(
                formatter,
                "the journal ended in {bytes} bytes of an unfinished entry, now in `{}`",
                path.display()
            ),
            Self::KeyFileMissing { id, path } => {
                write!(
                    formatter,
                    "the file of key `{id}` is missing: `{}`",
                    path.display()
                )
            }
            Self::PlaceUnreachable {
                place,
                reason,
                as_of,
            } => {
                write!(formatter, "{place} does not answer: {reason}; ")?;
                match as_of {
                    Some(time) => write!(formatter, "this is the store as of {time}"),
                    None => write!(formatter, "this is the store as it was when it last did"),
                }
            }
            Self::DocumentDamaged {
                place,
                name,
                reason,
            } => {
                write!(
                    formatter,
                    "`{name}` in {place} was not taken over: {reason}"
                )
            }
            Self::WorkingCopyRebuilt { path } => {
                write!(
                    formatter,
                    "the working copy's journal was damaged and is now again that of the place; the damaged one is `{}`",
                    path.display()
                )
            }
            Self::UnknownKeyFile { path, reason } | Self::UnknownOpenerFile { path, reason } => {
                write!(formatter, "left `{}` alone: {reason}", path.display())
            }
            Self::CatalogueRebuilt { path, reason } => write!(
                formatter,
                "made the catalogue `{}` anew from the journal: {reason}",
                path.display()
            ),
            Self::CatalogueUnusable { path, reason } => write!(
                formatter,
                "the catalogue `{}` cannot be written, so finding keys takes longer: {reason}",
                path.display()
            ),
            Self::OpenerPutInPlace { path } => write!(
                formatter,
                "put `{}` in its place: a change of what opens the store was interrupted",
                path.display()
            ),
            Self::OpenerChanged { name, path } => write!(
                formatter,
                "the file of opener `{name}` was changed and may not open the store any more: `{}`",
                path.display()
            ),
            Self::OpenerMissing { name, path } => write!(
                formatter,
                "the file of opener `{name}` is missing: `{}`",
                path.display()
            ),
        }
    }
}

/// Why a store is read-only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteBlock {
    /// A newer keyferry wrote it.
    NewerFormat {
        /// The format it has.
        found: u32,
    },
    /// The journal holds an entry of a kind that this version does not know.
    NewerEntry {
        /// Its line.
        line: u64,
    },
    /// The journal was changed or cut.
    JournalDamaged {
        /// The first line that does not hold.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// It is older than what was seen of it before, or went another way from some entry on.
    RolledBack {
        /// The last line of the journal that was seen.
        seen: u64,
        /// The last line that it has now.
        found: u64,
    },
    /// The place that the store lives in does not answer.
    Unreachable {
        /// The place.
        place: String,
        /// Why it does not.
        reason: String,
    },
    /// What an interrupted write left behind could not be put in order.
    NotRecovered {
        /// What stood in the way.
        reason: String,
    },
}

impl WriteBlock {
    /// Whether the states that the store reports are complete. Only then is the active key handed
    /// out for new objects: an entry that cannot be read may say that it is compromised.
    pub(crate) fn leaves_states_known(&self) -> bool {
        matches!(self, Self::NotRecovered { .. })
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NewerFormat { .. } | Self::NewerEntry { .. } => {
                "use the newest keyferry that has opened this store"
            }
            Self::JournalDamaged { .. } => {
                "existing keys still open; restore the store from a backup, or export the keys and import them into a new store"
            }
            Self::RolledBack { .. } => {
                "restore the newest backup into it with `keyferry key restore FROM`; if this is all there is, `keyferry key check --accept-rollback` goes on from here"
            }
            Self::Unreachable { .. } => {
                "try again when the place answers: what is not in the place is not in the store"
            }
            Self::NotRecovered { .. } => {
                "make sure that the disk has space and can be written, then open the store again"
            }
        }
    }
}

impl fmt::Display for WriteBlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewerFormat { found } => write!(formatter, "it has the newer format {found}"),
            Self::NewerEntry { line } => {
                write!(
                    formatter,
                    "line {line} of its journal was written by a newer keyferry"
                )
            }
            Self::JournalDamaged { line, reason } => {
                write!(formatter, "its journal is damaged at line {line}: {reason}")
            }
            Self::RolledBack { seen, found } if found < seen => {
                write!(
                    formatter,
                    "it is older than it was: its journal ends at line {found}, and line {seen} has been seen"
                )
            }
            Self::RolledBack { seen, .. } => {
                write!(
                    formatter,
                    "it is not the store that was seen: its journal has another line {seen}"
                )
            }
            Self::Unreachable { place, reason } => {
                write!(formatter, "{place} does not answer: {reason}")
            }
            Self::NotRecovered { reason } => {
                write!(
                    formatter,
                    "an interrupted write could not be put in order: {reason}"
                )
            }
        }
    }
}
