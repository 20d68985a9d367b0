//! Between the policy core's documents and the SDK's types, without additions.

mod encryption;
mod replication;

pub(crate) use encryption::{encryption_from_sdk, encryption_to_sdk};
pub(crate) use replication::{replication_from_sdk, replication_to_sdk};

use aws_smithy_types::error::operation::BuildError;
use keyferry_policy::Ownership;

use crate::service_error::ServiceError;

/// What the SDK calls who owns a bucket's objects.
pub(crate) fn ownership_to_sdk(ownership: Ownership) -> aws_sdk_s3::types::ObjectOwnership {
    ownership.as_str().into()
}

/// What the policy core calls it; `None` for what it does not know.
pub(crate) fn ownership_from_sdk(
    ownership: &aws_sdk_s3::types::ObjectOwnership,
) -> Option<Ownership> {
    [
        Ownership::BucketOwnerEnforced,
        Ownership::BucketOwnerPreferred,
        Ownership::ObjectWriter,
    ]
    .into_iter()
    .find(|known| known.as_str() == ownership.as_str())
}

/// A document that lacks what the SDK demands.
fn incomplete(error: BuildError) -> ServiceError {
    ServiceError::Unreadable {
        what: "the document to send".to_owned(),
        why: error.to_string(),
    }
}
