//! Writing down which objects a key encrypts.

use std::collections::BTreeSet;

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

    /// The objects of a bucket that the journal says were encrypted under a key.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Permissions`].
    pub fn recorded_uses(&self, id: &KeyId, bucket: &str) -> Result<BTreeSet<ObjectUse>, Error> {
        let journal = Journal::read(&self.folder, &self.identity)?;
        Ok(journal
            .records
            .into_iter()
            .filter_map(|record| match record.event {
                Event::KeyUsed { id: used, objects } if used == *id => Some(objects),
                _ => None,
            })
            .flatten()
            .filter(|object| object.bucket == bucket)
            .collect())
    }
}
