//! The two files beside the target: what they are called, and opening them.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use crate::resume::belongs_here;

/// Names longer than this could not get anything put around them.
const LONGEST_NAME: usize = 255;

/// Opens the partial file, and makes it if asked to. Nothing but a file of this user's is touched.
pub(super) fn open_partial(path: &Path, create: bool) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        // As any new file: the umask decides.
        .mode(0o666)
        .custom_flags(flags.cast_signed())
        .open(path)?;
    belongs_here(&file)?;
    Ok(file)
}

/// The partial file and the state file of a target.
pub(super) fn names(target: &Path) -> (PathBuf, PathBuf) {
    let name = target.file_name().unwrap_or_default();
    let with = |suffix: &str| {
        let mut full = OsString::from(".");
        full.push(name);
        full.push(suffix);
        if full.len() > LONGEST_NAME {
            let digest = Sha256::digest(name.as_bytes());
            let digest: String = digest
                .iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            full = OsString::from(format!(".{digest}{suffix}"));
        }
        target.with_file_name(full)
    };
    (with(".keyferry-part"), with(".keyferry-state"))
}
