//! What objects there are.
//!
//! Those to download follow from their keys: `COUNTxSIZE/00000001.bin` and so on. Those that were
//! uploaded are remembered until the sink ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Objects by key.
#[derive(Default)]
pub(crate) struct Catalog {
    uploaded: Mutex<BTreeMap<String, u64>>,
}

/// An object: how long it is, and whether its content is the pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) size: u64,
}

/// A folder of objects that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Served {
    count: u64,
    size: u64,
}

impl Served {
    /// Reads `COUNTxSIZE`.
    fn parse(folder: &str) -> Option<Self> {
        let (count, size) = folder.split_once('x')?;
        Some(Self {
            count: count.parse().ok()?,
            size: size.parse().ok()?,
        })
    }
}

impl Catalog {
    pub(crate) fn uploaded(&self, key: &str, size: u64) {
        let mut uploaded = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner);
        uploaded.insert(key.to_owned(), size);
    }

    pub(crate) fn removed(&self, key: &str) {
        let mut uploaded = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner);
        uploaded.remove(key);
    }

    /// Bytes of the object with this key.
    pub(crate) fn size(&self, key: &str) -> Option<u64> {
        let served = key.split_once('/').and_then(|(folder, name)| {
            let served = Served::parse(folder)?;
            let number: u64 = name.strip_suffix(".bin")?.parse().ok()?;
            (number < served.count && name == file_name(number)).then_some(served.size)
        });
        served.or_else(|| {
            let uploaded = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner);
            uploaded.get(key).copied()
        })
    }

    /// Up to `most` objects under a prefix and behind a key, in order.
    pub(crate) fn list(&self, prefix: &str, after: &str, most: usize) -> Vec<Object> {
        let folder = prefix.split('/').next().unwrap_or_default();
        if let Some(served) = Served::parse(folder) {
            return (0..served.count)
                .map(|number| format!("{folder}/{}", file_name(number)))
                .filter(|key| key.starts_with(prefix) && key.as_str() > after)
                .take(most)
                .map(|key| Object {
                    key,
                    size: served.size,
                })
                .collect();
        }
        let uploaded = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner);
        uploaded
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| key.as_str() > after)
            .take(most)
            .map(|(key, size)| Object {
                key: key.clone(),
                size: *size,
            })
            .collect()
    }
}

fn file_name(number: u64) -> String {
    format!("{number:08}.bin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_their_size() {
        let catalog = Catalog::default();
        assert_eq!(catalog.size("3x16384/00000002.bin"), Some(16384));
        for key in ["3x16384/00000003.bin", "3x16384/2.bin", "3x16384", "x/a"] {
            assert_eq!(catalog.size(key), None, "{key}");
        }
        let listed = catalog.list("3x16384/", "", 2);
        assert_eq!(listed.len(), 2);
        assert_eq!(catalog.list("3x16384/", &listed[1].key, 2).len(), 1);
    }

    #[test]
    fn uploads_are_remembered() {
        let catalog = Catalog::default();
        catalog.uploaded("up/a", 1);
        catalog.uploaded("up/b", 2);
        catalog.uploaded("uq", 3);
        assert_eq!(catalog.size("up/b"), Some(2));
        assert_eq!(catalog.list("up/", "up/a", 10).len(), 1);
        catalog.removed("up/b");
        assert_eq!(catalog.size("up/b"), None);
    }
}
