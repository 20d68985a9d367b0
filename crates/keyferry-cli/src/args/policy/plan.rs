//! Arguments that say what replicates where: flags for the common case, a file for the rest.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use keyferry_policy::{
    AccountId, BucketKey, BucketName, EncryptionKind, NameError, Profile, Region,
};

/// A plan, by flags or by file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Plan")]
pub(crate) struct PlanArgs {
    /// Plan file (TOML), instead of the options below.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "encryption", "source", "destination", "both_ways", "account", "destination_account",
        "source_kms_key", "destination_kms_key", "bucket_key", "guard", "permissions",
    ])]
    pub(crate) plan: Option<PathBuf>,
    /// How objects are encrypted.
    #[arg(long, required_unless_present = "plan")]
    pub(crate) encryption: Option<EncryptionArg>,
    /// Source bucket and its region.
    #[arg(long, value_name = "BUCKET@REGION", required_unless_present = "plan")]
    pub(crate) source: Option<Place>,
    /// Destination bucket and its region.
    #[arg(long, value_name = "BUCKET@REGION", required_unless_present = "plan")]
    pub(crate) destination: Option<Place>,
    /// Replicate the other way, too.
    #[arg(long)]
    pub(crate) both_ways: bool,
    /// Account that owns the source bucket, and the destination if nothing else is said.
    #[arg(long, value_name = "ID", required_unless_present = "plan")]
    pub(crate) account: Option<AccountId>,
    /// Account that owns the destination bucket.
    #[arg(long, value_name = "ID")]
    pub(crate) destination_account: Option<AccountId>,
    /// KMS key that encrypts the source bucket.
    #[arg(long, value_name = "ARN")]
    pub(crate) source_kms_key: Option<String>,
    /// KMS key that encrypts the replicas.
    #[arg(long, value_name = "ARN")]
    pub(crate) destination_kms_key: Option<String>,
    /// Whether SSE-KMS objects use Bucket Keys.
    #[arg(long, value_name = "STATE")]
    pub(crate) bucket_key: Option<BucketKeyArg>,
    /// Deny by bucket policy what does not fit the encryption: uploads without a customer key under
    /// sse-c, uploads with one elsewhere.
    #[arg(long)]
    pub(crate) guard: bool,
    /// How much to grant: what AWS's page on encrypted objects asks for, or also what only some of
    /// its pages ask for [default: minimal, for dsse-kms compatible].
    #[arg(long, value_name = "PROFILE")]
    pub(crate) permissions: Option<ProfileArg>,
}

/// Kinds of encryption, as words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EncryptionArg {
    /// Keys of S3.
    #[value(name = "sse-s3")]
    SseS3,
    /// Keys in KMS.
    SseKms,
    /// Keys in KMS, two layers.
    DsseKms,
    /// Keys of the customer.
    SseC,
}

/// States of Bucket Keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BucketKeyArg {
    /// No object uses one.
    Off,
    /// Every object uses one.
    On,
    /// Some objects do, as when it was switched on later.
    Mixed,
}

/// Profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArg {
    /// What AWS's page on encrypted objects asks for.
    Minimal,
    /// Also what only some of its pages ask for.
    Compatible,
}

/// `BUCKET@REGION`
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) bucket: BucketName,
    pub(crate) region: Region,
}

/// Text that is no `BUCKET@REGION`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// There is no region.
    #[error("it must look like `tokyo-data@ap-northeast-1`: the bucket, `@`, its region")]
    Shape,
    /// A name that AWS would not accept.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (bucket, region) = text.split_once('@').ok_or(PlaceError::Shape)?;
        Ok(Self {
            bucket: bucket.parse()?,
            region: region.parse()?,
        })
    }
}

impl From<EncryptionArg> for EncryptionKind {
    fn from(argument: EncryptionArg) -> Self {
        match argument {
            EncryptionArg::SseS3 => Self::SseS3,
            EncryptionArg::SseKms => Self::SseKms,
            EncryptionArg::DsseKms => Self::DsseKms,
            EncryptionArg::SseC => Self::SseC,
        }
    }
}

impl From<BucketKeyArg> for BucketKey {
    fn from(argument: BucketKeyArg) -> Self {
        match argument {
            BucketKeyArg::Off => Self::Off,
            BucketKeyArg::On => Self::On,
            BucketKeyArg::Mixed => Self::Mixed,
        }
    }
}

impl From<ProfileArg> for Profile {
    fn from(argument: ProfileArg) -> Self {
        match argument {
            ProfileArg::Minimal => Self::Minimal,
            ProfileArg::Compatible => Self::Compatible,
        }
    }
}
