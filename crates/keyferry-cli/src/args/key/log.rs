//! Arguments of `keyferry key log`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// `keyferry key log`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LogArgs {
    /// What to do instead of showing it.
    #[command(subcommand)]
    pub(crate) command: Option<LogCommand>,
    /// Only what concerns this ring, or the key of this id.
    #[arg(value_name = "RING|KEY-ID")]
    pub(crate) key: Option<String>,
    /// Only what happened since then: a date (2026-11-25), a time (2026-11-25T18:00:00Z), or how
    /// long ago (36h, 90m).
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Since>,
}

/// The commands below `keyferry key log`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum LogCommand {
    /// Open the store and prove that no entry was changed, left out, added or moved.
    Verify,
}

/// A moment in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since(pub(crate) Timestamp);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self(time));
        }
        // A date or time without an offset is meant where the reader is.
        if let Ok(local) = text.parse::<DateTime>()
            && let Ok(time) = local.to_zoned(TimeZone::system())
        {
            return Ok(Self(time.timestamp()));
        }
        let ago = match text.strip_suffix('d').map(str::parse::<i64>) {
            Some(Ok(days)) => days.checked_mul(24).map(SignedDuration::from_hours),
            _ => text.parse().ok(),
        };
        ago.filter(|ago| !ago.is_negative())
            .and_then(|ago| Timestamp::now().checked_sub(ago).ok())
            .map(Self)
            .ok_or_else(|| {
                "it must look like `2026-11-25`, `2026-11-25T18:00:00Z`, `7d` or `36h`".to_owned()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_parse() {
        let exact: Since = "2026-11-25T18:00:00+09:00".parse().unwrap();
        assert_eq!(exact.0.to_string(), "2026-11-25T09:00:00Z");
        assert!("2026-11-25".parse::<Since>().is_ok());
        assert!("2026-11-25 18:00".parse::<Since>().is_ok());
        let hours: Since = "48h".parse().unwrap();
        let days: Since = "2d".parse().unwrap();
        assert!(days.0.duration_since(hours.0) < SignedDuration::from_secs(5));
        for bad in ["", "yesterday", "-3h", "2026-13-01", "9999999999999d"] {
            assert!(bad.parse::<Since>().is_err(), "{bad}");
        }
    }
}
