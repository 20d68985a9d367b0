//! Transfers that break off and are continued.
//!
//! A small file of state remembers what was begun. It holds names, ids, sizes and checksums, nothing
//! secret. What it says is checked and never trusted: parts of an upload are listed by S3 and compared
//! with the file, ranges of a download are summed again.
//!
//! The state of an upload is in a folder of its own ([`ResumePlace`]), in one file an object, so that
//! among thousands of uploads the unfinished ones are found by their names. The state of a download is
//! beside the partial file, which is beside the target.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};

use crate::ObjectAddress;

mod journal;

pub(crate) use journal::{Journal, Opened, belongs_here};

/// The format of state files that this version writes and reads.
pub(crate) const FORMAT: u32 = 1;

/// What becomes of an earlier transfer that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// It is removed, and the transfer starts from the beginning.
    StartOver,
    /// It is continued where that is possible.
    Continue,
}

/// Where unfinished uploads are remembered, and what becomes of an earlier one. Cheap to clone; clones
/// belong to one run.
#[derive(Debug, Clone)]
pub struct ResumePlace {
    folder: PathBuf,
    service: String,
    resume: Resume,
    /// The names of the files that were there when the run first looked.
    seen: Arc<OnceLock<BTreeSet<OsString>>>,
}

impl ResumePlace {
    /// A folder for nothing else, which is made when the first upload is remembered; any number of
    /// processes may use it at once. `service` tells services apart that have buckets of the same
    /// names: it is an endpoint, and empty for AWS.
    #[must_use]
    pub fn new(folder: PathBuf, service: String, resume: Resume) -> Self {
        Self {
            folder,
            service,
            resume,
            seen: Arc::default(),
        }
    }

    /// Whether earlier uploads are to be continued.
    pub(crate) fn continues(&self) -> bool {
        self.resume == Resume::Continue
    }

    pub(crate) fn service(&self) -> &str {
        &self.service
    }

    /// Whether an earlier run may have left an upload to this object. One look at the folder serves
    /// the whole run, so that thousands of small files cost nothing.
    pub(crate) async fn may_know(&self, destination: &ObjectAddress) -> bool {
        if self.seen.get().is_none() {
            let (seen, folder) = (Arc::clone(&self.seen), self.folder.clone());
            let looked = tokio::task::spawn_blocking(move || {
                seen.get_or_init(|| look(&folder));
            });
            if looked.await.is_err() {
                return true;
            }
        }
        let file = self.file(destination);
        let name = file.file_name().unwrap_or_default();
        self.seen.get().is_none_or(|seen| seen.contains(name))
    }

    /// The file with the state of uploads to an object.
    pub(crate) fn file(&self, destination: &ObjectAddress) -> PathBuf {
        let digest = Sha256::digest(format!("{}\n{destination}", self.service));
        let mut name = String::new();
        for byte in digest.iter().take(16) {
            let _ = write!(name, "{byte:02x}");
        }
        self.folder.join(format!("{name}.upload"))
    }
}

/// The names in a folder. Files that a run left empty, because it was killed before it had anything to
/// remember, are removed.
fn look(folder: &Path) -> BTreeSet<OsString> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    let mut names = BTreeSet::new();
    for entry in entries.flatten() {
        let is_empty = entry.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if is_empty
            && let Ok(Opened::Held(journal)) = Journal::open(&entry.path())
            && journal.lines().is_ok_and(|lines| lines.is_empty())
            && journal.remove().is_ok()
        {
            continue;
        }
        names.insert(entry.file_name());
    }
    names
}

/// Why an earlier transfer was not continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartedOver {
    /// It was not asked for.
    NotAsked,
    /// The file has another size or modification time.
    SourceChanged,
    /// It was under another key.
    OtherKey,
    /// It had other parts.
    OtherPartSize,
    /// It had another media type, other metadata or other tags.
    OtherLabels,
    /// The server has no such upload any more, and not the object either.
    UploadGone,
    /// The server did not accept the parts that it had.
    PartsRefused,
    /// The object is another one than it was.
    ObjectChanged,
    /// Another object was being downloaded.
    OtherObject,
    /// The partial file is gone, or is not as large as it was.
    PartialFileChanged,
    /// Nothing can be read from the state file.
    DamagedState,
    /// The state file is of a newer version.
    NewerState,
}

impl fmt::Display for StartedOver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotAsked => "it was not asked to be continued",
            Self::SourceChanged => "the file has changed since",
            Self::OtherKey => "it was under another key",
            Self::OtherPartSize => "it had parts of another size",
            Self::OtherLabels => "its content type, metadata or tags were others",
            Self::UploadGone => "the server does not have it any more",
            Self::PartsRefused => "the server did not accept the parts that it had",
            Self::ObjectChanged => "the object has changed since",
            Self::OtherObject => "it was a download of something else",
            Self::PartialFileChanged => "its partial file is gone or has another size",
            Self::DamagedState => "its state file is damaged",
            Self::NewerState => "its state file is of a newer version of keyferry",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_has_a_file_of_its_own() {
        let place =
            |service: &str| ResumePlace::new("/state".into(), service.to_owned(), Resume::Continue);
        let file = |service, address: &str| place(service).file(&address.parse().unwrap());
        let one = file("", "s3://bucket/a");
        assert_eq!(one, file("", "s3://bucket/a"));
        assert_ne!(one, file("", "s3://bucket/b"));
        assert_ne!(one, file("https://localhost:1", "s3://bucket/a"));
        assert_eq!(one.file_name().unwrap().len(), 32 + ".upload".len());
    }

    #[tokio::test]
    async fn one_look_at_the_folder_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let place = || {
            let folder = folder.path().join("states");
            ResumePlace::new(folder, String::new(), Resume::StartOver)
        };
        let known: ObjectAddress = "s3://bucket/a".parse().unwrap();
        let other = "s3://bucket/b".parse().unwrap();
        let first = place();
        assert!(!first.may_know(&known).await);
        let held = Journal::create(&first.file(&known)).unwrap();
        let Opened::Held(journal) = held else {
            unreachable!()
        };
        assert!(!first.clone().may_know(&known).await);
        // Empty, but another process is at it.
        assert!(place().may_know(&known).await);
        journal.append(&1).unwrap();
        drop(journal);
        let second = place();
        assert!(second.may_know(&known).await && !second.may_know(&other).await);
        fs::write(second.file(&known), "").unwrap();
        assert!(!place().may_know(&known).await);
        assert!(!second.file(&known).exists());
    }
}
