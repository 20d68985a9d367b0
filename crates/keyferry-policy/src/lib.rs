//! What S3 replication needs, as data.
//!
//! Pure: no async, no SDK, no network. One [`ReplicationPlan`] says which bucket replicates to which;
//! [`Documents`] are what AWS must be given for it, in the shapes the AWS CLI takes.
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html>

pub mod names;

pub use names::{AccountId, BucketName, NameError, Partition, Region};
