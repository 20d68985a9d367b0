//! What `keyferry cp` and `sync` have in common.

use std::num::NonZeroUsize;

use clap::Args;

use super::{ChoiceArgs, KeySource, WaitArgs};

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
    pub(crate) choice: ChoiceArgs,
    /// Small objects under way at once; large ones count for up to eight.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Do not ask the server to copy from bucket to bucket: send the content through this machine.
    #[arg(long)]
    pub(crate) through_here: bool,
    /// Encrypt although no tested backup holds the ring's key. Remembered: it is asked once a ring.
    #[arg(long)]
    pub(crate) accept_loss_risk: bool,
    /// Do not wait for replication of what was sent.
    #[arg(long, conflicts_with_all = ["wait", "level", "deep", "probe", "no_probe", "replica"])]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}
