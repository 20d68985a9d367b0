//! What can be seen of the place before the store is unlocked.

use super::Remote;
use super::pull::Beyond;
use crate::folder::Folder;
use crate::identity::IDENTITY_FILE;
use crate::journal;
use crate::key_file::UNFINISHED;
use crate::lock::ExclusiveLock;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::{DocumentsError, Error};

/// Where the identity is kept that the place had before.
pub(super) const PREVIOUS_IDENTITY: &str = "identity.previous.age";

impl Remote {
    /// Looks whether the place has more than the working copy; if so, brings what opens the store, and
    /// remembers the entries.
    pub(super) fn peek(&mut self, folder: &Folder, manifest: &Manifest) -> Result<(), Error> {
        match self.peek_now(folder, manifest) {
            Err(Error::Place(DocumentsError::Unreachable { reason, .. })) => {
                let finding = self.as_of(folder, &reason);
                self.noticed.push(finding);
                Ok(())
            }
            peeked => peeked,
        }
    }

    fn peek_now(&mut self, folder: &Folder, manifest: &Manifest) -> Result<(), Error> {
        // Locked, because a working copy that goes on meanwhile would seem to be ahead of the place.
        let lock = ExclusiveLock::acquire(folder)?;
        let held = journal::read_bytes(folder)?;
        match self.fetch_beyond(&held)? {
            Some(Beyond { new, .. }) if new.is_empty() => {}
            Some(Beyond { new, .. }) => {
                self.pull_identity(folder, &lock)?;
                self.pull_unlock_files(folder)?;
                self.ahead = new;
            }
            // Unlocking tells what is wrong with it, unless it is another store altogether.
            None => self.check_store(folder, manifest)?,
        }
        Ok(())
    }

    /// Refuses a place that holds another store than the working copy.
    pub(super) fn check_store(&self, folder: &Folder, manifest: &Manifest) -> Result<(), Error> {
        let Some(bytes) = self.read(MANIFEST_FILE)? else {
            return Ok(());
        };
        let text = String::from_utf8_lossy(&bytes);
        let found = toml::from_str::<Manifest>(&text).ok();
        match found {
            Some(found) if found.id != manifest.id => Err(Error::OtherStore {
                place: self.place(),
                found: found.id,
                path: folder.path().to_owned(),
                held: manifest.id.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Brings the identity as the place has it. The one here stays beside it until the store was opened
    /// with the new one.
    fn pull_identity(&self, folder: &Folder, _lock: &ExclusiveLock) -> Result<(), Error> {
        let Some(bytes) = self.read(IDENTITY_FILE)? else {
            return Ok(());
        };
        let held = match folder.read(IDENTITY_FILE, 1 << 20) {
            Err(error) if error.is_not_found() => None,
            read => Some(read?),
        };
        if held.as_deref() == Some(bytes.as_slice()) {
            return Ok(());
        }
        let unfinished = format!("{UNFINISHED}{IDENTITY_FILE}");
        let _left_by_an_interrupted_attempt = folder.remove_file(&unfinished);
        folder.write_new(&unfinished, &bytes)?;
        if held.is_some() {
            folder.rename_over(IDENTITY_FILE, PREVIOUS_IDENTITY)?;
        }
        folder.rename_over(&unfinished, IDENTITY_FILE)?;
        folder.sync()
    }
}
