//! `keyferry completions`: a completion script for a shell.

use clap_complete::Shell;

use crate::args::Arguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::write_all;

pub(super) fn run(shell: Shell) -> Result<Exit, Failure> {
    let mut command = Arguments::command_line();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "keyferry", &mut script);
    write_all(&script)?;
    Ok(Exit::Done)
}
