//! Arguments of `keyferry policy diagram`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::PlanArgs;

/// `keyferry policy diagram`
#[derive(Debug, Args)]
pub(crate) struct DiagramArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// How to draw it [default: what the name of --out ends in, else svg].
    #[arg(long)]
    pub(crate) format: Option<DiagramFormat>,
    /// File to write instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Formats of a diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiagramFormat {
    /// A picture that stands for itself.
    Svg,
    /// A flowchart for Markdown pages.
    Mermaid,
}
