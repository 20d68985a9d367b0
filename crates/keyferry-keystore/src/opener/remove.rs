//! A way to open a store that is to be one no more.

use super::file::{At, OpenerFile};
use super::survey::outgoing;
use super::{Opener, OpenerName};
use crate::journal::Event;
use crate::{Error, Store};

impl Store {
    /// Removes a way to open the store. What was removed as it was before.
    ///
    /// Only if this very store was opened by another one, whose file is still as it was then: so
    /// there is always one left that is known to work. The file is deleted; copies of it, in backups
    /// for example, open the store's identity all the same.
    ///
    /// # Errors
    /// [`Error::UnknownOpener`]; [`Error::LastOpener`] if there is no other,
    /// [`Error::OpenerNotProven`] if no other was seen to open the store; [`Error::ReadOnly`],
    /// [`Error::Io`].
    pub fn remove_opener(&mut self, name: &OpenerName) -> Result<Opener, Error> {
        let lock = self.begin_write()?;
        let openers = self.openers()?;
        let unknown = || Error::UnknownOpener { name: name.clone() };
        let opener = openers
            .iter()
            .find(|opener| opener.name == *name)
            .cloned()
            .ok_or_else(unknown)?;
        let files = OpenerFile::read_all(&self.folder)?;
        let there = files.iter().any(|file| file.name == *name);
        if there && files.len() == 1 {
            return Err(Error::LastOpener { name: name.clone() });
        }
        if !self.is_opened_by_other(name)? {
            return Err(Error::OpenerNotProven { name: name.clone() });
        }
        let at = At::of(name);
        let (file, waiting) = (name.file(), outgoing(name));
        if there {
            at.within(&self.folder, |folder| {
                folder.rename_new(&file, &waiting)?;
                folder.sync()
            })?;
        }
        let event = Event::OpenerRemoved {
            name: name.to_string(),
        };
        self.record(&lock, event)?;
        if there {
            // It has lost its name: should this fail, it is swept when the store is next opened.
            at.within(&self.folder, |folder| {
                folder.remove_file(&waiting)?;
                folder.sync()
            })?;
        }
        Ok(opener)
    }
}
