//! `keyferry man`: manual pages.

use std::path::Path;

use crate::args::Arguments;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::terminal::write_all;

pub(super) fn run(out: Option<&Path>) -> Result<Exit, Failure> {
    let command = Arguments::command_line();
    match out {
        Some(folder) => {
            std::fs::create_dir_all(folder).context("make", folder.display())?;
            clap_mangen::generate_to(command, folder)
                .context("write manual pages to", folder.display())?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command)
                .render(&mut page)
                .context("write", "the manual page")?;
            write_all(&page)?;
        }
    }
    Ok(Exit::Done)
}
