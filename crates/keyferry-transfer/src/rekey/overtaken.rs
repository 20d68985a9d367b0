//! Never hiding a newer version behind a copy of an older one.
//!
//! `If-Match` ties the write to the version that was looked at still being the current one
//! (S3-COND-1). Not every server knows it, and one that ignores it says nothing; so the first copy of
//! a run is tried with an entity tag that cannot match. A server that makes it all the same has its
//! versions looked at after each copy: one that came in between is re-encrypted in its turn, so that
//! it is the current one again.

use futures::TryStreamExt;
use tokio::sync::OnceCell;

use super::Rekeyer;
use super::copy::Attempt;
use super::look::Found;
use super::reissue::Given;
use crate::{Entry, ListedVersion, Listing, ObjectAddress, Scope, TransferError};

/// What no entity tag looks like.
const NO_ETAG: &str = "no-such-entity-tag";

/// Whether the server judges the conditions of copies; unknown before the first one.
#[derive(Default)]
pub(super) struct Conditions(OnceCell<bool>);

/// What came between a version and its copy.
#[derive(Default)]
pub(super) struct Between {
    /// Versions, the newest first.
    pub(super) versions: Vec<ListedVersion>,
    /// Whether the object was deleted.
    pub(super) deleted: bool,
}

impl Rekeyer<'_> {
    /// Whether the server judges conditions. The first caller finds out, with its own object; if the
    /// server does not, that object may have been copied by it.
    pub(super) async fn judges_conditions(
        &self,
        address: &ObjectAddress,
        found: &Found,
        given: &Given,
    ) -> Result<(bool, Option<Attempt>), TransferError> {
        let mut copied = None;
        let judges = self
            .conditions
            .0
            .get_or_try_init(|| async {
                let attempt = self.copy_whole(address, found, given, Some(NO_ETAG)).await;
                match attempt {
                    Ok(Attempt::Changed) => Ok(true),
                    Ok(attempt @ Attempt::Made { .. }) => {
                        copied = Some(attempt);
                        Ok(false)
                    }
                    Ok(Attempt::Lost(error)) => Err(error),
                    Err(TransferError::Service { answer, .. }) if answer.status == 501 => Ok(false),
                    Err(error) => Err(error),
                }
            })
            .await?;
        Ok((*judges, copied))
    }

    /// Whether the server is known to judge conditions.
    pub(super) fn judged(&self) -> bool {
        self.conditions.0.get() == Some(&true)
    }

    /// What came between the version that was copied and the copy. Nothing is known of that where no
    /// versions are kept.
    pub(super) async fn between(
        &self,
        address: &ObjectAddress,
        source: Option<&str>,
        copy: Option<&str>,
    ) -> Result<Between, TransferError> {
        let (Some(source), Some(copy)) = (source, copy) else {
            return Ok(Between::default());
        };
        let scope = Scope::Object(address.key.clone());
        let listed: Vec<Entry> = Listing::new(self.client, &address.bucket, scope)
            .entries()
            .try_collect()
            .await?;
        let (mut between, mut inside) = (Between::default(), false);
        let (mut copied, mut made) = (None, None);
        for version in listed.iter().filter_map(Entry::version) {
            match version.version_id.as_deref() {
                Some(id) if id == copy => {
                    inside = true;
                    made = version.last_modified;
                }
                Some(id) if id == source => {
                    copied = version.last_modified;
                    break;
                }
                _ if inside => between.versions.push(version.clone()),
                _ => {}
            }
        }
        // Where among the versions a delete marker is, its time tells.
        between.deleted = listed.iter().any(|entry| match entry {
            Entry::DeleteMarker(marker) => {
                let at = marker.last_modified;
                at > copied && at <= made && copied.is_some()
            }
            Entry::Version(_) | Entry::Prefix(_) => false,
        });
        Ok(between)
    }
}
