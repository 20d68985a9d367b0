//! What is live in AWS: read, compared with a plan, brought to it.
//!
//! [`read()`] fills [`Installed`](keyferry_policy::check::Installed) from S3, IAM and KMS.
//! [`compare()`] says, without talking to anybody, which [`Change`]s bring that to a plan, or what
//! speaks against them. [`apply()`] makes the changes one by one, each checked before and read back
//! after, so that a run that was cut short is finished by the next one.
//!
//! What holds:
//!
//! - Statements and rules that are not the plan's stay: ours are known by `Sid` and rule ID.
//! - A bucket that is public, or would become so, is not touched. Block Public Access is never
//!   changed, versioning never switched off, a KMS key never taken from its account.
//! - What cannot be read is not overwritten.
//! - Each request to S3 names the account that must own the bucket.

mod apply;
mod change;
mod compare;
mod connections;
mod content;
mod diff;
mod read;
mod service_error;
mod translate;

pub use apply::{Applied, ApplyError, Observer, Silent, apply};
pub use change::{Change, ChangeKind, Subject};
pub use compare::{CompareOptions, Refusal, compare};
pub use connections::{Connections, ConnectionsError, Identity};
pub use content::{BucketContent, Content};
pub use diff::{DiffLine, LineKind};
pub use read::caller::{CallerPolicies, read_caller};
pub use read::{Live, read, read_bucket, read_key, read_role};
pub use service_error::{Refused, ServiceError};

/// Name of the inline policy that holds a role's permissions.
pub const INLINE_POLICY: &str = keyferry_policy::formats::INLINE_POLICY;
