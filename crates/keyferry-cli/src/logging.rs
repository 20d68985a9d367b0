//! Logs on standard error, for `-v` and `KEYFERRY_LOG`.
//!
//! The SDK prints request headers at TRACE, customer keys included. Those targets are cut out here
//! whatever level is asked for.

use std::io::IsTerminal;

use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::prelude::*;

use crate::exit::Exit;
use crate::failure::Failure;

/// Starts logging: `verbose` is how often `-v` was given.
pub(crate) fn start(verbose: u8) -> Result<(), Failure> {
    let asked = std::env::var("KEYFERRY_LOG").ok();
    let directives = match (&asked, verbose) {
        (Some(directives), _) => directives.as_str(),
        (None, 0) => return Ok(()),
        (None, 1) => {
            "warn,s3s=off,keyferry=info,keyferry_transfer=info,keyferry_verify=info,keyferry_lab=info"
        }
        (None, 2) => {
            "info,s3s=off,keyferry=debug,keyferry_transfer=debug,keyferry_verify=debug,keyferry_lab=debug"
        }
        (None, _) => "trace",
    };
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        Failure::from_error(Exit::Usage, &error)
            .hint("KEYFERRY_LOG takes directives such as `debug` or `keyferry_transfer=trace`")
    })?;
    let no_secrets = filter_fn(|metadata| {
        !keyferry_transfer::SECRET_LOG_TARGETS
            .iter()
            .any(|target| metadata.target().starts_with(target))
    });
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(true)
        .with_filter(filter)
        .with_filter(no_secrets);
    tracing_subscriber::registry().with(layer).init();
    Ok(())
}
