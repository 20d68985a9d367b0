//! The `keyferry` command: parses, runs, exits.

mod args;
mod aws;
mod commands;
mod exit;
mod failure;
mod find_key;
mod hardening;
mod interrupt;
mod keys;
mod logging;
mod replica;
mod secret_input;
mod settings;
mod setup;
mod terminal;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use args::Arguments;
use exit::Exit;
use failure::{Context, Failure};
use terminal::Terminal;

fn main() -> ExitCode {
    hardening::forbid_core_dumps();
    let arguments = Arguments::parse();
    let terminal = Terminal::new(&arguments.global);
    match run(arguments, terminal) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.fail(&failure);
            failure.exit().into()
        }
    }
}

fn run(arguments: Arguments, terminal: Terminal) -> Result<Exit, Failure> {
    logging::start(arguments.global.verbose)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start", "the async runtime")?;
    let ended = runtime.block_on(commands::run(arguments, terminal));
    // Files that are being removed get their moment; a read of standard input that nobody waits for
    // any more must not keep the process alive.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}
