//! Writing down which objects a key encrypts.

use std::collections::BTreeMap;

use keyferry_key::KeyId;

use crate::journal::{Event, Journal};
use crate::{Error, ObjectUse, Store};

/// How many objects one entry of the journal names at most, so that its lines stay readable.
const IN_ONE_ENTRY: usize = 500;

impl Store {
    /// Records that objects were encrypted under a key, by an upload or a copy. When this returns, the
    /// journal has it.
    ///
    /// # Errors
    /// [`Error::UnknownKey`]; [`Error::ReadOnly`] if the store may not be written; [`Error::Busy`],
    /// [`Error::NoLocks`], [`Error::Io`].
    pub fn record_use(&mut self, id: &KeyId, objects: &[ObjectUse]) -> Result<(), Error> {
        if objects.is_empty() {
            return Ok(());
        }
        let lock = self.begin_write()?;
        self.entry(id)?;
        for objects in objects.chunks(IN_ONE_ENTRY) {
            let event = Event::KeyUsed {
                id: id.clone(),
                objects: objects.to_vec(),
            };
            self.record(&lock, event)?;
        }
        Ok(())
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

    /// Which key the journal says that versions of a bucket's objects are under.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Permissions`].
    pub fn recorded_uses(&self, bucket: &str) -> Result<BTreeMap<ObjectUse, KeyId>, Error> {
        let journal = Journal::read(&self.folder, &self.identity)?;
        let mut uses = BTreeMap::new();
        for record in journal.records {
            if let Event::KeyUsed { id, objects } | Event::KeyFound { id, objects } = record.event {
                let here = objects.into_iter().filter(|object| object.bucket == bucket);
                uses.extend(here.map(|object| (object, id.clone())));
            }
        }
        Ok(uses)
    }
}
