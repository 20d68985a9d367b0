//! What can go wrong with a store.

mod class;
mod hint;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use keyferry_key::{GenerateError, KeyId};

use crate::backup::BackupError;
use crate::escrow::NotEscrowed;
use crate::shares::ShareError;
use crate::{
    DocumentsError, KeyState, OpenerName, PermissionProblem, RingName, StoreId, WrapError,
    WriteBlock,
};

pub use class::ErrorClass;

/// Any failure of the key store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the messages name")]
pub enum Error {
    /// Nothing there, or no store.
    #[error("there is no key store at `{path}`")]
    NoStore { path: PathBuf },
    /// A store is there already.
    #[error("`{path}` already holds a key store")]
    StoreExists { path: PathBuf },
    /// Something else is there already.
    #[error("`{path}` exists and is not an empty folder")]
    NotEmpty { path: PathBuf },
    /// A path that cannot name a folder.
    #[error("`{path}` does not name a folder that a store could be made in")]
    BadPath { path: PathBuf },
    /// Others could have read or changed the store.
    #[error("{0}")]
    Permissions(PermissionProblem),
    /// The file system has no locks.
    #[error("the file system of `{path}` has no file locks")]
    NoLocks { path: PathBuf, source: io::Error },
    /// Another process keeps the store.
    #[error("another process has kept the key store `{path}` locked for {} seconds", .waited.as_secs())]
    Busy { path: PathBuf, waited: Duration },
    /// The operating system refused a file operation.
    #[error("cannot {action} `{path}`")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The operating system gave no randomness.
    #[error("cannot make a key")]
    Generate(#[from] GenerateError),
    /// A passphrase of no characters.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The passphrase does not open the store.
    #[error("wrong passphrase for the key store `{path}`")]
    WrongPassphrase { path: PathBuf },
    /// The store has a passphrase, and none was given.
    #[error("the key store `{path}` is locked with a passphrase")]
    PassphraseNeeded { path: PathBuf },
    /// A passphrase was given, and the store has none.
    #[error("the key store `{path}` has no passphrase")]
    NotProtected { path: PathBuf },
    /// The file that opens the keys is damaged.
    #[error("the store's identity `{path}` is damaged: {reason}")]
    IdentityDamaged { path: PathBuf, reason: String },
    /// Not a name for an opener.
    #[error("`{text}` cannot be the name of this opener")]
    InvalidOpenerName { text: String },
    /// There is an opener of this name already.
    #[error("there already is an opener `{name}`")]
    OpenerExists { name: OpenerName },
    /// No such opener.
    #[error("there is no opener `{name}`")]
    UnknownOpener { name: OpenerName },
    /// Without it nothing would open the store.
    #[error(
        "opener `{name}` is the only one: without it the key store could never be opened again"
    )]
    LastOpener { name: OpenerName },
    /// Without it perhaps nothing would open the store.
    #[error("opener `{name}` stays: no other was seen to open the key store")]
    OpenerNotProven { name: OpenerName },
    /// What should open a new opener does not.
    #[error("opener `{name}` was not added: what was given to prove it does not open it")]
    ProofFailed { name: OpenerName },
    /// The file of an opener is damaged, or another was put in its place.
    #[error("the file of opener `{name}` is damaged: `{path}`: {reason}")]
    OpenerDamaged {
        name: OpenerName,
        path: PathBuf,
        reason: String,
    },
    /// The service behind an opener did not help.
    #[error("opener `{name}`: {source}")]
    OpenerFailed { name: OpenerName, source: WrapError },
    /// What was given is for none of the store's openers.
    #[error("nothing that was given opens the key store `{path}`")]
    NoOpenerFits { path: PathBuf },
    /// A recipient that nothing can be encrypted to.
    #[error("`{text}` cannot be encrypted to: {reason}")]
    RecipientUnusable {
        text: String,
        reason: String,
        hint: &'static str,
    },
    /// An identity file that nothing can be decrypted with.
    #[error("the identity `{file}` cannot be used: {reason}")]
    IdentityUnusable {
        file: String,
        reason: String,
        hint: &'static str,
    },
    /// An identity file with a passphrase that nobody gave.
    #[error("the identity `{file}` has a passphrase, and there is nobody to ask for it")]
    IdentityLocked { file: String },
    /// The passphrase does not open the identity file.
    #[error("wrong passphrase for the identity `{file}`")]
    IdentityPassphrase { file: String },
    /// The program of an age plugin is not installed.
    #[error("the age plugin `{binary}` was not found")]
    PluginMissing { binary: String },
    /// The store's description is damaged or was changed.
    #[error("`{path}` is damaged: {reason}")]
    ManifestDamaged { path: PathBuf, reason: String },
    /// A format so new that nothing can be read.
    #[error("the key store `{path}` has format {found}, and this keyferry knows up to {known}")]
    NewerFormat {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    /// The store may only be read.
    #[error("the key store `{path}` is read-only: {block}")]
    ReadOnly { path: PathBuf, block: WriteBlock },
    /// What should be written cannot be put into its form.
    #[error("cannot write `{path}`: {reason}")]
    Unwritable { path: PathBuf, reason: String },
    /// What was written is not what is on disk.
    #[error("`{path}` does not read back as written; it was not put to use")]
    ReadBack { path: PathBuf },
    /// The place that the store lives in did not do what was asked.
    #[error(transparent)]
    Place(#[from] DocumentsError),
    /// A writer on another machine came first.
    #[error("somebody else wrote to the key store in {place} first; nothing was changed")]
    Overtaken { place: String },
    /// Writers on other machines came first again and again.
    #[error("others kept writing to the key store in {place}: {times} attempts came too late")]
    KeptOvertaken { place: String, times: u32 },
    /// The folder is the working copy of a store that lives elsewhere.
    #[error("`{path}` is the working copy of the key store in {place}")]
    IsWorkingCopy { path: PathBuf, place: String },
    /// The folder is no working copy, or that of another place.
    #[error("`{path}` is not the working copy of the key store in {place}{}", .found.as_ref().map(|found| format!(", but of the one in {found}")).unwrap_or_default())]
    OtherPlace {
        path: PathBuf,
        found: Option<String>,
        place: String,
    },
    /// The place holds another store than the working copy.
    #[error("{place} holds the key store `{found}`, and its working copy `{path}` is of `{held}`")]
    OtherStore {
        place: String,
        found: StoreId,
        path: PathBuf,
        held: StoreId,
    },
    /// Making the store was interrupted elsewhere.
    #[error("the key store in {place} is not finished: making it was interrupted")]
    Unfinished { place: String },
    /// The place holds parts of a store.
    #[error("{place} holds documents of a key store, but not its `store.toml`")]
    PlaceNotEmpty { place: String },
    /// The place is empty, and there is a working copy with keys.
    #[error(
        "{place} holds no key store, and the folder of its working copy, `{path}`, holds one with entries"
    )]
    WorkingCopyLeft { path: PathBuf, place: String },
    /// A store that lives elsewhere needs something that protects its identity.
    #[error("a key store in {place} cannot be without a passphrase")]
    Unprotected { place: String },
    /// Not a ring name.
    #[error("`{text}` is not a ring name")]
    InvalidRing { text: String },
    /// No such key.
    #[error("there is no key `{id}` in the store")]
    UnknownKey { id: KeyId },
    /// No key to encrypt with.
    #[error("ring `{ring}` has no active key")]
    NoActiveKey { ring: RingName },
    /// There is an active key already.
    #[error("ring `{ring}` already has an active key: version {version}, `{id}`")]
    RingHasActive {
        ring: RingName,
        id: KeyId,
        version: u32,
    },
    /// The key's state does not allow it.
    #[error("key `{id}` is {from} and cannot become {to}")]
    Transition {
        id: KeyId,
        from: KeyState,
        to: KeyState,
    },
    /// The key is not to be destroyed.
    #[error("key `{id}` is {state}; its destruction is not scheduled")]
    NotScheduled { id: KeyId, state: KeyState },
    /// The key is to be destroyed, but not yet.
    #[error("key `{id}` is not to be destroyed before {not_before}")]
    NotDue { id: KeyId, not_before: Timestamp },
    /// The key is gone for good.
    #[error("key `{id}` was destroyed")]
    Destroyed { id: KeyId },
    /// The key's file is gone.
    #[error("the file of key `{id}` is missing: `{path}`")]
    KeyFileMissing { id: KeyId, path: PathBuf },
    /// The key's file is damaged, or another was put in its place.
    #[error("the file of key `{id}` is damaged: `{path}`: {reason}")]
    KeyFileDamaged {
        id: KeyId,
        path: PathBuf,
        reason: String,
    },
    /// The key imported is in the store, elsewhere.
    #[error("this key is already in ring `{ring}` as `{id}`")]
    InOtherRing { ring: RingName, id: KeyId },
    /// Two keys of one MD5.
    #[error("another key with the same MD5 is in the store as `{id}`")]
    Md5Collision { id: KeyId },
    /// A backup or a restore failed.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Shares of the identity are not to be had, or do not fit.
    #[error(transparent)]
    Shares(#[from] ShareError),
    /// A ring has keys that nobody knows to be safe.
    #[error(transparent)]
    NotEscrowed(#[from] NotEscrowed),
    /// A recovery sheet with the store's passphrase, of which there is none.
    #[error("the key store has no passphrase that its recovery sheet could have")]
    SheetNeedsPassphrase,
    /// The file to export to is there already.
    #[error("`{path}` exists; an export never overwrites")]
    ExportExists { path: PathBuf },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: PathBuf, source: impl Into<io::Error>) -> Self {
        Self::Io {
            action,
            path,
            source: source.into(),
        }
    }
}
