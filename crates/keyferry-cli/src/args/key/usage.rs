//! Arguments of `keyferry key usage`.

use std::num::NonZeroUsize;

use clap::Args;

/// `keyferry key usage`
#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    /// Ring or key id to report on; all keys when it is left out. Or the address, alone.
    #[arg(value_name = "RING|KEY-ID")]
    pub(crate) of: Option<String>,
    /// Bucket or prefix to look through: s3://BUCKET or s3://BUCKET/PREFIX. What was recorded is
    /// shown when it is left out.
    #[arg(value_name = "S3://BUCKET/PREFIX")]
    pub(crate) address: Option<String>,
    /// Only the current versions, and no open multipart uploads.
    #[arg(long)]
    pub(crate) current_only: bool,
    /// Show each version, too.
    #[arg(long)]
    pub(crate) objects: bool,
    /// Versions asked for their key at once.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
}
