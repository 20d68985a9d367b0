//! Arguments of `keyferry rm`.

use clap::Args;

use super::FilterArgs;

/// `keyferry rm`
#[derive(Debug, Args)]
#[command(after_help = "\
In a bucket that keeps versions, an object that is removed gets a delete marker and its versions stay: \
removing the marker brings it back. --version-id and --versions destroy, and no replication repeats \
that in the other region.")]
pub(crate) struct RmArgs {
    /// What to remove: s3://BUCKET/KEY, or with --recursive s3://BUCKET/PREFIX, which is taken literally.
    pub(crate) address: String,
    /// All objects whose keys begin so.
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Only this version, or delete marker, for good.
    #[arg(long, value_name = "ID", conflicts_with_all = ["recursive", "versions"])]
    pub(crate) version_id: Option<String>,
    /// All versions and delete markers, for good.
    #[arg(long)]
    pub(crate) versions: bool,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Also versions that Object Lock holds in governance mode, where that is permitted.
    #[arg(long)]
    pub(crate) bypass_governance: bool,
    /// Only say what would be removed.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
}
