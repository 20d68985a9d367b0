//! The keys of a store and their states, as the journal tells them.

use jiff::Timestamp;
use keyferry_key::{KeyId, KeyMd5};

use crate::entry::KeyFacts;
use crate::escrow::EscrowRecord;
use crate::journal::{Event, Record};
use crate::{KeyEntry, KeyState, RingName};

/// Every key that the journal names, in its order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    entries: Vec<KeyEntry>,
    escrow: EscrowRecord,
}

/// Why an entry of the journal cannot be applied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// A kind of entry that a newer keyferry wrote.
    Unknown,
    /// It contradicts the entries before it.
    Contradiction(String),
}

impl Ledger {
    /// What these entries say, up to the first that cannot be applied.
    pub(crate) fn of(records: &[Record]) -> Self {
        let mut ledger = Self::default();
        for record in records {
            if ledger.apply(record.seq, &record.event).is_err() {
                break;
            }
        }
        ledger
    }

    pub(crate) fn entries(&self) -> &[KeyEntry] {
        &self.entries
    }

    /// What is said of backups.
    pub(crate) fn escrow(&self) -> &EscrowRecord {
        &self.escrow
    }

    pub(crate) fn by_id(&self, id: &KeyId) -> Option<&KeyEntry> {
        self.entries.iter().find(|entry| entry.id == *id)
    }

    pub(crate) fn by_md5(&self, md5: &KeyMd5) -> Option<&KeyEntry> {
        self.entries
            .iter()
            .find(|entry| entry.md5 == *md5 && entry.state.has_key())
    }

    pub(crate) fn active(&self, ring: &RingName) -> Option<&KeyEntry> {
        self.entries
            .iter()
            .find(|entry| entry.ring == *ring && entry.state == KeyState::Active)
    }

    /// The version that the ring's next key gets. Versions are never used twice.
    pub(crate) fn next_version(&self, ring: &RingName) -> u32 {
        let used = self.entries.iter().filter(|entry| entry.ring == *ring);
        used.map(|entry| entry.version)
            .max()
            .unwrap_or_default()
            .saturating_add(1)
    }

    /// Takes in what the entry of this number says.
    pub(crate) fn apply(&mut self, seq: u64, event: &Event) -> Result<(), Misfit> {
        self.apply_to_keys(seq, event)?;
        self.escrow.apply(seq, event);
        Ok(())
    }

    fn apply_to_keys(&mut self, seq: u64, event: &Event) -> Result<(), Misfit> {
        let contradiction = |reason: String| Err(Misfit::Contradiction(reason));
        match event {
            Event::StoreCreated { .. } if seq == 1 => Ok(()),
            Event::StoreCreated { .. } => {
                contradiction("the store is made a second time".to_owned())
            }
            _ if seq == 1 => contradiction("the store is not made first".to_owned()),
            Event::KeyAdded { facts, state } => self.add(facts, *state),
            Event::KeyAdopted { facts } => self.add(facts, KeyState::Pending),
            Event::StateChanged {
                id, to, not_before, ..
            } => self.change(id, *to, *not_before),
            Event::KeyExported { id, .. }
            | Event::KeyUsed { id, .. }
            | Event::KeyFound { id, .. }
            | Event::Rekeyed { id, .. } => match self.by_id(id) {
                Some(_) => Ok(()),
                None => contradiction(format!("key `{id}` is unknown")),
            },
            Event::OpenerAdded { .. }
            | Event::OpenerRemoved { .. }
            | Event::BackedUp { .. }
            | Event::RestoreTested { .. }
            | Event::Restored { .. }
            | Event::LossRiskAccepted { .. }
            | Event::SharesMade { .. }
            | Event::IdentityRestored { .. }
            | Event::RecoverySheetMade { .. }
            | Event::RollbackAccepted { .. } => Ok(()),
            Event::Unknown => Err(Misfit::Unknown),
        }
    }

    /// Whether a key would fit in: its id and version must be new, and its MD5 among the keys that exist.
    pub(crate) fn fits(&self, facts: &KeyFacts) -> Result<(), String> {
        let KeyFacts {
            id,
            ring,
            version,
            md5,
            ..
        } = facts;
        let taken = |entry: &&KeyEntry| {
            entry.id == *id
                || (entry.md5 == *md5 && entry.state.has_key())
                || (entry.ring == *ring && entry.version == *version)
        };
        match self.entries.iter().find(taken) {
            Some(entry) => Err(format!(
                "version {version} of ring `{ring}`, key `{id}`, collides with key `{}`",
                entry.id
            )),
            None if *version == 0 => Err(format!("key `{id}` has version 0")),
            None => Ok(()),
        }
    }

    /// Takes in a key that the journal should name but does not, for reading only.
    pub(crate) fn add_unproven(&mut self, facts: KeyFacts) -> bool {
        let fits = self.fits(&facts).is_ok();
        if fits {
            self.entries.push(facts.into_entry(KeyState::Pending));
        }
        fits
    }

    fn add(&mut self, facts: &KeyFacts, state: KeyState) -> Result<(), Misfit> {
        self.fits(facts).map_err(Misfit::Contradiction)?;
        if state == KeyState::Active {
            self.retire_active(&facts.ring);
        }
        self.entries.push(facts.clone().into_entry(state));
        Ok(())
    }

    fn change(
        &mut self,
        id: &KeyId,
        to: KeyState,
        not_before: Option<Timestamp>,
    ) -> Result<(), Misfit> {
        let Some(entry) = self.by_id(id) else {
            return Err(Misfit::Contradiction(format!("key `{id}` is unknown")));
        };
        let from = entry.state;
        if !from.may_become(to) {
            return Err(Misfit::Contradiction(format!(
                "key `{id}` goes from {from} to {to}"
            )));
        }
        if to == KeyState::Active {
            let ring = entry.ring.clone();
            self.retire_active(&ring);
        }
        let changed = self.entries.iter_mut().find(|entry| entry.id == *id);
        if let Some(entry) = changed {
            entry.state = to;
            entry.compromised |= to == KeyState::Compromised;
            entry.destroy_after = match to {
                KeyState::DestroyScheduled => not_before,
                _ => None,
            };
        }
        Ok(())
    }

    fn retire_active(&mut self, ring: &RingName) {
        for entry in &mut self.entries {
            if entry.ring == *ring && entry.state == KeyState::Active {
                entry.state = KeyState::DecryptOnly;
            }
        }
    }
}
