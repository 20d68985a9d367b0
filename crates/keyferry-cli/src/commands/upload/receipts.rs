//! The receipts of many uploads: for `--receipt`, and for the verification that follows.
//!
//! They go to a file, one a line, since a run may have more of them than fit into memory. They hold no
//! secrets.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use keyferry_transfer::Receipt;

use super::receipt_exists;
use crate::failure::{Context, Failure};

/// Receipts that are being collected.
pub(super) struct Receipts {
    file: BufWriter<File>,
    path: PathBuf,
    count: u64,
}

impl Receipts {
    /// In a file that does not exist yet, or where nobody asked for them, in one without a name.
    pub(super) fn begin(path: Option<&Path>) -> Result<Self, Failure> {
        let file = match path {
            Some(path) if path.exists() => return Err(receipt_exists(path)),
            Some(path) => File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(path)
                .context("write the receipts to", path.display())?,
            None => {
                tempfile::tempfile().context("keep receipts in", std::env::temp_dir().display())?
            }
        };
        Ok(Self {
            file: BufWriter::new(file),
            path: path.map_or_else(std::env::temp_dir, Path::to_owned),
            count: 0,
        })
    }

    /// Takes one in.
    pub(super) fn add(&mut self, receipt: &Receipt) -> Result<(), Failure> {
        self.count += 1;
        serde_json::to_writer(&mut self.file, receipt)
            .map_err(std::io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .context("write a receipt to", self.path.display())
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Puts all on disk.
    pub(super) fn close(&mut self) -> Result<(), Failure> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .context("write the receipts to", self.path.display())
    }

    /// Reads them again.
    pub(super) fn read(self) -> Result<impl Iterator<Item = Result<Receipt, Failure>>, Failure> {
        let path = self.path;
        let mut file = self
            .file
            .into_inner()
            .map_err(|error| error.into_error())
            .context("write the receipts to", path.display())?;
        file.seek(SeekFrom::Start(0))
            .context("read the receipts in", path.display())?;
        Ok(BufReader::new(file).lines().map(move |line| {
            let line = line.context("read the receipts in", path.display())?;
            serde_json::from_str(&line).context("read a receipt in", path.display())
        }))
    }
}
