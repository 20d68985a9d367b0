//! Removing documents that should be gone.

use std::sync::atomic::Ordering;

use super::Remote;
use super::push::key_document;
use crate::ledger::Ledger;

impl Remote {
    /// Removes the documents of destroyed keys, as far as the place lets it. Done by the first write of
    /// each process, so that one that was interrupted is made up for.
    pub(crate) fn collect(&self, ledger: &Ledger) {
        if self.collected.swap(true, Ordering::Relaxed) {
            return;
        }
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
