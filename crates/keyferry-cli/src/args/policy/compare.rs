//! Arguments of `keyferry policy compare`.

use clap::{Args, ValueEnum};

use super::ProfileArg;
use super::plan::EncryptionArg;

/// `keyferry policy compare`
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Kinds of encryption to compare; all of them when none is named.
    #[arg(value_name = "ENCRYPTION")]
    pub(crate) encryptions: Vec<EncryptionArg>,
    /// Let the destination belong to another account.
    #[arg(long)]
    pub(crate) cross_account: bool,
    /// Replicate both ways.
    #[arg(long)]
    pub(crate) both_ways: bool,
    /// How much to grant: what AWS's page on encrypted objects asks for, or also what only some of
    /// its pages ask for.
    #[arg(long, value_name = "PROFILE", default_value = "minimal")]
    pub(crate) permissions: ProfileArg,
    /// How to lay it out.
    #[arg(long, default_value = "text")]
    pub(crate) format: CompareFormat,
}

/// Layouts of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// A table as wide as the terminal, or a list where it is too narrow.
    Text,
    /// A Markdown table.
    Markdown,
}
