//! How far a run is, in a file, so that the same command goes on from there.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyferry_verify::State;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::{Context, Failure};

const FORMAT: u32 = 2;
/// How often it is written.
const INTERVAL: Duration = Duration::from_secs(5);

/// A file that remembers a run.
pub(super) struct StateFile {
    path: PathBuf,
    asked: String,
    written: Instant,
}

#[derive(Serialize, Deserialize)]
struct Content {
    format: u32,
    /// What was to be verified, and how.
    asked: String,
    /// How much of the file of results belongs to it, in bytes.
    results: u64,
    state: State,
}

impl StateFile {
    /// What is remembered of an earlier run, if there is such a file, and how much of its results belongs
    /// to it. It must be of a run that was asked the same.
    pub(super) fn open(
        path: &Path,
        asked: String,
    ) -> Result<(Self, Option<(State, u64)>), Failure> {
        let file = Self {
            path: path.to_owned(),
            asked,
            written: Instant::now(),
        };
        let opened = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((file, None)),
            opened => opened.context("read", path.display())?,
        };
        let not_ours = |why: String| {
            Failure::new(Exit::Usage, format!("`{}` {why}", path.display()))
                .hint("give another file, or remove this one to begin again")
        };
        let content: Content = serde_json::from_reader(BufReader::new(opened))
            .map_err(|error| not_ours(format!("is no state of a verification: {error}")))?;
        if content.format != FORMAT {
            return Err(not_ours(format!(
                "has format {}, this keyferry knows {FORMAT}",
                content.format
            )));
        }
        if content.asked != file.asked {
            return Err(not_ours(format!(
                "is of another verification: {}",
                content.asked
            )));
        }
        Ok((file, Some((content.state, content.results))))
    }

    /// Whether it is time to write.
    pub(super) fn is_due(&self) -> bool {
        self.written.elapsed() >= INTERVAL
    }

    /// Writes it: what was there before is replaced as a whole.
    pub(super) fn write(&mut self, state: State, results: u64) -> Result<(), Failure> {
        self.written = Instant::now();
        let content = Content {
            format: FORMAT,
            asked: self.asked.clone(),
            results,
            state,
        };
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, &content)?;
            file.flush()?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().context("write the state to", self.path.display())
    }

    /// The run is over: there is nothing to go on with.
    pub(super) fn remove(self) -> Result<(), Failure> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).context("remove", self.path.display())
            }
            _ => Ok(()),
        }
    }
}
