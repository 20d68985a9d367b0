//! Proving a store: everything that could keep a key from opening, found before it is needed.

mod item;

use jiff::Timestamp;
use keyferry_key::KeyStrength;

use crate::lock::SharedLock;
use crate::{Error, EscrowGate, Finding, KeyEntry, KeyState, Store};

pub use item::{CheckItem, CheckLevel, CheckSubject};

impl Store {
    /// Looks at everything: every file's permissions, every key, the journal, what was left
    /// behind. Each subject gives at least one result. Nothing is changed,
    /// but for a catalogue that does not hold: it is made anew.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::NoLocks`], [`Error::Io`] if the store's folders cannot be read. What is wrong
    /// with the store itself is a result, not an error.
    pub fn check(&self) -> Result<Vec<CheckItem>, Error> {
        let mut items = Vec::new();
        {
            let _shared = SharedLock::acquire(&self.folder)?;
            check_permissions(self, &mut items)?;
            check_journal(self, &mut items);
            check_keys(self, &mut items);
        }
        check_states(self.list(), &mut items);
        check_backups(self, &mut items)?;
        check_openers(self, &mut items)?;
        check_catalogue(self, &mut items);
        check_leftovers(self.findings(), &mut items);
        Ok(items)
    }
}

fn check_permissions(store: &Store, items: &mut Vec<CheckItem>) -> Result<(), Error> {
    use CheckSubject::Permissions;
    let (problems, looked_at) = crate::survey::permission_problems(store.path())?;
    if problems.is_empty() {
        items.push(CheckItem::new(
            Permissions,
            CheckLevel::Sound,
            format!("{looked_at} files and folders are their owner's alone"),
        ));
    }
    for problem in problems {
        items.push(
            CheckItem::new(Permissions, CheckLevel::Error, problem.to_string())
                .hint(problem.hint())
                .path(problem.path),
        );
    }
    Ok(())
}

fn check_journal(store: &Store, items: &mut Vec<CheckItem>) {
    items.push(match store.write_block() {
        Some(block) => CheckItem::new(
            CheckSubject::Journal,
            CheckLevel::Error,
            format!("the store is read-only: {block}"),
        )
        .hint(block.hint()),
        None => CheckItem::new(
            CheckSubject::Journal,
            CheckLevel::Sound,
            format!("{} entries, the chain is unbroken", store.journal_length()),
        ),
    });
}

fn check_keys(store: &Store, items: &mut Vec<CheckItem>) {
    use CheckSubject::{KeyFiles, Strength};
    let mut opened: usize = 0;
    let mut strong: usize = 0;
    for entry in store.list().iter().filter(|entry| entry.state.has_key()) {
        match store.key(&entry.id) {
            Err(error) => {
                let item = CheckItem::new(KeyFiles, CheckLevel::Error, error.to_string());
                let item = CheckItem {
                    hint: error.hint(),
                    ..item
                };
                items.push(item.key(&entry.id));
                continue;
            }
            Ok(key) => {
                opened += 1;
                let strength = KeyStrength::of(key.expose());
                if strength != entry.strength {
                    items.push(
                        CheckItem::new(
                            Strength,
                            CheckLevel::Error,
                            format!(
                                "key `{}` can hold {strength}, and its record says {}",
                                entry.id, entry.strength
                            ),
                        )
                        .key(&entry.id),
                    );
                    continue;
                }
            }
        }
        if entry.strength == KeyStrength::Full {
            strong += 1;
        } else {
            items.push(
                CheckItem::new(
                    Strength,
                    CheckLevel::Warning,
                    format!("key `{}` can hold {} of randomness", entry.id, entry.strength),
                )
                .hint(format!(
                    "`keyferry key rotate {}` makes a full one for new objects, `keyferry rekey` moves the others to it",
                    entry.ring
                ))
                .key(&entry.id),
            );
        }
    }
    items.push(CheckItem::new(
        KeyFiles,
        CheckLevel::Sound,
        format!("{opened} keys open, each with the MD5 on record"),
    ));
    items.push(CheckItem::new(
        Strength,
        CheckLevel::Sound,
        format!("{strong} keys can hold 256 bits"),
    ));
}

fn check_states(entries: &[KeyEntry], items: &mut Vec<CheckItem>) {
    let now = Timestamp::now();
    let mut settled: usize = 0;
    for entry in entries {
        let KeyEntry { id, ring, .. } = entry;
        let (message, hint) = match entry.state {
            KeyState::Pending => (
                format!("key `{id}` of ring `{ring}` was made but never put to use"),
                format!(
                    "`keyferry key activate {id}` puts it to use, `keyferry key destroy {id}` gives it up"
                ),
            ),
            KeyState::Compromised => (
                format!("key `{id}` of ring `{ring}` is known to others"),
                format!(
                    "`keyferry rekey s3://BUCKET/PREFIX --to {ring}` moves its objects to the active key; `keyferry key usage {id}` says which they are"
                ),
            ),
            KeyState::DestroyScheduled if entry.destroy_after.is_some_and(|due| due <= now) => (
                format!("key `{id}` of ring `{ring}` has waited long enough to be destroyed"),
                format!("`keyferry key destroy {id}` destroys it, `--cancel` keeps it"),
            ),
            _ => {
                settled += 1;
                continue;
            }
        };
        items.push(
            CheckItem::new(CheckSubject::States, CheckLevel::Warning, message)
                .hint(hint)
                .key(id),
        );
    }
    items.push(CheckItem::new(
        CheckSubject::States,
        CheckLevel::Sound,
        format!("{settled} keys are settled"),
    ));
}

fn check_backups(store: &Store, items: &mut Vec<CheckItem>) -> Result<(), Error> {
    use CheckSubject::Backups;
    let mut kept: usize = 0;
    for entry in store.list().iter().filter(|entry| entry.state.has_key()) {
        if store.escrow_of(&entry.ring, &entry.id).backup.is_some() {
            kept += 1;
            continue;
        }
        items.push(
            CheckItem::new(
                Backups,
                CheckLevel::Warning,
                format!(
                    "no backup holds key `{}` of ring `{}`",
                    entry.id, entry.ring
                ),
            )
            .hint("`keyferry key backup TO` makes one, or brings one up to date")
            .key(&entry.id),
        );
    }
    let rings = store
        .list()
        .iter()
        .filter(|entry| entry.state == KeyState::Active);
    for KeyEntry { ring, .. } in rings {
        let escrow = store.escrow(ring)?;
        if escrow.backup.is_some() && !matches!(escrow.gate, EscrowGate::Tested { .. }) {
            items.push(
                CheckItem::new(
                    Backups,
                    CheckLevel::Warning,
                    format!("no backup with the keys of ring `{ring}` was opened as a test"),
                )
                .hint("`keyferry key restore --test FROM` does it"),
            );
        }
    }
    items.push(CheckItem::new(
        Backups,
        CheckLevel::Sound,
        format!("{kept} keys are in a backup"),
    ));
    Ok(())
}

fn check_openers(store: &Store, items: &mut Vec<CheckItem>) -> Result<(), Error> {
    use CheckSubject::Openers;
    let before = items.len();
    for finding in store.findings() {
        let (level, hint, path) = match finding {
            Finding::OpenerChanged { name, path } | Finding::OpenerMissing { name, path } => (
                CheckLevel::Error,
                format!("`keyferry key unlock-with remove {name}`, and add it again"),
                path,
            ),
            Finding::UnknownOpenerFile { path, .. } => (
                CheckLevel::Warning,
                "find out who put it there, and remove it".to_owned(),
                path,
            ),
            _ => continue,
        };
        items.push(
            CheckItem::new(Openers, level, finding.to_string())
                .hint(hint)
                .path(path.clone()),
        );
    }
    if items.len() == before {
        let openers = store.openers()?;
        let names: Vec<String> = openers
            .iter()
            .map(|opener| opener.name.to_string())
            .collect();
        items.push(CheckItem::new(
            Openers,
            CheckLevel::Sound,
            format!("it opens with: {}", names.join(", ")),
        ));
    }
    Ok(())
}

fn check_catalogue(store: &Store, items: &mut Vec<CheckItem>) {
    store.check_catalogue();
    let findings = store.catalogue_findings();
    if findings.is_empty() {
        let versions: u64 = store.use_counts().iter().map(|count| count.versions).sum();
        items.push(CheckItem::new(
            CheckSubject::Catalogue,
            CheckLevel::Sound,
            format!("{versions} versions of objects, as the journal has them"),
        ));
    }
    for finding in findings {
        items.push(
            CheckItem::new(
                CheckSubject::Catalogue,
                CheckLevel::Warning,
                finding.to_string(),
            )
            .hint("nothing is lost: the journal has everything that was in it"),
        );
    }
}

fn check_leftovers(findings: &[Finding], items: &mut Vec<CheckItem>) {
    use CheckSubject::Leftovers;
    let found = items.len();
    for finding in findings {
        let (level, hint, path) = match finding {
            // Told by the results of the key, the openers and the catalogue.
            Finding::KeyFileMissing { .. }
            | Finding::OpenerChanged { .. }
            | Finding::OpenerMissing { .. }
            | Finding::UnknownOpenerFile { .. }
            | Finding::CatalogueRebuilt { .. }
            | Finding::CatalogueUnusable { .. } => continue,
            Finding::UnknownKeyFile { path, .. } => (
                CheckLevel::Warning,
                Some(
                    "find out who put it there; if it is a key of a backup, `keyferry key restore` takes it in",
                ),
                Some(path.clone()),
            ),
            Finding::TornTailSaved { path, .. } => (
                CheckLevel::Warning,
                Some("nothing is lost; the file may be removed"),
                Some(path.clone()),
            ),
            Finding::PlaceUnreachable { .. } => (
                CheckLevel::Warning,
                Some("check again when the place answers: this is about its working copy"),
                None,
            ),
            Finding::DocumentDamaged { .. } => (
                CheckLevel::Error,
                Some(
                    "restore the document: other machines may have it in their working copies, and so may a backup",
                ),
                None,
            ),
            Finding::WorkingCopyRebuilt { path } => (
                CheckLevel::Warning,
                Some("nothing is lost; the file may be removed"),
                Some(path.clone()),
            ),
            Finding::OrphanSwept { .. }
            | Finding::KeyAdopted { .. }
            | Finding::OpenerPutInPlace { .. } => (CheckLevel::Sound, None, None),
        };
        items.push(CheckItem {
            hint: hint.map(str::to_owned),
            path,
            ..CheckItem::new(Leftovers, level, finding.to_string())
        });
    }
    if items.len() == found {
        items.push(CheckItem::new(
            Leftovers,
            CheckLevel::Sound,
            "no interrupted write left anything",
        ));
    }
}
