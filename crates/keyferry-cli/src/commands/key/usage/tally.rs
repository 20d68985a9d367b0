//! Counting versions by the key that they need.

use std::collections::BTreeMap;

use keyferry_key::KeyId;
use keyferry_keystore::{KeyEntry, KeyState, RingName};
use keyferry_verify::{KeyVerdict, Scanned};
use serde::Serialize;

use crate::exit::Exit;
use crate::store_keys::Only;
use crate::terminal::Terminal;

/// How much needs one key.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OfKey {
    pub(super) key_id: KeyId,
    pub(super) ring: RingName,
    pub(super) version: u32,
    pub(super) state: KeyState,
    pub(super) current: u64,
    pub(super) noncurrent: u64,
    pub(super) open_uploads: u64,
    pub(super) bytes: u64,
}

/// All that a scan has counted.
#[derive(Debug, Serialize)]
pub(super) struct Tally {
    pub(super) keys: Vec<OfKey>,
    /// Under other keys of the store than were asked for.
    pub(super) other_keys: u64,
    /// Under a customer key, and none of the store's that were tried.
    pub(super) foreign: u64,
    pub(super) not_customer_key: u64,
    pub(super) undetermined: u64,
    #[serde(skip)]
    reasons: BTreeMap<String, u64>,
    #[serde(skip)]
    only: Option<Only>,
    #[serde(skip)]
    seen: u64,
}

impl Tally {
    pub(super) fn new(entries: &[KeyEntry], only: Option<Only>) -> Self {
        let mut keys: Vec<OfKey> = entries
            .iter()
            .filter(|entry| only.as_ref().is_none_or(|only| only.includes(entry)))
            .map(|entry| OfKey {
                key_id: entry.id.clone(),
                ring: entry.ring.clone(),
                version: entry.version,
                state: entry.state,
                current: 0,
                noncurrent: 0,
                open_uploads: 0,
                bytes: 0,
            })
            .collect();
        keys.sort_by(|a, b| (&a.ring, a.version).cmp(&(&b.ring, b.version)));
        Self {
            keys,
            other_keys: 0,
            foreign: 0,
            not_customer_key: 0,
            undetermined: 0,
            reasons: BTreeMap::new(),
            only,
            seen: 0,
        }
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// Counts a find; whether it is one of those that were asked for.
    pub(super) fn count(&mut self, scanned: &Scanned) -> bool {
        self.seen += 1;
        match scanned.verdict() {
            KeyVerdict::Known { id, .. } => {
                let Some(of_key) = self.keys.iter_mut().find(|of_key| of_key.key_id == *id) else {
                    self.other_keys += 1;
                    return false;
                };
                match scanned {
                    Scanned::Version { version, .. } => {
                        of_key.bytes += version.size;
                        if version.is_latest {
                            of_key.current += 1;
                        } else {
                            of_key.noncurrent += 1;
                        }
                    }
                    Scanned::Upload { .. } => of_key.open_uploads += 1,
                }
                true
            }
            KeyVerdict::Foreign { unopened, .. } => {
                match unopened.first() {
                    Some(first) => self.undetermined(&first.reason.clone()),
                    None => self.foreign += 1,
                }
                true
            }
            KeyVerdict::NotCustomerKey { .. } => {
                self.not_customer_key += 1;
                self.only.is_none()
            }
            KeyVerdict::Gone => {
                self.seen -= 1;
                false
            }
            KeyVerdict::Unreadable { reason } => {
                self.undetermined(&reason.clone());
                true
            }
        }
    }

    fn undetermined(&mut self, reason: &str) {
        self.undetermined += 1;
        // Answers may differ in every one; a few tell enough.
        if self.reasons.len() < 5 || self.reasons.contains_key(reason) {
            *self.reasons.entry(reason.to_owned()).or_default() += 1;
        }
    }

    /// Says what the counts leave open, and how the run ends: an answer with holes is no success.
    pub(super) fn conclude(&self, terminal: Terminal) -> Exit {
        if self.foreign > 0 {
            terminal.warn(format!(
                "{} under customer keys that are not among those tried of this store",
                number(self.foreign)
            ));
        }
        if self.undetermined == 0 {
            return Exit::Done;
        }
        for (reason, count) in &self.reasons {
            terminal.warn(format!("{}: {reason}", number(*count)));
        }
        terminal.hint(
            "what these need is not known; allow s3:GetObjectVersion, s3:GetObjectVersionTagging and \
             s3:ListMultipartUploadParts, and ask again",
        );
        Exit::Failure
    }
}

fn number(count: u64) -> String {
    if count == 1 {
        "1 version or upload is".to_owned()
    } else {
        format!("{count} versions or uploads are")
    }
}
