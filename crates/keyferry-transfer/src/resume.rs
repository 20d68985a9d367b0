//! Transfers that break off and are continued.
//!
//! A small file of state remembers what was begun. It holds names, ids, sizes and checksums, nothing
//! secret. What it says is checked and never trusted: parts of an upload are listed by S3 and compared
//! with the file, ranges of a download are summed again.
//!
//! The state of an upload is in a folder of its own ([`ResumePlace`]), in one file an object, so that
//! among thousands of uploads the unfinished ones are found by their names. The state of a download is
//! beside the partial file, which is beside the target.

use std::fmt;
use std::fmt::Write as _;
use std::path::PathBuf;

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

/// Where unfinished uploads are remembered, and what becomes of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumePlace {
    /// A folder for nothing else; it is made when the first upload is remembered. Any number of
    /// processes may use it at once.
    pub folder: PathBuf,
    /// Tells services apart that have buckets of the same names: an endpoint. Empty for AWS.
    pub service: String,
    /// What becomes of an earlier upload to the same object.
    pub resume: Resume,
}

impl ResumePlace {
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
        let place = |service: &str| ResumePlace {
            folder: "/state".into(),
            service: service.to_owned(),
            resume: Resume::Continue,
        };
        let file = |service, address: &str| place(service).file(&address.parse().unwrap());
        let one = file("", "s3://bucket/a");
        assert_eq!(one, file("", "s3://bucket/a"));
        assert_ne!(one, file("", "s3://bucket/b"));
        assert_ne!(one, file("https://localhost:1", "s3://bucket/a"));
        assert_eq!(one.file_name().unwrap().len(), 32 + ".upload".len());
    }
}
