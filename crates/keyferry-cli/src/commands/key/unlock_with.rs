//! `keyferry key unlock-with`: who can open the key store.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use keyferry_keystore::{
    Existing, NewOpener, Opener, OpenerKind, OpenerName, Recipient, Store, WorkFactor,
};

use super::table;
use crate::args::{OpenerSpec, SecretPlace, UnlockWithCommand};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::opening::{self, services};
use crate::{keys, secret_input, store_place};

pub(super) fn run(invocation: &Invocation, command: UnlockWithCommand) -> Result<Exit, Failure> {
    match command {
        UnlockWithCommand::Add {
            opener,
            name,
            replace,
            prove_with,
            new_passphrase,
        } => {
            let request = Request {
                opener: &opener,
                name: name.as_ref(),
                existing: if replace {
                    Existing::Replace
                } else {
                    Existing::Keep
                },
                prove_with: prove_with.as_deref(),
                new_passphrase: new_passphrase.as_ref(),
            };
            add(invocation, &request)
        }
        UnlockWithCommand::Remove { name, yes } => remove(invocation, &name, yes),
        UnlockWithCommand::List => list(invocation),
    }
}

struct Request<'a> {
    opener: &'a OpenerSpec,
    name: Option<&'a OpenerName>,
    existing: Existing,
    prove_with: Option<&'a Path>,
    new_passphrase: Option<&'a SecretPlace>,
}

fn add(invocation: &Invocation, request: &Request<'_>) -> Result<Exit, Failure> {
    let (settings, terminal) = (&invocation.settings, &invocation.terminal);
    if *request.opener == OpenerSpec::LooksLikeASecret {
        return Err(Failure::new(
            Exit::Usage,
            "the opener looks like a secret itself, and arguments are visible to every user of the machine",
        )
        .hint("consider that secret known to others; give `passphrase` and be asked for it, or the public half of an identity, `age1...`"));
    }
    // What is wrong with the recipient or its proof is said before anything is opened.
    let recipient = match request.opener {
        OpenerSpec::Age(text) => Some(Recipient::age(text, &opening::prompt(*terminal))?),
        OpenerSpec::Ssh(path) => Some(ssh_recipient(path)?),
        _ => None,
    };
    if request.prove_with.is_some() && recipient.is_none() {
        return Err(Failure::new(
            Exit::Usage,
            "--prove-with is for recipients: any other opener proves itself",
        ));
    }
    let mut proof = request
        .prove_with
        .map(|path| opening::identities(path, *terminal))
        .transpose()?;

    let mut store = keys::open_store(settings, terminal)?;
    let mut kept = None;
    let new = match (request.opener, recipient) {
        (_, Some(recipient)) => NewOpener::Recipient(recipient),
        (OpenerSpec::Kms(key), _) => NewOpener::Wrap(services::kms(settings, key)?),
        (OpenerSpec::Vault(path), _) => NewOpener::Wrap(services::vault(settings, path)?),
        (OpenerSpec::Pkcs11(uri), _) => NewOpener::Wrap(services::pkcs11(settings, uri)?),
        (OpenerSpec::SecretService, _) => {
            let fresh = services::keep_identity(store.id())?;
            proof = Some(fresh.identities);
            kept = Some(fresh.label);
            NewOpener::Recipient(fresh.recipient)
        }
        _ => NewOpener::Passphrase(
            secret_input::further_passphrase(request.new_passphrase)?,
            WorkFactor::DEFAULT,
        ),
    };
    let name = match (request.name, &new) {
        (Some(name), _) => name.clone(),
        (None, NewOpener::Recipient(recipient)) => recipient.kind().into(),
        (None, NewOpener::Wrap(wrap)) => wrap.kind().into(),
        (None, _) => OpenerName::passphrase(),
    };
    let before = store.openers()?;
    let added = match store.add_opener(&name, &new, proof.as_ref(), request.existing) {
        Ok(added) => added,
        Err(error) => {
            if let Some(label) = kept {
                services::forget_identity(&label, *terminal);
            }
            return Err(error.into());
        }
    };
    // Who replaced the passphrase of a store may have replaced its lack of one.
    let replaced = before.iter().find(|known| known.name == name);
    if let Some(opener) = replaced {
        forget(opener, invocation);
    }
    if !terminal.is_text() {
        terminal.json(&serde_json::json!({
            "opener": added.opener,
            "proven": added.proven,
        }))?;
    }
    let what = if replaced.is_some() {
        "replaced"
    } else {
        "added"
    };
    terminal.say(format!("{what} opener `{name}`: {}", added.opener.detail));
    if !added.proven {
        terminal.warn(format!(
            "nothing has shown yet that `{name}` opens the store: try it with `keyferry key unlock-with list --open-with {name} --identity FILE`"
        ));
    }
    warn_if_unprotected(&store, invocation)?;
    Ok(Exit::Done)
}

fn ssh_recipient(path: &Path) -> Result<Recipient, Failure> {
    let bytes = secret_input::from_file(path)?;
    if bytes.starts_with(b"-----BEGIN ") {
        return Err(Failure::new(
            Exit::Store,
            format!("`{}` is the private half of a key", path.display()),
        )
        .hint(format!(
            "give the public half: `ssh:{}.pub`",
            path.display()
        )));
    }
    Ok(Recipient::ssh(&String::from_utf8_lossy(&bytes))?)
}

fn warn_if_unprotected(store: &Store, invocation: &Invocation) -> Result<(), Failure> {
    let openers = store.openers()?;
    if openers.len() > 1
        && openers
            .iter()
            .any(|opener| opener.kind == Some(OpenerKind::Unprotected))
    {
        invocation.terminal.warn(
            "the store still opens without anything: `keyferry key unlock-with remove unprotected`",
        );
    }
    Ok(())
}

fn remove(invocation: &Invocation, name: &OpenerName, yes: bool) -> Result<Exit, Failure> {
    let (settings, terminal) = (&invocation.settings, invocation.terminal);
    let mut store = opening::open_but(settings, terminal, name)?;
    let by = store.opened_by().map(ToString::to_string);
    if !yes && !confirmed(name, by.as_deref().unwrap_or("another"))? {
        return Err(Failure::new(Exit::Failure, "nothing was changed"));
    }
    let removed = store.remove_opener(name)?;
    forget(&removed, invocation);
    if !terminal.is_text() {
        terminal.json(&serde_json::json!({ "removed": removed, "opened_by": by }))?;
    }
    terminal.say(format!(
        "removed opener `{name}`; copies of its file in backups still open the store's identity"
    ));
    Ok(Exit::Done)
}

fn confirmed(name: &OpenerName, by: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            format!("removing opener `{name}` asks first, and there is no terminal to ask on"),
        )
        .hint("--yes removes it without asking"));
    }
    let mut error = io::stderr();
    write!(
        error,
        "Remove opener `{name}`? The store was opened by `{by}`, which stays. [y/N] "
    )
    .and_then(|()| error.flush())
    .context("ask on", "the terminal")?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("read", "the answer")?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}

/// Removes what a service kept for an opener that is no more.
fn forget(opener: &Opener, invocation: &Invocation) {
    if opener.kind == Some(OpenerKind::SecretService)
        && let Some(label) = opener.arguments.first()
    {
        services::forget_identity(label, invocation.terminal);
    }
}

fn list(invocation: &Invocation) -> Result<Exit, Failure> {
    let (settings, terminal) = (&invocation.settings, &invocation.terminal);
    // Whoever names an opener or an identity wants to see it work.
    let openers = if settings.open_with.is_some() || settings.identity.is_some() {
        let store = keys::open_store(settings, terminal)?;
        if let Some(name) = store.opened_by() {
            terminal.say(format!("`{name}` opens the store"));
        }
        store.openers()?
    } else {
        store_place::find_and_tell(settings, *terminal)?.openers()?
    };
    if terminal.is_text() {
        terminal.print(table::openers(&openers))?;
    } else {
        terminal.json_list(&openers)?;
    }
    Ok(Exit::Done)
}
