//! What a run found so far, in a file beside its state: reports and repairs of the run that goes on are
//! told of all of it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use keyferry_report::Told;
use serde::{Deserialize, Serialize};

use super::repair::Judgement;
use crate::exit::Exit;
use crate::failure::{Context, Failure};

/// The first line. It keeps files of others from being written over.
const HEAD: &str = "{\"keyferry\":\"results of a verification\",\"format\":1}\n";

/// What was found of one object.
#[derive(Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) told: Told,
    pub(super) repair: Judgement,
}

/// A file of results, one a line. It holds no secret, and names of objects: it is its owner's alone.
pub(super) struct ResultsFile {
    path: PathBuf,
    out: BufWriter<File>,
    length: u64,
}

impl ResultsFile {
    /// Where the results of a run are that has this state.
    fn beside(state: &Path) -> PathBuf {
        let mut name = OsString::from(state);
        name.push(".results");
        PathBuf::from(name)
    }

    /// Begins anew. What a run left there that never came to write its state is dropped.
    pub(super) fn create(state: &Path) -> Result<Self, Failure> {
        let path = Self::beside(state);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options
            .open(&path)
            .context("keep results in", path.display())?;
        let is_ours = begins_as_ours(&mut file).context("read", path.display())?;
        if !is_ours {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "`{}` is there, and holds no results of a verification",
                    path.display()
                ),
            )
            .hint(
                "results are kept beside the state: give another --state, or move that file away",
            ));
        }
        let mut begin = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(HEAD.as_bytes())
        };
        begin().context("write results to", path.display())?;
        Ok(Self {
            path,
            out: BufWriter::new(file),
            length: HEAD.len() as u64,
        })
    }

    /// Goes on behind what the state tells of; what was written after it is found once more.
    pub(super) fn go_on(state: &Path, length: u64) -> Result<Self, Failure> {
        let path = Self::beside(state);
        let lost = |why: &str| {
            Failure::new(
                Exit::Usage,
                format!(
                    "the results that belong to the state `{}` {why}: `{}`",
                    state.display(),
                    path.display()
                ),
            )
            .hint("put the file back, or remove the state to begin again")
        };
        let mut file = match File::options().read(true).write(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(lost("are gone")),
            opened => opened.context("read", path.display())?,
        };
        let there = file.metadata().context("read", path.display())?.len();
        let is_ours = begins_as_ours(&mut file).context("read", path.display())?;
        if !is_ours || there < length || length < HEAD.len() as u64 {
            return Err(lost("were changed"));
        }
        let mut cut = || -> std::io::Result<()> {
            file.set_len(length)?;
            file.seek(SeekFrom::End(0)).map(drop)
        };
        cut().context("write results to", path.display())?;
        Ok(Self {
            path,
            out: BufWriter::new(file),
            length,
        })
    }

    /// All that is in it.
    pub(super) fn read(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<Found, Failure>> + use<>, Failure> {
        let path = self.path.clone();
        // Opened once more: a reader of its own does not move where is written.
        let file = File::open(&path).context("read", path.display())?;
        Ok(BufReader::new(file).lines().skip(1).map(move |line| {
            let line = line.context("read", path.display())?;
            serde_json::from_str(&line).context("read a result in", path.display())
        }))
    }

    /// Takes one in.
    pub(super) fn add(&mut self, found: &Found) -> Result<(), Failure> {
        let mut write = || -> std::io::Result<()> {
            let line = serde_json::to_string(found)?;
            self.out.write_all(line.as_bytes())?;
            self.out.write_all(b"\n")?;
            self.length += line.len() as u64 + 1;
            Ok(())
        };
        write().context("write results to", self.path.display())
    }

    /// Puts all on disk and says how much that is.
    pub(super) fn settled(&mut self) -> Result<u64, Failure> {
        self.out
            .flush()
            .and_then(|()| self.out.get_ref().sync_data())
            .context("write results to", self.path.display())?;
        Ok(self.length)
    }

    /// The run is over.
    pub(super) fn remove(self) -> Result<(), Failure> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).context("remove", self.path.display())
            }
            _ => Ok(()),
        }
    }
}

/// Whether a file is empty or begins as such files do.
fn begins_as_ours(file: &mut File) -> std::io::Result<bool> {
    let mut head = Vec::new();
    file.take(HEAD.len() as u64).read_to_end(&mut head)?;
    Ok(HEAD.as_bytes().starts_with(&head))
}
