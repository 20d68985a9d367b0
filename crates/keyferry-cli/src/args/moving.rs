//! What `keyferry cp` and `sync` have in common.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;

use super::transfer::duration;
use super::{FilterArgs, KeySource, ReplicaAddress};

/// Which objects, under which key, and how.
#[derive(Debug, Args)]
pub(crate) struct MovingArgs {
    /// Ring to encrypt under; its active key is taken. The configured one when it is left out.
    #[arg(
        long,
        env = "KEYFERRY_KEY",
        hide_env_values = true,
        value_name = "RING"
    )]
    pub(crate) key: Option<KeySource>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Only say what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stop when so many objects have failed.
    #[arg(long, value_name = "N")]
    pub(crate) max_errors: Option<NonZeroU64>,
    /// Small objects under way at once; large ones count for up to eight.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Memory for content on its way.
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    pub(crate) memory: ByteSize,
    /// Do not ask the server to copy from bucket to bucket: send the content through this machine.
    #[arg(long)]
    pub(crate) through_here: bool,
    /// Encrypt although no tested backup holds the ring's key. Remembered: it is asked once a ring.
    #[arg(long)]
    pub(crate) accept_loss_risk: bool,
    /// Do not wait for replication of what was sent.
    #[arg(long, conflicts_with_all = ["wait", "replica"])]
    pub(crate) no_wait: bool,
    /// How long to wait for replication: 30s, 15m, 1h.
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = duration)]
    pub(crate) wait: Duration,
    /// The replica's bucket and region; from the replication configuration when it is left out.
    #[arg(long, value_name = "BUCKET@REGION")]
    pub(crate) replica: Option<ReplicaAddress>,
}
