//! What is known of each of many objects that were sent: for `--receipt`, and for the verification that
//! follows.
//!
//! It goes to a file, one a line, since a run may send more objects than fit into memory. It holds no
//! secrets.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::upload::receipt_exists;
use crate::failure::{Context, Failure};

/// What is being collected: receipts, or what else tells of an object.
pub(super) struct Sent<T> {
    file: BufWriter<File>,
    path: PathBuf,
    count: u64,
    of: PhantomData<fn(T) -> T>,
}

impl<T: Serialize + DeserializeOwned + 'static> Sent<T> {
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
            of: PhantomData,
        })
    }

    /// Takes one in.
    pub(super) fn add(&mut self, sent: &T) -> Result<(), Failure> {
        self.count += 1;
        serde_json::to_writer(&mut self.file, sent)
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

    /// Reads them, and leaves them there to be read again.
    pub(super) fn again(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<T, Failure>> + use<T>, Failure> {
        let path = self.path.clone();
        let mut rewound = || -> std::io::Result<File> {
            self.file.flush()?;
            let mut file = self.file.get_ref().try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        let file = rewound().context("read what is kept in", path.display())?;
        Ok(BufReader::new(file).lines().map(move |line| {
            let line = line.context("read what is kept in", path.display())?;
            serde_json::from_str(&line).context("read what is kept in", path.display())
        }))
    }

    /// Reads them again.
    pub(super) fn read(self) -> Result<impl Iterator<Item = Result<T, Failure>> + use<T>, Failure> {
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
