//! Arguments of `keyferry policy apply`.

use clap::Args;

use super::PlanArgs;

/// `keyferry policy apply`
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) other: OtherAccountArgs,
    /// Make the buckets of the plan that do not exist.
    #[arg(long)]
    pub(crate) create_buckets: bool,
    /// Let the plan's role take over from another one that a replication configuration has: one role
    /// serves all rules of a bucket.
    #[arg(long)]
    pub(crate) replace_role: bool,
    /// Show what would change, and change nothing.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Do not ask before changing anything.
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
}

/// Credentials of a second account.
#[derive(Debug, Clone, Args)]
pub(crate) struct OtherAccountArgs {
    /// Profile with the credentials of the destination's account, where it is another than the
    /// source's.
    #[arg(long, value_name = "NAME")]
    pub(crate) destination_profile: Option<String>,
}
