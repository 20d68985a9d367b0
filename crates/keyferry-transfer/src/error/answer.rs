//! What the server said, and what it still has.

use std::fmt;

use crate::ObjectAddress;

/// A multipart upload that could not be aborted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("multipart upload `{upload_id}` of `{address}` could not be aborted ({reason})")]
pub struct LeftUpload {
    /// The object it was to become.
    pub address: ObjectAddress,
    /// Its id.
    pub upload_id: String,
    /// Why aborting failed.
    pub reason: String,
}

/// How the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAnswer {
    /// The HTTP status.
    pub status: u16,
    /// S3's error code; absent from answers without a body, as those to HEAD.
    pub code: Option<String>,
    /// S3's message.
    pub message: Option<String>,
    /// S3's id of the request, for AWS support.
    pub request_id: Option<String>,
}

impl fmt::Display for ServiceAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HTTP {}", self.status)?;
        if let Some(code) = &self.code {
            write!(formatter, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(formatter, ", {}", message.trim_end_matches('.'))?;
        }
        if let Some(id) = &self.request_id {
            write!(formatter, " (request {id})")?;
        }
        Ok(())
    }
}
