//! `keyferry completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn run(shell: Shell) -> Result<Exit, Failure> {
    let mut command = Arguments::command();
    clap_complete::generate(shell, &mut command, "keyferry", &mut std::io::stdout());
    Ok(Exit::Done)
}
