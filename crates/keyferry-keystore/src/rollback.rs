//! Going on from an older state of the store.

use crate::journal::Event;
use crate::lock::ExclusiveLock;
use crate::recover::load_recovered_for_writing;
use crate::witness::Witness;
use crate::{Error, Store, WriteBlock};

impl Store {
    /// Takes the store as it is, although a newer or another state of it was seen: the journal records
    /// it, and the witness forgets what it saw. Of a store that is as it was seen nothing changes.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] if the store may not be written for another reason; [`Error::Busy`],
    /// [`Error::Io`].
    pub fn accept_rollback(&mut self) -> Result<(), Error> {
        let lock = ExclusiveLock::acquire(&self.folder)?;
        let loaded = load_recovered_for_writing(
            &self.folder,
            &self.manifest,
            &self.identity,
            &self.witness,
            self.remote.as_ref(),
            &lock,
        )?;
        let Some(WriteBlock::RolledBack { seen, .. }) = loaded.block else {
            self.take_in(loaded);
            return match self.write_block() {
                Some(block) => Err(self.read_only(block)),
                None => Ok(()),
            };
        };
        let witness = std::mem::take(&mut self.witness);
        let accepted = load_without(self, &lock)
            .and_then(|()| self.record(&lock, Event::RollbackAccepted { seen }));
        self.witness = witness;
        accepted?;
        self.bear_witness(true);
        Ok(())
    }
}

/// Loads the store without asking the witness.
fn load_without(store: &mut Store, lock: &ExclusiveLock) -> Result<(), Error> {
    let nobody = Witness::default();
    let loaded = load_recovered_for_writing(
        &store.folder,
        &store.manifest,
        &store.identity,
        &nobody,
        store.remote.as_ref(),
        lock,
    )?;
    store.take_in(loaded);
    match store.write_block() {
        Some(block) => Err(store.read_only(block)),
        None => Ok(()),
    }
}
