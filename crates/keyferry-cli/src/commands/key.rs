//! `keyferry key`: the key manager's commands.

mod backup;
mod import;
mod recovery_sheet;
mod restore;
mod shares;
mod table;

use std::io::Write;

use keyferry_keystore::{Error, LockedStore, RingName, Store, Succession, Unlock};

use super::Invocation;
use crate::args::{ExportTarget, KeyCommand};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::{keys, secret_input};

pub(super) async fn run(invocation: &Invocation, command: KeyCommand) -> Result<Exit, Failure> {
    match command {
        KeyCommand::Init { no_passphrase } => init(invocation, no_passphrase),
        KeyCommand::New { ring } => new(invocation, &ring, Succession::FirstOnly),
        KeyCommand::Rotate { ring } => rotate(invocation, &ring),
        KeyCommand::List { ring } => list(invocation, ring.as_deref()),
        KeyCommand::Show { key } => show(invocation, &key),
        KeyCommand::Import {
            ring,
            file,
            fd,
            env,
            format,
            md5,
            verify,
            decrypt_only,
        } => {
            let request = import::Request {
                ring,
                source: import::Source::from_arguments(file, fd, env),
                format,
                md5,
                verify,
                decrypt_only,
            };
            import::run(invocation, request).await
        }
        KeyCommand::Export { key, target } => export(invocation, &key, target),
        KeyCommand::Headers { key, copy_source } => headers(invocation, &key, copy_source),
        KeyCommand::Backup(arguments) => backup::run(invocation, arguments).await,
        KeyCommand::Restore(arguments) => restore::run(invocation, arguments).await,
        KeyCommand::Shares(arguments) => shares::run(invocation, &arguments),
        KeyCommand::RestoreIdentity(arguments) => shares::restore_identity(invocation, &arguments),
        KeyCommand::RecoverySheet(arguments) => recovery_sheet::run(invocation, &arguments),
    }
}

fn init(invocation: &Invocation, no_passphrase: bool) -> Result<Exit, Failure> {
    let path = &invocation.settings.store;
    if LockedStore::open(path).is_ok() {
        return Err(Error::StoreExists { path: path.clone() }.into());
    }
    let unlock = if no_passphrase {
        Unlock::Unprotected
    } else {
        Unlock::Passphrase(secret_input::new_passphrase(&invocation.settings)?)
    };
    Store::init(path, &unlock)?;
    invocation.terminal.say(format!(
        "made an empty key store at `{}`\nback it up after each new key, with `keyferry key backup TO`: without its key an object is lost",
        path.display()
    ));
    Ok(Exit::Done)
}

fn new(invocation: &Invocation, ring: &str, succession: Succession) -> Result<Exit, Failure> {
    let ring: RingName = ring.parse()?;
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let entry = store.create(&ring, succession)?;
    if invocation.terminal.is_text() {
        invocation.terminal.print(&entry.id)?;
    } else {
        invocation.terminal.json(&entry)?;
    }
    Ok(Exit::Done)
}

fn rotate(invocation: &Invocation, ring: &str) -> Result<Exit, Failure> {
    let store = LockedStore::open(&invocation.settings.store)?;
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
    let store = LockedStore::open(&invocation.settings.store)?;
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
    let store = LockedStore::open(&invocation.settings.store)?;
    let entry = keys::named_in(&store.list()?, key)?;
    if invocation.terminal.is_text() {
        invocation.terminal.print(table::particulars(&entry))?;
    } else {
        invocation.terminal.json(&entry)?;
    }
    Ok(Exit::Done)
}

fn export(invocation: &Invocation, key: &str, target: ExportTarget) -> Result<Exit, Failure> {
    if let ExportTarget::File(path) = &target
        && path.exists()
    {
        return Err(Error::ExportExists { path: path.clone() }.into());
    }
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let id = keys::named_in(store.list(), key)?.id;
    match target {
        ExportTarget::File(path) => {
            let exported = store.export(&id, &path)?;
            if !invocation.terminal.is_text() {
                invocation.terminal.json(&serde_json::json!({
                    "key": exported.entry,
                    "file": exported.path,
                }))?;
            }
            invocation.terminal.say(format!(
                "wrote the key to `{0}`, 32 raw bytes: `aws s3 cp --sse-c AES256 --sse-c-key fileb://{0} ...`",
                path.display()
            ));
        }
        ExportTarget::Stdout => {
            use std::io::IsTerminal;
            if std::io::stdout().is_terminal() {
                return Err(Failure::new(
                    Exit::Usage,
                    "the key is 32 raw bytes: it will not be written to a terminal",
                )
                .hint("give a file, or pipe it on"));
            }
            let key = store.hand_out(&id, "standard output")?;
            std::io::stdout()
                .write_all(key.expose())
                .context("write to", "standard output")?;
        }
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
