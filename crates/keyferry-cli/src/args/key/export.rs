//! Arguments of `keyferry key export`.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

/// `keyferry key export`
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Key id, or a ring for its active key.
    pub(crate) key: String,
    /// New file to write; `-` for standard output.
    pub(crate) target: ExportTarget,
    /// Print how this program takes the key from the file.
    #[arg(long = "for", value_name = "PROGRAM")]
    pub(crate) client: Option<Client>,
}

/// Where an exported key goes.
#[derive(Debug, Clone)]
pub(crate) enum ExportTarget {
    /// Standard output.
    Stdout,
    /// A new file.
    File(PathBuf),
}

impl FromStr for ExportTarget {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "-" => Self::Stdout,
            path => Self::File(path.into()),
        })
    }
}

/// Programs that speak SSE-C.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// The AWS CLI: `aws s3` and `aws s3api`.
    Awscli,
    /// rclone.
    Rclone,
    /// boto3, the AWS SDK for Python.
    Boto3,
    /// s3sync, the synchronisation tool written in Rust.
    S3sync,
    /// curl.
    Curl,
}
