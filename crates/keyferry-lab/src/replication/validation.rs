//! What PutBucketReplication refuses.

use super::configuration::ReplicationConfiguration;
use crate::store::{BucketRecord, Store, StoreError};

/// A refusal, with S3's code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct ConfigurationError {
    /// `InvalidRequest`, `InvalidArgument`, `InvalidBucketState`, `MalformedXML`; all are 400,
    /// except InvalidBucketState, which is 409.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ReplicationConfiguration {
    /// Judges the configuration for `source` as PutBucketReplication does (`S3-REPL-20`).
    pub(crate) fn validate(
        &self,
        store: &Store,
        source: &BucketRecord,
    ) -> Result<Result<(), ConfigurationError>, StoreError> {
        todo!()
    }
}
