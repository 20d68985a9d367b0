//! What is done with results besides printing them: reports, the list of what is to be repaired, and the
//! file from which a later run learns of both.

use jiff::Timestamp;
use keyferry_report::{BrokenOff, ReportError, Reports, Run, Told};
use keyferry_verify::{Checked, Summary};

use super::repair::{Repair, judge};
use super::results::{Found, ResultsFile};
use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        let exit = match error {
            ReportError::Format { .. } | ReportError::Twice { .. } => Exit::Usage,
            _ => Exit::Failure,
        };
        Self::from_error(exit, &error).maybe_hint(error.hint())
    }
}

impl From<&Failure> for BrokenOff {
    fn from(failure: &Failure) -> Self {
        Self {
            message: failure.message().to_owned(),
            hint: failure.hint_text().map(str::to_owned),
        }
    }
}

/// Takes in every result.
pub(super) struct Kept {
    reports: Option<Reports>,
    repair: Option<Repair>,
    results: Option<ResultsFile>,
    summary: Summary,
}

impl Kept {
    /// Begins what the arguments ask for; where a report cannot be written is known before S3 is asked.
    pub(super) fn begin(arguments: &VerifyArgs) -> Result<Self, Failure> {
        let receipts = arguments.receipt.iter();
        let run = Run {
            asked: arguments
                .source
                .iter()
                .cloned()
                .chain(receipts.map(|file| format!("receipts in {}", file.display())))
                .collect(),
            level: arguments.wait.level(),
            started: Timestamp::now(),
            wait: arguments.wait.wait,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok(Self {
            reports: Some(Reports::create(&arguments.report, run)?),
            repair: arguments.repair.clone().map(Repair::begin).transpose()?,
            results: None,
            summary: Summary::default(),
        })
    }

    /// Keeps results in a file, too, after taking in those that an earlier run left there.
    pub(super) fn go_on(
        &mut self,
        mut results: ResultsFile,
        summary: Summary,
    ) -> Result<(), Failure> {
        self.summary = summary;
        for found in results.read()? {
            self.take_in(&found?)?;
        }
        self.results = Some(results);
        Ok(())
    }

    /// Takes in what was found of one object.
    pub(super) fn add(&mut self, checked: &Checked) -> Result<(), Failure> {
        self.summary.take_in(checked);
        if self.results.is_none() {
            if let Some(reports) = &mut self.reports {
                reports.add(checked)?;
            }
            return match &mut self.repair {
                Some(repair) => repair.add(&judge(checked)),
                None => Ok(()),
            };
        }
        // The run that goes on may be asked for reports and repairs that this one is not.
        let found = Found {
            told: Told::of(checked)?,
            repair: judge(checked),
        };
        self.take_in(&found)?;
        match &mut self.results {
            Some(results) => results.add(&found),
            None => Ok(()),
        }
    }

    fn take_in(&mut self, found: &Found) -> Result<(), Failure> {
        if let Some(reports) = &mut self.reports {
            reports.add_told(&found.told)?;
        }
        match &mut self.repair {
            Some(repair) => repair.add(&found.repair),
            None => Ok(()),
        }
    }

    /// Puts the results on disk, and says how long their file is.
    pub(super) fn settled(&mut self) -> Result<u64, Failure> {
        self.results.as_mut().map_or(Ok(0), ResultsFile::settled)
    }

    /// There will be no run that goes on.
    pub(super) fn forget_results(&mut self) -> Result<(), Failure> {
        self.results.take().map_or(Ok(()), ResultsFile::remove)
    }

    /// Writes the reports.
    pub(super) fn end(
        &mut self,
        terminal: Terminal,
        summary: &Summary,
        broken_off: Option<&BrokenOff>,
    ) -> Result<(), Failure> {
        let Some(reports) = self.reports.take() else {
            return Ok(());
        };
        for path in reports.finish(summary, broken_off)? {
            terminal.say(format!("report written to {}", path.display()));
        }
        Ok(())
    }

    /// Writes the reports of a run that failed, unless that has been done.
    ///
    /// A report of an earlier run is replaced only where something is known that it does not say: what was
    /// looked at, or, as `found_nothing`, that nothing is there to be looked at.
    pub(super) fn fail(
        &mut self,
        terminal: Terminal,
        failure: &Failure,
        found_nothing: bool,
    ) -> Result<(), Failure> {
        let Some(reports) = &mut self.reports else {
            return Ok(());
        };
        if self.summary.total() == 0 && !found_nothing {
            for path in reports.keep_older() {
                terminal.warn(format!(
                    "the report {} is left as it was, from an earlier run: nothing was looked at",
                    path.display()
                ));
            }
        }
        if failure.exit() == Exit::Usage {
            self.reports = None;
            return Ok(());
        }
        let summary = self.summary.clone();
        self.end(terminal, &summary, Some(&failure.into()))
    }

    /// What is to be repaired.
    pub(super) fn repair(self) -> Option<Repair> {
        self.repair
    }
}
