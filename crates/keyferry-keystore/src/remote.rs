//! Stores that live elsewhere: in a place that keeps documents, with a working copy here.
//!
//! The truth is in the place. The working copy is an ordinary store folder, so that everything a store
//! can do works with it, and it can be lost without loss.
//!
//! ```text
//! store.toml, identity.age   as in the folder
//! keys/<ring>/<id>.age       write-once, as in the folder
//! unlock/<name>.age          further openers, as in the folder
//! journal/000001 ...         the journal in segments; all but the last never change
//! ```
//!
//! What orders writers on different machines is the compare-and-set on the last segment: an entry
//! happens when the place takes the segment that ends in it, and not before. So the steps of a write are:
//! bring the working copy up to date, write the key's file here, create its document there, read that
//! back, replace the last segment, append to the journal here. Whoever comes second finds the segment
//! changed, and begins again.
//!
//! A segment takes entries until it has [`FULL`](segments::FULL) bytes, and then never again; the next
//! entry begins a new one. Whether it is full is seen from the segment itself, so two writers can never
//! disagree about where the journal ends.

mod collect;
mod make;
mod open;
mod openers;
mod peek;
mod pull;
mod push;
mod record;
mod rehome;
mod segments;
mod working_copy;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::documents::{Document, Documents};
use crate::{DocumentsError, Error, Finding};

pub(crate) use pull::WorkingCopy;
pub(crate) use record::Attempts;
use segments::Segment;
pub(crate) use working_copy::refuse_working_copy;

/// The place that a store lives in, and what is known of it.
pub(crate) struct Remote {
    documents: Box<dyn Documents>,
    /// The last segment of the journal, as it was when the working copy was last brought up to date.
    last: Mutex<Option<Segment>>,
    /// Lines of the journal that were seen in the place and are not proven yet.
    ahead: Vec<u8>,
    /// What finding the store noticed.
    noticed: Vec<Finding>,
    /// Whether this process has begun to write.
    writes: AtomicBool,
    /// Whether documents that should be gone were looked for.
    collected: AtomicBool,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Remote")
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

impl Remote {
    fn new(documents: Box<dyn Documents>) -> Self {
        Self {
            documents,
            last: Mutex::default(),
            ahead: Vec::new(),
            noticed: Vec::new(),
            writes: AtomicBool::new(false),
            collected: AtomicBool::new(false),
        }
    }

    /// What people call the place.
    pub(crate) fn place(&self) -> String {
        self.documents.place()
    }

    /// Something is about to be written.
    pub(crate) fn expect_writes(&self) {
        self.writes.store(true, Ordering::Relaxed);
    }

    /// Entries that the place has beyond the working copy, without proof.
    pub(crate) fn ahead(&self) -> &[u8] {
        &self.ahead
    }

    /// What finding the store noticed.
    pub(crate) fn noticed(&self) -> &[Finding] {
        &self.noticed
    }

    fn last(&self) -> MutexGuard<'_, Option<Segment>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, DocumentsError> {
        let read = self.documents.read(name)?;
        Ok(read.map(|Document { bytes, .. }| bytes))
    }

    /// Writes a document that is never to change, and reads it back. That it is there already, with
    /// this content, is as good.
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let written = self
            .documents
            .write(name, bytes, crate::Expected::Absent)
            .map(drop);
        match (self.read(name)?, written) {
            (Some(found), _) if *found == bytes => Ok(()),
            (_, Err(error)) => Err(error.into()),
            (_, Ok(())) => Err(self.not_as_written(name).into()),
        }
    }
}
