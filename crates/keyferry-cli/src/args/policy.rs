//! Arguments of `keyferry policy`.

mod apply;
mod check;
mod compare;
mod diagram;
mod emit;
mod explain;
mod plan;

use clap::{Args, Subcommand};

pub(crate) use apply::{ApplyArgs, OtherAccountArgs};
pub(crate) use check::{CheckArgs, CheckFormat, FailOn, GivenArgs, GivenFile};
pub(crate) use compare::{CompareArgs, CompareFormat};
pub(crate) use diagram::{DiagramArgs, DiagramFormat};
pub(crate) use emit::EmitArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use plan::{Place, PlanArgs, ProfileArg};

/// `keyferry policy`
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

impl PolicyArgs {
    /// Whether what it prints are findings.
    pub(crate) fn finds(&self) -> bool {
        matches!(self.command, PolicyCommand::Check(_))
    }
}

/// The commands below `keyferry policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print or write every document that replication needs.
    Emit(EmitArgs),
    /// Say why each statement and setting is there, on which page, and what fails without it.
    Explain(ExplainArgs),
    /// Set the kinds of encryption side by side: permissions, settings, keys, cost.
    Compare(CompareArgs),
    /// Draw buckets, keys, roles and what each direction is allowed.
    Diagram(DiagramArgs),
    /// Bring AWS to the plan: show what changes, then change it.
    Apply(ApplyArgs),
    /// Check installed documents against a plan: what is denied, allowed beyond need, or set wrong.
    Check(Box<CheckArgs>),
}
