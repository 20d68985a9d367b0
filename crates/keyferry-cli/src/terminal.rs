//! What people see: messages, tables, progress. Data goes to standard output, everything else to
//! standard error.

mod bars;
pub(crate) mod findings;
mod progress;
pub(crate) mod report {
    //! What a verification found, in words.
    pub(crate) use keyferry_report::{evidence as steps, fix as hint, headline as outcome, text};
}
mod wrap;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstream::ColorChoice;
use serde::Serialize;

use crate::args::{Color, GlobalArgs, Output, OutputArg};
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) use keyferry_report::{human_bytes, printable};
pub(crate) use progress::{ManyProgress, ObjectProgress, Progress};
pub(crate) use wrap::{paragraph, width};

/// How this run talks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    output: Output,
    sarif: bool,
    quiet: bool,
    verbose: bool,
    bars: bool,
}

impl Terminal {
    /// Settles colour, progress and format for the run.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
        .write_global();
        Self {
            output: match global.output {
                OutputArg::Text => Output::Text,
                OutputArg::Json | OutputArg::Sarif => Output::Json,
                OutputArg::Ndjson => Output::Ndjson,
            },
            sarif: global.output == OutputArg::Sarif,
            quiet: global.quiet,
            verbose: global.verbose > 0,
            bars: io::stderr().is_terminal() && !global.no_progress && !global.quiet,
        }
    }

    /// Whether data is printed for people.
    pub(crate) fn is_text(&self) -> bool {
        self.output == Output::Text
    }

    /// Whether every single thing that is done is to be told.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether findings are printed as SARIF.
    pub(crate) fn is_sarif(&self) -> bool {
        self.sarif
    }

    /// How data is printed.
    pub(crate) fn output(&self) -> Output {
        self.output
    }

    /// A message about what is going on.
    pub(crate) fn say(&self, message: impl Display) {
        if !self.quiet {
            // Nobody is left to tell when standard error is gone.
            let _ = bars::aside(|| writeln!(anstream::stderr(), "{message}"));
        }
    }

    /// Something to look at that does not stop the run. Shown even when quiet.
    pub(crate) fn warn(&self, message: impl Display) {
        let style = anstyle::AnsiColor::Yellow.on_default().bold();
        let warn = || writeln!(anstream::stderr(), "{style}warning:{style:#} {message}");
        let _ = bars::aside(warn);
    }

    /// What to do about a result.
    pub(crate) fn hint(&self, message: impl Display) {
        let style = anstyle::AnsiColor::Cyan.on_default().bold();
        let hint = || writeln!(anstream::stderr(), "{style}hint:{style:#} {message}");
        let _ = bars::aside(hint);
    }

    /// Says what failed, where the data has it, too.
    pub(crate) fn error(&self, failure: &Failure) {
        let _ = bars::aside(|| writeln!(anstream::stderr(), "{failure}"));
    }

    /// Reports a failure, as text and, where data is asked for as JSON, as data.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.error(failure);
        if !self.is_text() {
            let _ = self.json(&failure.to_json());
        }
    }

    /// Data for people.
    pub(crate) fn print(&self, text: impl Display) -> Result<(), Failure> {
        bars::aside(|| writeln!(anstream::stdout(), "{text}")).or_else(broken_pipe)
    }

    /// Data as JSON: indented for one document, on one line for many.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = match self.output {
            Output::Ndjson => serde_json::to_string(value),
            Output::Json | Output::Text => serde_json::to_string_pretty(value),
        }
        .map_err(|error| Failure::from_error(Exit::Failure, &error))?;
        bars::aside(|| writeln!(io::stdout(), "{text}")).or_else(broken_pipe)
    }

    /// A list as JSON: one array, or one document a line.
    pub(crate) fn json_list<T: Serialize>(&self, values: &[T]) -> Result<(), Failure> {
        match self.output {
            Output::Ndjson => values.iter().try_for_each(|value| self.json(value)),
            Output::Json | Output::Text => self.json(&values),
        }
    }

    /// Progress of a piece of work, named as people would.
    pub(crate) fn progress(&self, what: &str) -> Progress {
        if self.quiet {
            Progress::silent()
        } else if self.bars {
            Progress::bars(what)
        } else {
            Progress::lines(what)
        }
    }
}

/// Writes bytes to standard output as they are.
pub(crate) fn write_all(bytes: &[u8]) -> Result<(), Failure> {
    io::stdout().write_all(bytes).or_else(broken_pipe)
}

/// Whoever read standard output has seen enough: that is no failure.
fn broken_pipe(error: io::Error) -> Result<(), Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Failure,
            format!("cannot write to standard output: {error}"),
        ))
    }
}
