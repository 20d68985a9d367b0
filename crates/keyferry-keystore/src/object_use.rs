//! Objects as the store knows them: names only.

use serde::{Deserialize, Serialize};

/// A version of an object that a key encrypts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectUse {
    /// Its bucket.
    pub bucket: String,
    /// Its key in the bucket.
    pub key: String,
    /// Its version id; absent where the bucket is not versioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl ObjectUse {
    /// A version of an object by its names.
    #[must_use]
    pub fn new(
        bucket: impl Into<String>,
        key: impl Into<String>,
        version: Option<impl Into<String>>,
    ) -> Self {
        Self {
            bucket: bucket.into(),
            key: key.into(),
            version: version.map(Into::into),
        }
    }

    /// The same under the name that is recorded: the version `null`, which S3 lists for objects of
    /// an unversioned bucket, is no version.
    pub(crate) fn as_recorded(&self) -> Self {
        let named = |version: &String| !version.is_empty() && version != "null";
        Self {
            version: self.version.clone().filter(named),
            ..self.clone()
        }
    }
}
