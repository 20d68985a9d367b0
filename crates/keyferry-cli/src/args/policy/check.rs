//! Arguments of `keyferry policy check`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use keyferry_policy::{BucketName, NameError};

use super::{OtherAccountArgs, PlanArgs};

/// `keyferry policy check`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing found, 6 findings (see --fail-on), 2 documents that \
    cannot be read.\n\nA file given without a bucket belongs to the first direction of the plan: to \
    its source bucket, a bucket policy to its destination."
)]
pub(crate) struct CheckArgs {
    /// Check what S3, IAM and KMS have, instead of files. --profile then names credentials.
    #[arg(long, conflicts_with_all = [
        "documents", "terraform_plan", "trust", "role", "replication", "key_policy",
        "bucket_policy", "encryption_configuration", "versioning",
    ])]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) other: OtherAccountArgs,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) given: GivenArgs,
    /// Exit with code 6 on findings of this level or worse.
    #[arg(long, value_name = "LEVEL", default_value = "warning")]
    pub(crate) fail_on: FailOn,
    /// Print the findings in another format than --output says.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<CheckFormat>,
}

/// The documents to check.
#[derive(Debug, Args)]
#[command(next_help_heading = "Documents")]
pub(crate) struct GivenArgs {
    /// Folder of documents named as `policy emit --out` names them: all there are.
    #[arg(long, value_name = "DIR")]
    pub(crate) documents: Option<PathBuf>,
    /// What `terraform show -json PLAN` prints.
    #[arg(long, value_name = "FILE")]
    pub(crate) terraform_plan: Option<PathBuf>,
    /// Trust policy of the role that replicates out of a bucket.
    #[arg(long, value_name = "[BUCKET=]FILE")]
    pub(crate) trust: Vec<GivenFile>,
    /// Permission policy of that role; again for each further one.
    #[arg(long, value_name = "[BUCKET=]FILE")]
    pub(crate) role: Vec<GivenFile>,
    /// Replication configuration.
    #[arg(long, value_name = "[BUCKET=]FILE")]
    pub(crate) replication: Vec<GivenFile>,
    /// Policy of the KMS key that encrypts a bucket.
    #[arg(long, value_name = "[BUCKET=]FILE")]
    pub(crate) key_policy: Vec<GivenFile>,
    /// Bucket policy.
    #[arg(long, value_name = "[BUCKET=]FILE")]
    pub(crate) bucket_policy: Vec<GivenFile>,
    /// Encryption configuration.
    #[arg(long, value_name = "[BUCKET=]FILE")]
    pub(crate) encryption_configuration: Vec<GivenFile>,
    /// Versioning.
    #[arg(long, value_name = "[BUCKET=]FILE")]
    pub(crate) versioning: Vec<GivenFile>,
}

/// The least level that makes a run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Something will not replicate.
    Error,
    /// Also what is allowed beyond need, or goes against the plan.
    Warning,
    /// Also what could not be checked.
    Note,
    /// Nothing makes it fail.
    Never,
}

/// Formats of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
}

/// `[BUCKET=]FILE`
#[derive(Debug, Clone)]
pub(crate) struct GivenFile {
    pub(crate) bucket: Option<BucketName>,
    pub(crate) path: PathBuf,
}

impl FromStr for GivenFile {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('=') {
            Some((bucket, path)) => Self {
                bucket: Some(bucket.parse()?),
                path: path.into(),
            },
            None => Self {
                bucket: None,
                path: text.into(),
            },
        })
    }
}
