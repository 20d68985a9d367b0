//! One module a command.

mod actions;
mod completions;
mod cp;
mod demo;
mod doctor;
mod download;
mod key;
mod lab;
mod ls;
mod man;
mod many;
mod moving;
mod policy;
mod rekey;
mod replication;
mod rm;
mod sent;
mod sync;
mod upload;
mod uses;
mod verify;

use crate::args::{Arguments, Command};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::Terminal;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) settings: Settings,
    pub(crate) terminal: Terminal,
}

/// Runs the command that was asked for.
pub(crate) async fn run(arguments: Arguments, terminal: Terminal) -> Result<Exit, Failure> {
    let settings = match &arguments.command {
        Command::Completions { shell } => return completions::run(*shell),
        Command::Man { out } => return man::run(out.as_deref()),
        _ => Settings::load(&arguments.global)?,
    };
    let finds = matches!(&arguments.command, Command::Doctor(_))
        || matches!(&arguments.command, Command::Policy(policy) if policy.finds());
    if terminal.is_sarif() && !finds {
        return Err(Failure::new(Exit::Usage, "only findings can be printed as SARIF")
            .hint("`keyferry doctor` and `keyferry policy check` have findings; --output json is for all commands"));
    }
    let invocation = Invocation { settings, terminal };
    match arguments.command {
        Command::Demo(arguments) => demo::run(&invocation, arguments).await,
        Command::Lab(arguments) => lab::run(&invocation, arguments).await,
        Command::Key(arguments) => key::run(&invocation, arguments.command).await,
        Command::Upload(arguments) => upload::run(&invocation, arguments).await,
        Command::Download(arguments) => download::run(&invocation, arguments).await,
        Command::Cp(arguments) => cp::run(&invocation, arguments).await,
        Command::Sync(arguments) => sync::run(&invocation, arguments).await,
        Command::Ls(arguments) => ls::run(&invocation, arguments).await,
        Command::Rm(arguments) => rm::run(&invocation, arguments).await,
        Command::Verify(arguments) => verify::run(&invocation, arguments).await,
        Command::Doctor(arguments) => doctor::run(&invocation, arguments).await,
        Command::Rekey(arguments) => rekey::run(&invocation, arguments).await,
        Command::Policy(arguments) => policy::run(&invocation, arguments.command).await,
        Command::Completions { shell } => completions::run(shell),
        Command::Man { out } => man::run(out.as_deref()),
    }
}
