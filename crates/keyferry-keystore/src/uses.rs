//! Which key was used for which version of which object.
//!
//! The journal is the truth: an upload's or a copy's use of a key is an entry there, and so is what
//! asking S3 has shown. The catalogue only makes it quick to look up. Both are hints: S3 may hold
//! something else by now, so whatever they say is proven against the object.

use std::collections::BTreeMap;
use std::vec;

use keyferry_key::KeyId;

use crate::catalogue::Home;
use crate::journal::{Event, Position, replay};
use crate::lock::ExclusiveLock;
use crate::{Error, Finding, ObjectUse, Store};

/// How many objects one entry of the journal names at most.
const PER_ENTRY: usize = 500;

/// A version of an object and the key that was recorded last for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedUse {
    /// The version.
    pub object: ObjectUse,
    /// The key.
    pub id: KeyId,
}

/// How many versions in a bucket were recorded for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseCount {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub id: KeyId,
    /// How many.
    pub versions: u64,
}

impl Store {
    /// Records that these versions were encrypted under a key, by an upload or a copy. When this
    /// returns, the journal has it on disk: one entry for each 500 versions.
    ///
    /// # Errors
    /// [`Error::UnknownKey`]; [`Error::ReadOnly`] if the store may not be written; [`Error::Busy`],
    /// [`Error::NoLocks`], [`Error::Io`]. Some of the versions may have been recorded then. A
    /// catalogue that cannot follow is no error: see [`Self::catalogue_findings`].
    pub fn record_use(&mut self, id: &KeyId, objects: &[ObjectUse]) -> Result<(), Error> {
        let objects: Vec<ObjectUse> = objects.iter().map(ObjectUse::as_recorded).collect();
        self.record_objects(id, &objects, |id, objects| Event::KeyUsed { id, objects })
    }

    /// Records that S3 has shown these versions to need a key. Those of which that is recorded
    /// already are left out.
    ///
    /// # Errors
    /// As for [`Self::record_use`].
    pub fn record_found(&mut self, id: &KeyId, objects: &[ObjectUse]) -> Result<(), Error> {
        let home = self.home(None);
        let objects: Vec<ObjectUse> = objects
            .iter()
            .map(ObjectUse::as_recorded)
            .filter(|object| self.catalogue.key_of(home, object).as_ref() != Some(id))
            .collect();
        self.record_objects(id, &objects, |id, objects| Event::KeyFound { id, objects })
    }

    /// Records that so many objects below a prefix are under a key now.
    ///
    /// # Errors
    /// As for [`Self::record_use`].
    pub fn record_rekeyed(
        &mut self,
        id: &KeyId,
        bucket: &str,
        prefix: &str,
        objects: u64,
    ) -> Result<(), Error> {
        let lock = self.begin_write()?;
        self.entry(id)?;
        let event = Event::Rekeyed {
            id: id.clone(),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            objects,
        };
        self.record(&lock, event)
    }

    fn record_objects(
        &mut self,
        id: &KeyId,
        objects: &[ObjectUse],
        event: impl Fn(KeyId, Vec<ObjectUse>) -> Event,
    ) -> Result<(), Error> {
        if objects.is_empty() {
            return Ok(());
        }
        let lock = self.begin_write()?;
        self.entry(id)?;
        // Before the entries, so that a first catalogue is not taken for one that was lost.
        self.catalogue.follow(self.home(Some(&lock)));
        let mut recorded = Ok(());
        for objects in objects.chunks(PER_ENTRY) {
            recorded = self.record(&lock, event(id.clone(), objects.to_vec()));
            if recorded.is_err() {
                break;
            }
        }
        self.catalogue.follow(self.home(Some(&lock)));
        recorded
    }

    /// The key that was recorded last for a version of an object; where none is named, for the
    /// version that was recorded last.
    #[must_use]
    pub fn key_of(&self, bucket: &str, key: &str, version: Option<&str>) -> Option<KeyId> {
        match version {
            Some(_) => {
                let object = ObjectUse::new(bucket, key, version).as_recorded();
                self.catalogue.key_of(self.home(None), &object)
            }
            None => {
                let recorded = self.catalogue.versions_of(self.home(None), bucket, key);
                recorded.into_iter().next().map(|recorded| recorded.id)
            }
        }
    }

    /// What was recorded for the versions of an object, the last first; no more than the last 512.
    #[must_use]
    pub fn versions_of(&self, bucket: &str, key: &str) -> Vec<RecordedUse> {
        self.catalogue.versions_of(self.home(None), bucket, key)
    }

    /// The versions that were recorded last for this key, in the order of their names, fetched as
    /// they are asked for.
    #[must_use]
    pub fn uses_of(&self, id: &KeyId) -> Uses<'_> {
        Uses {
            store: self,
            id: id.clone(),
            page: Vec::new().into_iter(),
            last: None,
            more: true,
        }
    }

    /// The key that was recorded last for each version of a bucket's objects, as the journal has it now:
    /// for whoever goes through the bucket while the store is written.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Permissions`].
    pub fn recorded_uses(&self, bucket: &str) -> Result<BTreeMap<ObjectUse, KeyId>, Error> {
        let mut uses = BTreeMap::new();
        let (from, to) = (Position::START, self.journal.position());
        replay(&self.folder, &self.identity, from, to, |record| {
            if let Event::KeyUsed { id, objects } | Event::KeyFound { id, objects } = &record.event
            {
                let here = objects.iter().filter(|object| object.bucket == bucket);
                uses.extend(here.map(|object| (object.clone(), id.clone())));
            }
            Ok::<_, Error>(())
        })?;
        Ok(uses)
    }

    /// How many versions were recorded for each key, by bucket: the buckets that are known.
    #[must_use]
    pub fn use_counts(&self) -> Vec<UseCount> {
        self.catalogue.counts(self.home(None))
    }

    /// Goes through the whole catalogue and makes it anew if anything in it does not hold. What
    /// was found is among [`Self::catalogue_findings`].
    pub fn check_catalogue(&self) {
        self.catalogue.prove(self.home(None));
    }

    /// What was noticed of the catalogue since the store was opened. It is opened when it is first
    /// needed, so [`Self::findings`] does not have this.
    #[must_use]
    pub fn catalogue_findings(&self) -> Vec<Finding> {
        self.catalogue.findings()
    }

    fn home<'a>(&'a self, lock: Option<&'a ExclusiveLock>) -> Home<'a> {
        Home {
            folder: &self.folder,
            store: &self.manifest.id,
            identity: &self.identity,
            journal: self.journal.position(),
            lock,
        }
    }
}

/// The versions that were recorded for a key: see [`Store::uses_of`].
pub struct Uses<'a> {
    store: &'a Store,
    id: KeyId,
    page: vec::IntoIter<ObjectUse>,
    last: Option<ObjectUse>,
    more: bool,
}

impl Iterator for Uses<'_> {
    type Item = ObjectUse;

    fn next(&mut self) -> Option<ObjectUse> {
        if self.page.as_slice().is_empty() && self.more {
            let Self { store, id, .. } = self;
            let home = store.home(None);
            let page = store.catalogue.uses_after(home, id, self.last.as_ref());
            self.more = !page.is_empty();
            self.last = page.last().cloned();
            self.page = page.into_iter();
        }
        self.page.next()
    }
}

impl std::fmt::Debug for Uses<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Uses")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
