//! Which key opens an object.
//!
//! The catalogue names one, or the object's tag, or keys of the store are tried: all of these are
//! hints, and S3 is asked whether it opens the object with the key. What was found is recorded, and a
//! tag that names another key is put right.

mod foreign;
mod tag;

use aws_sdk_s3::Client;
use keyferry_key::KeyId;
use keyferry_keystore::ObjectUse;
use keyferry_policy::Region;
use keyferry_transfer::{ObjectAddress, TransferError, key_tag};
use keyferry_verify::{
    CandidateKeys, Determined, KeyVerdict, Subject, TagHint, VerifyError, key_of, receipt_of,
};

use crate::args::KeySource;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::keys::{self, ChosenKey};
use crate::store_keys::{Choice, Only, StoreKeys};

/// How many keys are tried on one object.
const MOST_TRIALS: usize = 64;

/// The object whose key is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) client: &'a Client,
    pub(crate) region: &'a Region,
    pub(crate) address: &'a ObjectAddress,
    pub(crate) version_id: Option<&'a str>,
    /// The key that was asked for. A ring stands for all of its keys.
    pub(crate) asked: Option<&'a KeySource>,
    /// Whether this is a replica: its tags are the source's, and are put right there.
    pub(crate) is_replica: bool,
}

/// An object, and the key that opens it.
pub(crate) struct Opened {
    pub(crate) key: ChosenKey,
    pub(crate) subject: Subject,
}

/// Finds the key of an object and proves it by a HEAD request.
pub(crate) async fn open(invocation: &Invocation, wanted: Wanted<'_>) -> Result<Opened, Failure> {
    let not_customer_key = || {
        let address = wanted.address.clone();
        VerifyError::NotCustomerKey { address }.into()
    };
    open_any(invocation, wanted)
        .await?
        .ok_or_else(not_customer_key)
}

/// The same; none for an object that is under no customer key, and that nothing says should be.
pub(crate) async fn open_any(
    invocation: &Invocation,
    wanted: Wanted<'_>,
) -> Result<Option<Opened>, Failure> {
    let only = match wanted.asked {
        None => None,
        Some(KeySource::Store(name)) => Some(name),
        Some(source) => {
            let key = keys::choose(&invocation.settings, &invocation.terminal, source)?;
            let subject = wanted.subject(&key).await?;
            return Ok(Some(Opened { key, subject }));
        }
    };
    let store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let only = only
        .map(|name| keys::named(store.list(), name))
        .transpose()?
        .map(Only::from);
    let choice = Choice {
        only,
        expected: keys::expected_ring(&invocation.settings, &store, &wanted.address.bucket),
        most: MOST_TRIALS,
    };
    let keys = StoreKeys::new(store, choice.clone());
    let opened = find(invocation, wanted, &keys, &choice).await;
    for finding in keys.store().catalogue_findings() {
        invocation.terminal.warn(finding);
    }
    opened
}

async fn find(
    invocation: &Invocation,
    wanted: Wanted<'_>,
    keys: &StoreKeys,
    choice: &Choice,
) -> Result<Option<Opened>, Failure> {
    let Wanted {
        client, address, ..
    } = wanted;
    let found = key_of(client, address, wanted.version_id, keys).await;
    let id = match &found.verdict {
        KeyVerdict::Known { id, by } => {
            tracing::info!(key = %id, ?by, "found the key");
            id.clone()
        }
        KeyVerdict::Foreign { .. } => {
            // An endpoint of another region refuses every key, and only the tags say why.
            if let TagHint::Unreadable(_) = found.tag
                && let Err(error @ TransferError::RegionMismatch { .. }) =
                    key_tag(client, address, wanted.version_id).await
            {
                return Err(error.into());
            }
            return Err(foreign::failure(invocation, wanted, keys, choice, &found).await);
        }
        KeyVerdict::NotCustomerKey { .. } => {
            let recorded = keys.recorded(address, found.version_id.as_deref());
            if wanted.asked.is_none() && found.tag.key_id().is_none() && recorded.is_none() {
                return Ok(None);
            }
            let address = address.clone();
            return Err(VerifyError::NotCustomerKey { address }.into());
        }
        KeyVerdict::Gone => {
            return Err(VerifyError::SourceMissing {
                address: address.clone(),
                version_id: wanted.version_id.map(str::to_owned),
            }
            .into());
        }
        KeyVerdict::Unreadable { reason } => {
            return wanted.asked_again(keys, reason).await.map(Some);
        }
    };
    let pinned = Wanted {
        version_id: found.version_id.as_deref().or(wanted.version_id),
        ..wanted
    };
    let opened = pinned.opened(keys, id.clone()).await?;
    record(invocation, &opened, keys, &id);
    if !wanted.is_replica {
        tag::put_right(invocation, pinned, &found, &opened.subject, &id).await;
    }
    Ok(Some(opened))
}

/// Records what was found. Whoever reads must not be kept from it by a store that cannot be written.
fn record(invocation: &Invocation, opened: &Opened, keys: &StoreKeys, id: &KeyId) {
    let Subject {
        source, version_id, ..
    } = &opened.subject;
    let object = ObjectUse::new(source.bucket.as_str(), &*source.key, version_id.as_deref());
    if let Err(error) = keys.record_found(id, &[object]) {
        invocation.terminal.warn(format!(
            "the key store cannot record which key `{source}` needs: {}",
            chain(&error)
        ));
    }
}

impl Wanted<'_> {
    async fn subject(&self, key: &ChosenKey) -> Result<Subject, VerifyError> {
        receipt_of(
            self.client,
            self.address,
            self.version_id,
            self.region,
            &key.key,
        )
        .await
    }

    async fn opened(&self, keys: &StoreKeys, id: KeyId) -> Result<Opened, Failure> {
        let key = ChosenKey {
            key: keys.store().key(&id)?,
            id: Some(id),
        };
        let subject = self.subject(&key).await?;
        Ok(Opened { key, subject })
    }

    /// Asks once more where S3 did not tell, for the error that says why.
    async fn asked_again(&self, keys: &StoreKeys, reason: &str) -> Result<Opened, Failure> {
        match keys
            .candidates(self.address, self.version_id, None)
            .into_iter()
            .next()
        {
            Some(id) => self.opened(keys, id).await,
            None => Err(Failure::new(
                Exit::Failure,
                format!("`{}` cannot be read: {reason}", self.address),
            )
            .hint("allow s3:GetObject and s3:GetObjectVersion")),
        }
    }
}

/// What a tag or the catalogue says of a key, as part of a message.
fn described(keys: &StoreKeys, id: &KeyId) -> String {
    match keys.store().entry(id) {
        Err(_) => format!("`{id}`, which is not in this store"),
        Ok(entry) if !entry.state.has_key() => format!("`{id}`, which was destroyed"),
        Ok(entry) => format!("`{id}` of ring `{}`", entry.ring),
    }
}

/// How many keys were tried, as part of a message.
fn tried(found: &Determined, keys: &StoreKeys) -> String {
    let KeyVerdict::Foreign { tried, .. } = &found.verdict else {
        return String::new();
    };
    match keys.available() {
        all if all > *tried => format!("{tried} of {all} tried"),
        _ => format!("{tried} tried"),
    }
}
