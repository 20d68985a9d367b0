//! Removing documents that should be gone.

use std::sync::atomic::Ordering;

use super::Remote;
use super::push::key_document;
use crate::folder::Folder;
use crate::journal::Record;
use crate::ledger::Ledger;

impl Remote {
    /// Removes the documents of destroyed keys and removed openers, as far as the place lets it. Done
    /// once by each process that writes, so that one that was interrupted is made up for.
    pub(super) fn collect(&self, folder: &Folder, records: &[Record]) {
        if self.collected.swap(true, Ordering::Relaxed) {
            return;
        }
        self.collect_openers(folder, records);
        let ledger = Ledger::of(records);
        for entry in ledger.entries() {
            if !entry.state.has_key() {
                self.remove_key(&key_document(&entry.ring, &entry.id));
            }
        }
    }

    /// Removes the document of a key that was destroyed.
    pub(super) fn remove_key(&self, name: &str) {
        if let Ok(Some(_)) = self.documents.read(name) {
            let _tried_again_by_the_next_process = self.documents.remove(name);
        }
    }
}
