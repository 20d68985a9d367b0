//! Multipart uploads: how many bytes each part had.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// Uploads that were begun.
#[derive(Default)]
pub(crate) struct Uploads {
    inner: Mutex<Begun>,
}

#[derive(Default)]
struct Begun {
    /// How many there were so far.
    count: u64,
    open: HashMap<String, BTreeMap<u32, Part>>,
}

/// A part that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) size: u64,
    /// The checksum that came with it, if one did in a header.
    pub(crate) crc64_nvme: Option<String>,
}

impl Uploads {
    /// Begins one; its id.
    pub(crate) fn begin(&self) -> String {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.count += 1;
        let id = format!("upload-{}", inner.count);
        inner.open.insert(id.clone(), BTreeMap::new());
        id
    }

    /// Adds a part; false when there is no such upload.
    pub(crate) fn part(&self, id: &str, number: u32, part: Part) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = inner.open.get_mut(id);
        parts.map(|parts| parts.insert(number, part)).is_some()
    }

    /// The parts so far.
    pub(crate) fn parts(&self, id: &str) -> Option<BTreeMap<u32, Part>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.open.get(id).cloned()
    }

    /// Ends one; the bytes of its parts.
    pub(crate) fn end(&self, id: &str) -> Option<u64> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = inner.open.remove(id)?;
        Some(parts.values().map(|part| part.size).sum())
    }
}
