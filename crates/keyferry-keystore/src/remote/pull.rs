//! Bringing the working copy up to date.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::peek::PREVIOUS_IDENTITY;
use super::push::key_document;
use super::segments::{Fetched, Segment, last_of};
use super::{Remote, working_copy};
use crate::folder::Folder;
use crate::identity::StoreIdentity;
use crate::journal::{self, Head, Journal, JournalEnd, Record};
use crate::key_file::{self, KEYS_FOLDER, UNFINISHED};
use crate::ledger::Ledger;
use crate::load::Loaded;
use crate::lock::ExclusiveLock;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::{DocumentsError, Error, Finding, RingName, WriteBlock};

/// How often, and after what pause, a place is asked again that seems to have lost entries: one that
/// answers from several machines may be behind itself for a moment.
const DOUBTS: u32 = 3;
const DOUBT: Duration = Duration::from_millis(60);

/// What bringing the working copy up to date led to.
#[derive(Default)]
pub(crate) struct Pulled {
    /// Why the store cannot be written.
    pub(crate) block: Option<WriteBlock>,
    pub(crate) findings: Vec<Finding>,
    /// The entries that are new here.
    pub(crate) news: Vec<Record>,
}

impl Pulled {
    /// Adds what it led to to what was then read from the folder.
    pub(crate) fn apply_to(self, loaded: &mut Loaded) {
        loaded.findings.extend(self.findings);
        let Some(block) = self.block else { return };
        match block {
            // What is wrong with the working copy is wrong all the same.
            WriteBlock::Unreachable { .. } => drop(loaded.block.get_or_insert(block)),
            block => loaded.block = Some(block),
        }
        // Nothing is written now, so they stay as they are.
        for facts in std::mem::take(&mut loaded.orphans) {
            loaded.ledger.add_unproven(facts);
        }
    }
}

/// What a place has beyond what is held here.
pub(super) struct Beyond {
    pub(super) new: Vec<u8>,
    pub(super) last: Segment,
}

/// A working copy that is being written to.
pub(crate) struct WorkingCopy<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) manifest: &'a Manifest,
    pub(crate) identity: &'a StoreIdentity,
    pub(crate) lock: &'a ExclusiveLock,
}

impl Remote {
    /// Brings the working copy up to date, as far as what the place has is proven. A place that does not
    /// answer leaves it as it is, and keeps it from being written.
    pub(crate) fn pull(&self, copy: &WorkingCopy<'_>) -> Result<Pulled, Error> {
        *self.last() = None;
        match self.pull_now(copy) {
            Err(Error::Place(DocumentsError::Unreachable { reason, .. })) => Ok(Pulled {
                findings: vec![self.as_of(copy.folder, &reason)],
                block: Some(WriteBlock::Unreachable {
                    place: self.place(),
                    reason,
                }),
                news: Vec::new(),
            }),
            pulled => pulled,
        }
    }

    fn pull_now(&self, copy: &WorkingCopy<'_>) -> Result<Pulled, Error> {
        let mut pulled = Pulled::default();
        let (mut journal, held) = match self.held(copy, &mut pulled)? {
            Ok(held) => held,
            Err(block) => {
                pulled.block = Some(block);
                return Ok(pulled);
            }
        };
        let mut fetched = self.fetch_beyond(&held)?;
        if fetched.is_none() {
            self.check_store(copy.folder, copy.manifest)?;
            let all = self.fetch_from(1)?.bytes;
            // All that the place lacks is the first entry: making the store was interrupted.
            let claimed = all.is_empty() && self.read(MANIFEST_FILE)?.is_some();
            if claimed && journal.tip.seq == 1 {
                self.finish_making(copy.folder)?;
                fetched = self.fetch_beyond(&held)?;
            }
            if fetched.is_none() {
                pulled.block = Some(self.judge(&all, copy.identity, journal.tip.seq));
                return Ok(pulled);
            }
        }
        let Some(Beyond { new, last }) = fetched else {
            return Ok(pulled);
        };
        let known = journal.records.len();
        let (taken, fault) = journal.take_in(&new, copy.identity);
        if taken > 0 {
            let lines = new.get(..taken).unwrap_or_default();
            journal.append_taken(copy.folder, copy.identity, copy.lock, lines)?;
        }
        let news = journal.records.get(known..).unwrap_or_default();
        pulled.news.extend_from_slice(news);
        if let Some(reason) = fault {
            pulled.block = Some(self.damaged_at(journal.tip.seq + 1, reason));
        }
        self.pull_openers(copy, &journal.records)?;
        self.pull_keys(copy, &journal.records, &mut pulled.findings)?;
        if pulled.block.is_none() {
            if self.writes.load(Ordering::Relaxed) {
                self.collect(copy.folder, &journal.records);
            }
            *self.last() = Some(last);
            // The store opens with the identity that the place has: the one before it is done with.
            let _mostly_there_is_none = copy.folder.remove_file(PREVIOUS_IDENTITY);
            working_copy::note_contact(copy.folder);
        }
        Ok(pulled)
    }

    /// The journal of the working copy, put in order, and its lines; or why there is none to go on from.
    fn held(
        &self,
        copy: &WorkingCopy<'_>,
        pulled: &mut Pulled,
    ) -> Result<Result<(Journal, Vec<u8>), WriteBlock>, Error> {
        let WorkingCopy {
            folder,
            identity,
            lock,
            ..
        } = *copy;
        let mut bytes = journal::read_bytes(folder)?;
        let head = Head::read(folder, identity)?;
        let mut journal = Journal::verify(&bytes, identity, head.clone());
        match &journal.end {
            JournalEnd::Whole => {}
            JournalEnd::HeadBehind => journal.write_head(folder, identity, lock)?,
            // Nothing is lost with the tail that the place did not have.
            JournalEnd::Torn { .. } => {
                journal.cut_tail(folder, lock)?;
                journal.write_head(folder, identity, lock)?;
            }
            JournalEnd::Broken { .. } => match self.rebuild(copy, &bytes, head.ok(), pulled)? {
                Ok(rebuilt) => (journal, bytes) = rebuilt,
                Err(block) => return Ok(Err(block)),
            },
        }
        bytes.truncate(usize::try_from(journal.length).unwrap_or(usize::MAX));
        Ok(Ok((journal, bytes)))
    }

    /// Takes the journal from the place, because the one here is damaged or was never there.
    fn rebuild(
        &self,
        copy: &WorkingCopy<'_>,
        damaged: &[u8],
        head: Option<Head>,
        pulled: &mut Pulled,
    ) -> Result<Result<(Journal, Vec<u8>), WriteBlock>, Error> {
        self.check_store(copy.folder, copy.manifest)?;
        let all = self.fetch_from(1)?.bytes;
        let seen = head.as_ref().map_or(0, |head| head.seq);
        let mut found = Journal::verify(b"", copy.identity, Err(String::new()));
        let (taken, fault) = found.take_in(&all, copy.identity);
        // The head outlives the journal: it says how far that reached.
        let lacks_seen = head.is_some_and(|head| {
            let end = Journal::verify(&all, copy.identity, Ok(head)).end;
            !matches!(end, JournalEnd::Whole | JournalEnd::HeadBehind)
        });
        if fault.is_some() || taken == 0 || lacks_seen {
            return Ok(Err(self.judge(&all, copy.identity, seen)));
        }
        if !damaged.is_empty() {
            let path = working_copy::set_aside(copy.folder, damaged)?;
            pulled.findings.push(Finding::WorkingCopyRebuilt { path });
        }
        found.replace_file(copy.folder, copy.identity, copy.lock, &all)?;
        pulled.news.clone_from(&found.records);
        found.end = JournalEnd::Whole;
        Ok(Ok((found, all)))
    }

    /// What the place has beyond these lines; `None` if it does not have them.
    pub(super) fn fetch_beyond(&self, held: &[u8]) -> Result<Option<Beyond>, DocumentsError> {
        let (number, start) = last_of(held);
        let expected = held.get(start..).unwrap_or_default();
        for doubt in 0..DOUBTS {
            if doubt > 0 {
                std::thread::sleep(DOUBT);
            }
            let Fetched { bytes, last } = self.fetch_from(number)?;
            if let Some(new) = bytes.strip_prefix(expected) {
                let new = new.to_vec();
                return Ok(Some(Beyond { new, last }));
            }
        }
        Ok(None)
    }

    /// What a journal is to one that reached further or says something else.
    fn judge(&self, all: &[u8], identity: &StoreIdentity, seen: u64) -> WriteBlock {
        let mut found = Journal::verify(b"", identity, Err(String::new()));
        let (_, fault) = found.take_in(all, identity);
        match fault {
            Some(reason) => self.damaged_at(found.tip.seq + 1, reason),
            None => WriteBlock::RolledBack {
                seen,
                found: found.tip.seq,
            },
        }
    }

    fn damaged_at(&self, line: u64, reason: &str) -> WriteBlock {
        WriteBlock::JournalDamaged {
            line,
            reason: format!("in {}: {reason}", self.place()),
        }
    }

    /// Brings the files of keys that the journal names and the folder lacks.
    fn pull_keys(
        &self,
        copy: &WorkingCopy<'_>,
        records: &[Record],
        findings: &mut Vec<Finding>,
    ) -> Result<(), Error> {
        let ledger = Ledger::of(records);
        let keys = copy.folder.child_or_new(KEYS_FOLDER)?;
        let mut rings: BTreeMap<RingName, (Folder, BTreeSet<String>)> = BTreeMap::new();
        for entry in ledger.entries() {
            if !entry.state.has_key() {
                continue;
            }
            let (ring, names) = match rings.entry(entry.ring.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let ring = keys.child_or_new(entry.ring.as_str())?;
                    let names = ring.names()?.into_iter().collect();
                    new.insert((ring, names))
                }
            };
            let file = key_file::file_name(&entry.id);
            if names.contains(&file) {
                continue;
            }
            let name = key_document(&entry.ring, &entry.id);
            // That it is missing is noticed when the folder is looked through.
            let Some(bytes) = self.read(&name)? else {
                continue;
            };
            let unfinished = format!("{UNFINISHED}{file}");
            if names.contains(&unfinished) {
                ring.remove_file(&unfinished)?;
            }
            if let Err(reason) = key_file::take_in(ring, copy.identity, entry, &bytes)? {
                findings.push(Finding::DocumentDamaged {
                    place: self.place(),
                    name,
                    reason,
                });
            }
        }
        Ok(())
    }
}
