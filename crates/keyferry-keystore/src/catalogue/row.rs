//! Rows, the state of the whole, and their MACs.

use keyferry_key::KeyId;
use rusqlite::{Connection, OptionalExtension, Row};

use super::tables::FORMAT;
use super::{Fault, Home};
use crate::ObjectUse;
use crate::identity::StoreIdentity;
use crate::journal::{Position, Tip};
use crate::seal::Seal;

/// The columns of a row, in the order in which [`UseRow::read`] takes them.
pub(super) const COLUMNS: &str = "bucket, object, version, key, seq, place, mac";

/// A version and the key recorded last for it.
pub(super) struct UseRow {
    pub(super) object: ObjectUse,
    pub(super) key: KeyId,
    pub(super) mac: [u8; 32],
}

impl UseRow {
    /// Reads a row and proves it.
    pub(super) fn read(row: &Row<'_>, identity: &StoreIdentity) -> Result<Self, Fault> {
        let (bucket, object): (String, String) = (row.get(0)?, row.get(1)?);
        let (version, key): (String, String) = (row.get(2)?, row.get(3)?);
        let (seq, place): (i64, i64) = (row.get(4)?, row.get(5)?);
        let mac: Vec<u8> = row.get(6)?;
        let forged = || Fault::unsound("a row was changed");
        let fields = fields(&bucket, &object, &version, &key, seq, place);
        if !identity
            .catalogue_seal
            .holds_for_fields(&fields.each_ref().map(Vec::as_slice), &mac)
        {
            return Err(forged());
        }
        Ok(Self {
            object: ObjectUse {
                bucket,
                key: object,
                version: Some(version).filter(|version| !version.is_empty()),
            },
            key: key.parse().map_err(|_| forged())?,
            mac: mac.try_into().map_err(|_| forged())?,
        })
    }
}

/// The MAC of a row.
pub(super) fn mac(
    identity: &StoreIdentity,
    object: &ObjectUse,
    key: &KeyId,
    seq: i64,
    place: i64,
) -> Option<[u8; 32]> {
    let version = object.version.as_deref().unwrap_or_default();
    let fields = fields(
        &object.bucket,
        &object.key,
        version,
        key.as_str(),
        seq,
        place,
    );
    identity
        .catalogue_seal
        .of_fields(&fields.each_ref().map(Vec::as_slice))
}

fn fields(
    bucket: &str,
    object: &str,
    version: &str,
    key: &str,
    seq: i64,
    place: i64,
) -> [Vec<u8>; 7] {
    [
        b"use".to_vec(),
        bucket.into(),
        object.into(),
        version.into(),
        key.into(),
        seq.to_be_bytes().into(),
        place.to_be_bytes().into(),
    ]
}

/// A sum of MACs, whatever their order: rows that were taken away are missing in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum([u64; 4]);

impl Sum {
    pub(super) fn add(&mut self, mac: &[u8; 32]) {
        for (lane, number) in self.0.iter_mut().zip(lanes(mac)) {
            *lane = lane.wrapping_add(number);
        }
    }

    pub(super) fn subtract(&mut self, mac: &[u8; 32]) {
        for (lane, number) in self.0.iter_mut().zip(lanes(mac)) {
            *lane = lane.wrapping_sub(number);
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        self.0.into_iter().flat_map(u64::to_be_bytes).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 32] = bytes.try_into().ok()?;
        let mut sum = Self::default();
        sum.add(bytes);
        Some(sum)
    }
}

fn lanes(mac: &[u8; 32]) -> impl Iterator<Item = u64> {
    let (lanes, _) = mac.as_chunks::<8>();
    lanes.iter().map(|lane| u64::from_be_bytes(*lane))
}

/// What the catalogue says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// How far in the journal it reaches.
    pub(super) position: Position,
    /// How many rows it has.
    pub(super) rows: i64,
    /// The sum of their MACs.
    pub(super) sum: Sum,
}

impl State {
    /// That of an empty catalogue.
    pub(super) const EMPTY: Self = Self {
        position: Position::START,
        rows: 0,
        sum: Sum([0; 4]),
    };

    fn fields(&self, home: &Home<'_>) -> [Vec<u8>; 8] {
        let Position { tip, length } = self.position;
        [
            b"state".to_vec(),
            FORMAT.to_be_bytes().into(),
            home.store.as_str().into(),
            tip.seq.to_be_bytes().into(),
            tip.seal.to_text().into(),
            length.to_be_bytes().into(),
            self.rows.to_be_bytes().into(),
            self.sum.to_bytes(),
        ]
    }

    pub(super) fn read(connection: &Connection, home: &Home<'_>) -> Result<Self, Fault> {
        let stored = connection
            .query_row(
                "SELECT format, store, seq, seal, length, rows, sum, mac FROM state",
                (),
                |row| {
                    Ok((
                        (row.get::<_, i64>(0)?, row.get::<_, String>(1)?),
                        (row.get::<_, u64>(2)?, row.get::<_, String>(3)?),
                        (row.get::<_, u64>(4)?, row.get::<_, i64>(5)?),
                        (row.get::<_, Vec<u8>>(6)?, row.get::<_, Vec<u8>>(7)?),
                    ))
                },
            )
            .optional()?;
        let Some(((format, store), (seq, seal), (length, rows), (sum, mac))) = stored else {
            return Err(Fault::unsound("it does not say how far it reaches"));
        };
        if format != FORMAT {
            return Err(Fault::unsound(format!("it has format {format}")));
        }
        if store != home.store.as_str() {
            return Err(Fault::unsound("it belongs to another store"));
        }
        let changed = || Fault::unsound("what it says of itself was changed");
        let state = Self {
            position: Position {
                tip: Tip {
                    seq,
                    seal: Seal::from_text(seal.as_bytes()).ok_or_else(changed)?,
                },
                length,
            },
            rows,
            sum: Sum::from_bytes(&sum).ok_or_else(changed)?,
        };
        let fields = state.fields(home);
        let fields = fields.each_ref().map(Vec::as_slice);
        if home.identity.catalogue_seal.holds_for_fields(&fields, &mac) {
            Ok(state)
        } else {
            Err(changed())
        }
    }

    pub(super) fn write(&self, connection: &Connection, home: &Home<'_>) -> Result<(), Fault> {
        let fields = self.fields(home);
        let fields = fields.each_ref().map(Vec::as_slice);
        let mac = home
            .identity
            .catalogue_seal
            .of_fields(&fields)
            .ok_or_else(|| Fault::unsound("it cannot be sealed"))?;
        let Position { tip, length } = self.position;
        connection.execute(
            "INSERT OR REPLACE INTO state (one, format, store, seq, seal, length, rows, sum, mac) \
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                FORMAT,
                home.store.as_str(),
                tip.seq,
                tip.seal.to_text(),
                length,
                self.rows,
                self.sum.to_bytes(),
                mac,
            ),
        )?;
        Ok(())
    }
}
