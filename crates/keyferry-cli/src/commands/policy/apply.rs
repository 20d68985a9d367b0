//! `keyferry policy apply`: brings AWS to a plan.

use keyferry_live::{
    Change, CompareOptions, LineKind, Observer, ServiceError, apply, compare, read,
};
use keyferry_policy::check::{Level, check};

use super::plan;
use crate::args::ApplyArgs;
use crate::commands::Invocation;
use crate::confirm::confirmed;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::{interrupt, live};

pub(super) async fn run(invocation: &Invocation, arguments: &ApplyArgs) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    // `--profile` names credentials here.
    let plan = plan::read(&arguments.plan, None)?;
    let connections = live::connections(&invocation.settings, &arguments.other, &plan).await?;
    connections.require_all(&plan)?;
    for identity in connections.identities() {
        terminal.say(format!("account {}: {}", identity.account, identity.arn));
    }
    let options = CompareOptions {
        create_buckets: arguments.create_buckets,
        replace_role: arguments.replace_role,
    };
    let found = read(&plan, &connections).await;
    let still_wrong = |installed| {
        let errors = check(&plan, installed)
            .into_iter()
            .filter(|finding| finding.level == Level::Error);
        errors.map(|finding| finding.message).collect::<Vec<_>>()
    };
    let changes = compare(&plan, &found, options).map_err(|refusals| live::refused(&refusals))?;
    if terminal.is_text() {
        show(terminal, &changes)?;
    }
    if changes.is_empty() || arguments.dry_run {
        report(terminal, &changes, 0)?;
        if changes.is_empty() {
            terminal.say("nothing to do: everything is as the plan says");
            return Ok(told(terminal, &still_wrong(&found.installed)));
        }
        terminal.say(format!("{}; nothing was changed", count(&changes)));
        return Ok(Exit::Done);
    }
    let cancel = interrupt::token(terminal)?;
    let question = format!("Make {}?", count(&changes));
    if !arguments.yes && !confirmed(question, &cancel, || nobody_to_ask(&changes)).await? {
        return Err(Failure::new(Exit::Failure, "nothing was changed"));
    }
    let applied = apply(&changes, &connections, &Told(terminal), &cancel).await?;
    terminal.say(format!("done: {} made and read back", count(&changes)));
    report(terminal, &changes, applied.changes)?;
    let now = read(&plan, &connections).await.installed;
    Ok(told(terminal, &still_wrong(&now)))
}

/// Tells what keeps replication from working though everything is as planned: what others have set,
/// such as a statement that denies.
fn told(terminal: Terminal, errors: &[String]) -> Exit {
    if errors.is_empty() {
        return Exit::Done;
    }
    let yellow = anstyle::AnsiColor::Yellow.on_default().bold();
    for error in errors {
        terminal.say(format!("{yellow}still wrong:{yellow:#} {error}"));
    }
    terminal.say("`keyferry policy check --live` says more");
    Exit::Findings
}

/// The changes as data, where data is asked for.
fn report(terminal: Terminal, changes: &[Change], applied: usize) -> Result<(), Failure> {
    if !terminal.is_text() {
        terminal.json(&serde_json::json!({"changes": changes, "applied": applied}))?;
    }
    Ok(())
}

fn count(changes: &[Change]) -> String {
    match changes.len() {
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    }
}

/// Each change with its diff.
fn show(terminal: Terminal, changes: &[Change]) -> Result<(), Failure> {
    let bold = anstyle::Style::new().bold();
    for change in changes {
        terminal.print(format!("{bold}{change}{bold:#}"))?;
        for line in change.diff() {
            let (style, mark) = match line.kind {
                LineKind::Kept => (anstyle::Style::new(), " "),
                LineKind::Removed => (anstyle::AnsiColor::Red.on_default(), "-"),
                LineKind::Added => (anstyle::AnsiColor::Green.on_default(), "+"),
                LineKind::Gap => (anstyle::AnsiColor::Cyan.on_default(), ""),
            };
            terminal.print(format!("{style}{mark}{}{style:#}", line.text))?;
        }
        terminal.print("")?;
    }
    Ok(())
}

fn nobody_to_ask(changes: &[Change]) -> Failure {
    Failure::new(
        Exit::Usage,
        format!(
            "nothing was changed: {} would be made, and nobody is there to ask",
            count(changes)
        ),
    )
    .hint("--yes makes them without asking, --dry-run only shows them")
}

/// Tells each step.
struct Told(Terminal);

impl Observer for Told {
    fn began(&self, _: &Change) {}

    fn waits(&self, change: &Change, why: &ServiceError) {
        self.0.say(format!("  waiting to {change}: {why}"));
    }

    fn done(&self, change: &Change) {
        let green = anstyle::AnsiColor::Green.on_default().bold();
        self.0.say(format!("{green}ok{green:#} {change}"));
    }
}
