//! What was found, kept on disk until the reports are written: some need to know the sum of all before
//! the first line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};

use crate::entry::Entry;

/// Entries in a temporary file that has no name, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Spool {
    file: BufWriter<File>,
}

impl Spool {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::new(tempfile::tempfile()?),
        })
    }

    pub(crate) fn add(&mut self, entry: &Entry) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, entry)?;
        self.file.write_all(b"\n")
    }

    /// All entries, from the first one on.
    pub(crate) fn entries(&mut self) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
        self.file.flush()?;
        let mut file = self.file.get_ref().try_clone()?;
        file.rewind()?;
        let lines = BufReader::with_capacity(1 << 16, file).lines();
        Ok(lines.map(|line| serde_json::from_str(&line?).map_err(io::Error::from)))
    }
}
