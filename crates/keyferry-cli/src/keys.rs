//! From what was asked for to a customer key: the store, a file, or the object's own tag.

use std::path::Path;

use keyferry_key::import::{self, Format};
use keyferry_key::{CustomerKey, KeyId, ParseKeyIdError};
use keyferry_keystore::{Error, ErrorClass, KeyEntry, KeyState, RingName, Store};
use keyferry_policy::BucketName;
use keyferry_remote::StoreAddress;

use crate::args::KeySource;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::opening;
use crate::secret_input;
use crate::settings::Settings;
use crate::store_keys::Only;
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

/// Whether there is a store.
pub(crate) fn has_store(settings: &Settings) -> bool {
    match &settings.store {
        StoreAddress::Folder(folder) => folder.exists(),
        // Only asking tells.
        _ => true,
    }
}

/// Opens the store and reports what opening noticed.
pub(crate) fn open_store(settings: &Settings, terminal: &Terminal) -> Result<Store, Failure> {
    let store = opening::open(settings, *terminal)?;
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
        KeySource::Store(name) => return choose_in(&open_store(settings, terminal)?, name),
        KeySource::File(path) => secret_input::from_file(path)?,
        KeySource::Descriptor(number) => secret_input::from_descriptor(*number)?,
        KeySource::Environment(name) => secret_input::from_environment(name)?,
        KeySource::LooksLikeAKey => {
            return Err(given_as_argument("--key").hint(
                "treat that key as known to others; give a ring, a key id, file:PATH, fd:N or env:NAME",
            ));
        }
    };
    let imported = import::decode(&bytes, Format::Auto)
        .map_err(|error| Failure::new(Exit::Key, format!("--key: {error}")).hint(error.hint()))?;
    if let Some(caution) = imported.caution() {
        terminal.warn(caution);
    }
    Ok(ChosenKey {
        key: imported.key,
        id: None,
    })
}

/// A key stands where only the name of one may. The message does not repeat it.
pub(crate) fn given_as_argument(place: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        format!(
            "{place} looks like a key itself, and arguments are visible to every user of the machine"
        ),
    )
}

/// The key that a key id names, or a ring's active one.
pub(crate) fn choose_in(store: &Store, name: &str) -> Result<ChosenKey, Failure> {
    let id = named_in(store.list(), name)?.id;
    tracing::info!(key = %id, asked = %name, "chose a key");
    Ok(ChosenKey {
        key: store.key(&id)?,
        id: Some(id),
    })
}

/// What a name of the store stands for.
#[derive(Debug)]
pub(crate) enum Named {
    /// A key id.
    Key(KeyEntry),
    /// A ring that has keys.
    Ring(RingName),
}

impl From<Named> for Only {
    fn from(named: Named) -> Self {
        match named {
            Named::Key(entry) => Self::Key(entry.id),
            Named::Ring(ring) => Self::Ring(ring),
        }
    }
}

/// The ring that is configured for a bucket, whatever of it is active.
pub(crate) fn expected_ring(
    settings: &Settings,
    store: &Store,
    bucket: &BucketName,
) -> Option<RingName> {
    let Some(KeySource::Store(name)) = settings.default_key(bucket) else {
        return None;
    };
    match named(store.list(), &name).ok()? {
        Named::Key(entry) => Some(entry.ring),
        Named::Ring(ring) => Some(ring),
    }
}

/// The key of the store that new objects are to be encrypted under: an active one, and only if it could
/// not be lost with the store, or if that risk is, or was, accepted. There is none while entries that
/// cannot be read may say that it should not be used.
pub(crate) fn choose_for_upload(
    store: &mut Store,
    terminal: &Terminal,
    name: &str,
    accept_loss_risk: bool,
) -> Result<ChosenKey, Failure> {
    let KeyEntry {
        id, ring, state, ..
    } = named_in(store.list(), name)?;
    if state != KeyState::Active {
        return Err(Failure::new(
            Exit::Key,
            format!("key `{id}` is {state} and encrypts nothing new"),
        )
        .hint(format!("`--key {ring}` takes the active key of its ring")));
    }
    let (active, key) = store.active(&ring)?;
    tracing::info!(key = %active.id, asked = %name, "chose a key");
    require_escrow(store, terminal, &active.id, accept_loss_risk)?;
    Ok(ChosenKey {
        key,
        id: Some(active.id),
    })
}

/// Refuses a key whose ring was never in a tested backup, unless that risk is, or was, accepted; warns
/// of a key that no backup holds.
pub(crate) fn require_escrow(
    store: &mut Store,
    terminal: &Terminal,
    id: &KeyId,
    accept_loss_risk: bool,
) -> Result<(), Failure> {
    let escrow = if accept_loss_risk {
        store.accept_loss_risk(id)?
    } else {
        store.require_escrow(id)?
    };
    if escrow.backup.is_none() {
        terminal.warn(format!(
            "no backup holds key `{id}` of ring `{}`: `keyferry key backup TO` makes one",
            escrow.ring
        ));
    }
    Ok(())
}

/// The entry of a key id, or of a ring's active key.
pub(crate) fn named_in(entries: &[KeyEntry], name: &str) -> Result<KeyEntry, Failure> {
    match named(entries, name)? {
        Named::Key(entry) => Ok(entry),
        Named::Ring(ring) => active_in(entries, &ring)
            .cloned()
            .ok_or_else(|| Error::NoActiveKey { ring }.into()),
    }
}

/// What a key id or the name of a ring stands for.
pub(crate) fn named(entries: &[KeyEntry], name: &str) -> Result<Named, Failure> {
    if name.starts_with(KeyId::PREFIX) {
        let id: KeyId = name.parse().map_err(|error: ParseKeyIdError| {
            Failure::from_error(Exit::Key, &error).hint("`keyferry key list` shows the ids")
        })?;
        return entries
            .iter()
            .find(|entry| entry.id == id)
            .cloned()
            .map(Named::Key)
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
    Ok(Named::Ring(ring))
}

/// The active key of a ring.
pub(crate) fn active_in<'a>(entries: &'a [KeyEntry], ring: &RingName) -> Option<&'a KeyEntry> {
    entries
        .iter()
        .find(|entry| entry.ring == *ring && entry.state == KeyState::Active)
}
