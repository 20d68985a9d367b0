//! `keyferry policy`: what replication needs, as documents.

mod apply;
mod check;
mod compare;
mod diagram;
mod emit;
mod explain;
mod plan;

use super::Invocation;
use crate::args::PolicyCommand;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) async fn run(invocation: &Invocation, command: PolicyCommand) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Apply(arguments) => apply::run(invocation, &arguments).await,
        PolicyCommand::Check(arguments) => check::run(invocation, &arguments).await,
        PolicyCommand::Emit(arguments) => emit::run(invocation, &arguments),
        PolicyCommand::Explain(arguments) => explain::run(invocation, &arguments),
        PolicyCommand::Compare(arguments) => compare::run(invocation, &arguments),
        PolicyCommand::Diagram(arguments) => diagram::run(invocation, &arguments),
    }
}
