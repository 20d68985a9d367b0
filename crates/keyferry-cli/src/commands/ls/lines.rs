//! Lines for people. Each stands alone, so that a bucket of any size is printed as it is read.

use std::io::{self, IsTerminal};

use jiff::Timestamp;
use keyferry_transfer::{Entry, ListedMarker, ListedVersion};

use super::Shown;
use crate::args::LsArgs;
use crate::terminal::{human_bytes, printable, width};

/// How wide lines of all columns are, with a short name.
const WIDE: usize = 140;

/// Which columns there are.
pub(super) struct Lines {
    long: bool,
    versions: bool,
    human_readable: bool,
    /// What is behind the name goes on a line of its own.
    narrow: bool,
    /// How much of each key everybody knows already.
    skip: usize,
    now: Timestamp,
}

impl Lines {
    pub(super) fn new(arguments: &LsArgs, prefix: &str) -> Self {
        let skip = match arguments.recursive {
            true => 0,
            false => prefix.rfind('/').map_or(0, |slash| slash + 1),
        };
        let measured = io::stdout().is_terminal() || std::env::var_os("COLUMNS").is_some();
        Self {
            long: arguments.long,
            versions: arguments.versions,
            human_readable: arguments.human_readable,
            narrow: measured && arguments.long && width() < WIDE,
            skip,
            now: Timestamp::now(),
        }
    }

    /// The heads of the columns, where there are more than anybody knows from `ls`.
    pub(super) fn header(&self) -> Option<String> {
        if self.narrow || !(self.long || self.versions) {
            return None;
        }
        let mut line = format!("{:19} {:>10}", "LAST MODIFIED", "SIZE");
        if self.versions {
            line.push_str(&format!(" {:7}", "STATE"));
        }
        if self.long {
            line.push_str(&format!(
                " {:>5} {:11} {:30}",
                "AGE", "REPLICATION", "KEY ID"
            ));
        }
        line.push_str(&format!(" {:32} NAME", "VERSION ID"));
        Some(line)
    }

    pub(super) fn line(&self, shown: &Shown) -> String {
        match &shown.entry {
            Entry::Prefix(prefix) => format!("{:>30} {}", "PRE", self.name(prefix)),
            Entry::Version(version) => self.version(version, shown),
            Entry::DeleteMarker(marker) => self.marker(marker),
        }
    }

    fn version(&self, version: &ListedVersion, shown: &Shown) -> String {
        let size = match self.human_readable {
            true => human_bytes(version.size).to_string(),
            false => version.size.to_string(),
        };
        let state = if version.is_latest { "current" } else { "old" };
        let details = shown.details.as_ref();
        let id = version
            .version_id
            .as_deref()
            .or_else(|| details?.version_id.as_deref());
        let (key, status) = match details {
            Some(details) => (details.key(), details.status()),
            None => (String::new(), ""),
        };
        let modified = version.last_modified;
        self.columns(&version.key, modified, &size, state, id, &key, status)
    }

    fn marker(&self, marker: &ListedMarker) -> String {
        let state = if marker.is_latest {
            "deleted"
        } else {
            "marker"
        };
        let id = marker.version_id.as_deref();
        self.columns(&marker.key, marker.last_modified, "-", state, id, "-", "-")
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one for each column, and two kinds of entries that have them"
    )]
    fn columns(
        &self,
        name: &str,
        modified: Option<Timestamp>,
        size: &str,
        state: &str,
        id: Option<&str>,
        key: &str,
        status: &str,
    ) -> String {
        let (name, date) = (self.name(name), time(modified));
        let id = id.unwrap_or("-");
        if self.narrow {
            let state = match self.versions {
                true => format!("{state}, "),
                false => String::new(),
            };
            let age = age(self.now, modified);
            return format!(
                "{name}\n    {date} ({age}), {size}, {state}replication {status}\n    key {key}, version {id}"
            );
        }
        let mut line = format!("{date:19} {size:>10}");
        if self.versions {
            line.push_str(&format!(" {state:7}"));
        }
        if self.long {
            let age = age(self.now, modified);
            line.push_str(&format!(" {age:>5} {status:11} {key:30}"));
        }
        if self.long || self.versions {
            line.push_str(&format!(" {id:32}"));
        }
        line.push(' ');
        line.push_str(&name);
        line
    }

    fn name(&self, name: &str) -> String {
        printable(name.get(self.skip..).unwrap_or(name)).into_owned()
    }
}

/// A time as a column.
pub(super) fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| time.strftime("%F %T").to_string())
}

/// How old something is, in the largest unit of which it has one.
fn age(now: Timestamp, then: Option<Timestamp>) -> String {
    let Some(then) = then else {
        return "-".to_owned();
    };
    let seconds = now.duration_since(then).as_secs().max(0);
    let (count, unit) = match seconds {
        ..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "m"),
        3_600..86_400 => (seconds / 3_600, "h"),
        86_400..31_536_000 => (seconds / 86_400, "d"),
        _ => (seconds / 31_536_000, "y"),
    };
    format!("{count}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let of = |seconds: i64| age(at(1_000_000_000), Some(at(1_000_000_000 - seconds)));
        let ages = [-5, 0, 59, 60, 3_599, 7_200, 86_400, 31_535_999, 63_072_000].map(of);
        assert_eq!(
            ages,
            ["0s", "0s", "59s", "1m", "59m", "2h", "1d", "364d", "2y"]
        );
        assert_eq!(age(at(0), None), "-");
    }
}
