//! `keyferry key backup`

use keyferry_keystore::{
    BackupOptions, BackupProtection, BackupRecipient, BackupReport, Documents, FolderDocuments,
    Protection, Store, TarDocuments,
};

use crate::args::{BackupArgs, BackupPlace, RecipientArg};
use crate::aws::Aws;
use crate::bucket_documents::BucketDocuments;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::{keys, secret_input, store_place};

pub(super) async fn run(invocation: &Invocation, arguments: BackupArgs) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let mut options = BackupOptions::default();
    options.protection = if !arguments.recipient.is_empty() {
        Some(BackupProtection::Recipients(recipients(&arguments)?))
    } else if let Some(path) = &arguments.backup_passphrase_file {
        let passphrase = secret_input::passphrase_in(path)?;
        Some(BackupProtection::Passphrase(passphrase))
    } else {
        None
    };
    let mut store = keys::open_store(&invocation.settings, &terminal)?;
    let report = match back_up(invocation, &mut store, &arguments.to, &options).await {
        Err(Problem::NeedsProtection) if secret_input::can_ask() => {
            let asked = secret_input::new_passphrase_of(
                "The store has no passphrase; its backup needs one of its own: ",
            )?;
            options.protection = Some(BackupProtection::Passphrase(asked));
            back_up(invocation, &mut store, &arguments.to, &options).await
        }
        done => done,
    }
    .map_err(|problem| match problem {
        Problem::NeedsProtection => {
            keyferry_keystore::Error::from(keyferry_keystore::BackupError::ProtectionNeeded).into()
        }
        Problem::Other(failure) => failure,
    })?;
    show(invocation, &report)?;
    for key in &report.unsound {
        terminal.warn(format!("not backed up: {}", key.reason));
    }
    for name in &report.left_over {
        terminal.warn(format!(
            "`{name}` is no longer needed and could not be removed"
        ));
    }
    if report.unsound.is_empty() {
        return Ok(Exit::Done);
    }
    let lost = report.unsound.len();
    let keys = if lost == 1 { "key" } else { "keys" };
    Err(Failure::new(
        Exit::Store,
        format!("{lost} {keys} of the store could not be backed up"),
    )
    .hint("restore them from an earlier backup: `keyferry key restore FROM`"))
}

fn recipients(arguments: &BackupArgs) -> Result<Vec<BackupRecipient>, Failure> {
    let each = arguments.recipient.iter().map(|given| match given {
        RecipientArg::Recipient(recipient) => Ok(recipient.clone()),
        RecipientArg::Invalid(reason) => Err(Failure::new(Exit::Usage, reason)
            .hint("a recipient is the public key that `age-keygen` prints: age1...")),
    });
    each.collect()
}

enum Problem {
    /// The store has no passphrase, and the backup would be open.
    NeedsProtection,
    Other(Failure),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

async fn back_up(
    invocation: &Invocation,
    store: &mut Store,
    to: &BackupPlace,
    options: &BackupOptions,
) -> Result<BackupReport, Problem> {
    let done = match to {
        BackupPlace::Folder(path) => {
            let folder = FolderDocuments::open_or_new(path).map_err(Failure::from)?;
            store.back_up(&folder, options)
        }
        BackupPlace::Tar(path) => store.back_up_to_tar(path, options),
        _ => {
            let bucket = documents(invocation, to).await?;
            store.back_up(&*bucket, options)
        }
    };
    done.map_err(|error| match error {
        keyferry_keystore::Error::Backup(keyferry_keystore::BackupError::ProtectionNeeded) => {
            Problem::NeedsProtection
        }
        error => Problem::Other(error.into()),
    })
}

/// The documents of a backup that exists.
pub(super) async fn documents(
    invocation: &Invocation,
    place: &BackupPlace,
) -> Result<Box<dyn Documents>, Failure> {
    Ok(match place {
        BackupPlace::Folder(path) => Box::new(FolderDocuments::open(path)?),
        BackupPlace::Tar(path) => Box::new(TarDocuments::open(path)?),
        BackupPlace::Bucket { bucket, prefix } => {
            let aws = Aws::connect(&invocation.settings).await?;
            Box::new(BucketDocuments::connect(&aws, bucket.clone(), prefix.clone()).await?)
        }
        BackupPlace::NoBucket(text) => {
            return Err(
                Failure::new(Exit::Usage, format!("`{text}` does not name a bucket"))
                    .hint("a bucket is given as s3://BUCKET/PREFIX"),
            );
        }
    })
}

fn show(invocation: &Invocation, report: &BackupReport) -> Result<(), Failure> {
    let terminal = invocation.terminal;
    if !terminal.is_text() {
        let unsound: Vec<_> = report
            .unsound
            .iter()
            .map(|key| serde_json::json!({"id": key.id, "reason": key.reason}))
            .collect();
        return terminal.json(&serde_json::json!({
            "place": report.place,
            "keys": report.keys,
            "journal_line": report.line,
            "documents_sent": report.sent,
            "documents_kept": report.kept,
            "unsound": unsound,
        }));
    }
    let keys = if report.keys == 1 { "key" } else { "keys" };
    terminal.print(format!(
        "backed up {} {keys} to {}: {} documents sent, {} there already, all read back",
        report.keys, report.place, report.sent, report.kept
    ))?;
    terminal.say(format!(
        "prove that it opens: `keyferry key restore --test {}`",
        report.place
    ));
    Ok(())
}

/// Whether a store is there whose passphrase may be asked for.
pub(super) fn has_passphrase(settings: &Settings) -> Result<bool, Failure> {
    Ok(store_place::find(settings)?.protection()? == Protection::Passphrase)
}
