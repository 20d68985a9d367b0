//! The `keyferry` command: parses, runs, exits.

mod args;
mod aws;
mod bucket_documents;
mod commands;
mod confirm;
mod exit;
mod failure;
mod find_key;
mod hardening;
mod inherited;
mod interrupt;
mod keys;
mod live;
mod logging;
mod opening;
mod replica;
mod resume;
mod secret_input;
mod settings;
mod store_keys;
mod store_place;
mod terminal;
#[cfg(any(feature = "vault", feature = "vault-kv"))]
mod vault;

use std::process::ExitCode;
use std::time::Duration;

use clap::FromArgMatches;

use args::Arguments;
use exit::Exit;
use failure::{Context, Failure};
use terminal::Terminal;

fn main() -> ExitCode {
    hardening::protect();
    // What panics has said so by itself.
    std::panic::catch_unwind(start).unwrap_or_else(|_| Exit::Failure.into())
}

fn start() -> ExitCode {
    inherited::take_secrets(&[secret_input::PASSPHRASE_VARIABLE]);
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(exit) => return exit.into(),
    };
    let terminal = Terminal::new(&arguments.global);
    match run(arguments, terminal) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.fail(&failure);
            failure.exit().into()
        }
    }
}

/// Reads the command line. clap prints help and errors; who asked for JSON gets the error so, too.
fn parse() -> Result<Arguments, Exit> {
    // Asked for by scripts, again and again; the whole command line takes longer to build than to run.
    if std::env::args_os().skip(1).eq(["--version"]) {
        let version = concat!("keyferry ", env!("CARGO_PKG_VERSION"), "\n");
        let _ = terminal::write_all(version.as_bytes());
        return Err(Exit::Done);
    }
    let read = Arguments::command_line()
        .try_get_matches()
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    read.map_err(|error| {
        // A pipe that nobody reads any more is no reason to fail.
        let _ = error.print();
        if !error.use_stderr() {
            return Exit::Done;
        }
        if wants_json() {
            let what = error.render().to_string();
            let failure = Failure::new(Exit::Usage, what.trim_start_matches("error: ").trim_end());
            let _ = terminal::write_all(format!("{}\n", failure.to_json()).as_bytes());
        }
        Exit::Usage
    })
}

/// Whether JSON was asked for, on a command line that could not be read.
fn wants_json() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let typed = arguments
        .iter()
        .zip(arguments.iter().skip(1))
        .any(|(option, value)| option == "--output" && value != "text")
        || arguments
            .iter()
            .any(|argument| argument.starts_with("--output=") && argument != "--output=text");
    typed || std::env::var("KEYFERRY_OUTPUT").is_ok_and(|output| output != "text")
}

fn run(arguments: Arguments, terminal: Terminal) -> Result<Exit, Failure> {
    logging::start(arguments.global.verbose)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start", "the async runtime")?;
    if arguments.command.handles_keys() {
        hardening::lock_memory();
    }
    let ended = runtime.block_on(commands::run(arguments, terminal));
    // Files that are being removed get their moment; a read of standard input that nobody waits for
    // any more must not keep the process alive.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}
