//! Arguments of `keyferry cp`.

use clap::Args;

use super::MovingArgs;

/// `keyferry cp`
#[derive(Debug, Args)]
#[command(after_help = "\
From bucket to bucket the server copies, and is given both keys: that of the source, which is found by \
itself, and the one to encrypt the copy under. Metadata, tags, headers and storage class come along; \
locks and access control lists do not. Where the server cannot copy, the content goes through this \
machine's memory. With a file on one side this is `keyferry upload` or `keyferry download`.")]
pub(crate) struct CpArgs {
    /// What to copy: s3://BUCKET/KEY, or with --recursive s3://BUCKET/FOLDER/.
    pub(crate) source: String,
    /// Where to: s3://BUCKET/KEY. A bucket alone, or a key that ends in `/`, gets the object's name.
    pub(crate) destination: String,
    /// All objects in the folder, each under its name in it.
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Version to copy; the current one when it is left out.
    #[arg(long, value_name = "ID", conflicts_with = "recursive")]
    pub(crate) version_id: Option<String>,
    #[command(flatten)]
    pub(crate) moving: MovingArgs,
}
