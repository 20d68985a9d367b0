//! What S3 replication needs, as data.
//!
//! Pure: no async, no SDK, no network. A [`ReplicationPlan`] says which bucket replicates to which;
//! [`Documents`] is what AWS must be given for it, in the shapes the AWS CLI takes, made from the rows
//! of the permission [`matrix`]. [`iam`] reads policy documents and decides what they allow;
//! [`calls`] lists what S3 asks for when it replicates one version.
//! Every document of a plan can be emitted, [explained](explain), and drawn in a [`diagram`];
//! [`compare`] sets the kinds of encryption side by side.
//!
//! ```
//! use keyferry_policy::{Documents, Encryption, ReplicationPlan, Site, documents::Kind};
//!
//! let site = |bucket: &str, region: &str| -> Result<Site, keyferry_policy::NameError> {
//!     Ok(Site::new(bucket.parse()?, region.parse()?, "111122223333".parse()?, Encryption::SseC))
//! };
//! let tokyo = site("tokyo", "ap-northeast-1")?;
//! let osaka = site("osaka", "ap-northeast-3")?;
//! let plan = ReplicationPlan::between(tokyo, osaka, true)?;
//! assert_eq!(plan.flows().len(), 2);
//! let documents = Documents::of(&plan);
//! assert!(documents.find(Kind::Role, &"osaka".parse()?).is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html>

pub mod actions;
pub mod calls;
pub mod check;
pub mod compare;
pub mod diagram;
pub mod documents;
pub mod explain;
pub mod formats;
mod glob;
pub mod iam;
pub mod lint;
pub mod matrix;
pub mod names;
pub mod plan;

pub use documents::Documents;
pub use names::{
    AccountId, BucketName, KmsKeyArn, NameError, Partition, Region, RoleArn, RoleName,
};
pub use plan::{
    BucketKey, Encryption, EncryptionKind, Flow, Ownership, PlanError, PlannedFlow, Profile,
    ReplicationPlan, Site,
};
