//! `keyferry policy diagram`

use keyferry_policy::diagram;

use super::plan;
use crate::args::{DiagramArgs, DiagramFormat};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::terminal;

pub(super) fn run(invocation: &Invocation, arguments: &DiagramArgs) -> Result<Exit, Failure> {
    let plan = plan::read(&arguments.plan, invocation.settings.profile.as_deref())?;
    let drawn = match arguments.format {
        DiagramFormat::Svg => diagram::svg(&plan),
        DiagramFormat::Mermaid => diagram::mermaid(&plan),
    };
    match &arguments.out {
        Some(path) => std::fs::write(path, drawn).context("write", path.display())?,
        None => terminal::write_all(drawn.as_bytes())?,
    }
    Ok(Exit::Done)
}
