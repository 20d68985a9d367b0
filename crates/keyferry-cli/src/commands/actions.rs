//! What a command does to many objects, told one by one while it happens, and what it came to.
//!
//! As JSON every action is a document; people see them with `--verbose`, where nothing is really done
//! or where something fails.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde::Serialize;
use serde_json::json;

use crate::args::Output;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Writes actions down.
pub(super) struct Actions {
    terminal: Terminal,
    /// Whether people see every one.
    all: bool,
    written: u64,
    /// What to do about it is said once.
    hints: BTreeSet<String>,
}

impl Actions {
    /// `dry_run` shows all to people, as that is what they asked for.
    pub(super) fn begin(terminal: Terminal, dry_run: bool) -> Result<Self, Failure> {
        if terminal.output() == Output::Json {
            terminal.print("{\"actions\": [")?;
        }
        Ok(Self {
            terminal,
            all: dry_run || terminal.is_verbose(),
            written: 0,
            hints: BTreeSet::new(),
        })
    }

    /// Something that was done, or would be.
    pub(super) fn done<T: Display>(
        &mut self,
        action: &impl Serialize,
        text: impl FnOnce() -> T,
    ) -> Result<(), Failure> {
        if self.terminal.is_text() {
            return match self.all {
                true => self.terminal.print(text()),
                false => Ok(()),
            };
        }
        self.write(action)
    }

    /// Something that failed.
    pub(super) fn failed(
        &mut self,
        action: &impl Serialize,
        failure: Failure,
    ) -> Result<(), Failure> {
        let known = failure
            .hint_text()
            .is_some_and(|hint| !self.hints.insert(hint.to_owned()));
        self.terminal.error(&match known {
            true => Failure::new(failure.exit(), failure.message()),
            false => failure,
        });
        if self.terminal.is_text() {
            return Ok(());
        }
        self.write(action)
    }

    /// Something that people hear of in other ways.
    pub(super) fn silent(&mut self, action: &impl Serialize) -> Result<(), Failure> {
        match self.terminal.is_text() {
            true => Ok(()),
            false => self.write(action),
        }
    }

    fn write(&mut self, action: &impl Serialize) -> Result<(), Failure> {
        let comma = match self.terminal.output() {
            Output::Json if self.written > 0 => ",",
            _ => "",
        };
        self.written += 1;
        match serde_json::to_string(action) {
            Ok(text) => self.terminal.print(format!("{comma}{text}")),
            Err(error) => Err(Failure::from_error(crate::exit::Exit::Failure, &error)),
        }
    }

    /// What all came to.
    pub(super) fn end(self, summary: &impl Serialize, text: impl Display) -> Result<(), Failure> {
        match self.terminal.output() {
            Output::Text => self.terminal.print(text),
            Output::Json => self
                .terminal
                .print(format!("],\n\"summary\": {}}}", json!(summary))),
            Output::Ndjson => self
                .terminal
                .json(&json!({"action": "summary", "summary": summary})),
        }
    }
}
