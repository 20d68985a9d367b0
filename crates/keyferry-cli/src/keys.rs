//! From what was asked for to a customer key: the store, a file, or the object's own tag.

use std::path::Path;

use keyferry_key::import::{self, Format};
use keyferry_key::{CustomerKey, KeyId, ParseKeyIdError};
use keyferry_keystore::{
    Error, ErrorClass, KeyEntry, KeyState, LockedStore, Protection, RingName, Store, Unlock,
};

use crate::args::KeySource;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::secret_input;
use crate::settings::Settings;
use crate::terminal::Terminal;

/// A key to use, and its id where the store knows it.
#[derive(Debug)]
pub(crate) struct ChosenKey {
    pub(crate) key: CustomerKey,
    pub(crate) id: Option<KeyId>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.class() {
            ErrorClass::Usage => Exit::Usage,
            ErrorClass::UnknownKey => Exit::Key,
            ErrorClass::Locked | ErrorClass::Damaged => Exit::Store,
            // Nothing is wrong with the store; what the check before an upload found has to be settled.
            ErrorClass::Preflight => Exit::Findings,
            _ => Exit::Failure,
        };
        Self::from_error(exit, &error).maybe_hint(error.hint())
    }
}

impl ChosenKey {
    /// What to call it: its id, or its MD5.
    pub(crate) fn name(&self) -> String {
        match &self.id {
            Some(id) => id.to_string(),
            None => format!("MD5 {}", self.key.md5()),
        }
    }
}

/// What opens a store that exists.
pub(crate) fn unlock(settings: &Settings) -> Result<Unlock, Failure> {
    match LockedStore::open(&settings.store)?.protection()? {
        Protection::None => Ok(Unlock::Unprotected),
        _ => Ok(Unlock::Passphrase(secret_input::passphrase(settings)?)),
    }
}

/// Opens the store and reports what opening noticed.
pub(crate) fn open_store(settings: &Settings, terminal: &Terminal) -> Result<Store, Failure> {
    let unlock = unlock(settings)?;
    let store = LockedStore::open(&settings.store)?
        .witnessed_in(settings.witness.as_deref())
        .unlock(&unlock)?;
    for finding in store.findings() {
        terminal.warn(finding);
    }
    Ok(store)
}

/// The key that an option asks for.
pub(crate) fn choose(
    settings: &Settings,
    terminal: &Terminal,
    source: &KeySource,
) -> Result<ChosenKey, Failure> {
    let bytes = match source {
        KeySource::Store(name) => {
            let store = open_store(settings, terminal)?;
            let id = named_in(store.list(), name)?.id;
            return chosen(&store, id, name);
        }
        KeySource::File(path) => secret_input::from_file(path)?,
        KeySource::Descriptor(number) => secret_input::from_descriptor(*number)?,
        KeySource::Environment(name) => secret_input::from_environment(name)?,
        KeySource::LooksLikeAKey => {
            return Err(Failure::new(
                Exit::Usage,
                "--key looks like a key itself, and arguments are visible to every user of the machine",
            )
            .hint("treat that key as known to others; give a ring, a key id, file:PATH, fd:N or env:NAME"));
        }
    };
    let imported = import::decode(&bytes, Format::Auto)
        .map_err(|error| Failure::new(Exit::Key, format!("--key: {error}")).hint(error.hint()))?;
    if imported.strength.bits() < 256 {
        terminal.warn(format!(
            "the form of this key allows {} of randomness",
            imported.strength
        ));
    }
    Ok(ChosenKey {
        key: imported.key,
        id: None,
    })
}

fn chosen(store: &Store, id: KeyId, asked: &str) -> Result<ChosenKey, Failure> {
    tracing::info!(key = %id, asked, "chose a key");
    Ok(ChosenKey {
        key: store.key(&id)?,
        id: Some(id),
    })
}

/// The key that new objects are to be encrypted under. One of the store is used only if it could not
/// be lost with the store, or if that risk is, or was, accepted.
pub(crate) fn choose_for_upload(
    settings: &Settings,
    terminal: &Terminal,
    source: &KeySource,
    accept_loss_risk: bool,
) -> Result<ChosenKey, Failure> {
    let KeySource::Store(name) = source else {
        return choose(settings, terminal, source);
    };
    let mut store = open_store(settings, terminal)?;
    let id = named_in(store.list(), name)?.id;
    let escrow = if accept_loss_risk {
        store.accept_loss_risk(&id)?
    } else {
        store.require_escrow(&id)?
    };
    if escrow.backup.is_none() {
        terminal.warn(format!(
            "no backup holds key `{id}` of ring `{}`: `keyferry key backup TO` makes one",
            escrow.ring
        ));
    }
    chosen(&store, id, name)
}

/// The entry of a key id, or of a ring's active key.
pub(crate) fn named_in(entries: &[KeyEntry], name: &str) -> Result<KeyEntry, Failure> {
    if name.starts_with(KeyId::PREFIX) {
        let id: KeyId = name.parse().map_err(|error: ParseKeyIdError| {
            Failure::from_error(Exit::Key, &error).hint("`keyferry key list` shows the ids")
        })?;
        return entries
            .iter()
            .find(|entry| entry.id == id)
            .cloned()
            .ok_or_else(|| Error::UnknownKey { id }.into());
    }
    let unknown = |what: String| {
        let hint = if Path::new(name).is_file() {
            format!("for the key in that file give `file:{name}`")
        } else {
            format!("`keyferry key list` shows the rings, `keyferry key new {name}` makes this one")
        };
        Failure::new(Exit::Key, what).hint(hint)
    };
    let ring: RingName = match name.parse() {
        Ok(ring) => ring,
        Err(_) if Path::new(name).is_file() => {
            return Err(unknown(format!("`{name}` is neither a ring nor a key id")));
        }
        Err(error) => return Err(Error::into(error)),
    };
    if !entries.iter().any(|entry| entry.ring == ring) {
        return Err(unknown(format!("there is no ring `{ring}`")));
    }
    active_in(entries, &ring)
        .cloned()
        .ok_or_else(|| Error::NoActiveKey { ring }.into())
}

/// The active key of a ring.
pub(crate) fn active_in<'a>(entries: &'a [KeyEntry], ring: &RingName) -> Option<&'a KeyEntry> {
    entries
        .iter()
        .find(|entry| entry.ring == *ring && entry.state == KeyState::Active)
}
