//! Removing what the source does not have.
//!
//! Names to be removed are kept in a temporary file, so that any number of them takes no memory. What
//! is removed was shown and agreed to, and is still not in the source when everything was copied.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Seek, Write};
use std::path::Path;

use aws_sdk_s3::Client;
use keyferry_policy::BucketName;
use keyferry_transfer::{Deleted, Deletion, MAX_DELETIONS, ObjectAddress, delete};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::jobs::Way;
use crate::commands::actions::Actions;
use crate::commands::many::{JobFailure, Tally};
use crate::commands::moving::Moving;
use crate::confirm::confirmed;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::terminal::{Terminal, human_bytes, printable};

/// How many names are shown before it is asked about all of them.
const SHOWN: usize = 20;

/// Names, in order.
#[derive(Default)]
pub(super) struct Names {
    file: Option<BufWriter<File>>,
    count: u64,
    bytes: u64,
    first: Vec<String>,
}

impl Names {
    pub(super) fn push(&mut self, name: &str, size: u64) -> Result<(), Failure> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = tempfile::tempfile().context("make", "a temporary file")?;
                self.file.insert(BufWriter::new(file))
            }
        };
        // A name may hold any character: JSON keeps each on one line.
        let line = serde_json::to_string(name).context("write", name)?;
        writeln!(file, "{line}").context("write to", "a temporary file")?;
        self.count += 1;
        self.bytes += size;
        if self.first.len() < SHOWN {
            self.first.push(name.to_owned());
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn read(self) -> Result<Reading, Failure> {
        let lines = match self.file {
            None => None,
            Some(file) => {
                let mut file = file
                    .into_inner()
                    .map_err(io::IntoInnerError::into_error)
                    .context("write to", "a temporary file")?;
                file.rewind().context("read", "a temporary file")?;
                Some(BufReader::new(file))
            }
        };
        Ok(Reading { lines })
    }
}

struct Reading {
    lines: Option<BufReader<File>>,
}

impl Reading {
    fn next(&mut self) -> Result<Option<String>, Failure> {
        let Some(lines) = &mut self.lines else {
            return Ok(None);
        };
        let mut line = String::new();
        match lines.read_line(&mut line) {
            Ok(0) => Ok(None),
            Ok(_) => serde_json::from_str(&line).context("read", "a temporary file"),
            Err(error) => Err(error).context("read", "a temporary file"),
        }
    }
}

/// Says so before anything is done, where nobody could agree to what is removed.
pub(super) fn somebody_must_be_there() -> Result<(), Failure> {
    match io::stdin().is_terminal() {
        true => Ok(()),
        false => Err(nobody()),
    }
}

fn nobody() -> Failure {
    Failure::new(
        Exit::Usage,
        "nothing was changed: nobody is there to ask whether to remove what the source does not have",
    )
    .hint("--yes does it without asking, --dry-run shows what would be removed")
}

/// Shows what would be removed and asks; what was agreed to.
pub(super) async fn ask(
    terminal: Terminal,
    cancel: &CancellationToken,
    destination: &str,
    surplus: Names,
) -> Result<Names, Failure> {
    if surplus.is_empty() {
        return Ok(surplus);
    }
    terminal.warn(format!(
        "these are in `{}` and not in the source, and would be removed:",
        printable(destination)
    ));
    for name in &surplus.first {
        terminal.say(format!("  {}", printable(name)));
    }
    let more = surplus.count - u64::try_from(surplus.first.len()).unwrap_or(surplus.count);
    if more > 0 {
        terminal.say(format!("  and {more} more"));
    }
    let question = format!(
        "copy, and then remove {} ({})?",
        match surplus.count {
            1 => "this one".to_owned(),
            count => format!("these {count}"),
        },
        human_bytes(surplus.bytes)
    );
    match confirmed(question, cancel, nobody).await? {
        true => Ok(surplus),
        false => Err(Failure::new(Exit::Failure, "nothing was changed")),
    }
}

/// One removal as data.
#[derive(Serialize)]
struct Line {
    action: &'static str,
    destination: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<serde_json::Value>,
}

/// What removes.
pub(super) struct Removing<'a> {
    pub(super) moving: &'a Moving<'a>,
    pub(super) way: &'a Way,
}

impl Removing<'_> {
    /// Removes names, if it was agreed to or needed not be.
    pub(super) async fn run(
        &self,
        surplus: Names,
        confirmed: Option<Names>,
        actions: &mut Actions,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let mut names = surplus.read()?;
        let mut agreed = confirmed.map(Names::read).transpose()?;
        let mut next_agreed = agreed.as_mut().map(Reading::next).transpose()?.flatten();
        let mut batch = Vec::new();
        while let Some(name) = names.next()? {
            if let Some(agreed) = &mut agreed {
                // Both are in order.
                while next_agreed
                    .as_ref()
                    .is_some_and(|next| next.cmp(&name) == Ordering::Less)
                {
                    next_agreed = agreed.next()?;
                }
                if next_agreed.as_ref() != Some(&name) {
                    continue;
                }
            }
            batch.push(name);
            if batch.len() >= MAX_DELETIONS {
                self.batch(std::mem::take(&mut batch), actions, tally)
                    .await?;
            }
            if self.moving.cancel.is_cancelled() {
                return Ok(());
            }
        }
        self.batch(batch, actions, tally).await
    }

    async fn batch(
        &self,
        names: Vec<String>,
        actions: &mut Actions,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        if names.is_empty() {
            return Ok(());
        }
        match self.way {
            Way::Up { place, .. } => {
                let (client, bucket, prefix) = (&place.client, &place.bucket, &place.prefix);
                self.objects(client, bucket, prefix, names, actions, tally)
                    .await
            }
            Way::Across { copies, to, .. } => {
                let (client, bucket) = (&copies.client, &copies.destination);
                self.objects(client, bucket, to, names, actions, tally)
                    .await
            }
            Way::Down { root, .. } => self.files(root, names, actions, tally).await,
        }
    }

    async fn objects(
        &self,
        client: &Client,
        bucket: &BucketName,
        prefix: &str,
        names: Vec<String>,
        actions: &mut Actions,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let address = |key: String| {
            let bucket = bucket.clone();
            ObjectAddress { bucket, key }.to_string()
        };
        let keys = names.into_iter().map(|name| format!("{prefix}{name}"));
        if self.moving.arguments.choice.dry_run {
            return keys
                .into_iter()
                .try_for_each(|key| planned(actions, tally, address(key)));
        }
        let deletions = keys
            .map(|key| Deletion {
                key,
                version_id: None,
            })
            .collect();
        for Deleted { deletion, result } in delete(client, bucket, deletions, false).await? {
            let result = result.map(drop).map_err(Failure::from);
            told(actions, tally, address(deletion.key), result)?;
        }
        Ok(())
    }

    async fn files(
        &self,
        root: &Path,
        names: Vec<String>,
        actions: &mut Actions,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        for name in names {
            let path = root.join(&name);
            let shown = path.display().to_string();
            if self.moving.arguments.choice.dry_run {
                planned(actions, tally, shown)?;
                continue;
            }
            let removed = match tokio::fs::remove_file(&path).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(Failure::new(
                    Exit::Failure,
                    format!("`{shown}` cannot be removed: {error}"),
                )),
                Ok(()) => Ok(()),
            };
            told(actions, tally, shown, removed)?;
        }
        Ok(())
    }
}

fn planned(actions: &mut Actions, tally: &mut Tally, destination: String) -> Result<(), Failure> {
    tally.removed();
    let shown = printable(&destination).into_owned();
    let line = Line {
        action: "remove",
        destination,
        status: "would",
        error: None,
    };
    actions.done(&line, || format!("would remove {shown}"))
}

fn told(
    actions: &mut Actions,
    tally: &mut Tally,
    destination: String,
    result: Result<(), Failure>,
) -> Result<(), Failure> {
    let shown = printable(&destination).into_owned();
    let mut line = Line {
        action: "remove",
        destination,
        status: "removed",
        error: None,
    };
    match result {
        Ok(()) => {
            tally.removed();
            actions.done(&line, || format!("removed {shown}"))
        }
        Err(failure) => {
            let failure = JobFailure::from(failure);
            tally.failed(&failure);
            let failure = failure.failure;
            line.status = "failed";
            line.error = failure.to_json().get("error").cloned();
            actions.failed(&line, failure)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were() {
        let mut names = Names::default();
        assert!(names.is_empty());
        let all = ["a", "b\nc", "d\"\u{1}", "日"];
        for name in all {
            names.push(name, 2).unwrap();
        }
        assert_eq!((names.count, names.bytes), (4, 8));
        let mut reading = names.read().unwrap();
        for name in all {
            assert_eq!(reading.next().unwrap().as_deref(), Some(name));
        }
        assert_eq!(reading.next().unwrap(), None);
    }
}
