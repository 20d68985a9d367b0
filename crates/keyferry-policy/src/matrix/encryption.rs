//! What a kind of encryption asks of people, beside documents.

use serde::Deserialize;

/// One kind of encryption; SSE-KMS with a Bucket Key is a kind of its own here.
#[derive(Debug, Deserialize)]
pub struct EncryptionFacts {
    /// Its name, as in the names of cells: `sse-kms-bucketkey`.
    pub id: String,
    /// Which keys there are to manage.
    pub keys: String,
    /// What an upload must say.
    pub upload: String,
    /// What a download must say.
    pub download: String,
    /// What it costs.
    pub cost: String,
    /// Pages, by their short names.
    pub sources: Vec<String>,
}
