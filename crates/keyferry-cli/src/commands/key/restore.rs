//! `keyferry key restore`

use std::path::{Path, PathBuf};

use keyferry_keystore::{
    AgeIdentities, Backup, BackupKey, BackupLock, Error, LockedBackup, LockedStore, Recombined,
    Reprotect, RestoreReport, Share, Unlock, WorkFactor,
};

use super::backup::documents;
use crate::args::{OpenerArgs, ProtectionArgs, RestoreArgs};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{keys, secret_input, store_place};

pub(super) async fn run(invocation: &Invocation, arguments: RestoreArgs) -> Result<Exit, Failure> {
    let documents = documents(invocation, &arguments.from).await?;
    let backup = LockedBackup::find(&*documents)?;
    if arguments.test {
        let key = key(invocation, &backup, &arguments.opener)?;
        return test(invocation, backup.unlock(&key)?);
    }
    let store = store_place::folder(&invocation.settings)?;
    let store = store.as_path();
    if LockedStore::open(store).is_ok_and(|live| live.id() != backup.store()) {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "`{}` is another store than the one that was backed up, `{}`",
                store.display(),
                backup.store()
            ),
        )
        .hint("name a new folder with --store"));
    }
    match LockedStore::open(store) {
        Ok(_) => {
            let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
            let report = backup
                .unlock_with(&store)?
                .restore_into(&mut store, arguments.partial)?;
            show(invocation, &report)
        }
        // Nothing there, or an empty folder that others may enter: the new store takes its place.
        Err(error @ (Error::NoStore { .. } | Error::Permissions(_))) => {
            if !matches!(error, Error::NoStore { .. }) && !is_empty(store) {
                return Err(error.into());
            }
            let key = key(invocation, &backup, &arguments.opener)?;
            let opened = backup.unlock(&key)?;
            let protection = protection(&arguments.protection, !opened.has_passphrase()?)?;
            let (_, report) = opened.restore_new(store, protection.as_ref(), arguments.partial)?;
            show(invocation, &report)
        }
        Err(error) => Err(error.into()),
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn test(invocation: &Invocation, backup: Backup<'_>) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let tested = backup.test()?;
    let recorded = match store_place::find(&invocation.settings) {
        Ok(store) => backup.record_test(&tested, store)?.is_some(),
        Err(_) => false,
    };
    if !terminal.is_text() {
        terminal.json(&serde_json::json!({
            "place": tested.place,
            "store": tested.store,
            "keys": tested.keys,
            "journal_line": tested.line,
            "recorded": recorded,
        }))?;
        return Ok(Exit::Done);
    }
    let keys = if tested.keys == 1 { "key" } else { "keys" };
    terminal.print(format!(
        "the backup in {} opens: {} {keys} decrypted, each with the MD5 that the journal records",
        tested.place, tested.keys
    ))?;
    if !recorded {
        terminal.say(format!(
            "store `{}` is not at `{}`, so its journal does not record this test",
            tested.store, invocation.settings.store
        ));
    }
    Ok(Exit::Done)
}

/// What opens the backup: what was given, or a passphrase that is asked for.
fn key(
    invocation: &Invocation,
    backup: &LockedBackup<'_>,
    given: &OpenerArgs,
) -> Result<BackupKey, Failure> {
    if !given.share.is_empty() {
        return Ok(BackupKey::Recombined(recombined(&given.share)?));
    }
    if let Some(path) = &invocation.settings.identity {
        return Ok(BackupKey::Identities(identities(path)?));
    }
    match backup.lock()? {
        BackupLock::Passphrase => {
            let passphrase =
                secret_input::passphrase_for(&invocation.settings, "Passphrase of the backup: ")?;
            Ok(BackupKey::Passphrase(passphrase))
        }
        _ => Err(Failure::new(
            Exit::Store,
            "the backup is opened by an age identity, and none was given",
        )
        .hint(
            "give --identity FILE; or the store's own identity by --share FILE, or from a recovery sheet",
        )),
    }
}

/// The identities in a file.
pub(super) fn identities(path: &Path) -> Result<AgeIdentities, Failure> {
    let text = secret_input::from_file(path)?;
    let source = format!("`{}`", path.display());
    Ok(AgeIdentities::parse(&text, &source)?)
}

/// The identity from shares, one in each file.
pub(super) fn recombined(files: &[PathBuf]) -> Result<Recombined, Failure> {
    let mut shares = Vec::new();
    for path in files {
        let (text, source) = if path.as_os_str() == "-" {
            (secret_input::from_stdin()?, "standard input".to_owned())
        } else {
            (
                secret_input::from_file(path)?,
                format!("`{}`", path.display()),
            )
        };
        shares.push(Share::parse(&text, &source)?);
    }
    Ok(Recombined::from_shares(&shares)?)
}

/// What the restored store is to be protected by, if that was said or has to be.
pub(super) fn protection(
    given: &ProtectionArgs,
    needed: bool,
) -> Result<Option<Reprotect>, Failure> {
    let unlock = if given.no_passphrase {
        Unlock::Unprotected
    } else if let Some(path) = &given.new_passphrase_file {
        Unlock::Passphrase(secret_input::passphrase_in(path)?)
    } else if needed && secret_input::can_ask() {
        Unlock::Passphrase(secret_input::new_passphrase_of(
            "New passphrase for the key store: ",
        )?)
    } else {
        return Ok(None);
    };
    let work = WorkFactor::DEFAULT;
    Ok(Some(Reprotect { unlock, work }))
}

fn show(invocation: &Invocation, report: &RestoreReport) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let store = store_place::folder(&invocation.settings)?;
    if !terminal.is_text() {
        let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
        terminal.json(&serde_json::json!({
            "place": report.place,
            "store": store,
            "keys": report.keys,
            "entries": report.entries,
            "faults": faults,
        }))?;
    } else if report.keys == 0 && report.entries == 0 {
        terminal.print(format!(
            "`{}` has everything that the backup in {} has",
            store.display(),
            report.place
        ))?;
    } else {
        let keys = if report.keys == 1 { "key" } else { "keys" };
        let entries = if report.entries == 1 {
            "entry"
        } else {
            "entries"
        };
        terminal.print(format!(
            "restored {} {keys} and {} journal {entries} from {} into `{}`",
            report.keys,
            report.entries,
            report.place,
            store.display()
        ))?;
    }
    for fault in &report.faults {
        terminal.warn(format!("not restored: {fault}"));
    }
    Ok(Exit::Done)
}
