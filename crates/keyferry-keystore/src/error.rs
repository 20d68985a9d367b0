//! What can go wrong with a store, and what to do about it.

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

/// What an error is about, for exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// What was asked for makes no sense here.
    Usage,
    /// The key asked for is not to be had.
    UnknownKey,
    /// The store does not open with what was given.
    Locked,
    /// The store is damaged, read-only or not safe to use.
    Damaged,
    /// Something has to be settled first.
    Preflight,
    /// The machine failed: disk, randomness, locks.
    Failure,
}

impl Error {
    pub(crate) fn io(action: &'static str, path: PathBuf, source: impl Into<io::Error>) -> Self {
        Self::Io {
            action,
            path,
            source: source.into(),
        }
    }

    /// What the error is about.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::StoreExists { .. }
            | Self::NotEmpty { .. }
            | Self::BadPath { .. }
            | Self::EmptyPassphrase
            | Self::NotProtected { .. }
            | Self::InvalidRing { .. }
            | Self::InvalidOpenerName { .. }
            | Self::OpenerExists { .. }
            | Self::UnknownOpener { .. }
            | Self::LastOpener { .. }
            | Self::RingHasActive { .. }
            | Self::Transition { .. }
            | Self::NotScheduled { .. }
            | Self::NotDue { .. }
            | Self::InOtherRing { .. }
            | Self::SheetNeedsPassphrase
            | Self::IsWorkingCopy { .. }
            | Self::OtherPlace { .. }
            | Self::WorkingCopyLeft { .. }
            | Self::PlaceNotEmpty { .. }
            | Self::Unprotected { .. }
            | Self::ExportExists { .. } => ErrorClass::Usage,
            Self::Backup(error) => error.class(),
            Self::Shares(error) => error.class(),
            Self::NotEscrowed(_) => ErrorClass::Preflight,
            Self::UnknownKey { .. } | Self::NoActiveKey { .. } | Self::Destroyed { .. } => {
                ErrorClass::UnknownKey
            }
            Self::NoStore { .. }
            | Self::WrongPassphrase { .. }
            | Self::PassphraseNeeded { .. }
            | Self::Place(_)
            | Self::Overtaken { .. }
            | Self::KeptOvertaken { .. }
            | Self::OpenerNotProven { .. }
            | Self::ProofFailed { .. }
            | Self::OpenerFailed { .. }
            | Self::NoOpenerFits { .. }
            | Self::RecipientUnusable { .. }
            | Self::IdentityUnusable { .. }
            | Self::IdentityLocked { .. }
            | Self::IdentityPassphrase { .. }
            | Self::PluginMissing { .. }
            | Self::Busy { .. } => ErrorClass::Locked,
            Self::Permissions(_)
            | Self::IdentityDamaged { .. }
            | Self::ManifestDamaged { .. }
            | Self::OpenerDamaged { .. }
            | Self::NewerFormat { .. }
            | Self::ReadOnly { .. }
            | Self::OtherStore { .. }
            | Self::Unfinished { .. }
            | Self::KeyFileMissing { .. }
            | Self::KeyFileDamaged { .. }
            | Self::Md5Collision { .. } => ErrorClass::Damaged,
            Self::NoLocks { .. }
            | Self::Io { .. }
            | Self::Generate(_)
            | Self::Unwritable { .. }
            | Self::ReadBack { .. } => ErrorClass::Failure,
        }
    }

    /// What to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoStore { .. } => {
                "make one with `keyferry key init`, or name another with `--store`"
            }
            Self::StoreExists { .. } => {
                "it is ready for use; to have a second one, name another folder"
            }
            Self::NotEmpty { .. } | Self::BadPath { .. } => "name a new folder; it will be made",
            Self::Permissions(problem) => return Some(problem.hint()),
            Self::NoLocks { .. } => "keep the store on a local file system",
            Self::Busy { .. } => {
                "wait for the other keyferry to finish, or stop it; a lock ends with its process"
            }
            Self::Io { source, .. } => return hint_for_io(source),
            Self::Generate(_) => return None,
            Self::EmptyPassphrase => {
                "give a passphrase, or choose explicitly to leave the store unprotected"
            }
            Self::WrongPassphrase { .. } => {
                "try again; if you are sure of it, `identity.age` may be damaged: restore it from a backup"
            }
            Self::PassphraseNeeded { .. } => "give the passphrase",
            Self::NotProtected { .. } => {
                "open it without one; its keys are as safe as its files are"
            }
            Self::IdentityDamaged { .. } | Self::ManifestDamaged { .. } => {
                "restore this file from a backup; the keys themselves are untouched"
            }
            Self::InvalidOpenerName { .. } => {
                "a name is 1 to 64 of a-z, 0-9, `-`, `_`, `.`, and begins with a letter or digit; `passphrase` and `unprotected` are what `identity.age` is called"
            }
            Self::OpenerExists { .. } => {
                "`--replace` puts the new one in its place, `--name NAME` adds it beside"
            }
            Self::UnknownOpener { .. } => {
                "`keyferry key unlock-with list` shows what opens the store"
            }
            Self::LastOpener { .. } => "add another first: `keyferry key unlock-with add`",
            Self::OpenerNotProven { .. } => {
                "open the store by another opener in the same call: `--identity FILE`, or `--open-with NAME`"
            }
            Self::ProofFailed { .. } => {
                "give the private half of the recipient, or leave the proof out and try it later"
            }
            Self::OpenerDamaged { .. } => {
                "open the store by another opener and add this one again with `--replace`, or restore this file from a backup"
            }
            Self::OpenerFailed { source, .. } => return Some(source.hint().to_owned()),
            Self::NoOpenerFits { .. } => {
                "`keyferry key unlock-with list` shows what opens the store"
            }
            Self::RecipientUnusable { hint, .. } | Self::IdentityUnusable { hint, .. } => hint,
            Self::IdentityLocked { .. } => {
                "run it on a terminal, or give an identity without a passphrase"
            }
            Self::IdentityPassphrase { .. } => "try again; nothing was changed",
            Self::PluginMissing { .. } => "install the plugin where PATH finds it",
            Self::NewerFormat { .. } => "use the newest keyferry that has opened this store",
            Self::ReadOnly { block, .. } => block.hint(),
            Self::Unwritable { .. } => return None,
            Self::ReadBack { .. } => {
                "the disk or memory of this machine is not reliable: check it before making keys"
            }
            Self::Place(error) => return error.hint().map(str::to_owned),
            Self::Overtaken { .. } | Self::KeptOvertaken { .. } => "try again",
            Self::IsWorkingCopy { place, .. } => {
                return Some(format!("name its place with `--store` instead: {place}"));
            }
            Self::OtherPlace { .. } => {
                "name another folder for the working copy, or move this one away"
            }
            Self::OtherStore { path, .. } => {
                return Some(format!(
                    "if the store was made anew on purpose, move `{}` away; it may hold keys that are nowhere else",
                    path.display()
                ));
            }
            Self::Unfinished { .. } => {
                "run `keyferry key init` again on the machine that began it; if that is gone, remove the documents in the place and begin anew: no key was made"
            }
            Self::WorkingCopyLeft { .. } => {
                "its keys may be nowhere else: move the folder to a safe place before making a new store"
            }
            Self::PlaceNotEmpty { .. } => {
                "name another place; what is there may be all that is left of a store"
            }
            Self::Unprotected { .. } => {
                "give a passphrase; for machines without a person, in a file or a descriptor: the identity leaves this machine"
            }
            Self::InvalidRing { .. } => {
                "a ring name is 1 to 64 of a-z, 0-9, `-`, `_`, `.`, and begins with a letter or digit"
            }
            Self::UnknownKey { .. } => "`keyferry key list` shows the keys of the store",
            Self::NoActiveKey { .. } => "make one with `keyferry key new`, or import one",
            Self::RingHasActive { .. } => {
                "`keyferry key rotate RING` makes a new key take its place; the old one then only decrypts"
            }
            Self::Transition {
                from: KeyState::Active,
                to: KeyState::DestroyScheduled,
                ..
            } => {
                "`keyferry key rotate RING` or `keyferry key retire RING` first: new objects must not need it"
            }
            Self::Transition { .. } => "`keyferry key list` shows the states of the keys",
            Self::NotScheduled { .. } => "`keyferry key destroy` schedules it",
            Self::NotDue { .. } => {
                "wait until then, or keep it with `keyferry key destroy KEY --cancel`"
            }
            Self::Destroyed { .. } => "what only this key opens is lost, unless a backup holds it",
            Self::KeyFileMissing { .. } | Self::KeyFileDamaged { .. } => {
                "restore this file from a backup, or import the key again from where it came; other keys are not affected"
            }
            Self::InOtherRing { .. } => "use it there: a key belongs to one ring",
            Self::Md5Collision { .. } => {
                "this does not happen by chance: find out where the key came from before using either"
            }
            Self::SheetNeedsPassphrase => {
                "give one for the sheet, --sheet-passphrase-file FILE; or, for paper that is kept in a safe, --plaintext-identity"
            }
            Self::Backup(error) => return Some(error.hint()),
            Self::Shares(error) => return Some(error.hint()),
            Self::NotEscrowed(error) => return Some(error.hint()),
            Self::ExportExists { .. } => "name a new file, or remove the old one first",
        };
        Some(hint.to_owned())
    }
}

fn hint_for_io(error: &io::Error) -> Option<String> {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on the disk and try again; nothing was put to use"
        }
        io::ErrorKind::ReadOnlyFilesystem => "the store lies on a read-only file system",
        io::ErrorKind::PermissionDenied => "run as the user who owns the store",
        _ => return None,
    };
    Some(hint.to_owned())
}
