//! `keyferry policy emit`

use keyferry_policy::Documents;

use super::plan;
use crate::args::EmitArgs;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn run(invocation: &Invocation, arguments: &EmitArgs) -> Result<Exit, Failure> {
    let plan = plan::read(&arguments.plan, invocation.settings.profile.as_deref())?;
    if arguments.print_plan {
        let text = plan
            .to_toml()
            .map_err(|error| Failure::from_error(Exit::Failure, &error))?;
        invocation.terminal.print(text.trim_end())?;
        return Ok(Exit::Done);
    }
    for document in &Documents::of(&plan) {
        invocation
            .terminal
            .print(format!("{}\n{}", document.file_name(), document.to_json()))?;
    }
    Ok(Exit::Done)
}
