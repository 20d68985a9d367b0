//! Arguments of `keyferry key activate`, `retire`, `compromise` and `check`.

use clap::Args;

/// `keyferry key activate`
#[derive(Debug, Args)]
pub(crate) struct ActivateArgs {
    /// Key id of a pending key.
    pub(crate) key: String,
}

/// `keyferry key retire`
#[derive(Debug, Args)]
pub(crate) struct RetireArgs {
    /// Name of the ring.
    pub(crate) ring: String,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// `keyferry key compromise`
#[derive(Debug, Args)]
pub(crate) struct CompromiseArgs {
    /// Key id, or a ring for its active key.
    pub(crate) key: String,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `keyferry key check`
#[derive(Debug, Args)]
pub(crate) struct CheckStoreArgs {
    /// Put right what can be without guessing: what interrupted writes left, a lost catalogue.
    #[arg(long)]
    pub(crate) repair: bool,
    /// Go on from an older state of the store although a newer one was seen here.
    #[arg(long)]
    pub(crate) accept_rollback: bool,
    /// Take the access of other users away from the store's files first.
    #[arg(long)]
    pub(crate) fix_permissions: bool,
}
