//! Arguments of `keyferry upload` and `download`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Args, ValueEnum};

use super::{KeySource, ManyArgs, ReplicaArgs, WaitArgs};

/// `keyferry upload`
#[derive(Debug, Args)]
#[command(
    override_usage = "keyferry upload [OPTIONS] SRC s3://BUCKET/KEY\n       \
                      keyferry upload [OPTIONS] -r SRC... s3://BUCKET/PREFIX\n       \
                      keyferry upload [OPTIONS] --files-from FILE [FOLDER] s3://BUCKET/PREFIX"
)]
pub(crate) struct UploadArgs {
    /// Files to upload, with -r folders, too; `-` for standard input. Then where to: s3://BUCKET/KEY.
    /// A bucket alone, or a key that ends in `/`, gets the file's name. With -r, the content of one
    /// folder goes below the prefix; several folders and files keep their names there.
    #[arg(required = true, value_name = "SRC... S3-ADDRESS")]
    pub(crate) places: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) many: ManyArgs,
    /// Upload the files that this file lists, one path a line; `-` for standard input. Paths are taken
    /// below FOLDER, or else the current folder, and are the keys below the prefix.
    #[arg(long, value_name = "FILE")]
    pub(crate) files_from: Option<PathBuf>,
    /// The paths in the list end in NUL characters, as `find -print0` writes them.
    #[arg(short = '0', long, requires = "files_from")]
    pub(crate) null: bool,
    /// Upload what symbolic links in folders lead to. Without it, links are skipped.
    #[arg(long)]
    pub(crate) follow_symlinks: bool,
    /// What to do when the object exists. `if-different` compares size and checksum.
    #[arg(long, default_value = "always")]
    pub(crate) overwrite: Overwrite,
    /// Let the server refuse to store an object where one has its name, however many try at once.
    #[arg(long)]
    pub(crate) if_none_match: bool,
    /// Key to encrypt under: a ring, a key id, file:PATH, fd:N or env:NAME.
    #[arg(long, env = "KEYFERRY_KEY", hide_env_values = true)]
    pub(crate) key: Option<KeySource>,
    /// Content type; by the file's name when it is left out.
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// User metadata, NAME=VALUE; repeat for more.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) metadata: Vec<(String, String)>,
    /// Object tag, NAME=VALUE; repeat for more. `keyferry-key` is added by itself.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) tag: Vec<(String, String)>,
    /// Size of parts; chosen by the object's size when it is left out.
    #[arg(long, value_name = "SIZE")]
    pub(crate) part_size: Option<ByteSize>,
    /// Parts of a file, or small files, under way at once.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Go on with uploads that broke off: parts that are there are checked, not sent again, and
    /// objects that are the same are left alone. Without, what an earlier upload left is removed.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Do not wait for replication.
    #[arg(long, conflicts_with_all = ["wait", "level", "deep", "probe", "no_probe", "replica"])]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// Upload although no tested backup holds the ring's key. Remembered: it is asked once a ring.
    #[arg(long)]
    pub(crate) accept_loss_risk: bool,
    /// Write the receipt to this file, for `keyferry verify --receipt FILE` later. Of many objects, one
    /// a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
}

/// `keyferry download`
#[derive(Debug, Args)]
pub(crate) struct DownloadArgs {
    /// Object to download: s3://BUCKET/KEY. With -r, all below s3://BUCKET/PREFIX.
    pub(crate) source: String,
    /// File or folder to write; `-` for standard output.
    pub(crate) destination: PathBuf,
    #[command(flatten)]
    pub(crate) many: ManyArgs,
    /// Key to decrypt with: a ring (all of its keys are tried), a key id, file:PATH, fd:N or
    /// env:NAME. Found by itself when it is left out.
    #[arg(long, env = "KEYFERRY_KEY", hide_env_values = true)]
    pub(crate) key: Option<KeySource>,
    /// Version to download; the current one when it is left out.
    #[arg(long, value_name = "ID")]
    pub(crate) version_id: Option<String>,
    /// Which side to read from.
    #[arg(long, default_value = "auto")]
    pub(crate) from: From,
    #[command(flatten)]
    pub(crate) replica: ReplicaArgs,
    /// What to do when the file exists. `if-different` compares size and checksum.
    #[arg(long, default_value = "always")]
    pub(crate) overwrite: Overwrite,
    /// Go on with downloads that broke off: what is there is checked, not fetched again, and files
    /// that are the same are left alone. Without, what an earlier download left is removed.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Ranges of an object, or small objects, under way at once.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
}

/// Which side a download reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// The bucket given; its replica when that bucket's region cannot be reached.
    Auto,
    /// The bucket given.
    Source,
    /// The replica.
    Replica,
}

/// What a transfer does when there is something where it would put its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Overwrite {
    /// Replaces it, once the new content is verified.
    Always,
    /// Replaces it, unless it is the same already.
    IfDifferent,
    /// Leaves it. That fails for one object; of many, the others are transferred.
    Never,
}

impl std::convert::From<Overwrite> for keyferry_transfer::Overwrite {
    fn from(overwrite: Overwrite) -> Self {
        match overwrite {
            Overwrite::Always => Self::Always,
            Overwrite::IfDifferent => Self::IfDifferent,
            Overwrite::Never => Self::Never,
        }
    }
}

impl UploadArgs {
    /// The sources, and the address behind them.
    pub(crate) fn split(&self) -> Option<(&[PathBuf], &str)> {
        let (destination, sources) = self.places.split_last()?;
        Some((sources, destination.to_str()?))
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it must look like `name=value`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_parse() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("=x").is_err());
        assert!(pair("x").is_err());
    }
}
