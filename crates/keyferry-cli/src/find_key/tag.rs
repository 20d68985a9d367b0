//! A tag that names another key than the one that opens the object, or none, is put right.

use keyferry_key::KeyId;
use keyferry_transfer::{TagRepair, TransferError, repair_key_tag};
use keyferry_verify::{Determined, Subject, TagHint};

use super::Wanted;
use crate::commands::Invocation;
use crate::failure::chain;

/// Makes the tag name the key. A tag is a hint for other machines; that it could not be written is
/// no failure of what was asked for.
pub(super) async fn put_right(
    invocation: &Invocation,
    wanted: Wanted<'_>,
    found: &Determined,
    subject: &Subject,
    id: &KeyId,
) {
    let said = match (&found.tag, &subject.key_id) {
        (TagHint::Malformed(value), _) => Some(value.clone()),
        (_, Some(named)) if named != id => Some(named.to_string()),
        (TagHint::Absent, None) => None,
        // It is right, or could not be read.
        _ => return,
    };
    let repaired = repair_key_tag(wanted.client, wanted.address, wanted.version_id, id).await;
    let terminal = &invocation.terminal;
    let address = wanted.address;
    match (said, repaired) {
        (Some(said), Ok(TagRepair::Written | TagRepair::Right)) => terminal.warn(format!(
            "the tag of `{address}` named `{said}`, but `{id}` opens it: the tag was corrected"
        )),
        (Some(said), Ok(TagRepair::Full)) => terminal.warn(format!(
            "the tag of `{address}` named `{said}`, but `{id}` opens it: it is gone meanwhile"
        )),
        (Some(said), Err(error)) => terminal.warn(format!(
            "the tag of `{address}` names `{said}`, but `{id}` opens it: it cannot be corrected: {}",
            chain(&error)
        )),
        (None, Ok(TagRepair::Written)) => terminal.say(format!(
            "`{address}` had no tag that names its key: it has one now"
        )),
        (None, Ok(TagRepair::Right)) => {}
        (None, Ok(TagRepair::Full)) => {
            tracing::info!(%address, "ten other tags leave no room for the key's");
        }
        (None, Err(TransferError::AccessDenied { .. })) => {
            tracing::info!(%address, "it has no tag that names its key, and may not be tagged");
        }
        (None, Err(error)) => terminal.warn(format!(
            "`{address}` has no tag that names its key, and it cannot be given one: {}",
            chain(&error)
        )),
    }
}
