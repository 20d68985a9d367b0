//! Arguments of `keyferry ls`.

use std::num::NonZeroUsize;

use clap::Args;

/// `keyferry ls`
#[derive(Debug, Args)]
#[command(after_help = "\
Times are in UTC. S3 lists neither keys nor replication, so --long asks for each object: one request \
where the key store has its key on record, otherwise one or two more for its tag. A key with a `?` is \
what a tag or record names, not proven: the key is not here, or does not open the object. Replication \
status comes only to those who have the key.")]
pub(crate) struct LsArgs {
    /// What to list: s3://BUCKET or s3://BUCKET/PREFIX, which is taken literally. All buckets when it is
    /// left out.
    pub(crate) address: Option<String>,
    /// All objects, however many slashes are in their keys.
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Age, version, customer key and replication status, too.
    #[arg(short, long)]
    pub(crate) long: bool,
    /// All versions and delete markers, not only what is current.
    #[arg(long)]
    pub(crate) versions: bool,
    /// Sizes in KiB, MiB, GiB.
    #[arg(long)]
    pub(crate) human_readable: bool,
    /// Count and add up at the end.
    #[arg(long)]
    pub(crate) summarize: bool,
    /// Objects that --long asks for at once.
    #[arg(long, value_name = "N", default_value = "16")]
    pub(crate) concurrency: NonZeroUsize,
}
