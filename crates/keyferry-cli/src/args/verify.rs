//! Arguments of `keyferry verify`, and of the verification behind other commands.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use keyferry_verify::{EventsError, FailureQueue};

use clap::{Args, ValueEnum};

use super::{KeySource, ReplicaArgs};

/// `keyferry verify`
#[derive(Debug, Args)]
#[command(override_usage = "keyferry verify [OPTIONS] s3://BUCKET/KEY\n       \
                      keyferry verify [OPTIONS] [-r] s3://BUCKET/PREFIX\n       \
                      keyferry verify [OPTIONS] --receipt FILE...")]
pub(crate) struct VerifyArgs {
    /// Object to verify: s3://BUCKET/KEY. A bucket alone, or a key that ends in `/`, stands for all
    /// below it.
    #[arg(
        required_unless_present = "receipt",
        conflicts_with = "receipt",
        value_name = "S3-ADDRESS"
    )]
    pub(crate) source: Option<String>,
    /// Take the key for a prefix, although it does not end in `/`.
    #[arg(short, long, visible_alias = "prefix", conflicts_with = "receipt")]
    pub(crate) recursive: bool,
    /// Receipts that uploads wrote, one or many in a file; `-` for standard input. Repeat for more files.
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Vec<PathBuf>,
    /// Key it is encrypted under: a ring (all of its keys are tried), a key id, file:PATH, fd:N or
    /// env:NAME. Found by itself when it is left out; objects under no customer key are verified, too.
    #[arg(long, env = "KEYFERRY_KEY", hide_env_values = true)]
    pub(crate) key: Option<KeySource>,
    /// Version to verify; the current one when it is left out.
    #[arg(long, value_name = "ID", conflicts_with_all = ["receipt", "all_versions", "recursive"])]
    pub(crate) version_id: Option<String>,
    /// All versions, with delete markers.
    #[arg(long, conflicts_with = "receipt")]
    pub(crate) all_versions: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// What --level deep reads: both sides, or the replica only, to compare it with a receipt's SHA-256.
    #[arg(long, default_value = "both")]
    pub(crate) read: Read,
    /// Both directions: what came by replication is verified from the bucket that it came from.
    #[arg(long, conflicts_with = "receipt")]
    pub(crate) both_ways: bool,
    /// Say nothing of versions that only the replica's bucket has.
    #[arg(long, conflicts_with = "receipt")]
    pub(crate) ignore_extra: bool,
    /// Remember in this file how far a run is; the same command goes on from there. It is removed at the
    /// end.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Write a report to this file, too: .html (one page to read), .xml (JUnit, for CI), .ndjson, .json or
    /// .txt, by its name. Repeat for more.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    /// Then have what failed replicated anew, after asking. `copy`, the default: each object is copied onto
    /// itself under its key, and its new version replicates. `manifest=FILE`: the list is written for S3
    /// Batch Replication, and the command that runs it is printed.
    #[arg(
        long,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "copy"
    )]
    pub(crate) repair: Option<Repair>,
    /// Repair without asking.
    #[arg(short, long, requires = "repair")]
    pub(crate) yes: bool,
    /// Objects looked at at once.
    #[arg(long, value_name = "N", default_value = "16")]
    pub(crate) concurrency: NonZeroUsize,
}

/// How what failed is replicated anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Repair {
    /// Each object is copied onto itself.
    Copy,
    /// By S3 Batch Replication, from a manifest in this file.
    Manifest(PathBuf),
}

impl FromStr for Repair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            None if text == "copy" => Ok(Self::Copy),
            Some(("manifest", file)) if !file.is_empty() => Ok(Self::Manifest(file.into())),
            _ => Err("it must be `copy` or `manifest=FILE`".to_owned()),
        }
    }
}

/// How long and how hard to look at the other region.
#[derive(Debug, Clone, Args)]
pub(crate) struct WaitArgs {
    /// How long to wait for replication: 30s, 15m, 1h.
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = duration)]
    pub(crate) wait: Duration,
    /// How hard to look.
    #[arg(long, default_value = "equal")]
    pub(crate) level: Level,
    /// Read both sides and compare them byte by byte; the same as --level deep.
    #[arg(long, conflicts_with = "level")]
    pub(crate) deep: bool,
    /// Which objects to ask for without the key and with another key: both sides must refuse. An object by
    /// itself is always asked for so.
    #[arg(long, default_value = "sample")]
    pub(crate) probe: Probe,
    /// The same as --probe none.
    #[arg(long, conflicts_with = "probe")]
    pub(crate) no_probe: bool,
    /// SQS queue that S3 sends its events of failed replication to: they have the exact reason. Messages
    /// are read and left in the queue.
    #[arg(long, value_name = "SQS-URL", value_parser = queue)]
    pub(crate) events: Option<Arc<FailureQueue>>,
    #[command(flatten)]
    pub(crate) replica: ReplicaArgs,
}

/// How hard verification looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// What S3 says of replication.
    Status,
    /// Version, size, checksum, key, metadata, tags and lock on both sides.
    Equal,
    /// All that, and samples read from both sides: across the boundaries of parts, and at random places.
    Sample,
    /// All that, and every byte read from both sides.
    Deep,
}

/// Which objects are asked for without their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Probe {
    /// All of them.
    All,
    /// The first of each bucket, and some after them.
    Sample,
    /// None.
    None,
}

/// What --level deep reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Read {
    /// Both sides.
    Both,
    /// The replica.
    Replica,
}

impl WaitArgs {
    /// How hard to look.
    pub(crate) fn level(&self) -> keyferry_verify::Level {
        match self.level {
            _ if self.deep => keyferry_verify::Level::Deep,
            Level::Status => keyferry_verify::Level::Status,
            Level::Equal => keyferry_verify::Level::Equal,
            Level::Sample => keyferry_verify::Level::Sample,
            Level::Deep => keyferry_verify::Level::Deep,
        }
    }

    /// Which objects to ask for without their key.
    pub(crate) fn probe(&self) -> keyferry_verify::ProbeScope {
        match self.probe {
            _ if self.no_probe => keyferry_verify::ProbeScope::None,
            Probe::All => keyferry_verify::ProbeScope::All,
            Probe::Sample => keyferry_verify::ProbeScope::Sample,
            Probe::None => keyferry_verify::ProbeScope::None,
        }
    }
}

impl From<Read> for keyferry_verify::ReadSides {
    fn from(read: Read) -> Self {
        match read {
            Read::Both => Self::Both,
            Read::Replica => Self::Replica,
        }
    }
}

/// The URL of a queue.
fn queue(url: &str) -> Result<Arc<FailureQueue>, EventsError> {
    url.parse().map(Arc::new)
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "it must look like `30s`, `15m` or `1h`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_repair_parse() {
        assert_eq!("copy".parse(), Ok(Repair::Copy));
        assert_eq!("manifest=a=b".parse(), Ok(Repair::Manifest("a=b".into())));
        for bad in ["", "manifest", "manifest=", "copies", "copy=x"] {
            assert!(bad.parse::<Repair>().is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_parse() {
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("-5s").is_err());
        assert!(duration("soon").is_err());
    }
}
