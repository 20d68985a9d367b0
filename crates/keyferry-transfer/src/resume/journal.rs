//! A small file of JSON lines, which one process holds at a time.
//!
//! Lines are only ever appended, each by one write, so a process that is killed leaves whole lines
//! and at most the beginning of another, which does not count.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::Serialize;

/// A file that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

/// What became of opening one.
#[derive(Debug)]
pub(crate) enum Opened {
    Held(Journal),
    /// There is none.
    Missing,
    /// Another process holds it.
    Busy,
}

impl Journal {
    /// Opens and locks a file if it is there.
    pub(crate) fn open(path: &Path) -> io::Result<Opened> {
        Self::open_with(path, false)
    }

    /// Opens and locks a file, which is made if it is not there, as is its folder.
    pub(crate) fn create(path: &Path) -> io::Result<Opened> {
        match Self::open_with(path, true) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = path.parent().unwrap_or(Path::new("."));
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder)?;
                Self::open_with(path, true)
            }
            opened => opened,
        }
    }

    fn open_with(path: &Path, create: bool) -> io::Result<Opened> {
        loop {
            let file = match open_own(path, create) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !create => {
                    return Ok(Opened::Missing);
                }
                opened => opened?,
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Opened::Busy),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Whoever held it may have removed it before letting go.
            let held = file.metadata()?;
            match fs::symlink_metadata(path) {
                Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => {
                    let path = path.to_owned();
                    return Ok(Opened::Held(Self { path, file }));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// All whole lines. The beginning of a line that never came to its end is cut off.
    pub(crate) fn lines(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        let end = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        if end < bytes.len() {
            file.set_len(end as u64)?;
            bytes.truncate(end);
        }
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect())
    }

    /// Puts a line behind the others.
    pub(crate) fn append(&self, line: &impl Serialize) -> io::Result<()> {
        self.append_as_is(&serde_json::to_vec(line)?)
    }

    /// The same with a line that was read.
    pub(crate) fn append_as_is(&self, line: &[u8]) -> io::Result<()> {
        let line = [line, b"\n"].concat();
        (&self.file).write_all(&line)
    }

    /// Sees to it that the file and its name survive a power failure.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()?;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Removes all lines.
    pub(crate) fn clear(&self) -> io::Result<()> {
        self.file.set_len(0)
    }

    /// Removes the file. Nothing must be appended any more.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Lets go of the file before this is dropped. Nothing must be appended any more.
    pub(crate) fn release(&self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "a state file stays locked until it is closed");
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens a regular file of this user's for reading and appending. Whatever else somebody put under
/// the name is not touched.
pub(crate) fn open_own(path: &Path, create: bool) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(create)
        .mode(0o600)
        .custom_flags(flags.cast_signed())
        .open(path)?;
    belongs_here(&file)?;
    Ok(file)
}

/// Refuses what is no regular file, or is another user's.
pub(crate) fn belongs_here(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn held(path: &Path) -> Journal {
        match Journal::create(path).unwrap() {
            Opened::Held(journal) => journal,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn one_process_holds_it_and_lines_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/state");
        assert!(matches!(Journal::open(&path).unwrap(), Opened::Missing));
        let journal = held(&path);
        assert!(matches!(Journal::open(&path).unwrap(), Opened::Busy));
        journal.append(&"one").unwrap();
        journal.append(&[2]).unwrap();
        journal.sync().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        drop(journal);

        let journal = held(&path);
        assert_eq!(
            journal.lines().unwrap(),
            [b"\"one\"".to_vec(), b"[2]".to_vec()]
        );
        journal.clear().unwrap();
        journal.append(&3).unwrap();
        assert_eq!(journal.lines().unwrap(), [b"3"]);
        journal.remove().unwrap();
        journal.remove().unwrap();
        assert!(matches!(Journal::open(&path).unwrap(), Opened::Missing));
        // A new file under the name is another one.
        drop(held(&path));
    }

    #[test]
    fn half_a_line_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(&path, "1\n2\n{\"thr").unwrap();
        let journal = held(&path);
        assert_eq!(journal.lines().unwrap(), [b"1", b"2"]);
        journal.append(&3).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n3\n");
    }

    #[test]
    fn links_folders_and_pipes_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("theirs"), "content").unwrap();
        std::os::unix::fs::symlink(path("theirs"), path("link")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        let pipe = rustix::fs::mknodat(
            rustix::fs::CWD,
            path("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        );
        pipe.unwrap();
        for name in ["link", "folder", "pipe"] {
            assert!(Journal::create(&path(name)).is_err(), "{name}");
        }
        assert_eq!(fs::read(path("theirs")).unwrap(), b"content");
    }
}
