//! `keyferry key shares` and `keyferry key restore-identity`

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use keyferry_keystore::{Share, ShareCounts, WorkFactor};

use super::restore::{identities, protection, recombined};
use crate::args::{RestoreIdentityArgs, SharesArgs};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::{keys, store_place};

pub(super) fn run(invocation: &Invocation, arguments: &SharesArgs) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let counts = ShareCounts::new(arguments.shares, arguments.threshold)?;
    let mut store = keys::open_store(&invocation.settings, &terminal)?;
    let shares = store.split_identity(counts)?;
    if let Some(folder) = &arguments.out {
        for share in &shares {
            let path = folder.join(file_name(share));
            write(folder, &path, share).context("write", path.display())?;
            if terminal.is_text() {
                terminal.print(path.display())?;
            }
        }
    }
    if !terminal.is_text() {
        let listed: Vec<_> = shares
            .iter()
            .map(|share| {
                let file = arguments
                    .out
                    .as_ref()
                    .map(|folder| folder.join(file_name(share)));
                let text = file.is_none().then(|| share.to_text());
                serde_json::json!({
                    "store": share.store(),
                    "set": share.set_text(),
                    "index": share.index(),
                    "threshold": share.threshold(),
                    "file": file,
                    "text": text.as_ref().map(|text| text.as_str()),
                })
            })
            .collect();
        terminal.json_list(&listed)?;
    } else if arguments.out.is_none() {
        let texts: Vec<_> = shares.iter().map(Share::to_text).collect();
        for (number, text) in texts.iter().enumerate() {
            if number > 0 {
                terminal.print("")?;
            }
            terminal.print(text.trim_end())?;
        }
    }
    terminal.say(format!(
        "any {} of these {} shares open every key of the store: keep each in another place",
        arguments.threshold, arguments.shares
    ));
    Ok(Exit::Done)
}

fn file_name(share: &Share) -> String {
    format!("share-{}-{}.txt", share.set_text(), share.index())
}

fn write(folder: &Path, path: &Path, share: &Share) -> std::io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(share.to_text().as_bytes())?;
    file.sync_all()
}

pub(super) fn restore_identity(
    invocation: &Invocation,
    arguments: &RestoreIdentityArgs,
) -> Result<Exit, Failure> {
    let store = store_place::find(&invocation.settings)?;
    // Proven before a passphrase is asked for.
    let protect = |needed| -> Result<_, Failure> {
        protection(&arguments.protection, needed)?.ok_or_else(|| {
            Failure::new(Exit::Usage, "the store needs a new passphrase, and none was given").hint(
                "give --new-passphrase-file FILE, or --no-passphrase to protect it by file permissions alone",
            )
        })
    };
    match &invocation.settings.identity {
        Some(path) if arguments.shares.is_empty() => {
            let identities = identities(path)?;
            let protection = protect(true)?;
            store.restore_identity_from(&identities, &protection.unlock, WorkFactor::DEFAULT)?
        }
        _ => {
            let recombined = recombined(&arguments.shares)?;
            let protection = protect(true)?;
            store.restore_identity(&recombined, &protection.unlock, WorkFactor::DEFAULT)?
        }
    };
    invocation.terminal.say(format!(
        "`{}` opens again, by what it is protected by now",
        invocation.settings.store
    ));
    Ok(Exit::Done)
}
