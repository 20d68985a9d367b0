//! `keyferry key check`: proves the store.

use keyferry_keystore::{CheckItem, CheckLevel, fix_permissions};

use crate::args::CheckStoreArgs;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::{keys, store_place};

pub(super) fn run(invocation: &Invocation, arguments: &CheckStoreArgs) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    if arguments.fix_permissions {
        let fixed = fix_permissions(&store_place::folder(&invocation.settings)?)?;
        for path in &fixed.changed {
            terminal.say(format!("closed `{}` to other users", path.display()));
        }
        if let Some(problem) = fixed.remaining.first() {
            return Err(Failure::new(Exit::Store, problem.to_string()).hint(problem.hint()));
        }
        if fixed
            .changed
            .iter()
            .any(|path| path.ends_with("identity.age"))
        {
            terminal.warn("others could read the store's identity: if they did, only its passphrase protects the keys");
        }
    }
    let mut store = keys::open_store(&invocation.settings, &terminal)?;
    if arguments.accept_rollback {
        store.accept_rollback()?;
    }
    if arguments.repair {
        store.refresh()?;
    }
    let items = store.check()?;
    if terminal.is_text() {
        for item in &items {
            terminal.print(line(item))?;
        }
    } else {
        terminal.json_list(&items)?;
    }
    Ok(verdict(terminal, &items))
}

fn line(item: &CheckItem) -> String {
    let (style, word) = match item.level {
        CheckLevel::Sound => (anstyle::AnsiColor::Green.on_default(), "ok"),
        CheckLevel::Warning => (anstyle::AnsiColor::Yellow.on_default(), "warning"),
        CheckLevel::Error => (anstyle::AnsiColor::Red.on_default(), "error"),
    };
    let hint = item
        .hint
        .as_ref()
        .map(|hint| format!("\n        {hint}"))
        .unwrap_or_default();
    format!("{style}{word:<7}{style:#} {}{hint}", item.message)
}

/// Errors are of the store; warnings are findings.
fn verdict(terminal: Terminal, items: &[CheckItem]) -> Exit {
    let of = |level| items.iter().filter(|item| item.level == level).count();
    match (of(CheckLevel::Error), of(CheckLevel::Warning)) {
        (0, 0) => {
            terminal.say("the store is sound");
            Exit::Done
        }
        (0, warnings) => {
            terminal.say(format!("every key opens; warnings to look at: {warnings}"));
            Exit::Findings
        }
        (errors, warnings) => {
            terminal.say(format!("{errors} errors, {warnings} warnings"));
            Exit::Store
        }
    }
}
