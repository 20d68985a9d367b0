//! Where a new store comes from: nothing, until the whole of it is there.
//!
//! It is built under a hidden name beside its final one, proven to open, and then renamed: whoever
//! finds the final name finds a whole store.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::folder::Folder;
use crate::lock::ExclusiveLock;
use crate::manifest::{MANIFEST_FILE, StoreId};

/// Builds a store and gives it its name, which must be free or that of an empty folder. Folders above
/// are made too, for the owner alone. After an error nothing is left under the name.
pub(crate) fn found<T>(
    dir: &Path,
    build: impl FnOnce(&Folder) -> Result<T, Error>,
) -> Result<(Folder, T), Error> {
    let dir: PathBuf = dir.components().collect();
    let name = dir
        .file_name()
        .and_then(OsStr::to_str)
        .ok_or_else(|| Error::BadPath { path: dir.clone() })?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(parent)
        .map_err(|error| Error::io("make the folder", parent.to_owned(), error))?;
    let parent = Folder::open_foreign(parent)?;
    let replaces_empty = check_free(&dir)?;
    sweep(&parent, name)?;

    // Random, so that two attempts at once do not meet.
    let unfinished = format!("{}{}", unfinished_prefix(name), StoreId::generate()?);
    let folder = parent.new_child(&unfinished)?;
    // Held until the rename, so that nobody sweeps the folder; and the proof that locks work here.
    let made = ExclusiveLock::acquire(&folder).and_then(|lock| {
        let built = build(&folder)?;
        folder.sync()?;
        if replaces_empty {
            // Succeeds only while the folder is empty.
            parent.rename_over(&unfinished, name)?;
        } else {
            parent.rename_new(&unfinished, name)?;
        }
        Ok((built, lock))
    });
    let (built, _lock) = match made {
        Ok(made) => made,
        Err(error) => {
            let _swept_later = std::fs::remove_dir_all(folder.path());
            return Err(match error {
                error if error.is_taken() => Error::StoreExists { path: dir },
                error => error,
            });
        }
    };
    parent.sync()?;
    Ok((folder.renamed(dir), built))
}

fn unfinished_prefix(name: &str) -> String {
    format!(".{name}.init-")
}

/// Whether an empty folder has the name; an error if anything else has.
pub(crate) fn check_free(dir: &Path) -> Result<bool, Error> {
    let path = dir.to_owned();
    let Ok(metadata) = dir.symlink_metadata() else {
        return Ok(false);
    };
    if !metadata.is_dir() {
        return Err(Error::NotEmpty { path });
    }
    let names = Folder::open_foreign(dir)?.names()?;
    if names.iter().any(|name| name == MANIFEST_FILE) {
        Err(Error::StoreExists { path })
    } else if names.is_empty() {
        Ok(true)
    } else {
        Err(Error::NotEmpty { path })
    }
}

/// Removes what interrupted attempts at this name left, unless somebody is still at it.
fn sweep(parent: &Folder, name: &str) -> Result<(), Error> {
    let prefix = unfinished_prefix(name);
    for left in parent.names()? {
        let Some(id) = left.strip_prefix(&prefix) else {
            continue;
        };
        // Of ours and nobody else's: the name is exact, and the folder is this user's own.
        if id.parse::<StoreId>().is_ok()
            && let Ok(folder) = parent.child(&left)
            && !ExclusiveLock::is_held(&folder)?
        {
            std::fs::remove_dir_all(folder.path())
                .map_err(|error| Error::io("remove", folder.path().to_owned(), error))?;
        }
    }
    Ok(())
}
