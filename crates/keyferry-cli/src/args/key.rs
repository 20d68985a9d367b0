//! Arguments of `keyferry key`.

mod destroy;
mod export;
mod import;
mod life;
mod log;
mod unlock_with;
mod usage;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

pub(crate) use export::{Client, ExportArgs, ExportTarget};
pub(crate) use import::{ImportArgs, Md5Argument, ObjectVersion, looks_like_a_key};
pub(crate) use log::{LogArgs, LogCommand};

pub(crate) use destroy::DestroyArgs;
pub(crate) use life::{ActivateArgs, CheckStoreArgs, CompromiseArgs, RetireArgs};
pub(crate) use unlock_with::{OpenerSpec, UnlockWithArgs, UnlockWithCommand};

pub(crate) use usage::UsageArgs;

/// `keyferry key`
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

/// The commands below `keyferry key`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make an empty key store.
    Init {
        /// Protect the store by file permissions alone, for machines without a person.
        #[arg(long)]
        no_passphrase: bool,
    },
    /// Make a key in a ring; the ring is made with it.
    New {
        /// Name of the ring: what the key is for.
        ring: String,
        /// Do not put the key to use yet, so that it can be backed up first.
        #[arg(long)]
        pending: bool,
    },
    /// Put a pending key to use: it takes the place of its ring's active one.
    Activate(ActivateArgs),
    /// Make a new key take the place of a ring's active one, which from then on only decrypts.
    Rotate {
        /// Name of the ring.
        ring: String,
    },
    /// Make a ring's active key decrypt-only, without a new one.
    Retire(RetireArgs),
    /// Note that others know a key: it opens what it encrypted, and encrypts nothing new.
    Compromise(CompromiseArgs),
    /// Destroy a key that nothing needs any more: first schedule it, later do it.
    Destroy(DestroyArgs),
    /// Prove the store: every file, every key, the journal. Changes nothing unless told to.
    Check(CheckStoreArgs),
    /// List the keys. Needs no passphrase and shows no secret.
    List {
        /// Only this ring.
        ring: Option<String>,
    },
    /// Show one key's particulars. Shows no secret.
    Show {
        /// Key id, or a ring for its active key.
        key: String,
    },
    /// Take in a key that you already have.
    Import(ImportArgs),
    /// Write a key as 32 raw bytes, for `aws s3 cp --sse-c-key fileb://FILE` and others.
    Export(ExportArgs),
    /// Print the request headers of a key, for `curl -H @FILE`. They hold the key.
    Headers {
        /// Key id, or a ring for its active key.
        key: String,
        /// The headers for a copy's source instead.
        #[arg(long)]
        copy_source: bool,
    },
    /// Say who can open the key store: add, remove and list openers.
    UnlockWith(UnlockWithArgs),
    /// Show who did what with the keys, and when; or prove that nothing in it was changed.
    Log(LogArgs),
    /// Say which objects need which key: by asking S3 or, without an address, as recorded.
    Usage(UsageArgs),
}

/// Where a transfer takes its key from. Never the key itself: arguments are visible to everyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// A key id, or a ring of the store for its active key.
    Store(String),
    /// A file, decoded by the import rules.
    File(PathBuf),
    /// A file descriptor.
    Descriptor(u32),
    /// An environment variable.
    Environment(String),
    /// What was given looks like a key. It is dropped at once: an error of the argument parser would
    /// print it.
    LooksLikeAKey,
}

/// Text that names no place for a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParseKeySourceError {
    #[error("`fd:` must be followed by the number of a file descriptor")]
    Descriptor,
    #[error("a place must follow `{0}:`")]
    Empty(&'static str),
}

impl FromStr for KeySource {
    type Err = ParseKeySourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if looks_like_a_key(text) {
            return Ok(Self::LooksLikeAKey);
        }
        let place = |scheme: &'static str| text.strip_prefix(scheme)?.strip_prefix(':');
        let filled = |scheme, place: &str| match place {
            "" => Err(ParseKeySourceError::Empty(scheme)),
            place => Ok(place.to_owned()),
        };
        if let Some(path) = place("file") {
            Ok(Self::File(filled("file", path)?.into()))
        } else if let Some(name) = place("env") {
            Ok(Self::Environment(filled("env", name)?))
        } else if let Some(number) = place("fd") {
            number
                .parse()
                .map(Self::Descriptor)
                .map_err(|_| ParseKeySourceError::Descriptor)
        } else {
            Ok(Self::Store(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_parse() {
        let parse = |text: &str| text.parse::<KeySource>().unwrap();
        assert_eq!(parse("backup"), KeySource::Store("backup".into()));
        assert_eq!(parse("file:/k"), KeySource::File("/k".into()));
        assert_eq!(parse("fd:3"), KeySource::Descriptor(3));
        assert_eq!(parse("env:KEY"), KeySource::Environment("KEY".into()));
    }

    #[test]
    fn keys_on_the_command_line_are_dropped() {
        for text in [
            "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
            "c0ffeec0ffeec0ffeec0ffeec0ffeec0",
        ] {
            assert_eq!(text.parse::<KeySource>().unwrap(), KeySource::LooksLikeAKey);
        }
        assert!("fd:x".parse::<KeySource>().is_err());
        assert!("file:".parse::<KeySource>().is_err());
    }
}
