//! `keyferry key destroy`: once nothing needs a key any more.
//!
//! Two steps with a waiting time between them, and before each of them every version, noncurrent
//! version, open multipart upload and replica that could need the key is asked whether it does. What
//! cannot be asked counts as needing it.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use keyferry_key::{CustomerKey, KeyId, ParseKeyIdError};
use keyferry_keystore::{Error, KeyEntry, KeyState, ObjectUse, Store};
use keyferry_policy::BucketName;
use keyferry_transfer::ObjectAddress;
use keyferry_verify::{
    CandidateKeys, KeyVerdict, ScanOptions, Scanned, Scope, destination_buckets, scan,
};
use tokio_util::sync::CancellationToken;

use super::life::told;
use crate::args::DestroyArgs;
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::confirm::confirmed;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{interrupt, keys};

/// How many of the objects that need the key are named to people.
const MOST_NAMED: usize = 20;

pub(super) async fn run(invocation: &Invocation, arguments: DestroyArgs) -> Result<Exit, Failure> {
    let cancel = interrupt::token(invocation.terminal)?;
    let id: KeyId = arguments.key.parse().map_err(|error: ParseKeyIdError| {
        Failure::from_error(Exit::Key, &error)
            .hint("keys are destroyed one by one, by their ids: `keyferry key list` shows them")
    })?;
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    if arguments.cancel {
        return told(invocation, &store.cancel_destruction(&id)?);
    }
    let entry = store.entry(&id)?.clone();
    check_state(&entry)?;
    let found = look(invocation, &store, &entry, &arguments.scan, &cancel).await?;
    if !found.needing.is_empty() {
        store.record_found(&id, &found.needing)?;
    }
    if found.keep_it(invocation, &entry)? {
        return Ok(Exit::Findings);
    }
    let entry = match entry.state {
        KeyState::DestroyScheduled => entry,
        _ => store.schedule_destruction(&id, arguments.after, arguments.reason.as_deref())?,
    };
    if let Some(due) = entry.destroy_after
        && jiff::Timestamp::now() < due
    {
        invocation.terminal.say(format!(
            "nothing needs it now; from {} on, `keyferry key destroy {id}` looks again and destroys it",
            due.strftime("%F %R UTC")
        ));
        return told(invocation, &entry);
    }
    if !arguments.yes {
        let question = format!(
            "Destroy key `{id}`, version {} of ring `{}`, for good? Whatever it encrypted is lost with it.",
            entry.version, entry.ring
        );
        let nobody = || {
            Failure::new(Exit::Usage, "nothing was destroyed: nobody is there to ask")
                .hint("--yes does it without asking")
        };
        if !confirmed(question, &cancel, nobody).await? {
            return Err(Failure::new(Exit::Failure, "nothing was destroyed"));
        }
    }
    told(
        invocation,
        &store.destroy(&id, arguments.reason.as_deref())?,
    )
}

/// Refuses before anything is looked for what the store would refuse afterwards.
fn check_state(entry: &KeyEntry) -> Result<(), Failure> {
    let id = entry.id.clone();
    match entry.state {
        KeyState::Active => Err(Error::Transition {
            id,
            from: KeyState::Active,
            to: KeyState::DestroyScheduled,
        }
        .into()),
        KeyState::Tombstone => Err(Error::Destroyed { id }.into()),
        KeyState::DestroyScheduled => match entry.destroy_after {
            Some(not_before) if jiff::Timestamp::now() < not_before => {
                Err(Error::NotDue { id, not_before }.into())
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The one key, tried on everything.
struct OneKey {
    id: KeyId,
    key: CustomerKey,
}

impl CandidateKeys for OneKey {
    fn recorded(&self, _: &ObjectAddress, _: Option<&str>) -> Option<KeyId> {
        Some(self.id.clone())
    }

    fn candidates(&self, _: &ObjectAddress, _: Option<&str>, _: Option<&KeyId>) -> Vec<KeyId> {
        Vec::new()
    }

    fn open(&self, _: &KeyId) -> Result<CustomerKey, String> {
        Ok(self.key.clone())
    }
}

/// What was found to need the key, or could not be asked.
#[derive(Default)]
struct Found {
    looked_through: Vec<Scope>,
    asked: u64,
    needing: Vec<ObjectUse>,
    /// What people and programs are shown of it.
    shown: Vec<Scanned>,
    unknown: Vec<String>,
}

async fn look(
    invocation: &Invocation,
    store: &Store,
    entry: &KeyEntry,
    asked: &[Scope],
    cancel: &CancellationToken,
) -> Result<Found, Failure> {
    let mut scopes = known_scopes(invocation, store, &entry.id);
    scopes.extend(
        asked
            .iter()
            .map(|scope| (scope.bucket.clone(), scope.prefix.clone())),
    );
    let mut found = Found::default();
    if scopes.is_empty() {
        if entry.state == KeyState::Pending {
            return Ok(found);
        }
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "it is not known in which buckets key `{}` was used",
                entry.id
            ),
        )
        .hint("name them: --scan s3://BUCKET, once for each"));
    }
    let key = OneKey {
        id: entry.id.clone(),
        key: store.key(&entry.id)?,
    };
    let aws = Aws::connect(&invocation.settings).await?;
    let progress = invocation.terminal.progress("looking");
    // Replicas have the keys of their sources, and may be replicated on.
    let mut done = BTreeSet::new();
    while let Some((bucket, prefix)) = scopes.pop_first() {
        if !done.insert((bucket.clone(), prefix.clone())) {
            continue;
        }
        let Some(region) = aws.region_if_exists(&bucket).await? else {
            invocation
                .terminal
                .warn(format!("there is no bucket `{bucket}` any more"));
            continue;
        };
        let client = aws.client(&region)?;
        let destinations = destination_buckets(&client, &bucket).await?;
        scopes.extend(
            destinations
                .into_iter()
                .map(|bucket| (bucket, prefix.clone())),
        );
        let scope = Scope { bucket, prefix };
        let mut scanned = std::pin::pin!(scan(&client, &scope, ScanOptions::default(), &key));
        loop {
            let next = cancel.run_until_cancelled(scanned.try_next()).await;
            let Some(next) = next else {
                return Err(Failure::new(Exit::Interrupted, "nothing was changed"));
            };
            let Some(next) = next? else { break };
            found.take(next);
            progress.status(&format!("{} versions and uploads in {scope}", found.asked));
        }
        found.looked_through.push(scope.clone());
    }
    progress.finish();
    Ok(found)
}

/// The buckets where the key was used, as the store has it, and those of the configuration file.
fn known_scopes(
    invocation: &Invocation,
    store: &Store,
    id: &KeyId,
) -> BTreeSet<(BucketName, String)> {
    let used = store.use_counts().into_iter();
    let used = used.filter(|count| count.id == *id);
    let used = used.filter_map(|count| count.bucket.parse().ok());
    let configured = invocation.settings.paired_buckets();
    used.chain(configured)
        .map(|bucket| (bucket, String::new()))
        .collect()
}

impl Found {
    fn take(&mut self, scanned: Scanned) {
        self.asked += 1;
        let (address, version) = match &scanned {
            Scanned::Version { version, .. } => (&version.address, version.version_id.as_deref()),
            Scanned::Upload { upload, .. } => (&upload.address, None),
        };
        match scanned.verdict() {
            KeyVerdict::Known { .. } => {
                if let Scanned::Version { .. } = scanned {
                    let (bucket, key) = (address.bucket.as_str(), address.key.as_str());
                    self.needing.push(ObjectUse::new(bucket, key, version));
                }
                self.shown.push(scanned);
            }
            KeyVerdict::Unreadable { reason } => {
                self.unknown.push(format!("{address}: {reason}"));
            }
            KeyVerdict::Foreign { unopened, .. } if !unopened.is_empty() => {
                self.unknown
                    .push(format!("{address}: the key cannot be tried on it"));
            }
            KeyVerdict::Foreign { .. } | KeyVerdict::NotCustomerKey { .. } | KeyVerdict::Gone => {}
        }
    }

    /// Whether the key must stay; then what needs it is printed.
    fn keep_it(&self, invocation: &Invocation, entry: &KeyEntry) -> Result<bool, Failure> {
        let terminal = invocation.terminal;
        if self.shown.is_empty() && self.unknown.is_empty() {
            for scope in &self.looked_through {
                terminal.say(format!("nothing in {scope} needs it"));
            }
            return Ok(false);
        }
        if terminal.is_text() {
            for line in self.shown.iter().map(line).take(MOST_NAMED) {
                terminal.print(line)?;
            }
            let more = self.shown.len().saturating_sub(MOST_NAMED);
            if more > 0 {
                terminal.say(format!("and {more} more; --output json has them all"));
            }
        } else {
            terminal.json(&serde_json::json!({
                "key": entry.id,
                "asked": self.asked,
                "needed_by": self.shown,
                "unknown": self.unknown,
            }))?;
        }
        for unknown in self.unknown.iter().take(MOST_NAMED) {
            terminal.warn(unknown);
        }
        let failure = if self.shown.is_empty() {
            Failure::new(
                Exit::Findings,
                format!(
                    "{} of {} versions and uploads could not be asked whether they need key `{}`",
                    self.unknown.len(),
                    self.asked,
                    entry.id
                ),
            )
            .hint("get permission to read them (s3:GetObjectVersion, s3:ListMultipartUploadParts), then try again")
        } else {
            Failure::new(
                Exit::Findings,
                format!(
                    "key `{}` is still needed by {} of {} versions and uploads",
                    entry.id,
                    self.shown.len(),
                    self.asked
                ),
            )
            .hint(format!(
                "`keyferry rekey s3://BUCKET/PREFIX --to {}` moves current versions to another key; noncurrent versions and uploads have to be deleted or aborted",
                entry.ring
            ))
        };
        terminal.error(&failure);
        Ok(true)
    }
}

/// A version or upload that needs the key, as people read it.
fn line(scanned: &Scanned) -> String {
    match scanned {
        Scanned::Version { version, .. } => format!(
            "{}  {}  {}",
            version.address,
            version.version_id.as_deref().unwrap_or("null"),
            if version.is_latest {
                "current"
            } else {
                "noncurrent"
            }
        ),
        Scanned::Upload { upload, .. } => {
            format!("{}  open upload {}", upload.address, upload.upload_id)
        }
    }
}
