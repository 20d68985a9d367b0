//! Arguments of `keyferry key`.

mod destroy;
mod life;
mod unlock_with;

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use keyferry_key::KeyMd5;
use keyferry_key::import::Format;
use keyferry_transfer::ObjectAddress;

pub(crate) use destroy::DestroyArgs;
pub(crate) use life::{ActivateArgs, CheckStoreArgs, CompromiseArgs, RetireArgs};
pub(crate) use unlock_with::{OpenerSpec, UnlockWithArgs, UnlockWithCommand};

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
    Import {
        /// Name of the ring to put it in.
        ring: String,
        /// File that holds it; `-` for standard input.
        #[arg(required_unless_present_any = ["fd", "env"])]
        file: Option<PathBuf>,
        /// Read the key from this file descriptor.
        #[arg(long, value_name = "N", conflicts_with = "file")]
        fd: Option<u32>,
        /// Read the key from the environment variable of this name.
        #[arg(long, value_name = "NAME", conflicts_with_all = ["file", "fd"])]
        env: Option<String>,
        /// How it is written: auto, raw, hex, base64 or ascii32-strip.
        #[arg(long, default_value = "auto")]
        format: Format,
        /// Refuse the key unless this is its MD5 (base64).
        #[arg(long, value_name = "MD5")]
        md5: Option<KeyMd5>,
        /// Refuse the key unless it opens this object.
        #[arg(long, value_name = "S3://BUCKET/KEY")]
        verify: Option<ObjectAddress>,
        /// Only read existing objects with it; new ones keep the ring's active key. This is what
        /// happens anyway when the ring has an active key.
        #[arg(long)]
        decrypt_only: bool,
    },
    /// Write a key as 32 raw bytes, for `aws s3 cp --sse-c-key fileb://FILE` and others.
    Export {
        /// Key id, or a ring for its active key.
        key: String,
        /// New file to write; `-` for standard output.
        target: ExportTarget,
    },
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
}

/// Where an exported key goes.
#[derive(Debug, Clone)]
pub(crate) enum ExportTarget {
    /// Standard output.
    Stdout,
    /// A new file.
    File(PathBuf),
}

impl FromStr for ExportTarget {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "-" => Self::Stdout,
            path => Self::File(path.into()),
        })
    }
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
        if keyferry_key::import::decode(text.as_bytes(), Format::Auto).is_ok() {
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
