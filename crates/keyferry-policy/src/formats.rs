//! A plan in the forms in which people install it.
//!
//! Every format says the same: the documents of the plan, as [`Documents`] has them. What differs is
//! who installs them. All are pure text, and the same plan gives the same bytes.

mod cloudformation;
mod json;
mod labels;
mod shell;
mod terraform;
mod tree;

use crate::{Documents, ReplicationPlan, Site};

/// The inline policy of a role that holds its permissions: one name, whoever installs it.
pub const INLINE_POLICY: &str = "keyferry-replication";

/// A form that documents can be written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// One file for each document, in the shape the AWS CLI takes.
    #[default]
    Json,
    /// One Terraform configuration.
    Terraform,
    /// One CloudFormation template for each account and region.
    CloudFormation,
    /// A shell script that calls the AWS CLI.
    Cli,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Json, Self::Terraform, Self::CloudFormation, Self::Cli];

    /// The name in flags and folders.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Terraform => "terraform",
            Self::CloudFormation => "cloudformation",
            Self::Cli => "cli",
        }
    }
}

/// A file of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmittedFile {
    /// Its name, without a folder.
    pub name: String,
    /// What is in it, with a line break at the end.
    pub text: String,
    /// Whether it is meant to be run.
    pub executable: bool,
}

impl EmittedFile {
    fn new(name: impl Into<String>, text: String) -> Self {
        Self {
            name: name.into(),
            text,
            executable: false,
        }
    }
}

/// The documents of a plan as files.
#[must_use]
pub fn emit(plan: &ReplicationPlan, format: Format) -> Vec<EmittedFile> {
    let documents = Documents::of(plan);
    match format {
        Format::Json => json::files(&documents),
        Format::Terraform => terraform::files(plan, &documents),
        Format::CloudFormation => cloudformation::files(plan, &documents),
        Format::Cli => shell::files(plan, &documents),
    }
}

/// What replicates where, a line for each direction, for the heads of files.
fn summary(plan: &ReplicationPlan) -> Vec<String> {
    plan.flows()
        .iter()
        .map(|flow| {
            format!(
                "{} to {}, {}",
                place(flow.source),
                place(flow.destination),
                flow.source.encryption.kind().title()
            )
        })
        .collect()
}

fn place(site: &Site) -> String {
    format!("{} ({}, {})", site.bucket, site.region, site.account)
}

/// The policies for people, which are no part of replication.
fn user_policy_name(kind: crate::documents::Kind, site: &Site) -> String {
    format!("s3-replication-{}-{}", kind.as_str(), site.bucket)
}
