//! The catalogue: which key each version of an object needs, quick to look up.
//!
//! `catalogue.sqlite` holds nothing that the journal does not: it is the journal's `key-used` and
//! `key-found` entries, one row for each version with the key recorded last, and the position in the
//! journal up to which they were taken in. So it may be deleted at any time, and one that is damaged,
//! forged, of another store or of another journal is replaced. Rows and position carry a MAC under a
//! key derived from the identity; that rows were taken away shows in their count and in the sum of
//! their MACs.
//!
//! What it says is a hint where to begin, never a proof: S3 may hold something else by now. Nothing
//! here is an error to the caller. Where the file cannot be written, as on a full disk or a read-only
//! file system, the same tables are built in memory.

mod file;
mod follow;
mod read;
mod row;
mod tables;

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::folder::Folder;
use crate::identity::StoreIdentity;
use crate::journal::Position;
use crate::lock::ExclusiveLock;
use crate::manifest::StoreId;
use crate::{Error, Finding};

pub(crate) const CATALOGUE_FILE: &str = "catalogue.sqlite";

/// Why a catalogue cannot be used as it is.
#[derive(Debug)]
enum Fault {
    /// There is none.
    Missing,
    /// What is there does not hold.
    Unsound(String),
    /// SQLite refused: the file is damaged, or the disk does not do as asked.
    Sqlite(rusqlite::Error),
    /// The store's own files or locks.
    Store(Error),
}

impl Fault {
    fn unsound(reason: impl Into<String>) -> Self {
        Self::Unsound(reason.into())
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => formatter.write_str("it was missing"),
            Self::Unsound(reason) => formatter.write_str(reason),
            Self::Sqlite(error) => write!(formatter, "{error}"),
            Self::Store(error) => match std::error::Error::source(error) {
                Some(cause) => write!(formatter, "{error}: {cause}"),
                None => write!(formatter, "{error}"),
            },
        }
    }
}

/// What a catalogue belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Home<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) store: &'a StoreId,
    pub(crate) identity: &'a StoreIdentity,
    /// How far the journal was read.
    pub(crate) journal: Position,
    /// The writer's lock, where the caller has it.
    pub(crate) lock: Option<&'a ExclusiveLock>,
}

/// An open catalogue.
struct Catalogue {
    connection: Connection,
    in_memory: bool,
    /// Whether all of it was gone through since it was opened.
    proven: bool,
}

/// A store's catalogue, opened when it is first asked.
#[derive(Default)]
pub(crate) struct CatalogueSlot(Mutex<Slot>);

#[derive(Default)]
struct Slot {
    catalogue: Option<Catalogue>,
    findings: Vec<Finding>,
}

impl CatalogueSlot {
    /// Lets the catalogue, brought up to the journal, answer a question. Whatever it stumbles over is
    /// put right by building it anew; `None` if not even that is possible.
    fn ask<T>(
        &self,
        home: Home<'_>,
        question: impl Fn(&mut Catalogue) -> Result<T, Fault>,
    ) -> Option<T> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut *slot;
        // The one that is open may have been replaced by another process: then the new one will do.
        let open = slot.catalogue.take().map(Ok);
        let mut fault = Fault::Missing;
        for attempt in open.into_iter().chain([Catalogue::open(home)]) {
            match attempt.and_then(|catalogue| answer(catalogue, home, &question)) {
                Ok((catalogue, answer)) => {
                    slot.catalogue = Some(catalogue);
                    return Some(answer);
                }
                Err(found) => fault = found,
            }
        }
        for build in [Catalogue::rebuild, Catalogue::in_memory] {
            match build(home).and_then(|catalogue| {
                let rows = catalogue.rows()?;
                let (catalogue, answer) = answer(catalogue, home, &question)?;
                Ok((catalogue, rows, answer))
            }) {
                Ok((catalogue, rows, answer)) => {
                    // One that was never needed is not missed.
                    if rows > 0 || !matches!(fault, Fault::Missing) {
                        slot.note(home, &catalogue, &fault);
                    }
                    slot.catalogue = Some(catalogue);
                    return Some(answer);
                }
                Err(next) => fault = next,
            }
        }
        slot.push(Finding::CatalogueUnusable {
            path: home.folder.path_of(CATALOGUE_FILE),
            reason: fault.to_string(),
        });
        None
    }

    /// Takes the journal's new entries in.
    pub(crate) fn follow(&self, home: Home<'_>) {
        let _reported_by_findings = self.ask(home, |_| Ok(()));
    }

    /// What was noticed since the store was opened.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.findings.clone()
    }
}

impl Slot {
    fn note(&mut self, home: Home<'_>, catalogue: &Catalogue, fault: &Fault) {
        let path = home.folder.path_of(CATALOGUE_FILE);
        let reason = fault.to_string();
        self.push(if catalogue.in_memory {
            Finding::CatalogueUnusable { path, reason }
        } else {
            Finding::CatalogueRebuilt { path, reason }
        });
    }

    fn push(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

fn answer<T>(
    mut catalogue: Catalogue,
    home: Home<'_>,
    question: impl Fn(&mut Catalogue) -> Result<T, Fault>,
) -> Result<(Catalogue, T), Fault> {
    catalogue.catch_up(home)?;
    let answer = question(&mut catalogue)?;
    Ok((catalogue, answer))
}
