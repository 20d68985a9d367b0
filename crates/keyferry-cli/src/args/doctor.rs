//! Arguments of `keyferry doctor`.

use std::str::FromStr;

use clap::Args;
use keyferry_policy::{BucketName, NameError};

use super::{FailOn, OtherAccountArgs, ReplicaBucket};

/// `keyferry doctor`
#[derive(Debug, Args)]
#[command(after_help = "\
It changes nothing. What it looks at: credentials and clock, endpoint and TLS, region, versioning, \
whether SSE-C is blocked, the replication rules and what they cover, the role's trust and permissions, \
KMS keys, ownership, Object Lock, bucket policies, what these credentials may do, lifecycle rules, \
unfinished uploads, tags, and the key store with its backup. The bucket is the source; its destinations \
are found in its rules.

--output sarif prints SARIF 2.1.0, for code hosts.

Exit codes: 0 nothing found, 6 findings (see --fail-on).")]
pub(crate) struct DoctorArgs {
    /// s3://BUCKET, or s3://BUCKET/KEY to ask whether an object, or all below a prefix, replicates.
    pub(crate) address: Examined,
    /// The destination, where no rule names it yet, and its region if S3 cannot be asked for it.
    #[arg(long, value_name = "BUCKET[@REGION]")]
    pub(crate) replica: Option<ReplicaBucket>,
    #[command(flatten)]
    pub(crate) other: OtherAccountArgs,
    /// Exit with code 6 on findings of this level or worse.
    #[arg(long, value_name = "LEVEL", default_value = "warning")]
    pub(crate) fail_on: FailOn,
    /// Leave the key store out, which otherwise may ask for its passphrase.
    #[arg(long)]
    pub(crate) no_store: bool,
}

/// `s3://BUCKET[/KEY]`
#[derive(Debug, Clone)]
pub(crate) struct Examined {
    pub(crate) bucket: BucketName,
    pub(crate) object: Option<String>,
}

/// Text that is no `s3://BUCKET[/KEY]`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExaminedError {
    /// It begins in another way.
    #[error("it must look like `s3://tokyo-data` or `s3://tokyo-data/reports/`")]
    Shape,
    /// A name that AWS would not accept.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for Examined {
    type Err = ExaminedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("s3://").ok_or(ExaminedError::Shape)?;
        let (bucket, object) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self {
            bucket: bucket.parse()?,
            object: (!object.is_empty()).then(|| object.to_owned()),
        })
    }
}
