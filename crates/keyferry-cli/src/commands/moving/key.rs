//! The key that copies are encrypted under, and those that open what is there.

use std::sync::Arc;

use keyferry_key::{CustomerKey, KeyId};
use keyferry_policy::BucketName;

use crate::args::{KeySource, MovingArgs};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::keys;
use crate::store_keys::{Choice, StoreKeys};

/// How many keys are tried on one object.
const MOST_TRIALS: usize = 16;

/// A key to encrypt under.
#[derive(Clone)]
pub(in crate::commands) struct Encrypting {
    pub(in crate::commands) id: KeyId,
    pub(in crate::commands) key: CustomerKey,
}

/// The keys of the store, to open what is in `bucket` with; and, where something is to be stored in
/// `destination`, the key for that.
pub(in crate::commands) fn all_keys(
    invocation: &Invocation,
    arguments: &MovingArgs,
    bucket: &BucketName,
    destination: Option<&BucketName>,
) -> Result<(Arc<StoreKeys>, Option<Encrypting>), Failure> {
    let (settings, terminal) = (&invocation.settings, &invocation.terminal);
    let name = match destination {
        Some(destination) => Some(ring(invocation, arguments, destination)?),
        None => None,
    };
    let mut store = keys::open_store(settings, terminal)?;
    let encrypting = match name {
        None => None,
        Some(name) => {
            if !arguments.choice.dry_run
                && let Some(block) = store.write_block()
            {
                return Err(Failure::new(
                    Exit::Store,
                    format!("the key store cannot be written: {block}"),
                )
                .hint(
                    "which object is under which key is recorded in the store; see to it first",
                ));
            }
            let chosen = match arguments.choice.dry_run {
                true => keys::choose_in(&store, &name)?,
                false => keys::choose_for_upload(
                    &mut store,
                    terminal,
                    &name,
                    arguments.accept_loss_risk,
                )?,
            };
            let key = chosen.key;
            chosen.id.map(|id| Encrypting { id, key })
        }
    };
    let choice = Choice {
        only: None,
        expected: keys::expected_ring(settings, &store, bucket),
        most: MOST_TRIALS,
    };
    Ok((Arc::new(StoreKeys::new(store, choice)), encrypting))
}

fn ring(
    invocation: &Invocation,
    arguments: &MovingArgs,
    destination: &BucketName,
) -> Result<String, Failure> {
    let configured = invocation.settings.default_key(destination);
    match arguments.key.as_ref().or(configured.as_ref()) {
        Some(KeySource::Store(name)) => Ok(name.clone()),
        Some(KeySource::LooksLikeAKey) => Err(keys::given_as_argument("--key")
            .hint("treat that key as known to others; give a ring or a key id")),
        Some(_) => Err(Failure::new(
            Exit::Usage,
            "many objects are recorded under their key's id, and only a key of the store has one",
        )
        .hint("`keyferry key import` takes the key into the store; then give --key RING")),
        None => Err(
            Failure::new(Exit::Usage, "no key to encrypt under was given").hint(
                "give --key RING (`keyferry key new RING` makes one), or set `key` in the configuration",
            ),
        ),
    }
}
