//! `store.toml`: which store this is, and in which format.
//!
//! It is not sealed, since it must be readable before the store is unlocked; once it is, the first
//! journal entry, which is sealed, has to agree with it.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use keyferry_key::KeyId;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::folder::Folder;

pub(crate) const MANIFEST_FILE: &str = "store.toml";
const LIMIT: u64 = 64 << 10;

/// The format that this version writes.
pub(crate) const FORMAT: u32 = 1;

const HEADER: &str = "\
# A keyferry key store. The keys are age files; `age -d -i identity.age keys/RING/ID.age` opens one.
# Written once. Do not edit: the journal notices.

";

/// The name of a store: `ks-` and 26 characters of lower-case base32, random.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreId(String);

impl StoreId {
    const PREFIX: &'static str = "ks-";

    pub(crate) fn generate() -> Result<Self, Error> {
        // A random name of the same form as a key's, under another prefix.
        let name = KeyId::generate()?;
        let digits = name.as_str().trim_start_matches(KeyId::PREFIX);
        Ok(Self(format!("{}{digits}", Self::PREFIX)))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with these random bytes in it.
    pub(crate) fn from_random(bytes: [u8; 16]) -> Self {
        let digits = BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
        Self(format!("{}{digits}", Self::PREFIX))
    }

    /// The random bytes in the name.
    pub(crate) fn to_random(&self) -> Option<[u8; 16]> {
        let digits = self.0.strip_prefix(Self::PREFIX)?.to_ascii_uppercase();
        BASE32_NOPAD.decode(digits.as_bytes()).ok()?.try_into().ok()
    }
}

impl FromStr for StoreId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.strip_prefix(Self::PREFIX).is_some_and(|digits| {
            format!("{}{digits}", KeyId::PREFIX)
                .parse::<KeyId>()
                .is_ok()
        });
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a store id"))
        }
    }
}

impl TryFrom<String> for StoreId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<StoreId> for String {
    fn from(id: StoreId) -> Self {
        id.0
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What `store.toml` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) id: StoreId,
    pub(crate) recipient: String,
    pub(crate) created: Timestamp,
}

impl Manifest {
    pub(crate) fn write(&self, folder: &Folder) -> Result<(), Error> {
        let text = toml::to_string(self).map_err(|error| Error::Unwritable {
            path: folder.path_of(MANIFEST_FILE),
            reason: error.to_string(),
        })?;
        folder.write_new(MANIFEST_FILE, format!("{HEADER}{text}").as_bytes())
    }

    pub(crate) fn read(folder: &Folder) -> Result<Self, Error> {
        let path = folder.path_of(MANIFEST_FILE);
        let bytes = match folder.read(MANIFEST_FILE, LIMIT) {
            Err(error) if error.is_not_found() => {
                let path = folder.path().to_owned();
                return Err(Error::NoStore { path });
            }
            read => read?,
        };
        let damaged = |reason: String| Error::ManifestDamaged {
            path: path.clone(),
            reason,
        };
        let text = String::from_utf8(bytes).map_err(|error| damaged(error.to_string()))?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| damaged(summary(&error)))?;
        let format = table
            .get("format")
            .and_then(toml::Value::as_integer)
            .and_then(|format| u32::try_from(format).ok())
            .filter(|format| *format > 0)
            .ok_or_else(|| damaged("it has no `format`".to_owned()))?;
        match table.try_into() {
            Ok(manifest) => Ok(manifest),
            Err(_) if format > FORMAT => Err(Error::NewerFormat {
                path: folder.path().to_owned(),
                found: format,
                known: FORMAT,
            }),
            Err(error) => Err(damaged(summary(&error))),
        }
    }

    /// Whether a newer keyferry wrote the store.
    pub(crate) fn is_newer(&self) -> bool {
        self.format > FORMAT
    }
}

/// The message without the picture of the line that toml draws around it.
fn summary(error: &toml::de::Error) -> String {
    error.message().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_back() {
        let id = StoreId::generate().unwrap();
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(StoreId::from_random(id.to_random().unwrap()), id);
        for bad in ["", "ks-", "ks-0123", &id.as_str().to_uppercase()] {
            assert!(bad.parse::<StoreId>().is_err(), "{bad}");
        }
    }
}
