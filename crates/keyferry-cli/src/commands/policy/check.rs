//! `keyferry policy check`

mod given;

use keyferry_policy::check::{Finding, Installed, check, sarif};

use super::plan;
use crate::args::{CheckArgs, CheckFormat};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::live;
use crate::terminal::findings::{self, exit};
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
    let nothing = "Nothing found: every call that replication needs is allowed, and no other.";
    match arguments.format {
        _ if terminal.is_sarif() => terminal.json(&sarif(findings, env!("CARGO_PKG_VERSION"))),
        Some(CheckFormat::Sarif) => terminal.json(&sarif(findings, env!("CARGO_PKG_VERSION"))),
        None if terminal.is_text() => {
            terminal.print(findings::of(findings, width().min(80), nothing))
        }
        None => terminal.json_list(findings),
    }
}
