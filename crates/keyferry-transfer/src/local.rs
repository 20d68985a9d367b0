//! Folders on this machine: what is in them to be uploaded, and where in them objects may go.
//!
//! A file's name in its folder, with `/` between folders, is what stands behind the prefix in its
//! object's key, and the other way round. Not every name is possible on the other side: a file's name
//! may not be UTF-8, and a key may not be a path, or one that leaves the folder. Those are errors of
//! that one object.

mod checksum;
mod error;
mod filter;
mod keeping;
mod key_path;
mod target_folder;
mod walk;

pub use checksum::file_checksum;
pub use error::LocalError;
pub use filter::{BadPattern, Filter, Rule};
pub use key_path::{KeyPath, KeyPathError};
pub use target_folder::TargetFolder;
pub use walk::{Found, LocalFile, Special, Walk, read_ahead};

pub(crate) use keeping::{SYNCS_TOGETHER, Unnamed};
pub(crate) use target_folder::Place;
