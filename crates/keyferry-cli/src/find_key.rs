//! Which key opens an object: the object's tag names one, the rest of the store is tried.
//!
//! A tag is a hint, never a proof: whatever it names is tried against the object first.

use aws_sdk_s3::Client;
use keyferry_keystore::{KeyEntry, KeyState, Store};
use keyferry_policy::Region;
use keyferry_transfer::{ObjectAddress, key_tag};
use keyferry_verify::{ErrorKind, Subject, receipt_of};

use crate::args::KeySource;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::keys::{self, ChosenKey};

/// How many keys of the store are tried when the tag does not help.
const MOST_TRIALS: usize = 16;

/// An object, and the key that opens it.
pub(crate) struct Opened {
    pub(crate) key: ChosenKey,
    pub(crate) subject: Subject,
}

/// Finds the key of an object and proves it by a HEAD request.
pub(crate) async fn open(
    invocation: &Invocation,
    client: &Client,
    region: &Region,
    address: &ObjectAddress,
    version_id: Option<&str>,
    asked: Option<&KeySource>,
) -> Result<Opened, Failure> {
    let head = |key: ChosenKey| async move {
        receipt_of(client, address, version_id, region, &key.key)
            .await
            .map(|subject| Opened { key, subject })
    };
    if let Some(source) = asked {
        let key = keys::choose(&invocation.settings, &invocation.terminal, source)?;
        return Ok(head(key).await?);
    }
    let tag = key_tag(client, address, version_id).await?;
    let store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let mut tried = 0;
    for entry in candidates(&store, tag.as_ref()) {
        let key = ChosenKey {
            key: store.key(&entry.id)?,
            id: Some(entry.id.clone()),
        };
        tried += 1;
        tracing::info!(key = %entry.id, ring = %entry.ring, "trying a key");
        match head(key).await {
            Ok(opened) => {
                if tag.as_ref().is_some_and(|tag| *tag != entry.id) {
                    invocation.terminal.warn(format!(
                        "the object's tag names another key than `{}`, which opens it",
                        entry.id
                    ));
                }
                return Ok(opened);
            }
            Err(error) if error.kind() == ErrorKind::WrongKey => {}
            Err(error) => return Err(error.into()),
        }
    }
    let named = match tag {
        Some(id) => format!("its tag names `{id}`"),
        None => "it has no tag that names its key".to_owned(),
    };
    Err(Failure::new(
        Exit::Key,
        format!("none of the store's keys opens `{address}` ({tried} tried; {named})"),
    )
    .hint("import the key with `keyferry key import RING FILE`, or give --key file:PATH"))
}

/// The key that the tag names, then the others: active ones first, newest first.
fn candidates<'a>(store: &'a Store, tag: Option<&keyferry_key::KeyId>) -> Vec<&'a KeyEntry> {
    let mut entries: Vec<&KeyEntry> = store
        .list()
        .iter()
        .filter(|entry| entry.state.has_key())
        .collect();
    entries.sort_by_key(|entry| {
        (
            Some(&entry.id) != tag,
            entry.state != KeyState::Active,
            std::cmp::Reverse(entry.created),
        )
    });
    entries.truncate(MOST_TRIALS);
    entries
}
