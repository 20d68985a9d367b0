//! The course of one object: look, copy, check; and again, if it was overwritten meanwhile.

use super::copy::{Attempt, Replaces};
use super::facts::{Facts, StoredSum, is_archive};
use super::look::{Found, Look};
use super::outcome::{Handled, Left, Note, Outcome, Planned, Rekeyed};
use super::parts::InParts;
use super::reissue::Given;
use super::{ListedVersion, Rekeyer, check};
use crate::{MAX_SINGLE_PUT, ObjectAddress, TransferError};

/// How often an object is tried that is overwritten each time.
pub(super) const TRIES: u32 = 8;

/// A copy that was made, until it is known to be right.
struct Pending {
    found: Box<Found>,
    given: Given,
}

/// What is known of one object so far.
struct Course<'a> {
    listed: &'a ListedVersion,
    address: ObjectAddress,
    notes: Vec<Note>,
    overtaken: u32,
    /// The last copy that may have been made without our knowing.
    pending: Option<Pending>,
}

impl Rekeyer<'_> {
    /// Deals with one object.
    pub(super) async fn handle(&self, listed: ListedVersion) -> Handled {
        let (outcome, overtaken, notes) = match self.address(&listed.key) {
            Err(error) => (Outcome::Failed(error), 0, Vec::new()),
            Ok(address) => {
                let mut course = Course {
                    listed: &listed,
                    address,
                    notes: Vec::new(),
                    overtaken: 0,
                    pending: None,
                };
                let outcome = self.run_course(&mut course).await;
                let outcome = outcome.unwrap_or_else(Outcome::Failed);
                (outcome, course.overtaken, course.notes)
            }
        };
        Handled {
            object: listed,
            outcome,
            overtaken,
            notes,
        }
    }

    async fn run_course(&self, course: &mut Course<'_>) -> Result<Outcome, TransferError> {
        if is_archive(&course.listed.storage_class) {
            let class = course.listed.storage_class.clone();
            return Ok(Outcome::Left(Left::Archived(class)));
        }
        let mut lost = None;
        for _ in 0..TRIES {
            let found = match self.look(course.listed, None).await? {
                Look::Found(found) => found,
                Look::Gone => return Ok(Outcome::Left(Left::Gone)),
                Look::UnknownKey { tag, tried } => {
                    return Ok(Outcome::Left(Left::UnknownKey { tag, tried }));
                }
            };
            let done = found.key_id() == Some(&self.rekey.key_id)
                && !self.is_to_be_renewed(course.listed, &found.facts);
            if done {
                return Ok(self.under_new_key(course, &found.facts));
            }
            if let Some(left) = self.leaves(&found) {
                return Ok(Outcome::Left(left));
            }
            if self.rekey.dry_run {
                return Ok(Outcome::Planned(self.plan(&found)));
            }
            let mut given = self
                .given(&course.address, &found.facts, found.key_id())
                .await?;
            self.expect_layout(&found, &mut given);
            course.notes.clone_from(&given.notes);
            match self.copy(course, &found, given).await? {
                (Attempt::Made { version_id, parts }, given) => {
                    return self.settle(course, found, given, version_id, parts).await;
                }
                (Attempt::Changed, given) => {
                    course.overtaken += 1;
                    lost = None;
                    course.pending = Some(Pending { found, given });
                }
                (Attempt::Lost(error), given) => {
                    lost = Some(error);
                    course.pending = Some(Pending { found, given });
                }
            }
        }
        Err(lost.unwrap_or_else(|| TransferError::KeepsChanging {
            address: course.address.clone(),
            times: course.overtaken,
        }))
    }

    /// What to leave as it is.
    fn leaves(&self, found: &Found) -> Option<Left> {
        if let Some(class) = found.facts.archived() {
            return Some(Left::Archived(class));
        }
        if found.facts.replication.as_deref() == Some("REPLICA") && !self.rekey.include_replicas {
            return Some(Left::Replica);
        }
        match (found.key_id(), &self.rekey.only_from) {
            (None, _) if !self.rekey.include_unencrypted => Some(Left::NotCustomerKey),
            (Some(id), Some(only)) if !only.contains(id) => Some(Left::OtherKey(id.clone())),
            _ => None,
        }
    }

    /// An object that is under the new key: by this run, if a copy was made whose answer did not come
    /// through, and otherwise already.
    fn under_new_key(&self, course: &mut Course<'_>, facts: &Facts) -> Outcome {
        if let Some(pending) = &course.pending
            && check::differences(&pending.given.expected, facts).is_empty()
            && facts.version_id != course.listed.version_id
        {
            course.overtaken = course.overtaken.saturating_sub(1);
            let parts = facts.part_count();
            let version_id = facts.version_id.clone();
            return Outcome::Rekeyed(rekeyed(&pending.found, version_id, parts));
        }
        Outcome::Already {
            version_id: facts.version_id.clone(),
            size: facts.size,
            replication: facts.replication.clone(),
        }
    }

    fn plan(&self, found: &Found) -> Planned {
        let facts = &found.facts;
        let parts = match facts.part_count() {
            _ if !self.goes_in_parts(facts) => None,
            Some(count) => Some(count),
            None => {
                let count = facts.size.div_ceil(self.rekey.limits.part_size.bytes());
                u32::try_from(count).ok()
            }
        };
        Planned {
            from: found.key_id().cloned(),
            size: facts.size,
            storage_class: facts.storage_class.clone(),
            parts,
        }
    }

    /// An object that was in one piece and is copied in parts is in parts from then on.
    pub(super) fn expect_layout(&self, found: &Found, given: &mut Given) {
        if let (None, Some(parts)) = (found.facts.part_count(), self.plan(found).parts) {
            given.expected.etag = format!("-{parts}");
        }
    }

    pub(super) fn goes_in_parts(&self, facts: &Facts) -> bool {
        if facts.size == 0 {
            return false;
        }
        facts.part_count().is_some()
            || facts.size > MAX_SINGLE_PUT
            || (facts.size > self.rekey.limits.single
                && keeps_its_kind_in_parts(facts.checksum.as_ref()))
    }

    async fn copy(
        &self,
        course: &Course<'_>,
        found: &Found,
        given: Given,
    ) -> Result<(Attempt, Given), TransferError> {
        let replaces = Some(found.facts.etag.as_str());
        match self.copy_once(course, found, &given, replaces).await {
            // Writing tags is a permission of its own, and one that may be missing.
            Err(TransferError::AccessDenied { target, answer })
                if given.expected.tags.len() == 1 && !self.rekey.renew =>
            {
                let denied = TransferError::AccessDenied { target, answer };
                let Some(untagged) = given.without_key_tag() else {
                    return Err(denied);
                };
                match self.copy_once(course, found, &untagged, replaces).await {
                    Ok(attempt) => Ok((attempt, untagged)),
                    Err(_) => Err(denied),
                }
            }
            attempt => Ok((attempt?, given)),
        }
    }

    async fn copy_once(
        &self,
        course: &Course<'_>,
        found: &Found,
        given: &Given,
        replaces: Replaces<'_>,
    ) -> Result<Attempt, TransferError> {
        let address = &course.address;
        if self.goes_in_parts(&found.facts) {
            let parts = self.layout(address, found).await?;
            let resumed = self.resume(address, found, &parts).await?;
            let object = InParts {
                address,
                found,
                given,
                replaces,
                parts,
            };
            return self.copy_in_parts(&object, resumed).await;
        }
        let (judges, copied) = match replaces {
            Some(_) => self.judges_conditions(address, found, given).await?,
            None => (false, None),
        };
        if let Some(copied) = copied {
            return Ok(copied);
        }
        let replaces = replaces.filter(|_| judges);
        self.copy_whole(address, found, given, replaces).await
    }

    /// Looks at what was made, and whether it hides something newer.
    async fn settle(
        &self,
        course: &mut Course<'_>,
        found: Box<Found>,
        given: Given,
        version_id: Option<String>,
        parts: Option<u32>,
    ) -> Result<Outcome, TransferError> {
        course.notes.clone_from(&given.notes);
        let address = course.address.clone();
        let Some(made) = self.look_at_new(&address, version_id.as_deref()).await? else {
            return Err(TransferError::CopyGone {
                address,
                version_id,
            });
        };
        let rekeyed = rekeyed(&found, version_id, parts);
        let mut expected = given.expected;
        if expected.lock.retention.is_none() && made.lock.retention.is_some() {
            // Nothing asked for it but the bucket, which locks what is new.
            course.notes.push(Note::LockedByDefault);
            expected.lock.retention.clone_from(&made.lock.retention);
        }
        let differences = check::differences(&expected, &made);
        if !differences.is_empty() {
            return Ok(Outcome::Differs {
                rekeyed,
                differences,
            });
        }
        if self.judged() && parts.is_none() {
            return Ok(Outcome::Rekeyed(rekeyed));
        }
        let (source, copy) = (&rekeyed.source_version, &rekeyed.version_id);
        let between = self
            .between(&address, source.as_deref(), copy.as_deref())
            .await?;
        if between.deleted {
            course.notes.push(Note::BroughtBack);
        }
        match between.versions.into_iter().next() {
            None => Ok(Outcome::Rekeyed(rekeyed)),
            Some(newer) => self.redo(course, newer).await,
        }
    }

    /// Re-encrypts a version that a copy of an older one has hidden, so that it is current again.
    async fn redo(
        &self,
        course: &mut Course<'_>,
        newer: ListedVersion,
    ) -> Result<Outcome, TransferError> {
        course.overtaken += 1;
        let address = course.address.clone();
        let found = match self.look(&newer, newer.version_id.as_deref()).await? {
            Look::Found(found) => found,
            Look::Gone => return Ok(Outcome::Left(Left::Gone)),
            Look::UnknownKey { tag, tried } => {
                return Ok(Outcome::Left(Left::UnknownKey { tag, tried }));
            }
        };
        let mut given = self.given(&address, &found.facts, found.key_id()).await?;
        self.expect_layout(&found, &mut given);
        let mut notes = given.notes.clone();
        notes.push(Note::NewerRedone {
            version_id: newer.version_id.clone(),
        });
        let attempt = self.copy_once(course, &found, &given, None).await?;
        course.notes = notes;
        let Attempt::Made { version_id, parts } = attempt else {
            return Err(TransferError::KeepsChanging {
                address,
                times: course.overtaken,
            });
        };
        let Some(made) = self.look_at_new(&address, version_id.as_deref()).await? else {
            return Err(TransferError::CopyGone {
                address,
                version_id,
            });
        };
        let rekeyed = rekeyed(&found, version_id, parts);
        let differences = check::differences(&given.expected, &made);
        Ok(if differences.is_empty() {
            Outcome::Rekeyed(rekeyed)
        } else {
            Outcome::Differs {
                rekeyed,
                differences,
            }
        })
    }
}

fn rekeyed(found: &Found, version_id: Option<String>, parts: Option<u32>) -> Rekeyed {
    Rekeyed {
        from: found.key_id().cloned(),
        source_version: found.facts.version_id.clone(),
        version_id,
        size: found.facts.size,
        parts,
        was_replicated: found.facts.was_replicated(),
    }
}

/// Whether an upload in parts can have a checksum of the same kind: over the full object only CRCs.
fn keeps_its_kind_in_parts(sum: Option<&StoredSum>) -> bool {
    sum.is_none_or(|sum| sum.is_composite || sum.algorithm.starts_with("CRC"))
}
