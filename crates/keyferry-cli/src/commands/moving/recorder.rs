//! Which key stored objects need, for later, written down for many at once.

use std::collections::BTreeMap;

use keyferry_key::KeyId;
use keyferry_keystore::ObjectUse;

use super::action::{Done, Outcome, What};
use crate::commands::Invocation;
use crate::failure::chain;
use crate::store_keys::StoreKeys;

/// How many are kept before they are written down.
const AT_ONCE: usize = 500;

pub(super) struct Recorder<'a> {
    invocation: &'a Invocation,
    keys: &'a StoreKeys,
    used: BTreeMap<KeyId, Vec<ObjectUse>>,
    found: BTreeMap<KeyId, Vec<ObjectUse>>,
    count: usize,
    failed: bool,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(invocation: &'a Invocation, keys: &'a StoreKeys) -> Self {
        Self {
            invocation,
            keys,
            used: BTreeMap::new(),
            found: BTreeMap::new(),
            count: 0,
            failed: false,
        }
    }

    pub(super) fn take(&mut self, what: &What, done: &Done) {
        let Some(id) = &done.key_id else {
            return;
        };
        let is_stored = matches!(done.outcome, Outcome::Moved(_) | Outcome::Differs(_));
        let (address, records) = match (&what.stored, &what.read) {
            (Some(stored), _) if is_stored => (stored, &mut self.used),
            (None, Some(read)) if is_stored => (read, &mut self.found),
            _ => return,
        };
        let version = done.version_id.as_deref();
        let object = ObjectUse::new(address.bucket.as_str(), &*address.key, version);
        records.entry(id.clone()).or_default().push(object);
        self.count += 1;
        if self.count >= AT_ONCE {
            self.flush();
        }
    }

    /// Writes down what is kept. The objects are stored: that they cannot be recorded is a warning,
    /// since their tags still tell.
    pub(super) fn flush(&mut self) {
        self.count = 0;
        let (used, found) = (
            std::mem::take(&mut self.used),
            std::mem::take(&mut self.found),
        );
        let mut store = self.keys.store();
        let used = used
            .into_iter()
            .map(|(id, objects)| store.record_use(&id, &objects))
            .collect::<Vec<_>>();
        let found = found
            .into_iter()
            .map(|(id, objects)| store.record_found(&id, &objects))
            .collect::<Vec<_>>();
        for result in used.into_iter().chain(found) {
            if let Err(error) = result
                && !std::mem::replace(&mut self.failed, true)
            {
                self.invocation.terminal.warn(format!(
                    "the key store cannot record which key objects need, only their tags name it: {}",
                    chain(&error)
                ));
            }
        }
    }
}
