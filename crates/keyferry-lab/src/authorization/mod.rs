//! Who may do what: every request to S3, IAM, KMS and STS is a question to
//! [`keyferry_policy::iam`], and so is every call of a replication.
//!
//! An account's own credentials have every permission in it, as an administrator has; a role's
//! sessions have what its policies give. Bucket, key and trust policies are judged as well
//! (`S3-ACCESS-1` to `S3-ACCESS-6`). What cannot be decided is refused.

mod authorizer;
mod circumstances;
mod identity;
mod principals;
mod public_access;
mod refusal;
mod s3_access;
mod s3_actions;
mod s3_conditions;

pub(crate) use authorizer::{Authorizer, CallTarget};
pub(crate) use circumstances::Circumstances;
pub(crate) use principals::{canonical_id, unknown_principal};
pub(crate) use public_access::is_public;
pub(crate) use refusal::Refusal;
pub(crate) use s3_access::{Access, AccessTarget, access_denied};
pub(crate) use s3_conditions::request_circumstances;
