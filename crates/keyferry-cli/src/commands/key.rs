//! `keyferry key`: the key manager's commands.

mod backup;
mod check;
mod destroy;
mod export;
mod import;
mod life;
mod log;
mod recovery_sheet;
mod restore;
mod shares;
mod table;
mod unlock_with;
mod usage;

use keyferry_keystore::{KeyEntry, RingName, Succession, Unlock};

use super::Invocation;
use crate::args::KeyCommand;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{keys, secret_input, store_place};

pub(super) async fn run(invocation: &Invocation, command: KeyCommand) -> Result<Exit, Failure> {
    match command {
        KeyCommand::Init { no_passphrase } => init(invocation, no_passphrase),
        KeyCommand::New {
            ring,
            pending: false,
        } => new(invocation, &ring, Succession::FirstOnly),
        KeyCommand::New {
            ring,
            pending: true,
        } => new_pending(invocation, &ring),
        KeyCommand::Activate(arguments) => life::activate(invocation, &arguments),
        KeyCommand::Retire(arguments) => life::retire(invocation, &arguments),
        KeyCommand::Compromise(arguments) => life::compromise(invocation, &arguments).await,
        KeyCommand::Destroy(arguments) => destroy::run(invocation, arguments).await,
        KeyCommand::Check(arguments) => check::run(invocation, &arguments),
        KeyCommand::Rotate { ring } => rotate(invocation, &ring),
        KeyCommand::List { ring } => list(invocation, ring.as_deref()),
        KeyCommand::Show { key } => show(invocation, &key),
        KeyCommand::Import(arguments) => import::run(invocation, arguments).await,
        KeyCommand::Export(arguments) => export::run(invocation, arguments),
        KeyCommand::Log(arguments) => log::run(invocation, &arguments),
        KeyCommand::Headers { key, copy_source } => headers(invocation, &key, copy_source),
        KeyCommand::UnlockWith(arguments) => unlock_with::run(invocation, arguments.command),
        KeyCommand::Usage(arguments) => usage::run(invocation, arguments).await,
        KeyCommand::Backup(arguments) => backup::run(invocation, arguments).await,
        KeyCommand::Restore(arguments) => restore::run(invocation, arguments).await,
        KeyCommand::Shares(arguments) => shares::run(invocation, &arguments),
        KeyCommand::RestoreIdentity(arguments) => shares::restore_identity(invocation, &arguments),
        KeyCommand::RecoverySheet(arguments) => recovery_sheet::run(invocation, &arguments),
    }
}

fn init(invocation: &Invocation, no_passphrase: bool) -> Result<Exit, Failure> {
    store_place::check_free(&invocation.settings)?;
    let unlock = if no_passphrase {
        Unlock::Unprotected
    } else {
        Unlock::Passphrase(secret_input::new_passphrase(&invocation.settings)?)
    };
    let store = store_place::make(&invocation.settings, &unlock)?;
    invocation.terminal.say(format!(
        "made an empty key store at `{}`\nback it up after each new key, with `keyferry key backup TO`: without its key an object is lost",
        store
            .place()
            .unwrap_or_else(|| store.path().display().to_string())
    ));
    Ok(Exit::Done)
}

fn new(invocation: &Invocation, ring: &str, succession: Succession) -> Result<Exit, Failure> {
    let ring: RingName = ring.parse()?;
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    made(invocation, &store.create(&ring, succession)?)
}

fn new_pending(invocation: &Invocation, ring: &str) -> Result<Exit, Failure> {
    let ring: RingName = ring.parse()?;
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let entry = store.create_pending(&ring)?;
    invocation.terminal.say(format!(
        "back it up, then `keyferry key activate {}`",
        entry.id
    ));
    made(invocation, &entry)
}

fn made(invocation: &Invocation, entry: &KeyEntry) -> Result<Exit, Failure> {
    if invocation.terminal.is_text() {
        invocation.terminal.print(&entry.id)?;
    } else {
        invocation.terminal.json(entry)?;
    }
    Ok(Exit::Done)
}

fn rotate(invocation: &Invocation, ring: &str) -> Result<Exit, Failure> {
    let store = store_place::find_and_tell(&invocation.settings, invocation.terminal)?;
    let active = keys::named_in(&store.list()?, ring)?;
    if active.ring.to_string() != ring {
        return Err(
            Failure::new(Exit::Usage, format!("`{ring}` is a key id")).hint(format!(
                "give its ring: `keyferry key rotate {}`",
                active.ring
            )),
        );
    }
    new(invocation, ring, Succession::Supersede)
}

fn list(invocation: &Invocation, ring: Option<&str>) -> Result<Exit, Failure> {
    let ring: Option<RingName> = ring.map(str::parse).transpose()?;
    let store = store_place::find_and_tell(&invocation.settings, invocation.terminal)?;
    let mut entries: Vec<_> = store
        .list()?
        .into_iter()
        .filter(|entry| ring.as_ref().is_none_or(|ring| entry.ring == *ring))
        .collect();
    entries.sort_by(|a, b| (&a.ring, a.version).cmp(&(&b.ring, b.version)));
    if !invocation.terminal.is_text() {
        invocation.terminal.json_list(&entries)?;
    } else if entries.is_empty() {
        invocation
            .terminal
            .say("no keys yet: `keyferry key new RING` makes one");
    } else {
        invocation.terminal.print(table::keys(&entries))?;
    }
    Ok(Exit::Done)
}

fn show(invocation: &Invocation, key: &str) -> Result<Exit, Failure> {
    let store = store_place::find_and_tell(&invocation.settings, invocation.terminal)?;
    let entry = keys::named_in(&store.list()?, key)?;
    if invocation.terminal.is_text() {
        invocation.terminal.print(table::particulars(&entry))?;
    } else {
        invocation.terminal.json(&entry)?;
    }
    Ok(Exit::Done)
}

fn headers(invocation: &Invocation, key: &str, copy_source: bool) -> Result<Exit, Failure> {
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let id = keys::named_in(store.list(), key)?.id;
    let headers = store.hand_out(&id, "request headers")?.headers();
    let prefix = if copy_source {
        "x-amz-copy-source-server-side-encryption-customer"
    } else {
        "x-amz-server-side-encryption-customer"
    };
    let named = [
        ("algorithm", headers.algorithm().to_owned()),
        ("key", headers.expose_key().to_owned()),
        ("key-MD5", headers.md5().to_string()),
    ];
    if invocation.terminal.is_text() {
        for (name, value) in named {
            invocation
                .terminal
                .print(format!("{prefix}-{name}: {value}"))?;
        }
    } else {
        let document: serde_json::Map<String, serde_json::Value> = named
            .into_iter()
            .map(|(name, value)| (format!("{prefix}-{name}"), value.into()))
            .collect();
        invocation.terminal.json(&document)?;
    }
    Ok(Exit::Done)
}
