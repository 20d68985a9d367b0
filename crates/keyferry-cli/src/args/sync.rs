//! Arguments of `keyferry sync`.

use clap::{Args, ValueEnum};

use super::MovingArgs;

/// `keyferry sync`
#[derive(Debug, Args)]
#[command(after_help = "\
Names are compared below the two folders or prefixes. What is on one side only, or has another size, \
is copied without a further look. For the rest the object's checksum is asked for, with its key, which \
is found by itself, and files are read to be summed; an object under another key than the one to \
encrypt under is sent again. Entity tags of objects under customer keys say nothing of their content \
and are not used.")]
pub(crate) struct SyncArgs {
    /// What to copy: a folder, or s3://BUCKET/PREFIX.
    pub(crate) source: String,
    /// What to make like it: a folder, or s3://BUCKET/PREFIX.
    pub(crate) destination: String,
    /// Remove from the destination what the source does not have. What would be removed is shown
    /// first, and asked about.
    #[arg(long)]
    pub(crate) delete: bool,
    /// What makes two things of one name and size the same.
    #[arg(long, value_enum, default_value = "checksum", value_name = "HOW")]
    pub(crate) compare: Compare,
    /// The same as --compare size.
    #[arg(long, conflicts_with = "compare")]
    pub(crate) size_only: bool,
    /// Upload what symbolic links in the folder lead to. Without it, links are skipped.
    #[arg(long)]
    pub(crate) follow_symlinks: bool,
    #[command(flatten)]
    pub(crate) moving: MovingArgs,
    /// Do not ask before removing.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// What makes two things of one name and size the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compare {
    /// Checksum and key.
    Checksum,
    /// The destination is not older. No object is asked for, and no file read.
    Time,
    /// Nothing more. No object is asked for, and no file read.
    Size,
}

impl SyncArgs {
    /// What makes two things the same.
    pub(crate) fn how(&self) -> Compare {
        match self.size_only {
            true => Compare::Size,
            false => self.compare,
        }
    }
}
