//! The demo's lines.

use std::fmt::Display;

use crate::failure::Failure;
use crate::terminal::Terminal;

/// Tells what was done, a line a step; as data, one document a step.
pub(super) struct Story {
    terminal: Terminal,
}

impl Story {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal }
    }

    pub(super) fn title(&self, text: &str) -> Result<(), Failure> {
        let bold = anstyle::Style::new().bold();
        if self.terminal.is_text() {
            self.terminal.print(format!("{bold}{text}{bold:#}\n"))
        } else {
            Ok(())
        }
    }

    pub(super) fn step(&self, name: &str, line: impl Display) -> Result<(), Failure> {
        let done = anstyle::AnsiColor::Green.on_default().bold();
        if self.terminal.is_text() {
            self.terminal
                .print(format!("{done}ok{done:#} {name:<10} {line}"))
        } else {
            self.terminal
                .json(&serde_json::json!({"step": name, "detail": line.to_string()}))
        }
    }

    pub(super) fn end(&self, text: &str) -> Result<(), Failure> {
        if self.terminal.is_text() {
            self.terminal.print(format!("\n{text}"))
        } else {
            Ok(())
        }
    }
}
