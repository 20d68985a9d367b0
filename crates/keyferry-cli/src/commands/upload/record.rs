//! Which key a stored object needs, for later: in the key store and, by the upload itself, in the
//! object's tag.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use keyferry_keystore::{ObjectUse, Store};
use keyferry_transfer::{Event, NoKeyTag, Observer, Receipt};

use crate::failure::chain;
use crate::terminal::{Progress, Terminal};

/// Shows progress, and remembers whether the object got its tag and is the current version.
pub(super) struct Watching {
    pub(super) shown: Progress,
    pub(super) no_key_tag: OnceLock<NoKeyTag>,
    pub(super) superseded: AtomicBool,
}

impl Watching {
    pub(super) fn new(shown: Progress) -> Self {
        Self {
            shown,
            no_key_tag: OnceLock::new(),
            superseded: AtomicBool::new(false),
        }
    }
}

impl Observer for Watching {
    fn on(&self, event: Event) {
        if let Event::KeyTagLeftOut { reason } = event {
            let _only_once = self.no_key_tag.set(reason);
        }
        if event == Event::NotCurrent {
            self.superseded.store(true, Ordering::Relaxed);
        }
        self.shown.on(event);
    }
}

/// Records that the object is under the key. The object is stored: that it cannot be recorded is a
/// warning, since its tag still tells.
pub(super) fn used(
    terminal: Terminal,
    store: Option<Store>,
    receipt: &Receipt,
    no_key_tag: Option<NoKeyTag>,
) {
    let (Some(mut store), Some(id)) = (store, &receipt.key_id) else {
        return;
    };
    let address = &receipt.source;
    let object = ObjectUse::new(
        address.bucket.as_str(),
        &*address.key,
        receipt.version_id.as_deref(),
    );
    let recorded = store
        .record_use(id, &[object])
        .map_err(|error| chain(&error));
    for finding in store.catalogue_findings() {
        terminal.warn(finding);
    }
    match (recorded, no_key_tag) {
        (Ok(()), None) => {}
        (Ok(()), Some(reason)) => terminal.warn(format!(
            "`{address}` has no tag that names its key, only this store's catalogue does: {reason}"
        )),
        (Err(error), None) => terminal.warn(format!(
            "`{address}` is stored, but the key store cannot record its key, only its tag names it: {error}"
        )),
        (Err(error), Some(reason)) => {
            terminal.warn(format!(
                "`{address}` is stored, but nothing records that it needs key `{id}`: the key store \
                 cannot ({error}), and {reason}"
            ));
            terminal.hint(format!(
                "note it; `keyferry key usage 's3://{}/{}'` finds and records it later",
                address.bucket, address.key
            ));
        }
    }
}
