//! What a run over many objects prints, while it goes on and at its end.

use keyferry_report::{Telling, summary_text};
use keyferry_verify::{Checked, Conclusion, Level, Summary};
use serde_json::json;

use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Prints results.
pub(super) struct Results {
    terminal: Terminal,
    printed: u64,
    telling: Telling,
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
        })
    }

    /// One result. People and one JSON document are told of what is not verified, a stream of documents
    /// of all.
    pub(super) fn add(&mut self, checked: &Checked) -> Result<(), Failure> {
        let is_fine = matches!(checked.conclusion(), None | Some(Conclusion::Verified));
        match self.terminal.output() {
            Output::Ndjson => self.terminal.json(checked),
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
        }
        match self.terminal.output() {
            Output::Text => self.terminal.print(summary_text(asked, summary, complete)),
            Output::Ndjson => self.terminal.json(&json!({"summary": document})),
            _ => self
                .terminal
                .print(format!("],\n\"summary\": {document}}}")),
        }
    }
}
