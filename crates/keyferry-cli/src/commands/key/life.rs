//! `keyferry key activate`, `retire` and `compromise`: a key's states.

use keyferry_key::{KeyId, ParseKeyIdError};
use keyferry_keystore::{KeyEntry, KeyState, RingName};

use crate::args::{ActivateArgs, CompromiseArgs, RetireArgs};
use crate::commands::Invocation;
use crate::confirm::confirmed;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{interrupt, keys};

/// Puts a pending key to use.
pub(super) fn activate(invocation: &Invocation, arguments: &ActivateArgs) -> Result<Exit, Failure> {
    let id: KeyId = arguments.key.parse().map_err(|error: ParseKeyIdError| {
        Failure::from_error(Exit::Key, &error)
            .hint("pending keys go by their ids: `keyferry key list` shows them")
    })?;
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let entry = store.activate(&id)?;
    told(invocation, &entry)
}

/// Leaves a ring without an active key.
pub(super) fn retire(invocation: &Invocation, arguments: &RetireArgs) -> Result<Exit, Failure> {
    let ring: RingName = arguments.ring.parse()?;
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    // Says whether it is the ring that is missing, or only its active key.
    let named = keys::named_in(store.list(), ring.as_str())?;
    if named.ring != ring {
        return Err(
            Failure::new(Exit::Usage, format!("`{ring}` is a key id")).hint(format!(
                "give its ring: `keyferry key retire {}`",
                named.ring
            )),
        );
    }
    let entry = store.retire(&ring, arguments.reason.as_deref())?;
    invocation.terminal.say(format!(
        "ring `{ring}` takes no new objects until `keyferry key new {ring}`"
    ));
    told(invocation, &entry)
}

/// Notes that others know a key, and says what to do next.
pub(super) async fn compromise(
    invocation: &Invocation,
    arguments: &CompromiseArgs,
) -> Result<Exit, Failure> {
    let cancel = interrupt::token(invocation.terminal)?;
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let entry = keys::named_in(store.list(), &arguments.key)?;
    let was_active = entry.state == KeyState::Active;
    let KeyEntry { id, ring, .. } = entry;
    if !arguments.yes {
        let consequence = if was_active {
            format!(", and leave ring `{ring}` without an active key")
        } else {
            String::new()
        };
        let question =
            format!("Mark key `{id}` as known to others{consequence}? There is no way back.");
        let nobody = || {
            Failure::new(Exit::Usage, "nothing was changed: nobody is there to ask")
                .hint("--yes does it without asking")
        };
        if !confirmed(question, &cancel, nobody).await? {
            return Err(Failure::new(Exit::Failure, "nothing was changed"));
        }
    }
    let entry = store.compromise(&id, arguments.reason.as_deref())?;
    let make = if was_active {
        format!("`keyferry key new {ring}` makes a key for new objects, ")
    } else {
        String::new()
    };
    invocation.terminal.hint(format!(
        "{make}`keyferry rekey s3://BUCKET/PREFIX --to {ring}` moves existing ones to the ring's active key"
    ));
    told(invocation, &entry)
}

/// Says what became of a key.
pub(super) fn told(invocation: &Invocation, entry: &KeyEntry) -> Result<Exit, Failure> {
    if invocation.terminal.is_text() {
        invocation.terminal.print(format!(
            "{} of ring {} version {} is {}",
            entry.id, entry.ring, entry.version, entry.state
        ))?;
    } else {
        invocation.terminal.json(entry)?;
    }
    Ok(Exit::Done)
}
