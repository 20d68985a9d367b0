//! The listings of the source bucket and of the replica buckets, side by side.
//!
//! All of them come in the order of keys, and the versions of a key in the order in which they were made
//! (S3-REPL-10). So what belongs together comes at about the same time: in memory is what one side
//! has shown of a key and another not yet.

use std::collections::{BTreeMap, VecDeque};

use keyferry_transfer::{Entry, TransferError};

use super::lane::{Head, Lane};

/// A version or a delete marker, and which listings show it.
#[derive(Debug)]
pub(super) struct Found {
    /// As the first listing shows it that has it.
    pub(super) entry: Entry,
    /// Whether each listing has it, the source's first. What is not listed has nothing.
    pub(super) shown: Vec<bool>,
}

/// Listings under way.
pub(super) struct Join {
    /// The source's first. Those that failed are none.
    lanes: Vec<Option<Lane>>,
    key: Option<String>,
    /// Of the key, what some listings have shown and others not yet, by version id.
    open: BTreeMap<String, Found>,
    ready: VecDeque<Found>,
}

/// What comes next.
pub(super) enum Next {
    /// An entry.
    Found(Found),
    /// All lanes are at their end.
    Over,
    /// A listing failed. Others go on without it.
    Failed(usize, TransferError),
}

impl Join {
    pub(super) fn new(lanes: Vec<Option<Lane>>) -> Self {
        Self {
            lanes,
            key: None,
            open: BTreeMap::new(),
            ready: VecDeque::new(),
        }
    }

    /// Whether a bucket is listed, and goes on being so.
    pub(super) fn is_listed(&self, index: usize) -> bool {
        self.lanes.get(index).is_some_and(Option::is_some)
    }

    /// The next entry. May be dropped and asked again.
    pub(super) async fn next(&mut self) -> Next {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Next::Found(found);
            }
            for (index, slot) in self.lanes.iter_mut().enumerate() {
                let Some(lane) = slot else {
                    continue;
                };
                if let Head::Failed(error) = lane.fill().await {
                    *slot = None;
                    return Next::Failed(index, error);
                }
            }
            if self.key.is_none() {
                let lanes = self.lanes.iter().flatten();
                let Some(first) = lanes.filter_map(Lane::key).min() else {
                    return Next::Over;
                };
                self.key = Some(first.to_owned());
            }
            if !self.advance() {
                // No listing has more of this key.
                self.key = None;
                self.ready
                    .extend(std::mem::take(&mut self.open).into_values());
            }
        }
    }

    /// Takes one entry of the key from every lane that has one.
    fn advance(&mut self) -> bool {
        let Some(key) = &self.key else {
            return false;
        };
        let count = self.lanes.len();
        let listed: Vec<bool> = self.lanes.iter().map(Option::is_some).collect();
        let mut any = false;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let Some(entry) = lane.as_mut().and_then(|lane| lane.take(key)) else {
                continue;
            };
            any = true;
            let id = version_id(&entry).unwrap_or_default().to_owned();
            let mut found = self.open.remove(&id).unwrap_or_else(|| Found {
                entry,
                shown: vec![false; count],
            });
            if let Some(shown) = found.shown.get_mut(index) {
                *shown = true;
            }
            match found.shown == listed {
                true => self.ready.push_back(found),
                false => {
                    self.open.insert(id, found);
                }
            }
        }
        any
    }
}

/// The version id of an entry.
pub(super) fn version_id(entry: &Entry) -> Option<&str> {
    match entry {
        Entry::Version(version) => version.version_id.as_deref(),
        Entry::DeleteMarker(marker) => marker.version_id.as_deref(),
        Entry::Prefix(_) => None,
    }
}
