//! Options of transfers of many objects.

use std::num::NonZeroU64;

use bytesize::ByteSize;
use clap::Args;

use super::FilterArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// Which objects, and when to give up.
#[derive(Debug, Args)]
pub(crate) struct ManyArgs {
    /// All of a folder, or all below a prefix.
    #[arg(short, long)]
    pub(crate) recursive: bool,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
}

/// Which of many objects, and when to give up.
#[derive(Debug, Args)]
pub(crate) struct ChoiceArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Only say what would be transferred.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stop when so many objects have failed; without it, failures stop nothing.
    #[arg(long, value_name = "N")]
    pub(crate) max_errors: Option<NonZeroU64>,
    /// Memory for content on its way, of all objects together.
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    pub(crate) memory: ByteSize,
}

impl ManyArgs {
    /// Says so where an option makes sense for many objects only, and one was named.
    pub(crate) fn only_one(&self) -> Result<(), Failure> {
        let option = match &self.choice {
            ChoiceArgs { filter, .. } if !filter.rules().is_empty() => {
                "--include and --exclude choose"
            }
            ChoiceArgs {
                max_errors: Some(_),
                ..
            } => "--max-errors counts",
            _ => return Ok(()),
        };
        Err(Failure::new(
            Exit::Usage,
            format!("{option} among many objects, and only one is named"),
        )
        .hint("-r takes all of a folder, or all below a prefix"))
    }
}
