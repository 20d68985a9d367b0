//! What the suite needs to know of a kind of opener.

use keyferry_keystore::{Identities, NewOpener, Opener, OpenerKind, Store, Unlock};

/// A kind of opener under test.
pub(crate) trait Candidate {
    /// What it is called in the output.
    fn name(&self) -> &'static str;

    fn kind(&self) -> OpenerKind;

    /// A new opener for a store, and what proves it if it is a recipient.
    fn new_opener(&self, store: &Store) -> (NewOpener, Option<Identities>);

    /// What opens it, with nothing remembered from adding it but what its file says.
    fn unlock(&self, opener: &Opener) -> Unlock;

    /// What does not open it.
    fn wrong(&self, opener: &Opener) -> Unlock;

    /// What the error says then.
    fn refusal(&self) -> &'static str;

    /// What must be in no file of a store.
    fn secrets(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Cleans up behind an opener that was removed.
    fn forget(&self, _: &Opener) {}
}
