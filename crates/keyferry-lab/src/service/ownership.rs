//! Whose objects are (`S3-ACL-2`): with `BucketOwnerEnforced` the bucket owner's, otherwise the
//! writer's, unless it hands them over.

use s3s::dto::{ObjectCannedACL, Owner};

use super::RegionService;
use crate::authorization::canonical_id;
use crate::server::exchange::Exchange;
use crate::store::{BucketRecord, ObjectOwnership};

/// `Owner` of what an account has.
pub(super) fn owner_element(account: &str) -> Owner {
    Owner {
        id: Some(canonical_id(account)),
        display_name: None,
    }
}

/// The account whose an object in `bucket` is that `writer` made.
pub(super) fn effective_owner<'a>(bucket: &'a BucketRecord, writer: &'a str) -> &'a str {
    match bucket.ownership {
        Some(ObjectOwnership::BucketOwnerEnforced) => &bucket.owner,
        _ => writer,
    }
}

impl RegionService {
    /// The account that a new object belongs to.
    pub(super) fn new_owner(
        exchange: &Exchange,
        bucket: &BucketRecord,
        acl: Option<&ObjectCannedACL>,
    ) -> String {
        // Who is not known writes for the bucket's owner.
        let writer = exchange.requester().account().unwrap_or(&bucket.owner);
        let hands_over = acl.map(ObjectCannedACL::as_str) == Some("bucket-owner-full-control");
        let owner = match bucket.ownership {
            Some(ObjectOwnership::BucketOwnerPreferred) if hands_over => &bucket.owner,
            _ => effective_owner(bucket, writer),
        };
        owner.to_owned()
    }
}
