//! One key in one file, written once.
//!
//! The file is encrypted with age to the store's recipient. Inside is one line of JSON: what is
//! known of the key, the key in base64, and a seal by which the store knows its own files.

use base64::prelude::{BASE64_STANDARD, Engine};
use keyferry_key::{CustomerKey, KeyId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::entry::{KeyFacts, Origin};
use crate::folder::Folder;
use crate::identity::{StoreIdentity, reason};
use crate::seal::Seal;
use crate::{Error, KeyEntry};

pub(crate) const KEYS_FOLDER: &str = "keys";

/// What the names of unfinished files begin with.
pub(crate) const UNFINISHED: &str = ".new-";

const SUFFIX: &str = ".age";
const LIMIT: u64 = 64 << 10;
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct PayloadOut<'a> {
    format: u32,
    #[serde(flatten)]
    facts: &'a KeyFacts,
    key: &'a str,
}

#[derive(Deserialize)]
struct FormatIn {
    format: u32,
}

#[derive(Deserialize)]
struct KeyIn<'a> {
    // Borrowed from the decrypted bytes, which are wiped: no copy is made.
    #[serde(borrow)]
    key: &'a str,
}

pub(crate) fn file_name(id: &KeyId) -> String {
    format!("{id}{SUFFIX}")
}

/// The key that a file of this name holds, if it is a key file's name.
pub(crate) fn id_of(file_name: &str) -> Option<KeyId> {
    file_name.strip_suffix(SUFFIX)?.parse().ok()
}

/// Writes a key's file. When this returns, the key is on disk under its name and was read back.
///
/// Whatever happens before leaves either nothing under the final name or the whole file.
pub(crate) fn write(
    ring: &Folder,
    identity: &StoreIdentity,
    facts: &KeyFacts,
    key: &CustomerKey,
) -> Result<(), Error> {
    let name = file_name(&facts.id);
    let encryption = |reason: String| Error::Unwritable {
        path: ring.path_of(&name),
        reason,
    };
    let payload = encode(identity, facts, key).map_err(encryption)?;
    let ciphertext = identity
        .encrypt(&payload)
        .map_err(|error| encryption(error.to_string()))?;
    write_sealed(ring, identity, facts, key, &ciphertext)
}

fn write_sealed(
    ring: &Folder,
    identity: &StoreIdentity,
    facts: &KeyFacts,
    key: &CustomerKey,
    ciphertext: &[u8],
) -> Result<(), Error> {
    let name = file_name(&facts.id);
    let unfinished = format!("{UNFINISHED}{name}");
    let written = ring
        .write_new(&unfinished, ciphertext)
        .and_then(|()| {
            // Read by name, through the file system, as a later start would.
            let found = ring.read(&unfinished, LIMIT)?;
            match decode(identity, &found) {
                Ok((read_facts, read_key)) if read_facts == *facts && read_key == *key => Ok(()),
                _ => Err(Error::ReadBack {
                    path: ring.path_of(&unfinished),
                }),
            }
        })
        .and_then(|()| ring.rename_new(&unfinished, &name));
    if let Err(error) = written {
        // What cannot be removed is swept when the store is next opened.
        let _swept_later = ring.remove_file(&unfinished);
        return Err(error);
    }
    ring.sync()
}

/// Puts back a key's file from a copy that was proven to open; a damaged file is replaced only if
/// that is meant.
pub(crate) fn put_back(
    ring: &Folder,
    id: &KeyId,
    bytes: &[u8],
    replaces_damaged: bool,
) -> Result<(), Error> {
    let name = file_name(id);
    let unfinished = format!("{UNFINISHED}{name}");
    let written = ring.write_new(&unfinished, bytes).and_then(|()| {
        if ring.read(&unfinished, LIMIT)? != bytes {
            return Err(Error::ReadBack {
                path: ring.path_of(&unfinished),
            });
        }
        if replaces_damaged {
            ring.rename_over(&unfinished, &name)
        } else {
            ring.rename_new(&unfinished, &name)
        }
    });
    if let Err(error) = written {
        let _swept_later = ring.remove_file(&unfinished);
        return Err(error);
    }
    ring.sync()
}

/// The bytes of a key's file.
pub(crate) fn read_bytes(ring: &Folder, id: &KeyId) -> Result<Vec<u8>, Error> {
    let name = file_name(id);
    match ring.read(&name, LIMIT) {
        Err(error) if error.is_not_found() => Err(Error::KeyFileMissing {
            id: id.clone(),
            path: ring.path_of(&name),
        }),
        read => read,
    }
}

/// Takes in a key's file from another copy of the store; the inner error says why it is none.
pub(crate) fn take_in(
    ring: &Folder,
    identity: &StoreIdentity,
    entry: &KeyEntry,
    ciphertext: &[u8],
) -> Result<Result<(), String>, Error> {
    let (facts, key) = match decode(identity, ciphertext) {
        Ok(decoded) => decoded,
        Err(reason) => return Ok(Err(reason)),
    };
    if (&facts.id, &facts.ring, facts.version, facts.md5)
        != (&entry.id, &entry.ring, entry.version, entry.md5)
    {
        return Ok(Err("it is not the key that the journal records".to_owned()));
    }
    write_sealed(ring, identity, &facts, &key, ciphertext).map(Ok)
}

/// A key's file as it is, to be copied.
pub(crate) fn read_sealed(ring: &Folder, id: &KeyId) -> Result<Vec<u8>, Error> {
    ring.read(&file_name(id), LIMIT)
}

/// Removes the file of a key that was given to nobody.
pub(crate) fn withdraw(ring: &Folder, id: &KeyId) -> Result<(), Error> {
    ring.remove_file(&file_name(id))?;
    ring.sync()
}

/// Opens a key's file.
pub(crate) fn read(
    ring: &Folder,
    identity: &StoreIdentity,
    id: &KeyId,
) -> Result<(KeyFacts, CustomerKey), Error> {
    let path = ring.path_of(&file_name(id));
    let bytes = read_bytes(ring, id)?;
    let damaged = |reason: String| Error::KeyFileDamaged {
        id: id.clone(),
        path: path.clone(),
        reason,
    };
    let (facts, key) = decode(identity, &bytes).map_err(damaged)?;
    if facts.id != *id {
        return Err(damaged(format!("it holds key `{}`", facts.id)));
    }
    Ok((facts, key))
}

fn encode(
    identity: &StoreIdentity,
    facts: &KeyFacts,
    key: &CustomerKey,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = Zeroizing::new(BASE64_STANDARD.encode(key.expose()));
    let payload = PayloadOut {
        format: FORMAT,
        facts,
        key: &text,
    };
    // Large enough that it never moves: JSON writes a byte as six at most.
    let source = match &facts.origin {
        Origin::Imported { source, .. } => source.len() * 6,
        Origin::Generated => 0,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(2048 + source));
    serde_json::to_writer(&mut *bytes, &payload).map_err(|error| error.to_string())?;
    identity
        .key_file_seal
        .seal(Seal::NONE, &mut bytes)
        .ok_or("it cannot be sealed")?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What is in the bytes of a key's file; the error says why it is not one of this store's.
pub(crate) fn decode(
    identity: &StoreIdentity,
    file: &[u8],
) -> Result<(KeyFacts, CustomerKey), String> {
    let payload = identity.decrypt(file).map_err(|error| reason(&error))?;
    let object = payload.strip_suffix(b"\n").unwrap_or(&payload);
    identity
        .key_file_seal
        .verify(Seal::NONE, object)
        .ok_or("this store did not write it")?;
    // The seal holds: what follows can fail only for a newer format. serde's messages may quote
    // what they did not expect, so they are not repeated.
    let malformed = |_| "its content has an unknown form".to_owned();
    let FormatIn { format } = serde_json::from_slice(object).map_err(malformed)?;
    if format > FORMAT {
        return Err(format!("it has the newer format {format}"));
    }
    let facts: KeyFacts = serde_json::from_slice(object).map_err(malformed)?;
    let KeyIn { key } = serde_json::from_slice(object).map_err(malformed)?;
    let mut bytes = Zeroizing::new([0; CustomerKey::LEN]);
    match BASE64_STANDARD.decode_slice(key, bytes.as_mut_slice()) {
        Ok(CustomerKey::LEN) => {}
        _ => return Err("its key is not the base64 of 32 bytes".to_owned()),
    }
    let key = CustomerKey::from(bytes);
    if key.md5() != facts.md5 {
        return Err("its key does not have the MD5 it names".to_owned());
    }
    Ok((facts, key))
}
