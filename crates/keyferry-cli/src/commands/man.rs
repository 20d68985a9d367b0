//! `keyferry man`: manual pages.

use std::path::Path;

use clap::CommandFactory;

use crate::args::Arguments;
use crate::exit::Exit;
use crate::failure::{Context, Failure};

pub(super) fn run(out: Option<&Path>) -> Result<Exit, Failure> {
    let command = Arguments::command();
    match out {
        Some(folder) => {
            std::fs::create_dir_all(folder).context("make", folder.display())?;
            clap_mangen::generate_to(command, folder)
                .context("write manual pages to", folder.display())?;
        }
        None => clap_mangen::Man::new(command)
            .render(&mut std::io::stdout())
            .context("write", "the manual page")?,
    }
    Ok(Exit::Done)
}
