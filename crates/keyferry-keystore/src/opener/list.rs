//! What opens a store, for people to see.

use jiff::Timestamp;
use serde::Serialize;

use super::{OpenerFile, OpenerKind, OpenerName, Roster};
use crate::folder::Folder;
use crate::{Error, LockedStore, Store};

/// A way to open a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opener {
    /// Its name.
    pub name: OpenerName,
    /// What it takes; absent if its file is too damaged to say.
    pub kind: Option<OpenerKind>,
    /// Which one of its kind: a recipient, a key's address.
    pub detail: String,
    /// When it was added.
    pub added: Option<Timestamp>,
    /// Whether its file is as it should be.
    pub state: OpenerState,
    /// Which key of a service opens it, as its file says: see [`crate::Wrapped::arguments`].
    #[serde(skip)]
    pub arguments: Vec<String>,
}

/// Whether an opener's file is as the journal records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OpenerState {
    /// It is.
    Sound,
    /// It is there, and was changed.
    Changed,
    /// It is gone.
    Missing,
    /// The journal does not know it.
    Unrecorded,
}

impl Store {
    /// Every way to open the store, that of `identity.age` first.
    ///
    /// # Errors
    /// [`Error::Permissions`], [`Error::Io`].
    pub fn openers(&self) -> Result<Vec<Opener>, Error> {
        list(&self.folder, &self.roster)
    }
}

impl LockedStore {
    /// Every way to open the store, that of `identity.age` first. Without the identity nothing
    /// proves what the journal says of them.
    ///
    /// # Errors
    /// [`Error::Permissions`], [`Error::Io`].
    pub fn openers(&self) -> Result<Vec<Opener>, Error> {
        list(&self.folder, &Roster::from_records(&self.records()?))
    }
}

pub(crate) fn list(store: &Folder, roster: &Roster) -> Result<Vec<Opener>, Error> {
    let files = OpenerFile::read_all(store)?;
    let mut openers: Vec<Opener> = files.iter().map(|file| of_file(file, roster)).collect();
    let there = |name: &OpenerName| files.iter().any(|file| file.name.file() == name.file());
    if let Some(created) = roster.original()
        && !there(&OpenerName::passphrase())
    {
        openers.push(Opener {
            name: OpenerName::passphrase(),
            kind: None,
            detail: String::new(),
            added: Some(created),
            state: OpenerState::Missing,
            arguments: Vec::new(),
        });
    }
    for known in roster.recorded() {
        if !there(&known.name) {
            openers.push(Opener {
                name: known.name.clone(),
                kind: serde_json::from_value(known.kind.clone().into()).ok(),
                detail: known.detail.clone(),
                added: Some(known.added),
                state: OpenerState::Missing,
                arguments: Vec::new(),
            });
        }
    }
    Ok(openers)
}

fn of_file(file: &OpenerFile, roster: &Roster) -> Opener {
    let header = file.header().ok();
    let known = roster.find(&file.name);
    let original = roster
        .original()
        .filter(|_| file.name.is_in_identity_file());
    let state = match known {
        None if original.is_some() => OpenerState::Sound,
        None => OpenerState::Unrecorded,
        Some(known)
            if known
                .sha256
                .as_ref()
                .is_some_and(|sum| *sum != file.sha256()) =>
        {
            OpenerState::Changed
        }
        Some(_) => OpenerState::Sound,
    };
    let arguments = header
        .as_ref()
        .map(|header| header.arguments.clone())
        .unwrap_or_default();
    Opener {
        name: file.name.clone(),
        kind: header.map(|header| header.kind),
        detail: known.map_or_else(
            || arguments.first().cloned().unwrap_or_default(),
            |known| known.detail.clone(),
        ),
        added: known.map(|known| known.added).or(original),
        state,
        arguments,
    }
}
