//! One bucket's listing, read ahead while its objects are being looked at.

use std::cmp::Ordering;
use std::pin::pin;

use futures::StreamExt;
use futures::future::Either;
use keyferry_transfer::{Entry, Listing, TransferError};
use tokio::sync::mpsc;

/// Entries that are read ahead: a page, and what is needed while the next one comes.
const AHEAD: usize = 1500;

/// A listing, as far as it was taken.
pub(super) struct Lane {
    entries: mpsc::Receiver<Result<Entry, TransferError>>,
    next: Option<Entry>,
    last: String,
    is_over: bool,
}

/// What is at the head of a lane.
pub(super) enum Head {
    /// An entry.
    Entry,
    /// Nothing more.
    Over,
    /// The listing cannot be used.
    Failed(TransferError),
}

impl Lane {
    /// Of all versions and delete markers, or of current versions, whose ids are not told.
    pub(super) fn start(listing: Listing, versions: bool) -> Self {
        let (sender, entries) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            let listed = match versions {
                true => Either::Left(listing.entries()),
                false => Either::Right(listing.current()),
            };
            let mut listed = pin!(listed);
            while let Some(entry) = listed.next().await {
                // Nobody wants the rest.
                if sender.send(entry).await.is_err() {
                    return;
                }
            }
        });
        Self {
            entries,
            next: None,
            last: String::new(),
            is_over: false,
        }
    }

    /// Makes sure that the next entry is at hand. May be dropped and asked again.
    pub(super) async fn fill(&mut self) -> Head {
        if self.next.is_some() {
            return Head::Entry;
        }
        if self.is_over {
            return Head::Over;
        }
        match self.entries.recv().await {
            None => {
                self.is_over = true;
                Head::Over
            }
            Some(Err(error)) => {
                self.is_over = true;
                Head::Failed(error)
            }
            Some(Ok(entry)) if entry.name().cmp(&self.last) == Ordering::Less => {
                self.is_over = true;
                Head::Failed(TransferError::UnexpectedAnswer {
                    operation: "ListObjectVersions",
                    what: format!("`{}` is not in the order of keys", entry.name()),
                })
            }
            Some(Ok(entry)) => {
                if entry.name() != self.last {
                    entry.name().clone_into(&mut self.last);
                }
                self.next = Some(entry);
                Head::Entry
            }
        }
    }

    /// The key of the entry at hand.
    pub(super) fn key(&self) -> Option<&str> {
        self.next.as_ref().map(Entry::name)
    }

    /// Takes the entry at hand if it is of this key.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry> {
        match self.key() == Some(key) {
            true => self.next.take(),
            false => None,
        }
    }
}
