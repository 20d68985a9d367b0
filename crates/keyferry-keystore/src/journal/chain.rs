//! Reading the journal line by line, and appending to it.

use std::fs::File;
use std::io::Write;

use jiff::Timestamp;
use rustix::fs::OFlags;

use super::head::{HEAD_FILE, Head};
use super::record::{Actor, Event, Record};
use crate::Error;
use crate::folder::Folder;
use crate::identity::StoreIdentity;
use crate::lock::ExclusiveLock;
use crate::remote::Remote;
use crate::seal::Seal;

pub(crate) const JOURNAL_FILE: &str = "journal.jsonl";
pub(crate) const LIMIT: u64 = 1 << 30;

/// The last line that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) seq: u64,
    pub(crate) seal: Seal,
}

impl Tip {
    /// Before the first line.
    pub(crate) const NONE: Self = Self {
        seq: 0,
        seal: Seal::NONE,
    };
}

/// How the journal ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JournalEnd {
    /// Every line holds, up to the one that the head names.
    Whole,
    /// Every line holds, and some are beyond the head: a write was interrupted between the two.
    HeadBehind,
    /// Beyond the head are bytes that do not hold: a write was interrupted.
    Torn { tail: Vec<u8> },
    /// A line that the head covers does not hold, or is not there.
    Broken { line: u64, reason: String },
}

/// The journal as far as it holds.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) records: Vec<Record>,
    /// The seals of the lines, in their order.
    pub(crate) seals: Vec<Seal>,
    pub(crate) tip: Tip,
    /// The last line that is not about a backup.
    pub(crate) base: Tip,
    /// Length in bytes of the lines that hold.
    pub(crate) length: u64,
    pub(crate) end: JournalEnd,
}

impl Journal {
    pub(crate) fn read(folder: &Folder, identity: &StoreIdentity) -> Result<Self, Error> {
        let bytes = read_bytes(folder)?;
        let head = Head::read(folder, identity)?;
        Ok(Self::verify(&bytes, identity, head))
    }

    /// Verifies the lines against each other and against the head.
    pub(crate) fn verify(
        bytes: &[u8],
        identity: &StoreIdentity,
        head: Result<Head, String>,
    ) -> Self {
        let mut journal = Self {
            records: Vec::new(),
            seals: Vec::new(),
            tip: Tip::NONE,
            base: Tip::NONE,
            length: 0,
            end: JournalEnd::Whole,
        };
        let mut rest = bytes;
        let fault = loop {
            if rest.is_empty() {
                break None;
            }
            match journal.verify_line(rest, identity, head.as_ref().ok()) {
                Ok(length) => {
                    journal.length += u64::try_from(length).unwrap_or_default();
                    rest = rest.get(length..).unwrap_or_default();
                }
                Err(reason) => break Some(reason),
            }
        };
        let tip = journal.tip;
        let line = tip.seq + 1;
        let broken = |line, reason| JournalEnd::Broken { line, reason };
        journal.end = match (head, fault) {
            // Without the head it is not known whether lines are missing.
            (Err(reason), None) => broken(line, reason),
            (Err(_), Some(reason)) => broken(line, reason.to_owned()),
            (Ok(head), Some(reason)) if line <= head.seq => broken(line, reason.to_owned()),
            (Ok(head), None) if line <= head.seq => broken(
                line,
                format!("it is missing; `{HEAD_FILE}` records {} lines", head.seq),
            ),
            (Ok(_), Some(_)) => JournalEnd::Torn {
                tail: rest.to_vec(),
            },
            (Ok(head), None) if head.seq < tip.seq => JournalEnd::HeadBehind,
            (Ok(_), None) => JournalEnd::Whole,
        };
        journal
    }

    /// Verifies the line that `rest` begins with and takes it in; its length with the newline.
    pub(super) fn verify_line(
        &mut self,
        rest: &[u8],
        identity: &StoreIdentity,
        head: Option<&Head>,
    ) -> Result<usize, &'static str> {
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or("it is cut short")?;
        let line = rest.get(..length).unwrap_or_default();
        let seal = identity
            .journal_seal
            .verify(self.tip.seal, line)
            .ok_or("it, or the order of the lines, was changed")?;
        let record: Record = serde_json::from_slice(line).map_err(|_| "it has an unknown form")?;
        if record.seq != self.tip.seq + 1 {
            return Err("it has another number");
        }
        if head.is_some_and(|head| head.seq == record.seq && head.entry != seal.to_text()) {
            return Err("the head records another line in its place");
        }
        self.advance(seal, &record);
        self.seals.push(seal);
        self.records.push(record);
        Ok(length + 1)
    }

    /// The seal of a line, of a journal that was read whole.
    pub(crate) fn seal_of(&self, line: u64) -> Option<Seal> {
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        self.seals.get(index).copied()
    }

    fn advance(&mut self, seal: Seal, record: &Record) {
        self.tip = Tip {
            seq: record.seq,
            seal,
        };
        if !record.event.is_about_backups() {
            self.base = self.tip;
        }
    }

    /// Appends an entry and waits until the disk has it. If that fails, the entry is taken back
    /// as far as the disk allows.
    pub(crate) fn append(
        &mut self,
        folder: &Folder,
        identity: &StoreIdentity,
        _lock: &ExclusiveLock,
        remote: Option<&Remote>,
        event: Event,
    ) -> Result<Record, Error> {
        let (record, line, tip) = next(folder, identity, self.tip, event)?;
        if let Some(remote) = remote {
            // Where the truth lives elsewhere, it happens there. Should what follows here fail, this
            // copy learns of it when it is next brought up to date.
            remote.push(folder, &record.event, &line)?;
        }
        let mut file = folder.open_file(JOURNAL_FILE, OFlags::WRONLY | OFlags::APPEND)?;
        let written = file
            .write_all(&line)
            .map_err(|error| Error::io("write", folder.path_of(JOURNAL_FILE), error))
            .and_then(|()| sync(folder, &file));
        if let Err(error) = written {
            let _recovered_later = self.cut(folder, &file);
            return Err(error);
        }
        self.length += u64::try_from(line.len()).unwrap_or_default();
        self.advance(tip.seal, &record);
        // The entry is on disk and stands, even if what follows fails.
        Head::write(folder, identity, tip)?;
        Ok(record)
    }

    /// Appends lines of another copy of this journal, which follow its last line, and waits until
    /// the disk has them.
    pub(crate) fn append_lines(
        &mut self,
        folder: &Folder,
        identity: &StoreIdentity,
        _lock: &ExclusiveLock,
        lines: &[u8],
    ) -> Result<(), Error> {
        let mut file = folder.open_file(JOURNAL_FILE, OFlags::WRONLY | OFlags::APPEND)?;
        let written = file
            .write_all(lines)
            .map_err(|error| Error::io("write", folder.path_of(JOURNAL_FILE), error))
            .and_then(|()| sync(folder, &file));
        if let Err(error) = written {
            let _recovered_later = self.cut(folder, &file);
            return Err(error);
        }
        let mut rest = lines;
        while !rest.is_empty() {
            let length =
                self.verify_line(rest, identity, None)
                    .map_err(|reason| Error::Unwritable {
                        path: folder.path_of(JOURNAL_FILE),
                        reason: reason.to_owned(),
                    })?;
            self.length += u64::try_from(length).unwrap_or_default();
            rest = rest.get(length..).unwrap_or_default();
        }
        Head::write(folder, identity, self.tip)
    }

    /// Cuts off what lies beyond the lines that hold.
    pub(crate) fn cut_tail(&self, folder: &Folder, _lock: &ExclusiveLock) -> Result<(), Error> {
        let file = folder.open_file(JOURNAL_FILE, OFlags::WRONLY)?;
        self.cut(folder, &file)
    }

    fn cut(&self, folder: &Folder, file: &File) -> Result<(), Error> {
        file.set_len(self.length)
            .map_err(|error| Error::io("shorten", folder.path_of(JOURNAL_FILE), error))?;
        sync(folder, file)
    }

    /// Moves the head to the last line.
    pub(crate) fn write_head(
        &self,
        folder: &Folder,
        identity: &StoreIdentity,
        _lock: &ExclusiveLock,
    ) -> Result<(), Error> {
        Head::write(folder, identity, self.tip)
    }
}

/// Begins the journal of a new store.
pub(crate) fn start(folder: &Folder, identity: &StoreIdentity, event: Event) -> Result<(), Error> {
    let (_, line, tip) = next(folder, identity, Tip::NONE, event)?;
    folder.write_new(JOURNAL_FILE, &line)?;
    Head::write(folder, identity, tip)
}

fn next(
    folder: &Folder,
    identity: &StoreIdentity,
    tip: Tip,
    event: Event,
) -> Result<(Record, Vec<u8>, Tip), Error> {
    let record = Record {
        seq: tip.seq + 1,
        time: Timestamp::now(),
        by: Actor::this_process(),
        event,
    };
    let failed = |reason: String| Error::Unwritable {
        path: folder.path_of(JOURNAL_FILE),
        reason,
    };
    let mut line = serde_json::to_vec(&record).map_err(|error| failed(error.to_string()))?;
    let seal = identity
        .journal_seal
        .seal(tip.seal, &mut line)
        .ok_or_else(|| failed("the entry cannot be sealed".to_owned()))?;
    line.push(b'\n');
    let tip = Tip {
        seq: record.seq,
        seal,
    };
    Ok((record, line, tip))
}

pub(super) fn sync(folder: &Folder, file: &File) -> Result<(), Error> {
    file.sync_all()
        .map_err(|error| Error::io("sync", folder.path_of(JOURNAL_FILE), error))
}

/// The entries without proof, as far as they can be read: what a locked store can say.
pub(crate) fn lines_unproven(folder: &Folder) -> Result<Vec<Record>, Error> {
    Ok(lines_in(&read_bytes(folder)?))
}

/// The entries in these bytes without proof, as far as they can be read.
pub(crate) fn lines_in(bytes: &[u8]) -> Vec<Record> {
    lines(bytes).map_while(Result::ok).collect()
}

/// The file as it is; one that is missing is empty.
pub(crate) fn read_bytes(folder: &Folder) -> Result<Vec<u8>, Error> {
    match folder.read(JOURNAL_FILE, LIMIT) {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        read => read,
    }
}

/// The first line that cannot be read, if there is one.
pub(crate) fn unreadable_line(folder: &Folder) -> Result<Option<u64>, Error> {
    let bytes = match folder.read(JOURNAL_FILE, LIMIT) {
        Err(error) if error.is_not_found() => return Ok(Some(1)),
        read => read?,
    };
    let unreadable = lines(&bytes).position(|record| record.is_err());
    Ok(unreadable.and_then(|before| u64::try_from(before + 1).ok()))
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<Record, serde_json::Error>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
        // A line without its end is no JSON either.
        serde_json::from_slice(line.strip_suffix(b"\n").unwrap_or_default())
    })
}
