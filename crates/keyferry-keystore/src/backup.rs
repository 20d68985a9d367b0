//! Backups: a copy of the store that opens without keyferry.
//!
//! ```text
//! README.txt                         how to restore with stock `tar` and `age`
//! backup.json                        sealed: which store, how far its journal reaches, every document
//! store.toml                         as in the store
//! identity.age, unlock/<name>.age    the identity, each encrypted
//! keys/<ring>/<id>.age               as in the store
//! journal/<first>-<last>.jsonl.age   lines of the journal, encrypted to the store
//! ```
//!
//! What is written once in the store is written once in the backup: a key file, or a full segment of
//! the journal, that is there already is not sent again. `backup.json` is written last, after
//! everything that it names was read back, and replaced in one step; until then the backup is what it
//! was before. A document that differs from what the last `backup.json` says is never overwritten.

mod error;
mod folder_documents;
mod manifest;
mod protection;
mod readme;
pub(crate) mod segments;
mod tar_documents;
mod work;
mod write;

pub use error::{BackupError, DocumentFault};
pub use folder_documents::FolderDocuments;
pub(crate) use manifest::{BackupManifest, MANIFEST_DOCUMENT, digest};
pub use protection::{BackupProtection, BackupRecipient};
pub(crate) use segments::bounds_of;
pub use tar_documents::TarDocuments;
pub use write::{BackupOptions, BackupReport, UnsoundKey};
