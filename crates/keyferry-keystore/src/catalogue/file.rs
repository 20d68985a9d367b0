//! Opening the catalogue's file, and building it anew.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::row::State;
use super::{CATALOGUE_FILE, Catalogue, Fault, Home, tables};
use crate::Error;
use crate::folder::Folder;
use crate::key_file::UNFINISHED;
use crate::lock::ExclusiveLock;

/// What SQLite may have left beside the file. Beside another file of the same name it would be
/// taken for that one's.
const BESIDE: [&str; 3] = ["-journal", "-wal", "-shm"];

impl Catalogue {
    /// Opens the file as it is.
    pub(super) fn open(home: Home<'_>) -> Result<Self, Fault> {
        let connection = connect(home.folder, CATALOGUE_FILE)?;
        tables::check(&connection)?;
        State::read(&connection, &home)?;
        Ok(Self {
            connection,
            in_memory: false,
            proven: false,
        })
    }

    /// Builds the file from the journal and puts it in the place of whatever has its name.
    ///
    /// It is built under another name, so that nobody meets half of it; a process that has the old
    /// one open notices that it was replaced when it next writes.
    pub(super) fn rebuild(home: Home<'_>) -> Result<Self, Fault> {
        let acquired;
        let lock = match home.lock {
            Some(lock) => lock,
            None => {
                acquired = ExclusiveLock::acquire(home.folder)?;
                &acquired
            }
        };
        let home = Home {
            lock: Some(lock),
            ..home
        };
        let unfinished = format!("{UNFINISHED}{CATALOGUE_FILE}");
        remove(home.folder, &unfinished)?;
        let built = build_file(home, &unfinished).and_then(|()| {
            for suffix in BESIDE {
                remove(home.folder, &format!("{CATALOGUE_FILE}{suffix}"))?;
            }
            home.folder.rename_over(&unfinished, CATALOGUE_FILE)?;
            Ok(home.folder.sync()?)
        });
        if let Err(fault) = built {
            let _swept_later = home.folder.remove_file(&unfinished);
            return Err(fault);
        }
        Self::open(home)
    }

    /// Builds it in memory, for this process alone.
    pub(super) fn in_memory(home: Home<'_>) -> Result<Self, Fault> {
        let connection = Connection::open_in_memory()?;
        tables::create(&connection)?;
        let mut catalogue = Self {
            connection,
            in_memory: true,
            proven: false,
        };
        catalogue.fill(home)?;
        Ok(catalogue)
    }

    fn fill(&mut self, home: Home<'_>) -> Result<(), Fault> {
        State::EMPTY.write(&self.connection, &home)?;
        self.advance(home)
    }
}

fn build_file(home: Home<'_>, name: &str) -> Result<(), Fault> {
    drop(home.folder.new_file(name)?);
    let connection = connect(home.folder, name)?;
    // Nobody else knows the file yet, and half of one is thrown away.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    tables::create(&connection)?;
    let mut catalogue = Catalogue {
        connection,
        in_memory: false,
        proven: false,
    };
    catalogue.fill(home)?;
    catalogue
        .connection
        .close()
        .map_err(|(_, error)| Fault::Sqlite(error))?;
    let file = home.folder.open_file(name, OFlags::RDWR)?;
    file.sync_all()
        .map_err(|error| Error::io("sync", home.folder.path_of(name), error))?;
    Ok(())
}

/// Connects to a file of the folder that only its owner may touch, and to no other. SQLite opens
/// files by path, so it is compared afterwards with the file that was judged.
fn connect(folder: &Folder, name: &str) -> Result<Connection, Fault> {
    let judged = match folder.open_file(name, OFlags::RDONLY) {
        Err(error) if error.is_not_found() => return Err(Fault::Missing),
        opened => opened?,
    };
    let io = |action, error| Error::io(action, folder.path_of(name), error);
    let judged = judged.metadata().map_err(|error| io("examine", error))?;
    // SQLite refuses links anywhere in the path, and on the way to the store they are allowed.
    let path: PathBuf = folder
        .path()
        .canonicalize()
        .map_err(|error| io("find", error))?
        .join(name);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(&path, flags)?;
    let opened = path
        .symlink_metadata()
        .map_err(|error| io("examine", error))?;
    if (opened.dev(), opened.ino()) != (judged.dev(), judged.ino()) {
        return Err(Fault::unsound("another file took its place"));
    }
    tables::set_up(&connection)?;
    Ok(connection)
}

fn remove(folder: &Folder, name: &str) -> Result<(), Error> {
    match folder.remove_file(name) {
        Err(error) if error.is_not_found() => Ok(()),
        removed => removed,
    }
}
