//! Arguments of `keyferry demo` and `keyferry lab`.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Subcommand, ValueEnum};
use keyferry_policy::BucketName;

/// `keyferry demo`
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// File to upload; 64 MiB of random bytes when it is left out.
    pub(crate) file: Option<PathBuf>,
    /// Size of the random file.
    #[arg(long, default_value = "64MiB", conflicts_with = "file")]
    pub(crate) size: ByteSize,
    /// What to show.
    #[arg(long, default_value = "object")]
    pub(crate) story: StoryArg,
}

/// What a demo shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoryArg {
    /// An object on its way: uploaded, replicated, verified, downloaded.
    Object,
    /// What replication needs: each encryption set up, one permission taken away, given back.
    Permissions,
}

/// `keyferry lab`
#[derive(Debug, Args)]
pub(crate) struct LabArgs {
    #[command(subcommand)]
    pub(crate) command: LabCommand,
}

/// The commands below `keyferry lab`.
#[derive(Debug, Subcommand)]
pub(crate) enum LabCommand {
    /// Serve both regions until interrupted; prints shell exports for the clients.
    Up(UpArgs),
    /// Break replication in a running lab, to see what becomes of it; without FAULT, say what is broken.
    Fault(FaultArgs),
}

/// `keyferry lab fault`
#[derive(Debug, Args)]
pub(crate) struct FaultArgs {
    /// What goes wrong with what is replicated from now on.
    pub(crate) fault: Option<FaultKind>,
    /// How long each version waits; for `delay`.
    #[arg(long = "for", value_name = "TIME", value_parser = super::verify::duration, required_if_eq("fault", "delay"))]
    pub(crate) time: Option<Duration>,
    /// Only what is replicated from this bucket.
    #[arg(long)]
    pub(crate) bucket: Option<BucketName>,
    /// Folder of the lab; `lab up` exports it.
    #[arg(long, value_name = "DIR", env = "KEYFERRY_LAB_DIR")]
    pub(crate) dir: PathBuf,
}

/// What goes wrong in the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FaultKind {
    /// Versions stay PENDING for a while.
    Delay,
    /// Versions stay PENDING until the fault is cleared.
    Stall,
    /// Replication ends as FAILED.
    Fail,
    /// Replicas get wrong bytes, while size, ETag, checksums and version id are right.
    Corrupt,
    /// Nothing: what was broken is mended.
    Clear,
}

/// `keyferry lab up`
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Keep the lab's data in this folder. Without it, a temporary one is removed at the end.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// First of two ports to listen on; any free ones when it is left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..65535))]
    pub(crate) port: Option<u16>,
    /// A further account, by its 12 digits; may be given several times. Its access key is exported as
    /// `LAB_ACCESS_KEY_<ID>` and `LAB_SECRET_KEY_<ID>`.
    #[arg(long = "other-account", value_name = "ID")]
    pub(crate) other_accounts: Vec<String>,
    /// Make no buckets. Otherwise there are two, `lab-tokyo` and `lab-osaka`, which replicate both
    /// ways and allow SSE-C.
    #[arg(long)]
    pub(crate) empty: bool,
}
