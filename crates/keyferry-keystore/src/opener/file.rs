//! Openers' files: where they lie, and what their headers say.

use std::cell::RefCell;
use std::iter;
use std::path::PathBuf;

use age::{DecryptError, Decryptor};
use age_core::format::Stanza;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{OpenerKind, OpenerName};
use crate::Error;
use crate::folder::Folder;
use crate::identity::{AGE_MAGIC, IDENTITY_FILE, reason};

pub(crate) const UNLOCK_FOLDER: &str = "unlock";
pub(super) const SUFFIX: &str = ".age";
const LIMIT: u64 = 64 << 10;

/// Which folder an opener's file lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// The store's own.
    Root,
    /// `unlock`.
    Unlock,
}

impl At {
    /// Where the file of an opener lies.
    pub(crate) fn of(name: &OpenerName) -> Self {
        if name.is_in_identity_file() {
            Self::Root
        } else {
            Self::Unlock
        }
    }

    /// The path of a file there.
    pub(crate) fn path_of(self, store: &Folder, file: &str) -> PathBuf {
        match self {
            Self::Root => store.path_of(file),
            Self::Unlock => store.path_of(UNLOCK_FOLDER).join(file),
        }
    }

    /// Runs something in the folder; `None` if the store has no `unlock` folder.
    pub(crate) fn within<T>(
        self,
        store: &Folder,
        act: impl FnOnce(&Folder) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self {
            Self::Root => act(store).map(Some),
            Self::Unlock => match store.child(UNLOCK_FOLDER) {
                Err(error) if error.is_not_found() => Ok(None),
                folder => act(&folder?).map(Some),
            },
        }
    }
}

impl OpenerName {
    /// The name of the opener's file.
    pub(crate) fn file(&self) -> String {
        match At::of(self) {
            At::Root => IDENTITY_FILE.to_owned(),
            At::Unlock => format!("{self}{SUFFIX}"),
        }
    }

    /// The path of the opener's file.
    pub(crate) fn path(&self, store: &Folder) -> PathBuf {
        At::of(self).path_of(store, &self.file())
    }
}

/// An opener's file as it lies on disk.
pub(crate) struct OpenerFile {
    pub(crate) name: OpenerName,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// What the header of an opener's file says. Nothing proves it before the file is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: OpenerKind,
    /// The arguments of the stanza that keyferry wrote, if it is one.
    pub(crate) arguments: Vec<String>,
}

impl OpenerFile {
    /// Reads an opener's file; `None` if there is none.
    pub(crate) fn read(store: &Folder, name: &OpenerName) -> Result<Option<Self>, Error> {
        let bytes = read_file(store, At::of(name), &name.file())?;
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let mut file = Self {
            name: name.clone(),
            bytes,
        };
        if name.is_in_identity_file() {
            file.name = if file.is_protected() {
                OpenerName::passphrase()
            } else {
                OpenerName::unprotected()
            };
        }
        Ok(Some(file))
    }

    /// Every opener's file, that of the passphrase first.
    pub(crate) fn read_all(store: &Folder) -> Result<Vec<Self>, Error> {
        let mut files = Vec::new();
        files.extend(Self::read(store, &OpenerName::passphrase())?);
        let names = At::Unlock.within(store, Folder::names)?;
        for name in names.unwrap_or_default() {
            if let Some(name) = opener_of(&name) {
                files.extend(Self::read(store, &name)?);
            }
        }
        Ok(files)
    }

    pub(crate) fn path(&self, store: &Folder) -> PathBuf {
        self.name.path(store)
    }

    /// Whether it is encrypted at all.
    pub(crate) fn is_protected(&self) -> bool {
        self.bytes.starts_with(AGE_MAGIC)
    }

    pub(crate) fn sha256(&self) -> String {
        sha256(&self.bytes)
    }

    /// What the file is for.
    pub(crate) fn header(&self) -> Result<Header, String> {
        if !self.is_protected() && self.name.is_in_identity_file() {
            return Ok(Header {
                kind: OpenerKind::Unprotected,
                arguments: Vec::new(),
            });
        }
        let header = header_of(&self.bytes)?;
        if self.name.is_in_identity_file() && header.kind != OpenerKind::Passphrase {
            return Err("it is not encrypted with a passphrase".to_owned());
        }
        Ok(header)
    }
}

/// The opener whose file in `unlock` has this name.
pub(crate) fn opener_of(file_name: &str) -> Option<OpenerName> {
    let name: OpenerName = file_name.strip_suffix(SUFFIX)?.parse().ok()?;
    (!name.is_in_identity_file()).then_some(name)
}

/// Reads a file that is or was to become an opener's; `None` if it is not there.
pub(crate) fn read_file(
    store: &Folder,
    at: At,
    file: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let read = at.within(store, |folder| match folder.read(file, LIMIT) {
        Err(error) if error.is_not_found() => Ok(None),
        read => read.map(Some),
    })?;
    Ok(read.flatten().map(Zeroizing::new))
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Collects the stanzas of a header and opens none.
#[derive(Default)]
struct Inspector(RefCell<Vec<(String, Vec<String>)>>);

impl age::Identity for Inspector {
    fn unwrap_stanza(
        &self,
        stanza: &Stanza,
    ) -> Option<Result<age_core::format::FileKey, DecryptError>> {
        let seen = (stanza.tag.clone(), stanza.args.clone());
        self.0.borrow_mut().push(seen);
        None
    }
}

pub(super) fn header_of(bytes: &[u8]) -> Result<Header, String> {
    let inspector = Inspector::default();
    let identity: &dyn age::Identity = &inspector;
    let read = Decryptor::new_buffered(bytes)
        .and_then(|decryptor| decryptor.decrypt(iter::once(identity)).map(|_| ()));
    match read {
        Ok(()) | Err(DecryptError::NoMatchingKeys) => {}
        Err(error) => return Err(reason(&error)),
    }
    let stanzas = inspector.0.into_inner();
    let known = |own: bool| {
        stanzas.iter().find_map(|(tag, arguments)| {
            let kind = OpenerKind::of_tag(tag)?;
            (kind.own_tag().is_some() == own).then(|| (kind, arguments.clone()))
        })
    };
    Ok(match known(true) {
        Some((kind, arguments)) => Header { kind, arguments },
        None => Header {
            kind: known(false).map_or(OpenerKind::Plugin, |(kind, _)| kind),
            arguments: Vec::new(),
        },
    })
}
