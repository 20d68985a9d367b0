//! What becomes of a key after it was made: retired, compromised, destroyed.
//!
//! Destroying takes two steps with a waiting time between them, because a destroyed key takes
//! every object under it along. Whether objects still need the key is for the caller to find out,
//! from S3: the store cannot know.

use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use keyferry_key::KeyId;

use crate::journal::Event;
use crate::key_file::{self, KEYS_FOLDER};
use crate::lock::ExclusiveLock;
use crate::{Error, KeyEntry, KeyState, RingName, Store};

impl Store {
    /// How long a key waits to be destroyed where nothing else is asked for: 30 days.
    pub const DESTRUCTION_WAITS: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// Makes a ring's active key decrypt-only without a successor: the ring takes no new objects.
    ///
    /// # Errors
    /// [`Error::NoActiveKey`], and as for [`Self::create`].
    pub fn retire(&mut self, ring: &RingName, reason: Option<&str>) -> Result<KeyEntry, Error> {
        self.write(|store, lock| {
            let active = store.ledger.active(ring);
            let id = active
                .ok_or_else(|| Error::NoActiveKey { ring: ring.clone() })?
                .id
                .clone();
            store.change_state(lock, &id, KeyState::DecryptOnly, reason, None)
        })
    }

    /// Notes that others know the key. It opens what it encrypted and encrypts nothing new; if it
    /// was the active one, its ring has none until a key is made.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], [`Error::Transition`], and as for [`Self::create`].
    pub fn compromise(&mut self, id: &KeyId, reason: Option<&str>) -> Result<KeyEntry, Error> {
        self.write(|store, lock| store.change_state(lock, id, KeyState::Compromised, reason, None))
    }

    /// Schedules a key to be destroyed after a waiting time. Until then it opens objects.
    ///
    /// # Errors
    /// [`Error::UnknownKey`]; [`Error::Transition`] if the key is active (retire or rotate first)
    /// or destroyed; and as for [`Self::create`].
    pub fn schedule_destruction(
        &mut self,
        id: &KeyId,
        waiting: SignedDuration,
        reason: Option<&str>,
    ) -> Result<KeyEntry, Error> {
        let now = Timestamp::now();
        let not_before = now.saturating_add(waiting).unwrap_or(Timestamp::MAX);
        let whole = TimestampRound::new()
            .smallest(Unit::Second)
            .mode(RoundMode::Trunc);
        let not_before = not_before.round(whole).unwrap_or(not_before);
        let to = KeyState::DestroyScheduled;
        self.write(|store, lock| store.change_state(lock, id, to, reason, Some(not_before)))
    }

    /// Takes a scheduled destruction back: the key is decrypt-only again, or compromised if it was.
    ///
    /// # Errors
    /// [`Error::UnknownKey`]; [`Error::NotScheduled`]; and as for [`Self::create`].
    pub fn cancel_destruction(&mut self, id: &KeyId) -> Result<KeyEntry, Error> {
        self.write(|store, lock| {
            let to = if store.scheduled(id)?.compromised {
                KeyState::Compromised
            } else {
                KeyState::DecryptOnly
            };
            store.change_state(lock, id, to, None, None)
        })
    }

    /// Destroys a key whose waiting time is over. Only the record of it remains.
    ///
    /// # Errors
    /// [`Error::UnknownKey`]; [`Error::NotScheduled`]; [`Error::NotDue`]; and as for
    /// [`Self::create`]. Once the journal has it the key is destroyed; a file that could not be
    /// removed then is removed when the store is next opened.
    pub fn destroy(&mut self, id: &KeyId, reason: Option<&str>) -> Result<KeyEntry, Error> {
        self.write(|store, lock| store.destroy_locked(lock, id, reason))
    }

    fn destroy_locked(
        &mut self,
        lock: &ExclusiveLock,
        id: &KeyId,
        reason: Option<&str>,
    ) -> Result<KeyEntry, Error> {
        let entry = self.scheduled(id)?;
        let not_before = entry.destroy_after.unwrap_or(Timestamp::MIN);
        if Timestamp::now() < not_before {
            return Err(Error::NotDue {
                id: id.clone(),
                not_before,
            });
        }
        let destroyed = self.change_state(lock, id, KeyState::Tombstone, reason, None)?;
        let ring = self
            .folder
            .child(KEYS_FOLDER)?
            .child(destroyed.ring.as_str())?;
        match ring.remove_file(&key_file::file_name(id)) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => ring.sync()?,
        }
        Ok(destroyed)
    }

    fn scheduled(&self, id: &KeyId) -> Result<KeyEntry, Error> {
        let entry = self.entry(id)?;
        match entry.state {
            KeyState::DestroyScheduled => Ok(entry.clone()),
            state => Err(Error::NotScheduled {
                id: id.clone(),
                state,
            }),
        }
    }

    /// Checks and records a change of state.
    pub(crate) fn change_state(
        &mut self,
        lock: &ExclusiveLock,
        id: &KeyId,
        to: KeyState,
        reason: Option<&str>,
        not_before: Option<Timestamp>,
    ) -> Result<KeyEntry, Error> {
        let from = self.entry(id)?.state;
        if !from.may_become(to) {
            let id = id.clone();
            return Err(Error::Transition { id, from, to });
        }
        if to == KeyState::Active {
            // Never let a ring depend on a key that cannot be opened.
            self.key(id)?;
        }
        let event = Event::StateChanged {
            id: id.clone(),
            to,
            reason: reason.map(str::to_owned),
            not_before,
        };
        self.record(lock, event)?;
        self.entry(id).cloned()
    }
}
