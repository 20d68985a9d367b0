//! How far the journal reaches.

use serde::{Deserialize, Serialize};

use super::Tip;
use crate::Error;
use crate::folder::Folder;
use crate::identity::StoreIdentity;
use crate::key_file::UNFINISHED;
use crate::seal::Seal;

pub(crate) const HEAD_FILE: &str = "journal.head";
const LIMIT: u64 = 4 << 10;

/// What `journal.head` says: a line's number and seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) entry: String,
}

impl Head {
    /// Reads it; the inner error says what is wrong with it.
    pub(crate) fn read(
        folder: &Folder,
        identity: &StoreIdentity,
    ) -> Result<Result<Self, String>, Error> {
        let bytes = match folder.read(HEAD_FILE, LIMIT) {
            Err(error) if error.is_not_found() => {
                return Ok(Err(format!("`{HEAD_FILE}` is missing")));
            }
            read => read?,
        };
        let object = bytes.strip_suffix(b"\n").unwrap_or_default();
        let sealed = identity.head_seal.verify(Seal::NONE, object).is_some();
        Ok(sealed
            .then(|| serde_json::from_slice(object).ok())
            .flatten()
            .ok_or_else(|| format!("`{HEAD_FILE}` was changed")))
    }

    /// Replaces it in one step.
    pub(crate) fn write(folder: &Folder, identity: &StoreIdentity, tip: Tip) -> Result<(), Error> {
        let head = Self::from(tip);
        let unfinished = format!("{UNFINISHED}{HEAD_FILE}");
        let mut object = serde_json::to_vec(&head).unwrap_or_default();
        if identity.head_seal.seal(Seal::NONE, &mut object).is_none() {
            return Err(Error::Unwritable {
                path: folder.path_of(HEAD_FILE),
                reason: "it cannot be sealed".to_owned(),
            });
        }
        object.push(b'\n');
        let written = folder
            .write_new(&unfinished, &object)
            .and_then(|()| folder.rename_over(&unfinished, HEAD_FILE));
        if let Err(error) = written {
            let _swept_later = folder.remove_file(&unfinished);
            return Err(error);
        }
        folder.sync()
    }
}

impl From<Tip> for Head {
    fn from(tip: Tip) -> Self {
        Self {
            seq: tip.seq,
            entry: tip.seal.to_text(),
        }
    }
}
