//! Where customer keys live: the store on disk and who can open it.
//!
//! S3 keeps no customer key. Whoever loses the key has lost the object, so this store is built
//! around two rules: a key is never handed out before it is safely on disk, and nothing that is on
//! disk is ever overwritten.
//!
//! ```text
//! store/ 0700
//!   store.toml            format, store id, public recipient
//!   identity.age          the age identity that opens the keys, behind a passphrase
//!   unlock/<name>.age     the same identity, for another way to open the store
//!   lock                  one writer at a time, across processes
//!   journal.jsonl         append-only: what became of each key, HMAC-chained
//!   journal.head          how far the journal reaches, so that a cut end is noticed
//!   catalogue.sqlite      which version of which object needs which key; made from the journal
//!   keys/<ring>/<id>.age  write-once: one key and what is known of it
//! ```
//!
//! * [`Store`]: an unlocked store: make, import, find, open and export keys.
//! * [`LockedStore`]: what can be read without the passphrase.
//! * [`ObjectUse`], [`Uses`]: which key was used for which version of which object.
//! * [`Unlock`]: what is given to open a store. [`Opener`]: a way to open it, of which there may be
//!   several; [`KeyWrap`]: a service that holds the key to one.
//! * [`KeyEntry`], [`RingName`], [`KeyState`]: a key's place. A ring is a named purpose; its keys are
//!   versions from 1, of which at most one is active.
//! * [`History`], [`Record`], [`Event`]: who did what, and when, as the journal tells it.
//! * [`Store::back_up`], [`LockedBackup`]: copies to a folder, a tar file or any other [`Documents`],
//!   and what is made of them; [`Escrow`]: whether a ring's keys could be lost with the store.
//! * [`Share`], [`RecoverySheet`]: the store's identity on paper.
//! * [`Finding`], [`WriteBlock`]: what opening a store noticed, and why it may refuse to write.
//!
//! Every file opens with stock `age`: `age -d -i identity.age keys/photos/kf-....age` prints JSON
//! with the key in base64. Anyone who knows the public recipient can make such a file, so each one
//! also carries an HMAC under a key derived from the identity, and so does every journal entry.
//!
//! ```
//! use keyferry_keystore::{Passphrase, RingName, Store, Succession, Unlock, WorkFactor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path().join("store");
//! let unlock = Unlock::Passphrase(Passphrase::new("correct horse".to_owned())?);
//! # let quick = WorkFactor::new(2).ok_or("out of range")?;
//! # Store::init_with(&dir, &unlock, quick)?;
//! let mut store = Store::open(&dir, &unlock)?;
//! let photos: RingName = "photos".parse()?;
//! let made = store.create(&photos, Succession::FirstOnly)?;
//! let (entry, key) = store.active(&photos)?;
//! assert_eq!(entry.id, made.id);
//! assert_eq!(entry.md5, key.md5());
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//! The store trusts the account it runs under. It needs a Unix file system with `flock`. age's own
//! buffers and the kernel's may hold copies of a key until they are reused.

#[cfg(not(unix))]
compile_error!("the key store relies on Unix file permissions and descriptor-relative file access");

mod add;
mod backup;
mod catalogue;
mod check;
mod documents;
mod entry;
mod error;
mod escrow;
mod export;
mod finding;
mod folder;
mod founding;
mod history;
mod identity;
mod init;
mod journal;
mod key_file;
mod ledger;
mod lifecycle;
mod load;
mod lock;
mod locked_store;
mod manifest;
mod object_use;
mod opener;
mod passphrase;
mod permission;
mod recover;
mod recovery_sheet;
mod remote;
mod restore;
mod ring;
mod rollback;
mod seal;
mod shares;
mod state;
mod store;
mod survey;
mod uses;
mod witness;

pub use add::{ImportOutcome, Role, Succession};
pub use backup::{
    BackupError, BackupOptions, BackupProtection, BackupRecipient, BackupReport, DocumentFault,
    FolderDocuments, TarDocuments, UnsoundKey,
};
pub use check::{CheckItem, CheckLevel, CheckSubject};
pub use documents::{Document, Documents, DocumentsError, Expected, Revision};
pub use entry::{KeyEntry, KeyFacts, Origin};
pub use error::{Error, ErrorClass};
pub use escrow::{Escrow, EscrowGate, NotEscrowed};
pub use export::Exported;
pub use finding::{Finding, WriteBlock};
pub use history::{History, HistoryFault};
pub use journal::{Actor, Event, Record, user_name};
pub use locked_store::{LockedStore, OpenIdentity, Protection};
pub use manifest::StoreId;
pub use object_use::ObjectUse;
pub use opener::{
    Added, Existing, FileKey, Identities, KeyWrap, NewOpener, NoPrompt, Opener, OpenerKind,
    OpenerName, OpenerState, Prompt, Recipient, WrapError, Wrapped,
};
pub use passphrase::{Passphrase, Unlock, WorkFactor};
pub use permission::{PermissionFault, PermissionProblem};
pub use recovery_sheet::{RecoverySheet, SheetIdentity};
pub use restore::{
    AgeIdentities, Backup, BackupKey, BackupLock, LockedBackup, Reprotect, RestoreReport, Tested,
};
pub use ring::RingName;
pub use shares::{Recombined, Share, ShareCounts, ShareError};
pub use state::KeyState;
pub use store::Store;
pub use survey::{FixedPermissions, fix_permissions};
pub use uses::{RecordedUse, UseCount, Uses};
