//! Whether a ring's keys could be lost: what stands between a new key and the first object that
//! nothing else opens.
//!
//! A backup that was never opened is a hope. So the first upload under a ring waits until a backup
//! that holds a key of the ring was restored as a test, or until somebody has said, once, that the
//! risk is theirs.

use std::collections::BTreeMap;

use keyferry_key::KeyId;

use crate::journal::Event;
use crate::{Error, RingName, Store};

/// A ring whose keys nobody knows to be safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no tested backup holds the key of ring `{ring}`: were the store lost now, so would be every object under it"
)]
pub struct NotEscrowed {
    /// The ring.
    pub ring: RingName,
    /// A backup that holds its active key and was not tested.
    pub untested: Option<String>,
}

impl NotEscrowed {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let first = match &self.untested {
            Some(place) => format!("`keyferry key restore --test {place}` tests the backup there"),
            None => "`keyferry key backup TO`, then `keyferry key restore --test TO`, where TO is a folder, a file.tar or s3://BUCKET/PREFIX in another region".to_owned(),
        };
        format!("{first}; or accept the risk once with --accept-loss-risk")
    }
}

/// Why a ring may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EscrowGate {
    /// A backup that holds a key of the ring was restored as a test.
    Tested {
        /// Where it is.
        from: String,
    },
    /// Somebody accepted the risk.
    RiskAccepted,
    /// Neither.
    Closed,
}

/// How well a ring's keys are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Escrow {
    /// The ring.
    pub ring: RingName,
    /// The key of it that is asked about: its active one, unless another is named.
    pub key: KeyId,
    /// Why the ring may be used, if it may.
    pub gate: EscrowGate,
    /// A backup that holds this key.
    pub backup: Option<String>,
}

/// What the journal says of backups.
#[derive(Debug, Clone, Default)]
pub(crate) struct EscrowRecord {
    /// The line by which a key came into the store.
    arrived: Vec<(KeyId, u64)>,
    /// Up to which line each place holds the store.
    backed_up: BTreeMap<String, u64>,
    /// Up to which line each place was tested.
    tested: BTreeMap<String, u64>,
    accepted: Vec<RingName>,
}

impl EscrowRecord {
    /// Takes in the entry of this number.
    pub(crate) fn apply(&mut self, seq: u64, event: &Event) {
        match event {
            Event::KeyAdded { facts, .. } | Event::KeyAdopted { facts } => {
                self.arrived.push((facts.id.clone(), seq));
            }
            Event::BackedUp { to, seq: line, .. } => {
                let line = line.unwrap_or(seq.saturating_sub(1));
                self.backed_up.insert(to.clone(), line);
            }
            Event::RestoreTested { from, seq: line } => {
                self.tested.insert(from.clone(), *line);
            }
            Event::LossRiskAccepted { ring } => self.accepted.push(ring.clone()),
            _ => {}
        }
    }

    fn arrival(&self, id: &KeyId) -> Option<u64> {
        let (_, line) = self.arrived.iter().find(|(key, _)| key == id)?;
        Some(*line)
    }
}

/// The place that reaches furthest, if that is as far as this line.
fn furthest(places: &BTreeMap<String, u64>, line: u64) -> Option<&String> {
    let (place, reached) = places.iter().max_by_key(|(_, reached)| **reached)?;
    (*reached >= line).then_some(place)
}

impl Store {
    /// How well a ring's keys are kept.
    ///
    /// # Errors
    /// [`Error::NoActiveKey`].
    pub fn escrow(&self, ring: &RingName) -> Result<Escrow, Error> {
        let active = self
            .ledger
            .active(ring)
            .ok_or_else(|| Error::NoActiveKey { ring: ring.clone() })?;
        Ok(self.escrow_of(ring, &active.id))
    }

    pub(crate) fn escrow_of(&self, ring: &RingName, key: &KeyId) -> Escrow {
        let record = self.ledger.escrow();
        let in_ring = self
            .ledger
            .entries()
            .iter()
            .filter(|entry| entry.ring == *ring);
        // The gate stands before a ring's first object. After a rotation it stays open: the ring is
        // in use, and refusing the new key would only keep objects under the old one.
        let first = in_ring.filter_map(|entry| record.arrival(&entry.id)).min();
        let tested = first.and_then(|line| furthest(&record.tested, line));
        let gate = match tested {
            Some(from) => EscrowGate::Tested { from: from.clone() },
            None if record.accepted.contains(ring) => EscrowGate::RiskAccepted,
            None => EscrowGate::Closed,
        };
        let backup = record
            .arrival(key)
            .and_then(|line| furthest(&record.backed_up, line));
        Escrow {
            ring: ring.clone(),
            key: key.clone(),
            gate,
            backup: backup.cloned(),
        }
    }

    /// How well the key is kept that an object is about to be encrypted under, and an error if its
    /// ring may not be used yet.
    ///
    /// # Errors
    /// [`Error::NotEscrowed`], [`Error::UnknownKey`]; [`Error::ReadOnly`] if it is not known what the
    /// key may be used for.
    pub fn require_escrow(&self, id: &KeyId) -> Result<Escrow, Error> {
        self.require_states()?;
        let ring = &self.entry(id)?.ring;
        let escrow = self.escrow_of(ring, id);
        match escrow.gate {
            EscrowGate::Closed => Err(NotEscrowed {
                ring: escrow.ring,
                untested: escrow.backup,
            }
            .into()),
            _ => Ok(escrow),
        }
    }

    /// Records that somebody uses the ring of this key without a tested backup. Saying it again changes
    /// nothing.
    ///
    /// # Errors
    /// As for [`Self::create`], and [`Error::UnknownKey`].
    pub fn accept_loss_risk(&mut self, id: &KeyId) -> Result<Escrow, Error> {
        self.require_states()?;
        let ring = self.entry(id)?.ring.clone();
        if self.escrow_of(&ring, id).gate == EscrowGate::Closed {
            let lock = self.begin_write()?;
            let ring = ring.clone();
            self.record(&lock, Event::LossRiskAccepted { ring })?;
        }
        Ok(self.escrow_of(&ring, id))
    }
}
