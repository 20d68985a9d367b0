//! Statements that refuse what does not fit a bucket's encryption.
//!
//! Requiring and forbidding SSE-C:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>.

use crate::iam::{Principals, Statement};
use crate::matrix::{Guard, Matrix};
use crate::{Encryption, Site};

/// The condition key that tells whether a request carries a customer key.
const CUSTOMER_ALGORITHM: &str = "s3:x-amz-server-side-encryption-customer-algorithm";

/// What the guards are called, so that those of an earlier plan are known.
pub const GUARD_SIDS: [&str; 2] = [REQUIRE, FORBID];
const REQUIRE: &str = "DenyUploadsWithoutCustomerKey";
const FORBID: &str = "DenyCustomerKeys";

/// The guards of a site that asks for them.
pub(super) fn of(site: &Site) -> Vec<(Statement, &'static Guard)> {
    if !site.guard {
        return Vec::new();
    }
    let without_key = |is_denied: bool, sid: &str, actions: &[&str]| {
        Statement::deny(sid, actions, vec![site.objects_arn()])
            .about(Principals::Everyone)
            .when("Null", CUSTOMER_ALGORITHM, vec![is_denied.to_string()])
    };
    let statements = if site.encryption == Encryption::SseC {
        vec![(
            "require-customer-key",
            without_key(true, REQUIRE, &["s3:PutObject"]),
        )]
    } else if site.accepts_sse_c() {
        Vec::new()
    } else {
        vec![(
            "deny-ssec-replica",
            without_key(false, FORBID, &["s3:PutObject", "s3:ReplicateObject"]),
        )]
    };
    statements
        .into_iter()
        .filter_map(|(id, statement)| Some((statement, Matrix::carried().guard(id)?)))
        .collect()
}
