//! `keyferry policy diagram`

use std::path::Path;

use keyferry_policy::diagram;

use super::plan;
use crate::args::{DiagramArgs, DiagramFormat};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::terminal;

pub(super) fn run(invocation: &Invocation, arguments: &DiagramArgs) -> Result<Exit, Failure> {
    let plan = plan::read(&arguments.plan, invocation.settings.profile.as_deref())?;
    let format = match arguments.format {
        Some(format) => format,
        None => by_name(arguments.out.as_deref())?,
    };
    let drawn = match format {
        DiagramFormat::Svg => diagram::svg(&plan),
        DiagramFormat::Mermaid => diagram::mermaid(&plan),
    };
    match &arguments.out {
        Some(path) => std::fs::write(path, drawn).context("write", path.display())?,
        None => terminal::write_all(drawn.as_bytes())?,
    }
    Ok(Exit::Done)
}

/// The format that a file's name asks for.
fn by_name(path: Option<&Path>) -> Result<DiagramFormat, Failure> {
    let extension = path
        .and_then(Path::extension)
        .and_then(|name| name.to_str());
    match extension {
        None | Some("svg") => Ok(DiagramFormat::Svg),
        Some("mmd" | "mermaid" | "md") => Ok(DiagramFormat::Mermaid),
        Some(other) => Err(Failure::new(
            Exit::Usage,
            format!("a diagram is SVG or Mermaid, and the file's name ends in `.{other}`"),
        )
        .hint("name it `.svg` or `.mmd`, or say --format")),
    }
}
