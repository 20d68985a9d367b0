//! Openers' files against the journal: what was interrupted, what is missing or changed.

use super::file::{At, OpenerFile, UNLOCK_FOLDER, opener_of, read_file, sha256};
use super::{OpenerName, Roster};
use crate::folder::Folder;
use crate::identity::IDENTITY_FILE;
use crate::key_file::UNFINISHED;
use crate::{Error, Finding};

/// What the names of files on their way out begin with.
pub(super) const OUTGOING: &str = ".removed-";

/// A file that an interrupted change left behind, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leftover {
    at: At,
    file: String,
    name: OpenerName,
    then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The journal records it: it gets its final name.
    Finish,
    /// Its removal was not recorded: it gets its name back.
    PutBack,
    /// Nobody needs it.
    Sweep,
}

impl Leftover {
    fn new(at: At, file: &str, name: OpenerName, then: Then) -> Self {
        Self {
            at,
            file: file.to_owned(),
            name,
            then,
        }
    }
}

/// Whether an unfinished file in the store's own folder is an opener's.
pub(crate) fn is_for_openers(file: &str) -> bool {
    [UNFINISHED, OUTGOING]
        .iter()
        .any(|prefix| file.strip_prefix(prefix) == Some(IDENTITY_FILE))
}

/// Compares the openers' files with what the journal records of them.
pub(crate) fn survey(
    store: &Folder,
    roster: &Roster,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Leftover>, Error> {
    let mut leftovers = Vec::new();
    for prefix in [UNFINISHED, OUTGOING] {
        let file = format!("{prefix}{IDENTITY_FILE}");
        judge_leftover(store, At::Root, &file, roster, &mut leftovers)?;
    }
    let names = At::Unlock.within(store, Folder::names)?.unwrap_or_default();
    for file in &names {
        if file.starts_with(UNFINISHED) || file.starts_with(OUTGOING) {
            judge_leftover(store, At::Unlock, file, roster, &mut leftovers)?;
        } else if opener_of(file).is_none() {
            findings.push(Finding::UnknownOpenerFile {
                path: store.path_of(UNLOCK_FOLDER).join(file),
                reason: "it is not named like an opener".to_owned(),
            });
        }
    }
    judge_files(store, roster, &leftovers, findings)?;
    Ok(leftovers)
}

fn judge_leftover(
    store: &Folder,
    at: At,
    file: &str,
    roster: &Roster,
    leftovers: &mut Vec<Leftover>,
) -> Result<(), Error> {
    let incoming = file.strip_prefix(UNFINISHED);
    let Some(target) = incoming.or_else(|| file.strip_prefix(OUTGOING)) else {
        return Ok(());
    };
    let name = match at {
        At::Root => Some(OpenerName::passphrase()),
        At::Unlock => opener_of(target),
    };
    let Some(bytes) = read_file(store, at, file)? else {
        return Ok(());
    };
    let Some(name) = name else {
        let fallback = OpenerName::passphrase();
        leftovers.push(Leftover::new(at, file, fallback, Then::Sweep));
        return Ok(());
    };
    let then = if incoming.is_some() {
        let recorded = roster.find(&name).and_then(|known| known.sha256.as_ref());
        if recorded.is_some_and(|sum| *sum == sha256(&bytes)) {
            Then::Finish
        } else {
            Then::Sweep
        }
    } else if roster.has(&name) && OpenerFile::read(store, &name)?.is_none() {
        Then::PutBack
    } else {
        Then::Sweep
    };
    leftovers.push(Leftover::new(at, file, name, then));
    Ok(())
}

fn judge_files(
    store: &Folder,
    roster: &Roster,
    leftovers: &[Leftover],
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let coming = |name: &OpenerName| {
        leftovers
            .iter()
            .any(|left| left.then != Then::Sweep && left.name.file() == name.file())
    };
    let files = OpenerFile::read_all(store)?;
    for file in &files {
        if coming(&file.name) {
            continue;
        }
        let path = file.path(store);
        match roster.find(&file.name) {
            None if roster.has(&file.name) => {}
            None => findings.push(Finding::UnknownOpenerFile {
                path,
                reason: "the journal does not record that it should open the store".to_owned(),
            }),
            Some(known)
                if known
                    .sha256
                    .as_ref()
                    .is_some_and(|sum| *sum != file.sha256()) =>
            {
                findings.push(Finding::OpenerChanged {
                    name: file.name.clone(),
                    path,
                });
            }
            Some(_) => {}
        }
    }
    let recorded = roster.recorded().iter().map(|known| known.name.clone());
    let original = roster.original().map(|_| OpenerName::passphrase());
    for name in recorded.chain(original) {
        let there = files.iter().any(|file| file.name.file() == name.file());
        if !there && !coming(&name) {
            findings.push(Finding::OpenerMissing {
                path: name.path(store),
                name,
            });
        }
    }
    Ok(())
}

/// Finishes or undoes an interrupted change.
pub(crate) fn finish(store: &Folder, leftover: &Leftover) -> Result<Finding, Error> {
    let Leftover {
        at,
        file,
        name,
        then,
    } = leftover;
    let done = at.within(store, |folder| {
        match then {
            Then::Sweep => folder.remove_file(file)?,
            Then::Finish => folder.rename_over(file, &name.file())?,
            Then::PutBack => folder.rename_new(file, &name.file())?,
        }
        folder.sync()
    })?;
    debug_assert!(done.is_some(), "the folder was there a moment ago");
    Ok(match then {
        Then::Sweep => Finding::OrphanSwept {
            path: at.path_of(store, file),
        },
        Then::Finish | Then::PutBack => Finding::OpenerPutInPlace {
            path: name.path(store),
        },
    })
}

/// The name under which an opener's new file is written first.
pub(super) fn incoming(name: &OpenerName) -> String {
    format!("{UNFINISHED}{}", name.file())
}

/// The name under which an opener's file waits for its removal to be recorded.
pub(super) fn outgoing(name: &OpenerName) -> String {
    format!("{OUTGOING}{}", name.file())
}
