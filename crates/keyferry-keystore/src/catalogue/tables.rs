//! The tables and how a connection is set up.

use std::time::Duration;

use rusqlite::Connection;

use super::Fault;

/// The form of the tables.
pub(super) const FORMAT: i64 = 1;

/// How long to wait while another process writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// As SQLite keeps them, letter by letter: a catalogue whose schema has anything else in it, such as
/// a trigger, is not ours.
const SCHEMA: [(&str, &str); 3] = [
    (
        "state",
        "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL, store TEXT NOT NULL, seq INTEGER NOT NULL, seal TEXT NOT NULL, length INTEGER NOT NULL, rows INTEGER NOT NULL, sum BLOB NOT NULL, mac BLOB NOT NULL) STRICT",
    ),
    (
        "uses",
        "CREATE TABLE uses (bucket TEXT NOT NULL, object TEXT NOT NULL, version TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, place INTEGER NOT NULL, mac BLOB NOT NULL, PRIMARY KEY (bucket, object, version)) STRICT, WITHOUT ROWID",
    ),
    ("uses_by_key", "CREATE INDEX uses_by_key ON uses (key)"),
];

/// Makes the tables.
pub(super) fn create(connection: &Connection) -> Result<(), Fault> {
    for (_, sql) in SCHEMA {
        connection.execute(sql, ())?;
    }
    Ok(())
}

/// Sets a connection up, whatever its file holds.
pub(super) fn set_up(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(PATIENCE)?;
    // A file may have been made to harm: nothing in its schema is run, and its pages are checked
    // as they are read.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // A rollback journal, SQLite's default, rather than a write-ahead log: a catalogue on a
    // read-only file system still opens, and there is one file to delete. The store's lock keeps
    // writers apart, and readers are quick.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(())
}

/// Makes sure that the file holds our tables and nothing else.
pub(super) fn check(connection: &Connection) -> Result<(), Fault> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode != "delete" {
        return Err(Fault::unsound("its journal mode was changed"));
    }
    let mut statement = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?;
    let found = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(String, String)>, _>>()?;
    let expected = SCHEMA.map(|(name, sql)| (name.to_owned(), sql.to_owned()));
    if found == expected {
        Ok(())
    } else {
        Err(Fault::unsound("it has other tables than a catalogue has"))
    }
}
