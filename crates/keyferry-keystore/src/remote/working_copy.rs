//! The folder that a working copy lies in.

use std::fs::File;
use std::time::SystemTime;

use jiff::{Timestamp, Unit};
use rustix::fs::OFlags;

use super::Remote;
use crate::folder::Folder;
use crate::journal::JOURNAL_FILE;
use crate::{Error, Finding};

/// Names the place. A folder with it is no store of its own. When it was last changed is when the place
/// last answered.
pub(super) const PLACE_FILE: &str = "place";
const LIMIT: u64 = 8 << 10;

/// The place that a folder is the working copy of.
pub(super) fn place_of(folder: &Folder) -> Result<Option<String>, Error> {
    let bytes = match folder.read(PLACE_FILE, LIMIT) {
        Err(error) if error.is_not_found() => return Ok(None),
        read => read?,
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(text.trim_end_matches('\n').to_owned()))
}

/// Refuses a folder that is a working copy: written to by itself, it would go its own way.
pub(crate) fn refuse_working_copy(folder: &Folder) -> Result<(), Error> {
    match place_of(folder)? {
        None => Ok(()),
        Some(place) => Err(Error::IsWorkingCopy {
            path: folder.path().to_owned(),
            place,
        }),
    }
}

/// Names the place in a new working copy.
pub(super) fn mark(folder: &Folder, place: &str) -> Result<(), Error> {
    folder.write_new(PLACE_FILE, format!("{place}\n").as_bytes())
}

/// Remembers that the place has just answered.
pub(super) fn note_contact(folder: &Folder) {
    let noted = |file: File| file.set_modified(SystemTime::now());
    // It is for people only.
    let _ = folder.open_file(PLACE_FILE, OFlags::WRONLY).map(noted);
}

/// Keeps a damaged journal beside the one that takes its place.
pub(super) fn set_aside(folder: &Folder, journal: &[u8]) -> Result<std::path::PathBuf, Error> {
    let name = format!(
        "{JOURNAL_FILE}.damaged-{}",
        Timestamp::now().as_millisecond()
    );
    folder.write_new(&name, journal)?;
    folder.sync()?;
    Ok(folder.path_of(&name))
}

impl Remote {
    /// The working copy is all there is at present, and this old.
    pub(super) fn as_of(&self, folder: &Folder, reason: &str) -> Finding {
        let contact = folder
            .open_file(PLACE_FILE, OFlags::RDONLY)
            .ok()
            .and_then(|file| file.metadata().ok()?.modified().ok())
            .and_then(|time| Timestamp::try_from(time).ok());
        Finding::PlaceUnreachable {
            place: self.place(),
            reason: reason.to_owned(),
            as_of: contact.map(|time| time.round(Unit::Second).unwrap_or(time)),
        }
    }
}
