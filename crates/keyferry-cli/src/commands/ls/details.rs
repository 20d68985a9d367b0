//! What a listing does not tell of an object: its key, and how far its replication is.
//!
//! The key is the one that the store has on record, else the one that the tag names. It is shown to
//! S3 in a HEAD request, which proves it and has the replication status in its answer. No other keys
//! are tried: `keyferry key usage` does that.

use aws_sdk_s3::Client;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_policy::BucketName;
use keyferry_transfer::{ListedVersion, ObjectAddress};
use keyferry_verify::{CandidateKeys, Determined, KeyVerdict, Scope, TagHint, key_of};
use serde::Serialize;

use crate::commands::Invocation;
use crate::keys;
use crate::store_keys::{Choice, StoreKeys};
use crate::terminal::Terminal;

/// The keys that may be shown to S3.
pub(super) struct Keys(Option<StoreKeys>);

impl Keys {
    /// No keys at all.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Those of the store. Without a store, tags still tell.
    pub(super) fn open(invocation: &Invocation, bucket: &BucketName) -> Self {
        let store = match keys::open_store(&invocation.settings, &invocation.terminal) {
            Ok(store) => store,
            Err(failure) => {
                invocation.terminal.warn(format!(
                    "no key can be proven, and replication is not shown: {}",
                    failure.message()
                ));
                return Self(None);
            }
        };
        let choice = Choice {
            only: None,
            expected: keys::expected_ring(&invocation.settings, &store, bucket),
            most: 1,
        };
        Self(Some(StoreKeys::new(store, choice)))
    }

    /// Reports what reading the record of uses noticed.
    pub(super) fn warn(&self, terminal: Terminal) {
        if let Some(keys) = &self.0 {
            for finding in keys.store().catalogue_findings() {
                terminal.warn(finding);
            }
        }
    }
}

impl CandidateKeys for Keys {
    fn recorded(&self, address: &ObjectAddress, version_id: Option<&str>) -> Option<KeyId> {
        self.0.as_ref()?.recorded(address, version_id)
    }

    fn candidates(&self, _: &ObjectAddress, _: Option<&str>, tag: Option<&KeyId>) -> Vec<KeyId> {
        tag.cloned().into_iter().collect()
    }

    fn open(&self, id: &KeyId) -> Result<CustomerKey, String> {
        match &self.0 {
            Some(keys) => keys.open(id),
            None => Err("there is no key store".to_owned()),
        }
    }
}

/// What was found out about an object.
#[derive(Debug, Serialize)]
pub(super) struct Details {
    /// What it is encrypted under.
    pub(super) encryption: Encryption,
    /// Its replication status: absent where S3 does not count it as to be replicated, or does not
    /// tell.
    pub(super) replication: Option<String>,
    /// Whether S3 told.
    pub(super) replication_known: bool,
    #[serde(skip)]
    pub(super) version_id: Option<String>,
}

/// What an object is encrypted under.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Encryption {
    /// This customer key; proven where S3 opened the object with it.
    CustomerKey { key_id: KeyId, proven: bool },
    /// A customer key that nothing names.
    UnknownKey,
    /// No customer key.
    NoCustomerKey { encryption: Option<String> },
    /// It was deleted since it was listed.
    Gone,
    /// S3 did not tell.
    Unreadable { reason: String },
}

pub(super) async fn of(
    client: &Client,
    scope: &Scope,
    version: &ListedVersion,
    keys: &Keys,
) -> Details {
    let address = ObjectAddress {
        bucket: scope.bucket.clone(),
        key: version.key.clone(),
    };
    let asked = version.version_id.as_deref();
    let recorded = keys.recorded(&address, asked);
    let found = key_of(client, &address, asked, keys).await;
    Details::new(found, recorded)
}

impl Details {
    fn new(found: Determined, recorded: Option<KeyId>) -> Self {
        let named = found.tag.key_id().cloned().or(match found.tag {
            // It was not needed, or there is none.
            TagHint::NotRead | TagHint::Absent => recorded,
            _ => None,
        });
        let named = |otherwise: Encryption| match named {
            Some(key_id) => Encryption::CustomerKey {
                key_id,
                proven: false,
            },
            None => otherwise,
        };
        let encryption = match found.verdict {
            KeyVerdict::Known { id, .. } => Encryption::CustomerKey {
                key_id: id,
                proven: true,
            },
            KeyVerdict::NotCustomerKey { encryption } => Encryption::NoCustomerKey { encryption },
            KeyVerdict::Foreign { .. } => named(Encryption::UnknownKey),
            KeyVerdict::Gone => Encryption::Gone,
            KeyVerdict::Unreadable { reason } => named(Encryption::Unreadable { reason }),
        };
        let status = found.view.as_ref().and_then(|view| view.status.as_ref());
        Self {
            encryption,
            replication: status.map(ToString::to_string),
            replication_known: found.view.is_some(),
            version_id: found.version_id,
        }
    }

    /// The key, for people.
    pub(super) fn key(&self) -> String {
        match &self.encryption {
            Encryption::CustomerKey {
                key_id,
                proven: true,
            } => key_id.to_string(),
            Encryption::CustomerKey { key_id, .. } => format!("{key_id}?"),
            Encryption::UnknownKey => "unknown key".to_owned(),
            Encryption::NoCustomerKey { .. } => "no customer key".to_owned(),
            Encryption::Gone => "gone".to_owned(),
            Encryption::Unreadable { .. } => "?".to_owned(),
        }
    }

    /// The replication status, for people.
    pub(super) fn status(&self) -> &str {
        match &self.replication {
            Some(status) => status,
            None if self.replication_known => "-",
            None => "?",
        }
    }
}
