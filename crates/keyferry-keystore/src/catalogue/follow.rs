//! Taking in what the journal has and the catalogue has not.

use keyferry_key::KeyId;
use rusqlite::{Connection, OptionalExtension, Statement, TransactionBehavior};

use super::row::{self, State};
use super::{Catalogue, Fault, Home};
use crate::ObjectUse;
use crate::journal::{Event, Record, replay};
use crate::lock::ExclusiveLock;

impl Catalogue {
    /// How many rows it has.
    pub(super) fn rows(&self) -> Result<i64, Fault> {
        Ok(self
            .connection
            .query_row("SELECT rows FROM state", (), |row| row.get(0))?)
    }

    /// Brings it to where the journal is, if it is not there.
    pub(super) fn catch_up(&mut self, home: Home<'_>) -> Result<(), Fault> {
        let position = State::read(&self.connection, &home)?.position;
        if position == home.journal {
            return Ok(());
        }
        if position.tip.seq > home.journal.tip.seq {
            // Another process has written since this one read the journal. If the journal leads
            // there, it knows more and nothing is wrong with it.
            let ahead = replay(home.folder, home.identity, home.journal, position, |_| {
                Ok::<_, Fault>(())
            })?;
            return if ahead { Ok(()) } else { Err(unlinked()) };
        }
        if self.in_memory || home.lock.is_some() {
            return self.advance(home);
        }
        let lock = ExclusiveLock::acquire(home.folder)?;
        self.advance(Home {
            lock: Some(&lock),
            ..home
        })
    }

    /// Takes in the journal's entries, all or none.
    pub(super) fn advance(&mut self, home: Home<'_>) -> Result<(), Fault> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Somebody else may have done it while the lock was waited for.
        let mut state = State::read(&transaction, &home)?;
        if state.position.tip.seq < home.journal.tip.seq {
            let from = state.position;
            let mut writer = Writer::new(&transaction)?;
            let linked = replay(home.folder, home.identity, from, home.journal, |record| {
                writer.take_in(record, &mut state, &home)
            })?;
            drop(writer);
            if !linked {
                return Err(unlinked());
            }
            state.position = home.journal;
            state.write(&transaction, &home)?;
        } else if state.position.tip.seq == home.journal.tip.seq && state.position != home.journal {
            return Err(unlinked());
        }
        Ok(transaction.commit()?)
    }
}

fn unlinked() -> Fault {
    Fault::unsound("it was made from another journal than the store has")
}

struct Writer<'a> {
    find: Statement<'a>,
    put: Statement<'a>,
}

impl<'a> Writer<'a> {
    fn new(connection: &'a Connection) -> Result<Self, Fault> {
        Ok(Self {
            find: connection.prepare(
                "SELECT mac FROM uses WHERE bucket = ?1 AND object = ?2 AND version = ?3",
            )?,
            put: connection.prepare(
                "INSERT OR REPLACE INTO uses (bucket, object, version, key, seq, place, mac) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
        })
    }

    fn take_in(
        &mut self,
        record: &Record,
        state: &mut State,
        home: &Home<'_>,
    ) -> Result<(), Fault> {
        let (Event::KeyUsed { id, objects } | Event::KeyFound { id, objects }) = &record.event
        else {
            return Ok(());
        };
        let too_large = |_| Fault::unsound("a number in the journal is too large for it");
        let seq = i64::try_from(record.seq).map_err(too_large)?;
        for (place, object) in objects.iter().enumerate() {
            let place = i64::try_from(place).map_err(too_large)?;
            self.put(object, id, (seq, place), state, home)?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        object: &ObjectUse,
        id: &KeyId,
        (seq, place): (i64, i64),
        state: &mut State,
        home: &Home<'_>,
    ) -> Result<(), Fault> {
        let version = object.version.as_deref().unwrap_or_default();
        let (bucket, name) = (object.bucket.as_str(), object.key.as_str());
        let replaced: Option<[u8; 32]> = self
            .find
            .query_row((bucket, name, version), |row| row.get(0))
            .optional()?;
        match replaced {
            Some(mac) => state.sum.subtract(&mac),
            None => state.rows += 1,
        }
        let mac = row::mac(home.identity, object, id, seq, place)
            .ok_or_else(|| Fault::unsound("a row cannot be sealed"))?;
        state.sum.add(&mac);
        self.put
            .execute((bucket, name, version, id.as_str(), seq, place, mac))?;
        Ok(())
    }
}
