//! Arguments of `keyferry rekey`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use super::ReplicaArgs;
use super::verify::duration;

/// `keyferry rekey`
#[derive(Debug, Args)]
#[command(after_help = "\
S3 copies each object onto itself and is given both keys; content never comes to this machine. In a \
versioned bucket the old version stays, under its old key, until it is deleted. A run that was \
interrupted or killed is continued by the same command.")]
pub(crate) struct RekeyArgs {
    /// What to re-encrypt: s3://BUCKET for all of it, s3://BUCKET/FOLDER/ for what begins so, or
    /// s3://BUCKET/KEY for one object.
    pub(crate) target: String,
    /// Ring to encrypt under; its active key is taken.
    #[arg(long, env = "KEYFERRY_REKEY_TO", value_name = "RING")]
    pub(crate) to: String,
    /// Only objects under the keys of this ring, or under this key; repeat for more.
    #[arg(long, env = "KEYFERRY_REKEY_FROM", value_name = "RING|KEY")]
    pub(crate) from: Vec<String>,
    /// Only look: counts by key, requests and cost. Nothing is changed.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Price of 1,000 PUT, COPY and POST requests in USD, for the estimate of --dry-run.
    #[arg(long, value_name = "USD", requires = "dry_run")]
    pub(crate) price_per_1000: Option<f64>,
    /// Then list the old versions, the key of each, and the commands that delete them. An old
    /// version cannot be re-encrypted: versions never change, and a copy would become the current
    /// one.
    #[arg(long)]
    pub(crate) all_versions: bool,
    /// Also objects that are under no customer key.
    #[arg(long)]
    pub(crate) include_unencrypted: bool,
    /// Also objects that came by replication. Their new versions are replicas no longer.
    #[arg(long)]
    pub(crate) include_replicas: bool,
    /// Objects under way at once.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Re-encrypt although no tested backup holds the ring's key. Remembered: it is asked once a ring.
    #[arg(long)]
    pub(crate) accept_loss_risk: bool,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Do not wait for replication of the new versions.
    #[arg(long, conflicts_with_all = ["wait", "replica"])]
    pub(crate) no_wait: bool,
    /// How long to wait for replication: 30s, 15m, 1h.
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = duration)]
    pub(crate) wait: Duration,
    #[command(flatten)]
    pub(crate) replica: ReplicaArgs,
}
