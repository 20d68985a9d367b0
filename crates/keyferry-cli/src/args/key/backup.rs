//! Arguments of `keyferry key backup`, `restore`, `shares`, `restore-identity` and `recovery-sheet`.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use keyferry_keystore::BackupRecipient;
use keyferry_policy::BucketName;

/// `keyferry key backup`
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Where to: a folder, a file that ends in `.tar`, or s3://BUCKET/PREFIX.
    pub(crate) to: BackupPlace,
    /// Encrypt the store's identity in the backup to this age recipient; repeat for more. Any one of
    /// their identities then opens the backup.
    #[arg(long, value_name = "AGE1...")]
    pub(crate) recipient: Vec<RecipientArg>,
    /// File whose first line is the backup's own passphrase. For a store without passphrase, once.
    #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
    pub(crate) backup_passphrase_file: Option<PathBuf>,
}

/// What was given as an age recipient.
#[derive(Debug, Clone)]
pub(crate) enum RecipientArg {
    /// One.
    Recipient(BackupRecipient),
    /// None, for this reason. The text is dropped at once, as it may be a secret key: an error of the
    /// argument parser would print it.
    Invalid(String),
}

impl FromStr for RecipientArg {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.parse::<BackupRecipient>() {
            Ok(recipient) => Self::Recipient(recipient),
            Err(error) => Self::Invalid(error.to_string()),
        })
    }
}

/// `keyferry key restore`
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup: a folder, a `.tar` file, or s3://BUCKET/PREFIX.
    pub(crate) from: BackupPlace,
    /// Prove that the backup opens: decrypt every key in memory and compare. Restores nothing.
    #[arg(long, conflicts_with_all = ["no_passphrase", "new_passphrase_file", "partial"])]
    pub(crate) test: bool,
    #[command(flatten)]
    pub(crate) opener: OpenerArgs,
    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,
    /// Restore what is sound although keys are missing or damaged in the backup.
    #[arg(long)]
    pub(crate) partial: bool,
}

/// What opens a backup or a store whose passphrase is lost.
#[derive(Debug, Args)]
pub(crate) struct OpenerArgs {
    /// File with a share of the store's identity; repeat for as many as it takes.
    #[arg(long, value_name = "FILE")]
    pub(crate) share: Vec<PathBuf>,
}

/// What protects a restored store.
#[derive(Debug, Args)]
pub(crate) struct ProtectionArgs {
    /// Protect the restored store by file permissions alone.
    #[arg(long, conflicts_with = "new_passphrase_file")]
    pub(crate) no_passphrase: bool,
    /// File whose first line is a new passphrase for the restored store.
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
}

/// `keyferry key shares`
#[derive(Debug, Args)]
pub(crate) struct SharesArgs {
    /// How many shares to make.
    #[arg(long, value_name = "N")]
    pub(crate) shares: u8,
    /// How many of them restore the identity.
    #[arg(long, value_name = "M")]
    pub(crate) threshold: u8,
    /// Write each share to a new file in this folder, instead of all to standard output.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// `keyferry key restore-identity`
#[derive(Debug, Args)]
pub(crate) struct RestoreIdentityArgs {
    /// Files that hold one share each; `-` for one on standard input.
    ///
    /// Without shares, --identity FILE gives the store's identity itself, as decrypting a recovery
    /// sheet does.
    #[arg(required_unless_present = "identity")]
    pub(crate) shares: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,
}

/// `keyferry key recovery-sheet`
#[derive(Debug, Args)]
pub(crate) struct RecoverySheetArgs {
    /// New file to write, ending in `.svg` or `.pdf`; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Format, where the name does not tell.
    #[arg(long)]
    pub(crate) format: Option<SheetFormat>,
    /// File whose first line is a passphrase for the sheet alone.
    #[arg(long, value_name = "FILE", conflicts_with = "plaintext_identity")]
    pub(crate) sheet_passphrase_file: Option<PathBuf>,
    /// Print the identity unencrypted, for paper that is kept in a safe.
    #[arg(long)]
    pub(crate) plaintext_identity: bool,
}

/// A format of the recovery sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SheetFormat {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Document Format.
    Pdf,
}

/// Where a backup is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BackupPlace {
    /// A folder.
    Folder(PathBuf),
    /// A tar file.
    Tar(PathBuf),
    /// Objects in a bucket whose keys begin with the prefix, which is empty or ends in `/`.
    Bucket { bucket: BucketName, prefix: String },
    /// An address that is none; kept for the message.
    NoBucket(String),
}

impl FromStr for BackupPlace {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = match prefix.trim_end_matches('/') {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            };
            return Ok(match bucket.parse() {
                Ok(bucket) => Self::Bucket { bucket, prefix },
                Err(_) => Self::NoBucket(text.to_owned()),
            });
        }
        let path = PathBuf::from(text);
        let is_tar = path.is_file() || (!path.is_dir() && text.ends_with(".tar"));
        Ok(if is_tar {
            Self::Tar(path)
        } else {
            Self::Folder(path)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_parse() {
        let parse = |text: &str| text.parse::<BackupPlace>().unwrap();
        let bucket = |prefix: &str| BackupPlace::Bucket {
            bucket: "bucket".parse().unwrap(),
            prefix: prefix.to_owned(),
        };
        assert_eq!(parse("s3://bucket"), bucket(""));
        assert_eq!(parse("s3://bucket/"), bucket(""));
        assert_eq!(parse("s3://bucket/a/b"), bucket("a/b/"));
        assert_eq!(parse("s3://bucket/a/"), bucket("a/"));
        assert_eq!(parse("s3:///a"), BackupPlace::NoBucket("s3:///a".into()));
        assert_eq!(parse("keys.tar"), BackupPlace::Tar("keys.tar".into()));
        assert_eq!(
            parse("/mnt/stick"),
            BackupPlace::Folder("/mnt/stick".into())
        );
    }
}
