//! IAM, KMS and STS on the regions' endpoints: the calls that setting up and checking
//! replication needs.
//!
//! A request is for one of them by the service in its credential scope. IAM and STS speak AWS's
//! Query protocol (forms in, XML out), KMS JSON 1.1. Signatures are verified by signing again
//! ([`signature`]), and every call is authorised by the caller's policies.
//!
//! API references: <https://docs.aws.amazon.com/IAM/latest/APIReference/>,
//! <https://docs.aws.amazon.com/kms/latest/APIReference/>,
//! <https://docs.aws.amazon.com/STS/latest/APIReference/>.

mod endpoint;
mod error;
mod iam;
mod kms;
mod query;
mod signature;
mod sts;

pub(crate) use endpoint::{ServiceEndpoint, ServiceName};
