//! Arguments of `keyferry policy`.

mod apply;
mod plan;

use clap::{Args, Subcommand};

pub(crate) use apply::{ApplyArgs, OtherAccountArgs};
pub(crate) use plan::{Place, PlanArgs, ProfileArg};

/// `keyferry policy`
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

/// The commands below `keyferry policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print or write every document that replication needs.
    Emit(EmitArgs),
    /// Bring AWS to the plan: show what changes, then change it.
    Apply(ApplyArgs),
}

/// `keyferry policy emit`
#[derive(Debug, Args)]
pub(crate) struct EmitArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Print the plan as a file for --plan, instead of the documents.
    #[arg(long)]
    pub(crate) print_plan: bool,
}
