//! Questions to the catalogue.

use keyferry_key::KeyId;
use rusqlite::OptionalExtension;

use super::row::{COLUMNS, State, Sum, UseRow};
use super::{Catalogue, CatalogueSlot, Fault, Home};
use crate::{ObjectUse, RecordedUse, UseCount};

/// How many rows one question gives at most; further ones go on from there.
const PAGE: usize = 512;

impl CatalogueSlot {
    /// The key recorded for exactly this version.
    pub(crate) fn key_of(&self, home: Home<'_>, object: &ObjectUse) -> Option<KeyId> {
        self.ask(home, |catalogue| {
            let version = object.version.as_deref().unwrap_or_default();
            let sql = format!(
                "SELECT {COLUMNS} FROM uses WHERE bucket = ?1 AND object = ?2 AND version = ?3"
            );
            let row = catalogue
                .connection
                .query_row(&sql, (&object.bucket, &object.key, version), |row| {
                    Ok(UseRow::read(row, home.identity))
                })
                .optional()?
                .transpose()?;
            Ok(row.map(|row| row.key))
        })
        .flatten()
    }

    /// The versions of an object, those recorded last first.
    pub(crate) fn versions_of(&self, home: Home<'_>, bucket: &str, key: &str) -> Vec<RecordedUse> {
        self.ask(home, |catalogue| {
            let sql = format!(
                "SELECT {COLUMNS} FROM uses WHERE bucket = ?1 AND object = ?2 \
                 ORDER BY seq DESC, place DESC LIMIT {PAGE}"
            );
            let mut statement = catalogue.connection.prepare(&sql)?;
            let mut rows = statement.query((bucket, key))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let UseRow { object, key, .. } = UseRow::read(row, home.identity)?;
                found.push(RecordedUse { object, id: key });
            }
            Ok(found)
        })
        .unwrap_or_default()
    }

    /// The next versions recorded for a key, in order of their names, after this one.
    pub(crate) fn uses_after(
        &self,
        home: Home<'_>,
        id: &KeyId,
        after: Option<&ObjectUse>,
    ) -> Vec<ObjectUse> {
        self.ask(home, |catalogue| {
            catalogue.prove(home)?;
            let (bucket, key, version) = match after {
                None => ("", "", ""),
                Some(object) => (
                    object.bucket.as_str(),
                    object.key.as_str(),
                    object.version.as_deref().unwrap_or_default(),
                ),
            };
            let sql = format!(
                "SELECT {COLUMNS} FROM uses WHERE key = ?1 \
                 AND (bucket, object, version) > (?2, ?3, ?4) \
                 ORDER BY bucket, object, version LIMIT {PAGE}"
            );
            let mut statement = catalogue.connection.prepare(&sql)?;
            let mut rows = statement.query((id.as_str(), bucket, key, version))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(UseRow::read(row, home.identity)?.object);
            }
            Ok(found)
        })
        .unwrap_or_default()
    }

    /// How many versions each key was recorded for, by bucket.
    pub(crate) fn counts(&self, home: Home<'_>) -> Vec<UseCount> {
        self.ask(home, |catalogue| {
            catalogue.prove(home)?;
            let mut statement = catalogue.connection.prepare(
                "SELECT bucket, key, count(*) FROM uses GROUP BY bucket, key ORDER BY bucket, key",
            )?;
            let mut rows = statement.query(())?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let key: String = row.get(1)?;
                found.push(UseCount {
                    bucket: row.get(0)?,
                    id: key
                        .parse()
                        .map_err(|_| Fault::unsound("a row names no key"))?,
                    versions: row.get(2)?,
                });
            }
            Ok(found)
        })
        .unwrap_or_default()
    }

    /// Goes through all of it; it is replaced if anything does not hold.
    pub(crate) fn prove(&self, home: Home<'_>) {
        let _reported_by_findings = self.ask(home, |catalogue| catalogue.prove(home));
    }
}

impl Catalogue {
    /// Goes through every row and compares their number and sum, once while it is open.
    fn prove(&mut self, home: Home<'_>) -> Result<(), Fault> {
        if self.proven {
            return Ok(());
        }
        // One view of the file, whoever writes meanwhile.
        let view = self.connection.unchecked_transaction()?;
        let verdict: String = view.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))?;
        if verdict != "ok" {
            return Err(Fault::unsound("its pages are damaged"));
        }
        let state = State::read(&view, &home)?;
        let (mut count, mut sum) = (0, Sum::default());
        {
            let mut statement = view.prepare(&format!("SELECT {COLUMNS} FROM uses"))?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                count += 1;
                sum.add(&UseRow::read(row, home.identity)?.mac);
            }
        }
        if (count, sum) != (state.rows, state.sum) {
            return Err(Fault::unsound("rows are missing or are not its own"));
        }
        view.finish()?;
        self.proven = true;
        Ok(())
    }
}
