//! What a run over many objects prints, while it goes on and at its end.

use std::collections::BTreeMap;

use keyferry_report::{Telling, summary_text};
use keyferry_verify::{Checked, CheckedResult, Conclusion, Level, Summary, Verdict};
use serde_json::json;

use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{Terminal, printable};

/// How many reasons are told once each; others are told of every object.
const MOST_REASONS: usize = 20;

/// Prints results.
pub(super) struct Results {
    terminal: Terminal,
    printed: u64,
    telling: Telling,
    /// What keeps objects from being opened, in words that they share, and how many more there are.
    unopened: BTreeMap<String, u64>,
}

impl Results {
    pub(super) fn begin(terminal: Terminal) -> Result<Self, Failure> {
        if terminal.output() == Output::Json {
            terminal.print("{\"objects\": [")?;
        }
        Ok(Self {
            terminal,
            printed: 0,
            telling: Telling::default(),
            unopened: BTreeMap::new(),
        })
    }

    /// One result. People and one JSON document are told of what is not verified, a stream of documents
    /// of all.
    pub(super) fn add(&mut self, checked: &Checked) -> Result<(), Failure> {
        let is_fine = matches!(checked.conclusion(), None | Some(Conclusion::Verified));
        match self.terminal.output() {
            Output::Ndjson => self.terminal.json(checked),
            Output::Text if self.is_told(checked) => Ok(()),
            Output::Text if is_fine && !self.terminal.is_verbose() => Ok(()),
            Output::Text => self.terminal.print(self.telling.text(checked)),
            _ if is_fine => Ok(()),
            _ => {
                let comma = match self.printed {
                    0 => "",
                    _ => ",",
                };
                self.printed += 1;
                let document = serde_json::to_string(checked)
                    .map_err(|error| Failure::from_error(Exit::Failure, &error))?;
                self.terminal.print(format!("{comma}{document}"))
            }
        }
    }

    /// Whether no key opens it for a reason that was told of another object.
    fn is_told(&mut self, checked: &Checked) -> bool {
        let CheckedResult::Error(error) = &checked.result else {
            return false;
        };
        if self.terminal.is_verbose() || checked.verdict() != Verdict::WrongKey {
            return false;
        }
        let address = format!("`{}`", checked.address);
        let reason = error.to_string().replace(&address, "the object");
        if let Some(more) = self.unopened.get_mut(&reason) {
            *more += 1;
            return true;
        }
        if self.unopened.len() < MOST_REASONS {
            self.unopened.insert(reason, 0);
        }
        false
    }

    fn tell_rest(&self) -> Result<(), Failure> {
        for (reason, more) in self.unopened.iter().filter(|(_, more)| **more > 0) {
            let objects = if *more == 1 { "object" } else { "objects" };
            self.terminal.print(format!(
                "no key fits: {more} more {objects}; of each: {}",
                printable(reason)
            ))?;
        }
        Ok(())
    }

    /// What all came to.
    pub(super) fn end(
        self,
        asked: Level,
        summary: &Summary,
        complete: bool,
    ) -> Result<(), Failure> {
        let mut document = json!(summary);
        if let Some(fields) = document.as_object_mut() {
            fields.insert("conclusion".to_owned(), json!(summary.conclusion()));
            fields.insert("complete".to_owned(), complete.into());
            fields.insert("total".to_owned(), summary.total().into());
            fields.insert("conclusions".to_owned(), json!(summary.conclusions()));
        }
        match self.terminal.output() {
            Output::Text => {
                self.tell_rest()?;
                self.terminal.print(summary_text(asked, summary, complete))
            }
            Output::Ndjson => self.terminal.json(&json!({"summary": document})),
            _ => self
                .terminal
                .print(format!("],\n\"summary\": {document}}}")),
        }
    }
}
