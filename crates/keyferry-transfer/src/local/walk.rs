//! What is in a folder.

use std::cmp::Ordering;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use futures::Stream;
use futures::stream;
use jiff::Timestamp;
use tokio::sync::mpsc;
use walkdir::{DirEntry, WalkDir};

use super::LocalError;
use crate::TransferError;

/// Goes through a folder and all folders in it.
///
/// Hidden files are files like others, save those of downloads that are not complete. Empty folders leave no trace, since S3 has no folders. Links
/// are not followed unless asked for, and then not to a folder above themselves. In memory is what is
/// on the way to the current file and, where order was asked for, the names of those folders.
#[derive(Debug, Clone)]
pub struct Walk {
    root: PathBuf,
    below: Option<String>,
    follows_links: bool,
    by_key: bool,
}

/// Something in a folder.
#[derive(Debug)]
pub enum Found {
    /// A regular file.
    File(LocalFile),
    /// Something that cannot be uploaded, and is left out.
    Special {
        /// Where it is.
        path: PathBuf,
        /// Its name in the folder.
        name: String,
        /// What it is.
        what: Special,
    },
    /// A file or folder that cannot be looked at. The walk goes on behind it.
    Failed(TransferError),
}

/// A regular file in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in the folder, with `/` between folders: what stands behind the prefix in its key.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// When it was modified, where the file system tells.
    pub modified: Option<Timestamp>,
}

/// What is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Special {
    /// A symbolic link that is not followed.
    Link,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A device.
    Device,
}

impl std::fmt::Display for Special {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Link => "a symbolic link",
            Self::Pipe => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

impl Walk {
    /// Through this folder. It may be a link to one.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            below: None,
            follows_links: false,
            by_key: false,
        }
    }

    /// Whether links are followed: to files and folders, wherever they are.
    #[must_use]
    pub fn follow_links(self, follow: bool) -> Self {
        Self {
            follows_links: follow,
            ..self
        }
    }

    /// With all names below this one: what is found in a folder among others keeps its name.
    #[must_use]
    pub fn below(self, name: impl Into<String>) -> Self {
        Self {
            below: Some(name.into()),
            ..self
        }
    }

    /// In the order in which S3 lists the keys, by their UTF-8 bytes. Costs memory for all names of a
    /// folder, and of those above it.
    #[must_use]
    pub fn by_key(self) -> Self {
        Self {
            by_key: true,
            ..self
        }
    }

    /// One after the other. Blocks while folders are read.
    pub fn iter(&self) -> impl Iterator<Item = Found> + Send + use<> {
        let mut walk = WalkDir::new(&self.root).follow_links(self.follows_links);
        if self.by_key {
            walk = walk.sort_by(as_keys);
        }
        let mut entries = walk.into_iter();
        let (root, above) = (self.root.clone(), self.below.clone());
        std::iter::from_fn(move || {
            loop {
                let entry = match entries.next()? {
                    Ok(entry) => entry,
                    Err(error) => return Some(Found::Failed(failure(error, &root))),
                };
                if entry.depth() == 0 && entry.file_type().is_dir() || is_ours(&entry) {
                    continue;
                }
                let Some(name) = name(&entry, &root) else {
                    if entry.file_type().is_dir() {
                        entries.skip_current_dir();
                    }
                    let path = entry.into_path();
                    return Some(Found::Failed(LocalError::NotUtf8 { path }.into()));
                };
                if !entry.file_type().is_dir() {
                    let name = match &above {
                        Some(above) => format!("{above}/{name}"),
                        None => name,
                    };
                    return Some(found(entry, name));
                }
            }
        })
    }

    /// The same, read ahead a little by a thread of its own. Must be called within a Tokio runtime.
    pub fn stream(&self) -> impl Stream<Item = Found> + Send + use<> {
        read_ahead(self.iter())
    }
}

/// What an iterator gives that may block, read ahead a little by a thread of its own. Must be called
/// within a Tokio runtime.
pub fn read_ahead<I>(items: I) -> impl Stream<Item = I::Item> + Send
where
    I: Iterator + Send + 'static,
    I::Item: Send,
{
    let (sender, receiver) = mpsc::channel(1024);
    tokio::task::spawn_blocking(move || {
        for item in items {
            if sender.blocking_send(item).is_err() {
                return;
            }
        }
    });
    stream::unfold(receiver, async |mut receiver| {
        let item = receiver.recv().await?;
        Some((item, receiver))
    })
}

/// Whether it is what a download under way, or one that broke off, has left.
fn is_ours(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    let is_temporary = name.starts_with(b".keyferry-") && name.ends_with(b".part");
    let is_partial = name.starts_with(b".")
        && (name.ends_with(b".keyferry-part") || name.ends_with(b".keyferry-state"));
    is_temporary || is_partial
}

/// A folder's name is followed by a slash in the keys of all that is in it.
fn as_keys(left: &DirEntry, right: &DirEntry) -> Ordering {
    let bytes = |entry: &DirEntry| {
        let slash = entry.file_type().is_dir().then_some(b'/');
        let name = entry.file_name().as_encoded_bytes().to_vec();
        name.into_iter().chain(slash)
    };
    bytes(left).cmp(bytes(right))
}

/// The name of an entry in the folder, if it is UTF-8.
fn name(entry: &DirEntry, root: &Path) -> Option<String> {
    let path = match entry.path().strip_prefix(root) {
        Ok(below) if below != Path::new("") => below,
        _ => Path::new(entry.file_name()),
    };
    path.to_str().map(str::to_owned)
}

fn found(entry: DirEntry, name: String) -> Found {
    let kind = entry.file_type();
    let what = match () {
        () if kind.is_file() => None,
        () if kind.is_symlink() => Some(Special::Link),
        () if kind.is_fifo() => Some(Special::Pipe),
        () if kind.is_socket() => Some(Special::Socket),
        () => Some(Special::Device),
    };
    if let Some(what) = what {
        let path = entry.into_path();
        return Found::Special { path, name, what };
    }
    match entry.metadata() {
        Ok(metadata) => Found::File(LocalFile {
            name,
            size: metadata.len(),
            modified: metadata
                .modified()
                .ok()
                .and_then(|time| Timestamp::try_from(time).ok()),
            path: entry.into_path(),
        }),
        Err(error) => Found::Failed(failure(error, entry.path())),
    }
}

fn failure(error: walkdir::Error, root: &Path) -> TransferError {
    let path = error.path().unwrap_or(root).to_owned();
    match error.loop_ancestor() {
        Some(above) => LocalError::Loop {
            above: above.to_owned(),
            path,
        }
        .into(),
        None => TransferError::SourceUnreadable {
            path,
            source: error.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    fn names(walk: &Walk) -> (Vec<String>, Vec<String>) {
        let (mut files, mut others) = (Vec::new(), Vec::new());
        for found in walk.iter() {
            match found {
                Found::File(file) => files.push(file.name),
                Found::Special { path, what, .. } => {
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    others.push(format!("{name}: {what}"));
                }
                Found::Failed(error) => others.push(error.to_string()),
            }
        }
        (files, others)
    }

    #[test]
    fn in_the_order_of_keys() {
        let folder = tempfile::tempdir().unwrap();
        let of_downloads = [".keyferry-12.part", ".b.keyferry-part", ".b.keyferry-state"];
        let others = ["b", "a/z", "a-b", "a.txt", "a0", ".hidden/x", "é"];
        for name in others.into_iter().chain(of_downloads) {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        fs::create_dir(folder.path().join("empty")).unwrap();
        let (files, others) = names(&Walk::new(folder.path()).by_key());
        let mut sorted = files.clone();
        sorted.sort();
        assert_eq!(files, sorted);
        assert_eq!((files.len(), others.len()), (7, 0));
        assert_eq!(files[1..4], ["a-b", "a.txt", "a/z"]);
        let (mut files, _) = names(&Walk::new(folder.path()));
        files.sort();
        assert_eq!(files, sorted);
    }

    #[test]
    fn links_are_left_out_or_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("far"), "far").unwrap();
        let inside = folder.path();
        fs::write(inside.join("file"), "content").unwrap();
        symlink(inside.join("file"), inside.join("to-file")).unwrap();
        symlink(outside.path(), inside.join("to-folder")).unwrap();
        symlink("nowhere", inside.join("dangling")).unwrap();
        symlink("..", outside.path().join("up")).unwrap();
        symlink(inside, outside.path().join("loop")).unwrap();
        let (files, others) = names(&Walk::new(inside).by_key());
        assert_eq!(files, ["file"]);
        assert_eq!(others.len(), 3, "{others:?}");
        assert!(others.contains(&"to-file: a symbolic link".to_owned()));

        fs::remove_file(outside.path().join("up")).unwrap();
        let (files, others) = names(&Walk::new(inside).by_key().follow_links(true));
        assert_eq!(files, ["file", "to-file", "to-folder/far"]);
        assert_eq!(others.len(), 2, "{others:?}");
        assert!(
            others
                .iter()
                .any(|other| other.contains("a folder above it"))
        );
        assert!(others.iter().any(|other| other.contains("dangling")));
    }

    #[test]
    fn what_is_no_file_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(folder.path().join("pipe"))
            .status();
        assert!(made.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        let (files, mut others) = names(&Walk::new(folder.path()));
        others.sort();
        assert!(files.is_empty());
        assert_eq!(others, ["pipe: a named pipe", "socket: a socket"]);
        let (_, devices) = names(&Walk::new("/dev/null"));
        assert_eq!(devices, ["null: a device"]);
    }

    #[test]
    fn names_that_are_not_utf8() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join(OsStr::from_bytes(b"odd-\xff"));
        fs::create_dir(&odd).unwrap();
        fs::write(odd.join("a"), "a").unwrap();
        fs::write(folder.path().join(OsStr::from_bytes(b"f\xfe")), "a").unwrap();
        fs::write(folder.path().join("fine"), "a").unwrap();
        let (files, others) = names(&Walk::new(folder.path()));
        assert_eq!(files, ["fine"]);
        assert_eq!(others.len(), 2, "{others:?}");
        assert!(others.iter().all(|other| other.contains("not UTF-8")));
    }

    #[test]
    fn a_folder_that_is_not_there() {
        let (files, others) = names(&Walk::new("/nonexistent-folder"));
        assert!(files.is_empty());
        assert!(others[0].contains("/nonexistent-folder"));
    }
}
