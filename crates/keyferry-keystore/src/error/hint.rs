//! What to do about an error.

use std::io;

use crate::{Error, KeyState};

impl Error {
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
