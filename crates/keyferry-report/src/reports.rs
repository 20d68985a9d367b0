//! All the reports of a run, written side by side.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::mem;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use keyferry_verify::{Checked, Summary};
use tempfile::{Builder, NamedTempFile};

use crate::run::Ending;
use crate::spool::Spool;
use crate::tally::Tally;
use crate::{BrokenOff, Format, ReportError, Run, Told, html, junit, records, sum};

/// Reports of one run, as many as are asked for. With none it costs nothing.
///
/// Files take their names when they are complete: whoever watches for one never reads half of it. Memory
/// does not grow with the number of objects.
#[derive(Debug)]
pub struct Reports {
    run: Run,
    tally: Tally,
    /// For formats that need to know the sum of all before their first line.
    spool: Option<Spool>,
    files: Vec<ReportFile>,
}

/// One report under way.
#[derive(Debug)]
struct ReportFile {
    path: PathBuf,
    format: Format,
    out: BufWriter<NamedTempFile>,
    /// Objects written so far.
    objects: u64,
}

impl Reports {
    /// Begins the reports that these paths ask for; their names choose the formats.
    ///
    /// # Errors
    /// When a name chooses no format or is there twice, or a file cannot be made where it is to be.
    pub fn create(paths: &[PathBuf], run: Run) -> Result<Self, ReportError> {
        let mut files: Vec<ReportFile> = Vec::new();
        for path in paths {
            let format = Format::of(path)?;
            if files.iter().any(|file| file.path == *path) {
                return Err(ReportError::Twice { path: path.clone() });
            }
            let mut file =
                ReportFile::create(path, format).map_err(|source| ReportError::Create {
                    path: path.clone(),
                    source,
                })?;
            file.write(|out, _| begin(out, format, &run))?;
            files.push(file);
        }
        let needs_sum = files.iter().any(|file| file.format.needs_sum());
        let spool = match needs_sum {
            true => Some(Spool::new().map_err(|source| ReportError::Spool { source })?),
            false => None,
        };
        Ok(Self {
            run,
            tally: Tally::new(),
            spool,
            files,
        })
    }

    /// Takes in what was found of one object.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, checked: &Checked) -> Result<(), ReportError> {
        if self.files.is_empty() {
            return Ok(());
        }
        self.add_told(&Told::of(checked)?)
    }

    /// Takes in what was told of one object, perhaps by an earlier run that this one goes on with.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_told(&mut self, told: &Told) -> Result<(), ReportError> {
        if self.files.is_empty() {
            return Ok(());
        }
        let Told { entry, record } = told;
        self.tally.add(entry);
        if let Some(spool) = &mut self.spool {
            spool
                .add(entry)
                .map_err(|source| ReportError::Spool { source })?;
        }
        for file in &mut self.files {
            let format = file.format;
            file.write(|out, objects| match format {
                Format::Ndjson => {
                    out.write_all(record.as_bytes())?;
                    out.write_all(b"\n")
                }
                Format::Json => {
                    out.write_all(if objects == 0 { b"\n" } else { b",\n" })?;
                    out.write_all(record.as_bytes())
                }
                Format::Html | Format::Junit | Format::Text => Ok(()),
            })?;
            file.objects += 1;
        }
        Ok(())
    }

    /// Writes what is left, and gives the files their names.
    ///
    /// After an interruption or an error, which is `broken_off`, the reports say why, and that the rest is
    /// not known.
    ///
    /// # Errors
    /// When a report cannot be written.
    pub fn finish(
        self,
        summary: &Summary,
        broken_off: Option<&BrokenOff>,
    ) -> Result<Vec<PathBuf>, ReportError> {
        self.end(&Ending {
            finished: Timestamp::now(),
            broken_off,
            summary,
        })
    }

    /// Leaves out those reports that would replace another file, and says which they are.
    pub fn keep_older(&mut self) -> Vec<PathBuf> {
        let (older, new) = mem::take(&mut self.files)
            .into_iter()
            .partition::<Vec<_>, _>(|file| file.path.exists());
        self.files = new;
        older.into_iter().map(|file| file.path).collect()
    }

    pub(crate) fn end(mut self, ending: &Ending<'_>) -> Result<Vec<PathBuf>, ReportError> {
        let (run, tally) = (&self.run, &self.tally);
        let mut written = Vec::new();
        for mut file in self.files {
            let format = file.format;
            let spool = self.spool.as_mut();
            file.write(|out, _| end(out, format, (run, tally, ending), spool))?;
            written.push(file.persist()?);
        }
        Ok(written)
    }
}

fn begin(out: &mut dyn Write, format: Format, run: &Run) -> io::Result<()> {
    match format {
        Format::Ndjson => {
            records::run(out, run)?;
            out.write_all(b"\n")
        }
        Format::Json => {
            out.write_all(b"{\"run\":")?;
            records::run(out, run)?;
            out.write_all(b",\n\"objects\":[")
        }
        Format::Html | Format::Junit | Format::Text => Ok(()),
    }
}

fn end(
    out: &mut dyn Write,
    format: Format,
    (run, tally, ending): (&Run, &Tally, &Ending<'_>),
    spool: Option<&mut Spool>,
) -> io::Result<()> {
    match (format, spool) {
        (Format::Ndjson, _) => {
            records::summary(out, run, ending)?;
            out.write_all(b"\n")
        }
        (Format::Json, _) => {
            out.write_all(b"\n],\n\"summary\":")?;
            records::summary(out, run, ending)?;
            out.write_all(b"}\n")
        }
        (Format::Html, Some(spool)) => html::write(out, run, tally, ending, spool),
        (Format::Junit, Some(spool)) => junit::write(out, run, tally, ending, spool),
        (Format::Text, Some(spool)) => sum::write(out, run, tally, ending, spool),
        (Format::Html | Format::Junit | Format::Text, None) => Ok(()),
    }
}

impl ReportFile {
    fn create(path: &Path, format: Format) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let file = permissions(Builder::new().prefix(".keyferry-report-")).tempfile_in(folder)?;
        Ok(Self {
            path: path.to_owned(),
            format,
            out: BufWriter::new(file),
            objects: 0,
        })
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut dyn Write, u64) -> io::Result<()>,
    ) -> Result<(), ReportError> {
        write(&mut self.out, self.objects).map_err(|source| ReportError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn persist(self) -> Result<PathBuf, ReportError> {
        let path = self.path;
        let named = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| {
                file.as_file().sync_all()?;
                file.persist(&path).map_err(|error| error.error)
            });
        match named.map(drop::<File>) {
            Ok(()) => Ok(path),
            Err(source) => Err(ReportError::Write { path, source }),
        }
    }
}

/// A report is there to be shown around, so the umask decides who may read it.
fn permissions<'a, 'b>(builder: &'a mut Builder<'b, 'b>) -> &'a mut Builder<'b, 'b> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666))
    }
    #[cfg(not(unix))]
    builder
}
