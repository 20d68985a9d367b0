//! The witness: outside the store, what was last seen of it.
//!
//! Whoever can put an older copy of a whole store in place of the newer one breaks no seal: every
//! file is genuine, and keys made since, or found compromised since, are forgotten. So the number
//! and the seal of the journal's last line are also kept in another folder, and a journal that does
//! not hold that line makes the store read-only. A witness that is missing or cannot be written
//! hinders nobody: it adds to what the store proves by itself.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::StoreId;
use crate::identity::StoreIdentity;
use crate::journal::{Head, Tip};
use crate::seal::Seal;

const LIMIT: u64 = 4 << 10;

/// The folder that remembers, if there is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Witness(Option<PathBuf>);

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    store: StoreId,
    /// The last line.
    tip: Head,
    /// The last line that is not about a backup.
    base: Head,
}

/// What a journal is to what was seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on from there.
    GoesOn,
    /// It lacks entries about backups only, as a store restored from its latest backup does.
    LacksBackupsOnly,
    /// It lacks more.
    RolledBack { seen: u64 },
}

impl Seen {
    pub(crate) fn judge(&self, seals: &[Seal]) -> Verdict {
        let holds = |line: &Head| {
            let index = line
                .seq
                .checked_sub(1)
                .and_then(|index| usize::try_from(index).ok());
            index
                .and_then(|index| seals.get(index))
                .is_some_and(|seal| seal.to_text() == line.entry)
        };
        if holds(&self.tip) {
            Verdict::GoesOn
        } else if holds(&self.base) {
            Verdict::LacksBackupsOnly
        } else {
            Verdict::RolledBack { seen: self.tip.seq }
        }
    }
}

impl Witness {
    pub(crate) fn in_folder(folder: Option<PathBuf>) -> Self {
        Self(folder)
    }

    fn file(&self, store: &StoreId) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join(store.as_str()))
    }

    /// What was seen of a store. What the store's identity did not seal was not seen.
    pub(crate) fn seen(&self, store: &StoreId, identity: &StoreIdentity) -> Option<Seen> {
        let mut bytes = Vec::new();
        let file = File::open(self.file(store)?).ok()?;
        file.take(LIMIT).read_to_end(&mut bytes).ok()?;
        let object = bytes.strip_suffix(b"\n")?;
        identity.witness_seal.verify(Seal::NONE, object)?;
        serde_json::from_slice::<Seen>(object)
            .ok()
            .filter(|seen| seen.store == *store)
    }

    /// Remembers the last line of a journal, if it goes beyond what is remembered.
    pub(crate) fn remember(&self, store: &StoreId, identity: &StoreIdentity, tip: Tip, base: Tip) {
        let older = |seen: Seen| seen.tip.seq < tip.seq;
        if self.seen(store, identity).is_none_or(older) {
            self.replace(store, identity, tip, base);
        }
    }

    /// Remembers the last line of a journal, whatever was remembered.
    pub(crate) fn replace(&self, store: &StoreId, identity: &StoreIdentity, tip: Tip, base: Tip) {
        let seen = Seen {
            store: store.clone(),
            tip: tip.into(),
            base: base.into(),
        };
        let written = self.file(store).and_then(|path| {
            let mut object = serde_json::to_vec(&seen).ok()?;
            identity.witness_seal.seal(Seal::NONE, &mut object)?;
            object.push(b'\n');
            write(&path, &object).ok()
        });
        // One that cannot be written hinders nobody.
        let _ = written;
    }
}

/// Not synced: after a power cut an older witness, or none, is no error.
fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let unfinished = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(content)?;
    fs::rename(&unfinished, path)
}
