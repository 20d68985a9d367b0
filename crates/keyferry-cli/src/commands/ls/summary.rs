//! What a listing comes to.

use keyferry_transfer::Entry;
use serde::Serialize;

use crate::terminal::human_bytes;

/// How much there was.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    objects: u64,
    bytes: u64,
    old_versions: u64,
    old_bytes: u64,
    delete_markers: u64,
    prefixes: u64,
}

impl Summary {
    pub(super) fn count(&mut self, entry: &Entry) {
        match entry {
            Entry::Version(version) if version.is_latest => {
                self.objects += 1;
                self.bytes += version.size;
            }
            Entry::Version(version) => {
                self.old_versions += 1;
                self.old_bytes += version.size;
            }
            Entry::DeleteMarker(_) => self.delete_markers += 1,
            Entry::Prefix(_) => self.prefixes += 1,
        }
    }

    /// Whether there was anything.
    pub(super) fn found(&self) -> bool {
        self.objects + self.old_versions + self.delete_markers + self.prefixes > 0
    }

    /// For people.
    pub(super) fn text(&self, versions: bool) -> String {
        let mut text = format!("objects: {} ({})", self.objects, human_bytes(self.bytes));
        if self.prefixes > 0 {
            text.push_str(&format!(", prefixes: {}", self.prefixes));
        }
        if versions {
            text.push_str(&format!(
                ", old versions: {} ({}), delete markers: {}",
                self.old_versions,
                human_bytes(self.old_bytes),
                self.delete_markers
            ));
        }
        text
    }
}
