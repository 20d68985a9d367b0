//! Arguments of `keyferry key destroy`.

use clap::Args;
use jiff::SignedDuration;
use keyferry_verify::Scope;

/// `keyferry key destroy`
#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// Key id.
    pub(crate) key: String,
    /// Look here, too, for objects that need the key; repeat for more. Buckets where it was used, those
    /// of the configuration file and those that replicas go to are looked through anyway.
    #[arg(long, value_name = "S3://BUCKET[/PREFIX]")]
    pub(crate) scan: Vec<Scope>,
    /// How long the key waits before it can be destroyed: 30d, 720h, 0s.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = waiting)]
    pub(crate) after: SignedDuration,
    /// Take a scheduled destruction back.
    #[arg(long, conflicts_with_all = ["scan", "after", "yes"])]
    pub(crate) cancel: bool,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

fn waiting(text: &str) -> Result<SignedDuration, String> {
    let days = text.strip_suffix('d').map(str::parse::<u16>);
    let duration = match days {
        Some(Ok(days)) => Some(SignedDuration::from_hours(24 * i64::from(days))),
        _ => text.parse::<SignedDuration>().ok(),
    };
    duration
        .filter(|duration| !duration.is_negative())
        .ok_or_else(|| "it must look like `30d`, `12h` or `0s`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_parse() {
        assert_eq!(waiting("30d"), Ok(SignedDuration::from_hours(720)));
        assert_eq!(waiting("0s"), Ok(SignedDuration::ZERO));
        assert_eq!(waiting("90m"), Ok(SignedDuration::from_mins(90)));
        for text in ["", "d", "-1d", "-5s", "soon", "70000d"] {
            assert!(waiting(text).is_err(), "{text}");
        }
    }
}
