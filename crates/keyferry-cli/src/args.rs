//! What was typed: the command line, as clap reads it.
//!
//! Every option has an environment variable `KEYFERRY_*`. What the options mean together with the
//! configuration file is settled in [`crate::settings`].

mod cp;
mod doctor;
mod filter;
mod key;
mod lab;
mod ls;
mod many;
mod moving;
mod policy;
mod rekey;
mod replica;
mod rm;
mod secret_place;
mod sync;
mod transfer;
mod verify;

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use keyferry_keystore::OpenerName;

pub(crate) use cp::CpArgs;
pub(crate) use doctor::DoctorArgs;
pub(crate) use filter::FilterArgs;
pub(crate) use key::{
    ActivateArgs, BackupArgs, BackupPlace, CheckStoreArgs, Client, CompromiseArgs, DestroyArgs,
    ExportArgs, ExportTarget, ImportArgs, KeyArgs, KeyCommand, KeySource, LogArgs, LogCommand,
    Md5Argument, ObjectVersion, OpenerArgs, OpenerSpec, ProtectionArgs, RecipientArg,
    RecoverySheetArgs, RestoreArgs, RestoreIdentityArgs, RetireArgs, SharesArgs, SheetFormat,
    UnlockWithCommand, UsageArgs, looks_like_a_key,
};
pub(crate) use lab::{DemoArgs, FaultArgs, FaultKind, LabArgs, LabCommand, StoryArg, UpArgs};
pub(crate) use ls::LsArgs;
pub(crate) use many::{ChoiceArgs, ManyArgs};
pub(crate) use moving::MovingArgs;
pub(crate) use policy::{
    ApplyArgs, CheckArgs, CheckFormat, CompareArgs, CompareFormat, DiagramArgs, DiagramFormat,
    EmitArgs, ExplainArgs, FailOn, GivenArgs, GivenFile, OtherAccountArgs, Place, PlanArgs,
    PolicyArgs, PolicyCommand, ProfileArg,
};
pub(crate) use rekey::RekeyArgs;
pub(crate) use replica::{ReplicaAddress, ReplicaArgs, ReplicaBucket};
pub(crate) use rm::RmArgs;
pub(crate) use secret_place::SecretPlace;
pub(crate) use sync::{Compare, SyncArgs};
pub(crate) use transfer::{DownloadArgs, From, Overwrite, UploadArgs};
pub(crate) use verify::{Repair, VerifyArgs, WaitArgs};

/// Move data in and out of Amazon S3 under keys that you alone hold, and prove that it arrived,
/// intact, in the other region.
#[derive(Debug, Parser)]
#[command(name = "keyferry", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done and verified, 1 failure, 2 usage, 3 transferred but \
    replication not confirmed in time, 4 replication failed or content differs, 5 wrong or unknown \
    key, 6 policy or preflight findings, 7 key store locked or damaged, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// The command line: every option of every command with its `KEYFERRY_*` variable, and switches
    /// that take what people write into variables: `1`, `yes`, `0`, `no`.
    pub(crate) fn command_line() -> clap::Command {
        with_variables(Self::command())
    }
}

fn with_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let variable = argument
                .get_long()
                .filter(|_| argument.get_env().is_none())
                .filter(|long| !["help", "version", "endpoint-url"].contains(long))
                .map(|long| format!("KEYFERRY_{}", long.to_ascii_uppercase().replace('-', "_")));
            let switch = matches!(argument.get_action(), ArgAction::SetTrue);
            let argument = match variable {
                Some(variable) => argument.env(variable),
                None => argument,
            };
            let argument = argument.hide_env_values(true);
            if switch {
                argument.value_parser(FalseyValueParser::new())
            } else {
                argument
            }
        })
        .mut_subcommands(with_variables)
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole job in an embedded two-region lab; needs no AWS account.
    Demo(DemoArgs),
    /// Run the embedded two-region S3 for other clients to use.
    Lab(LabArgs),
    /// Make, list, import and export customer keys.
    Key(KeyArgs),
    /// Upload files, folders or standard input under a customer key, and see them replicated.
    Upload(UploadArgs),
    /// Download an object, or all below a prefix; keys are found by themselves.
    Download(DownloadArgs),
    /// Copy objects from bucket to bucket, under another key.
    Cp(CpArgs),
    /// Make a folder like a prefix, a prefix like a folder, or one like another.
    Sync(SyncArgs),
    /// List buckets, or what is in one.
    Ls(LsArgs),
    /// Delete objects, or versions of them.
    Rm(RmArgs),
    /// Prove that an object arrived, intact, in the other region.
    Verify(VerifyArgs),
    /// Find out what would stop uploads, replication, verification or downloads, and how to mend it.
    Doctor(DoctorArgs),
    /// Re-encrypt objects under another key, without moving them.
    Rekey(RekeyArgs),
    /// What replication needs: every document, emitted, explained and checked.
    Policy(PolicyArgs),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write all of them to a folder.
    Man {
        /// Write one page per command to this folder.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

impl Command {
    /// Whether it may have a user's keys in memory.
    pub(crate) fn handles_keys(&self) -> bool {
        !matches!(
            self,
            Self::Demo(_)
                | Self::Lab(_)
                | Self::Policy(_)
                | Self::Completions { .. }
                | Self::Man { .. }
        )
    }
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Profile of the AWS configuration and credentials files.
    #[arg(long, global = true, env = "KEYFERRY_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Region of the bucket. Found out from S3 when it is left out.
    #[arg(long, global = true, env = "KEYFERRY_REGION")]
    pub(crate) region: Option<keyferry_policy::Region>,
    /// Endpoint: one URL for all regions, or REGION=URL, several with commas between
    /// [env: KEYFERRY_ENDPOINT_URL].
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<keyferry_transfer::Endpoints>,
    /// Certificates (PEM) to trust instead of the system's.
    #[arg(long, global = true, env = "KEYFERRY_CA_BUNDLE", value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Let an http:// endpoint receive customer keys if its address is loopback.
    #[arg(long, global = true, env = "KEYFERRY_ALLOW_PLAINTEXT_LOOPBACK")]
    pub(crate) allow_plaintext_loopback: bool,
    /// Where the key store is: a folder, `vault://HOST:PORT/MOUNT/PATH` or `vault:MOUNT/PATH` (KV version
    /// 2 of Vault or OpenBao), or `aws-secretsmanager:PREFIX` (each key is a secret, and secrets cost per
    /// month).
    #[arg(long, global = true, env = "KEYFERRY_STORE", value_name = "WHERE")]
    pub(crate) store: Option<keyferry_remote::StoreAddress>,
    /// File whose first line is the key store's passphrase.
    #[arg(
        long,
        global = true,
        env = "KEYFERRY_PASSPHRASE_FILE",
        value_name = "FILE"
    )]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// File descriptor to read the key store's passphrase from.
    #[arg(
        long,
        global = true,
        value_name = "N",
        conflicts_with = "passphrase_file"
    )]
    pub(crate) passphrase_fd: Option<u32>,
    /// Identity file of age, or private ssh key, to open the key store with.
    #[arg(long, global = true, env = "KEYFERRY_IDENTITY", value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// Open the key store by this opener and no other.
    #[arg(long, global = true, env = "KEYFERRY_OPEN_WITH", value_name = "NAME")]
    pub(crate) open_with: Option<OpenerName>,
    /// PKCS#11 module of the token that opens the key store.
    #[cfg(feature = "pkcs11")]
    #[arg(
        long,
        global = true,
        env = "KEYFERRY_PKCS11_MODULE",
        value_name = "FILE"
    )]
    pub(crate) pkcs11_module: Option<PathBuf>,
    /// Where to read the token's PIN: file:PATH, fd:N or env:NAME. Asked for if left out.
    #[cfg(feature = "pkcs11")]
    #[arg(long, global = true, env = "KEYFERRY_PKCS11_PIN", value_name = "PLACE")]
    pub(crate) pkcs11_pin: Option<SecretPlace>,
    /// Configuration file.
    #[arg(long, global = true, env = "KEYFERRY_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How to print data.
    #[arg(long, global = true, env = "KEYFERRY_OUTPUT", default_value = "text")]
    pub(crate) output: OutputArg,
    /// Print nothing but data and errors.
    #[arg(
        short,
        long,
        global = true,
        env = "KEYFERRY_QUIET",
        conflicts_with = "verbose"
    )]
    pub(crate) quiet: bool,
    /// Print what happens; twice for more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show no progress bars.
    #[arg(long, global = true, env = "KEYFERRY_NO_PROGRESS")]
    pub(crate) no_progress: bool,
    /// When to use colour.
    #[arg(
        long,
        global = true,
        env = "KEYFERRY_COLOR",
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub(crate) color: Color,
}

/// How data is to be printed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputArg {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Ndjson,
    /// SARIF 2.1.0, which only findings can be printed as.
    #[value(hide = true)]
    Sarif,
}

/// How data is printed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Ndjson,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
