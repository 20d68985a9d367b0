//! Receipts from files: one document, or many, one behind the other.
//!
//! A list may be longer than fits into memory. So it is read twice: once to see that every line of it is a
//! receipt, before anything is asked, and once while its objects are looked at.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use keyferry_policy::BucketName;
use keyferry_transfer::Receipt;
use keyferry_verify::{Recorded, VerifyError};

use crate::exit::Exit;
use crate::failure::{Context, Failure};

/// Receipts that are all readable.
pub(super) struct Receipts {
    files: Vec<(PathBuf, File)>,
    count: u64,
    buckets: BTreeSet<BucketName>,
}

impl Receipts {
    /// Opens files and looks through them. Standard input is kept in a file without a name.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut receipts = Self {
            files: Vec::new(),
            count: 0,
            buckets: BTreeSet::new(),
        };
        for path in paths {
            let file = match path.as_os_str() == "-" {
                true => kept_input()?,
                false => File::open(path).context("read", path.display())?,
            };
            let before = receipts.count;
            for receipt in read(path, &file)? {
                receipts.buckets.insert(receipt?.source.bucket);
                receipts.count += 1;
            }
            if receipts.count == before {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("`{}` holds no receipt", path.display()),
                )
                .hint("`keyferry upload --receipt FILE` writes one"));
            }
            receipts.files.push((path.clone(), file));
        }
        if receipts.count == 0 {
            return Err(Failure::new(Exit::Usage, "nothing to verify was given"));
        }
        Ok(receipts)
    }

    /// The receipt, if there is no other.
    pub(super) fn only_one(&mut self) -> Result<Option<Receipt>, Failure> {
        match (self.count, self.files.first()) {
            (1, Some((path, file))) => read(path, file)?.next().transpose(),
            _ => Ok(None),
        }
    }

    /// The source buckets.
    pub(super) fn buckets(&self) -> impl Iterator<Item = &BucketName> {
        self.buckets.iter()
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// All of them, as a run takes them.
    pub(super) fn recorded(self) -> impl Iterator<Item = Result<Recorded, VerifyError>> + Send {
        self.files.into_iter().flat_map(|(path, file)| {
            let (receipts, failure) = match read_owned(path, file) {
                Ok(receipts) => (Some(receipts), None),
                Err(failure) => (None, Some(Err(failure))),
            };
            receipts
                .into_iter()
                .flatten()
                .chain(failure)
                .map(|receipt| match receipt {
                    Ok(receipt) => Ok(Recorded::Receipt(Box::new(receipt))),
                    Err(failure) => Err(VerifyError::Source {
                        detail: failure.message().to_owned(),
                    }),
                })
        })
    }
}

/// Standard input, so that it can be read again.
fn kept_input() -> Result<File, Failure> {
    let mut file =
        tempfile::tempfile().context("keep receipts in", std::env::temp_dir().display())?;
    std::io::copy(&mut std::io::stdin().lock(), &mut file).context("read", "standard input")?;
    Ok(file)
}

fn read(
    path: &Path,
    file: &File,
) -> Result<impl Iterator<Item = Result<Receipt, Failure>> + use<>, Failure> {
    let again = file.try_clone().context("read", path.display())?;
    read_owned(path.to_owned(), again)
}

fn read_owned(
    path: PathBuf,
    mut file: File,
) -> Result<impl Iterator<Item = Result<Receipt, Failure>> + Send + use<>, Failure> {
    file.seek(SeekFrom::Start(0))
        .context("read", path.display())?;
    let documents = serde_json::Deserializer::from_reader(BufReader::new(file)).into_iter();
    Ok(documents.map(move |receipt: Result<Receipt, _>| {
        let receipt = receipt.map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("`{}` is not a receipt: {error}", path.display()),
            )
            .hint("`keyferry upload --receipt FILE` writes one")
        })?;
        match receipt.format == Receipt::FORMAT {
            true => Ok(receipt),
            false => Err(Failure::new(
                Exit::Usage,
                format!(
                    "a receipt in `{}` has format {}, this keyferry knows {}",
                    path.display(),
                    receipt.format,
                    Receipt::FORMAT
                ),
            )),
        }
    }))
}
