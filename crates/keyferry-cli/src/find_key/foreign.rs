//! An object under none of our keys; and where it replaced one of ours, the warning that this is how
//! ransom is demanded for S3 objects.
//!
//! Whoever may write to a bucket can copy each object onto itself under a key of their own
//! (CopyObject with SSE-C, in use since January 2025). What was there stays as a noncurrent version
//! where the bucket is versioned, until somebody or a lifecycle rule deletes it.

use futures::{StreamExt, TryStreamExt};
use keyferry_key::KeyId;
use keyferry_verify::{Determined, KeyVerdict, ScanOptions, Scanned, Scope, TagHint, key_of, scan};

use super::{Wanted, described, tried};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::store_keys::{Choice, Only, StoreKeys};

/// How many versions of the object are looked at.
const MOST_VERSIONS: usize = 50;

/// An earlier version that one of our keys opens.
struct Ours {
    version_id: Option<String>,
    time: Option<jiff::Timestamp>,
    key: KeyId,
}

/// Says that none of the keys opens the object, and what that may mean.
pub(super) async fn failure(
    invocation: &Invocation,
    wanted: Wanted<'_>,
    keys: &StoreKeys,
    choice: &Choice,
    found: &Determined,
) -> Failure {
    let address = wanted.address;
    if let KeyVerdict::Foreign { unopened, .. } = &found.verdict
        && let Some(first) = unopened.first()
    {
        return Failure::new(
            Exit::Store,
            format!(
                "`{address}` may need key `{}`, which cannot be opened: {} ({})",
                first.id,
                first.reason,
                tried(found, keys)
            ),
        )
        .hint("restore the key's file from a backup; no other key of the store opens the object");
    }
    let named = match &found.tag {
        TagHint::Names(id) => format!("its tag names {}", described(keys, id)),
        TagHint::Malformed(_) => "its tag names no key".to_owned(),
        TagHint::Absent => "it has no tag that names its key".to_owned(),
        TagHint::NotRead | TagHint::Unreadable(_) => "its tag could not be read".to_owned(),
    };
    let whose = match &choice.only {
        Some(Only::Key(id)) => format!("key `{id}` does not open"),
        Some(Only::Ring(ring)) => format!("none of the keys of ring `{ring}` opens"),
        None => "none of the store's keys opens".to_owned(),
    };
    let failure = Failure::new(
        Exit::Key,
        format!("{whose} `{address}` ({}; {named})", tried(found, keys)),
    );
    if choice.only.is_some() {
        return failure.hint("leave out --key to have all keys of the store tried");
    }
    if wanted.version_id.is_none() {
        let recorded = keys
            .store()
            .versions_of(address.bucket.as_str(), &address.key);
        let ours = earlier(wanted, keys).await;
        if !ours.is_empty() || !recorded.is_empty() {
            return ransom(invocation, wanted, failure, &ours);
        }
    }
    failure.hint("import the key with `keyferry key import RING FILE`, or give --key file:PATH")
}

fn ransom(invocation: &Invocation, wanted: Wanted<'_>, failure: Failure, ours: &[Ours]) -> Failure {
    let address = wanted.address;
    let terminal = &invocation.terminal;
    terminal.warn(format!(
        "`{address}` was under a key of this store, and was replaced under one that is not: unless \
         somebody of yours did that, treat it as an attack for ransom, and cut off whoever can write \
         to `{}`",
        address.bucket
    ));
    let command =
        |version: &str| format!("keyferry download --version-id {version} '{address}' FILE");
    for version in ours {
        let time = version
            .time
            .map(|time| format!(" of {}", time.strftime("%F %R")))
            .unwrap_or_default();
        let id = version.version_id.as_deref().unwrap_or("null");
        terminal.warn(format!(
            "version `{id}`{time} is under your key `{}`: `{}`",
            version.key,
            command(id)
        ));
    }
    match ours.first() {
        Some(newest) => {
            let id = newest.version_id.as_deref().unwrap_or("null");
            failure.hint(format!(
                "save the newest version that is yours before it is deleted: `{}`",
                command(id)
            ))
        }
        None => failure.hint(
            "no earlier version of it is left in this bucket: look for a replica or a backup, and at \
             CloudTrail for who replaced it",
        ),
    }
}

/// The versions of the object that our keys open, newest first: by the bucket's list or, where that
/// may not be read, by the catalogue.
async fn earlier(wanted: Wanted<'_>, keys: &StoreKeys) -> Vec<Ours> {
    let address = wanted.address;
    let scope = Scope {
        bucket: address.bucket.clone(),
        prefix: address.key.clone(),
    };
    let options = ScanOptions {
        uploads: false,
        ..ScanOptions::default()
    };
    // The object itself comes before all whose names begin with its name.
    let listed = scan(wanted.client, &scope, options, keys)
        .try_take_while(|scanned| {
            let same =
                matches!(scanned, Scanned::Version { version, .. } if version.address == *address);
            async move { Ok(same) }
        })
        .take(MOST_VERSIONS)
        .try_collect::<Vec<Scanned>>()
        .await;
    let mut ours = Vec::new();
    match listed {
        Ok(listed) => {
            for scanned in listed {
                if let Scanned::Version {
                    version,
                    key: KeyVerdict::Known { id: key, .. },
                    ..
                } = scanned
                {
                    ours.push(Ours {
                        version_id: version.version_id,
                        time: version.last_modified,
                        key,
                    });
                }
            }
        }
        Err(error) => {
            tracing::info!(%error, "the versions cannot be listed");
            let recorded = keys
                .store()
                .versions_of(address.bucket.as_str(), &address.key);
            for recorded in recorded.into_iter().take(MOST_VERSIONS) {
                let Some(version) = recorded.object.version else {
                    continue;
                };
                let found = key_of(wanted.client, address, Some(&version), keys).await;
                if let KeyVerdict::Known { id: key, .. } = found.verdict {
                    ours.push(Ours {
                        version_id: Some(version),
                        time: None,
                        key,
                    });
                }
            }
        }
    }
    ours
}
