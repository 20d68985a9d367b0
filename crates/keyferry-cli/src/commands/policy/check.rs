//! `keyferry policy check`

mod given;
mod text;

use keyferry_policy::check::{Finding, Installed, Level, check, sarif};

use super::plan;
use crate::args::{CheckArgs, CheckFormat, FailOn};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::live;
use crate::terminal::width;

pub(super) async fn run(invocation: &Invocation, arguments: &CheckArgs) -> Result<Exit, Failure> {
    let settings = &invocation.settings;
    // `--profile` names credentials where AWS is asked.
    let profile = settings.profile.as_deref().filter(|_| !arguments.live);
    let plan = plan::read(&arguments.plan, profile)?;
    let installed: Installed = if arguments.live {
        live::installed(invocation, &arguments.other, &plan).await?
    } else {
        given::read(&plan, &arguments.given)?
    };
    let findings = check(&plan, &installed);
    print(invocation, arguments, &findings)?;
    Ok(exit(&findings, arguments.fail_on))
}

fn print(
    invocation: &Invocation,
    arguments: &CheckArgs,
    findings: &[Finding],
) -> Result<(), Failure> {
    let terminal = &invocation.terminal;
    match arguments.format {
        Some(CheckFormat::Sarif) => terminal.json(&sarif(findings, env!("CARGO_PKG_VERSION"))),
        None if terminal.is_text() => terminal.print(text::of(findings, width().min(80))),
        None => terminal.json_list(findings),
    }
}

fn exit(findings: &[Finding], fail_on: FailOn) -> Exit {
    let least = match fail_on {
        FailOn::Error => Level::Error,
        FailOn::Warning => Level::Warning,
        FailOn::Note => Level::Note,
        FailOn::Never => return Exit::Done,
    };
    // Worse levels come first in order.
    if findings.iter().any(|finding| finding.level <= least) {
        Exit::Findings
    } else {
        Exit::Done
    }
}
