//! What is done with results besides printing them: reports, and the list of what is to be repaired.

use jiff::Timestamp;
use keyferry_report::{ReportError, Reports, Run};
use keyferry_verify::{Checked, Summary};

use super::repair::Repair;
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

/// Takes in every result.
pub(super) struct Kept {
    reports: Option<Reports>,
    repair: Option<Repair>,
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
        })
    }

    /// Takes in what was found of one object.
    pub(super) fn add(&mut self, checked: &Checked) -> Result<(), Failure> {
        if let Some(reports) = &mut self.reports {
            reports.add(checked)?;
        }
        match &mut self.repair {
            Some(repair) => repair.add(checked),
            None => Ok(()),
        }
    }

    /// Writes the reports.
    pub(super) fn end(
        &mut self,
        terminal: Terminal,
        summary: &Summary,
        complete: bool,
    ) -> Result<(), Failure> {
        let Some(reports) = self.reports.take() else {
            return Ok(());
        };
        for path in reports.finish(summary, complete)? {
            terminal.say(format!("report written to {}", path.display()));
        }
        Ok(())
    }

    /// What is to be repaired.
    pub(super) fn repair(self) -> Option<Repair> {
        self.repair
    }
}
