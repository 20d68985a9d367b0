//! Arguments of `keyferry policy emit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use keyferry_policy::formats::Format;

use super::PlanArgs;

/// `keyferry policy emit`
#[derive(Debug, Args)]
pub(crate) struct EmitArgs {
    /// The form to write the documents in.
    #[arg(long, value_enum, default_value_t = FormatArg::Json)]
    pub(crate) format: FormatArg,
    /// Write files into this folder, which is made if need be, instead of printing them.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace files in the folder that say something else.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Print the plan as a file for --plan, instead of the documents.
    #[arg(long, conflicts_with = "out")]
    pub(crate) print_plan: bool,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
}

/// Forms of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// One file for each document, in the shape the AWS CLI takes.
    Json,
    /// One Terraform configuration.
    Terraform,
    /// One CloudFormation template for each account and region.
    #[value(name = "cloudformation")]
    CloudFormation,
    /// A shell script that calls the AWS CLI.
    Cli,
}

impl From<FormatArg> for Format {
    fn from(argument: FormatArg) -> Self {
        match argument {
            FormatArg::Json => Self::Json,
            FormatArg::Terraform => Self::Terraform,
            FormatArg::CloudFormation => Self::CloudFormation,
            FormatArg::Cli => Self::Cli,
        }
    }
}
