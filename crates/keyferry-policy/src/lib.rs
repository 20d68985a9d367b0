//! What S3 replication needs, as data.
//!
//! Pure: no async, no SDK, no network. A [`ReplicationPlan`] says which bucket replicates to which;
//! [`documents`] turns each [`Flow`] of it into what AWS must be given, in the shapes the AWS CLI
//! takes. A plan is checked when it is made, so every document of a plan can be emitted.
//!
//! ```
//! use keyferry_policy::{Encryption, ReplicationPlan, Site, documents};
//!
//! let site = |bucket: &str, region: &str| -> Result<Site, keyferry_policy::NameError> {
//!     Ok(Site { bucket: bucket.parse()?, region: region.parse()?, encryption: Encryption::SseC })
//! };
//! let plan = ReplicationPlan::new(
//!     "111122223333".parse()?,
//!     site("tokyo", "ap-northeast-1")?,
//!     site("osaka", "ap-northeast-3")?,
//! )?
//! .both_ways();
//! assert_eq!(plan.flows().len(), 2);
//! let trust = documents::trust_policy();
//! assert!(trust.lets_service_assume("s3.amazonaws.com"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html>

pub mod documents;
pub mod names;
mod plan;

pub use names::{AccountId, BucketName, NameError, Partition, Region};
pub use plan::{Encryption, Flow, PlanError, ReplicationPlan, Site};
