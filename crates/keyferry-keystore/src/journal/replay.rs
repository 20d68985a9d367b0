//! Reading a stretch of the journal again, line by line, without keeping it.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use rustix::fs::OFlags;

use super::chain::{JOURNAL_FILE, Journal, Tip};
use super::record::Record;
use crate::Error;
use crate::folder::Folder;
use crate::identity::StoreIdentity;
use crate::seal::Seal;

/// A place in the journal: behind a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The line.
    pub(crate) tip: Tip,
    /// Length in bytes of all lines up to it.
    pub(crate) length: u64,
}

impl Position {
    /// Before the first line.
    pub(crate) const START: Self = Self {
        tip: Tip {
            seq: 0,
            seal: Seal::NONE,
        },
        length: 0,
    };
}

impl Journal {
    /// Behind the last line that holds.
    pub(crate) fn position(&self) -> Position {
        Position {
            tip: self.tip,
            length: self.length,
        }
    }
}

/// Visits the entries between two positions, in order. False if the second is not reached from the
/// first: then they are not of this journal, as it is now, and nothing that was visited counts.
pub(crate) fn replay<E: From<Error>>(
    folder: &Folder,
    identity: &StoreIdentity,
    from: Position,
    to: Position,
    mut visit: impl FnMut(&Record) -> Result<(), E>,
) -> Result<bool, E> {
    let Some(length) = to.length.checked_sub(from.length) else {
        return Ok(false);
    };
    if length == 0 {
        return Ok(from == to);
    }
    let io = |error| Error::io("read", folder.path_of(JOURNAL_FILE), error);
    let mut file = folder.open_file(JOURNAL_FILE, OFlags::RDONLY)?;
    file.seek(SeekFrom::Start(from.length)).map_err(io)?;
    let mut lines = BufReader::with_capacity(64 << 10, file).take(length);
    let mut tip = from.tip;
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(io)? == 0 {
            return Ok(tip == to.tip);
        }
        let Some(object) = line.strip_suffix(b"\n") else {
            return Ok(false);
        };
        let Some(seal) = identity.journal_seal.verify(tip.seal, object) else {
            return Ok(false);
        };
        let record: Record = match serde_json::from_slice(object) {
            Ok(record) => record,
            Err(_) => return Ok(false),
        };
        if record.seq != tip.seq + 1 {
            return Ok(false);
        }
        tip = Tip {
            seq: record.seq,
            seal,
        };
        visit(&record)?;
    }
}
