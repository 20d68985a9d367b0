//! Following another copy of the same journal.

use std::io::Write;

use rustix::fs::OFlags;

use super::chain::{JOURNAL_FILE, Journal, sync};
use super::head::Head;
use crate::Error;
use crate::folder::Folder;
use crate::identity::StoreIdentity;
use crate::key_file::UNFINISHED;
use crate::lock::ExclusiveLock;

impl Journal {
    /// Takes in the lines that follow the last one, as many of them as hold: their length, and what is
    /// wrong with the first that does not. Nothing is written.
    pub(crate) fn take_in(
        &mut self,
        lines: &[u8],
        identity: &StoreIdentity,
    ) -> (usize, Option<&'static str>) {
        let mut taken = 0;
        while let Some(rest) = lines.get(taken..).filter(|rest| !rest.is_empty()) {
            match self.verify_line(rest, identity, None) {
                Ok(length) => {
                    self.length += u64::try_from(length).unwrap_or_default();
                    taken += length;
                }
                Err(reason) => return (taken, Some(reason)),
            }
        }
        (taken, None)
    }

    /// Appends lines that were taken in to the file, and waits until the disk has them.
    pub(crate) fn append_taken(
        &self,
        folder: &Folder,
        identity: &StoreIdentity,
        _lock: &ExclusiveLock,
        lines: &[u8],
    ) -> Result<(), Error> {
        let mut file = folder.open_file(JOURNAL_FILE, OFlags::WRONLY | OFlags::APPEND)?;
        file.write_all(lines)
            .map_err(|error| Error::io("write", folder.path_of(JOURNAL_FILE), error))?;
        sync(folder, &file)?;
        Head::write(folder, identity, self.tip)
    }

    /// Puts these lines, all taken in, in place of the file, in one step.
    pub(crate) fn replace_file(
        &self,
        folder: &Folder,
        identity: &StoreIdentity,
        _lock: &ExclusiveLock,
        lines: &[u8],
    ) -> Result<(), Error> {
        let unfinished = format!("{UNFINISHED}{JOURNAL_FILE}");
        folder.write_new(&unfinished, lines)?;
        folder.rename_over(&unfinished, JOURNAL_FILE)?;
        folder.sync()?;
        Head::write(folder, identity, self.tip)
    }
}
