//! A person at the terminal.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};

use keyferry_keystore::{Passphrase, Prompt};

use crate::secret_input;
use crate::terminal::Terminal;

/// Asks on the terminal itself, so that standard input and standard error may be pipes.
pub(super) struct TerminalPrompt(pub(super) Terminal);

impl Prompt for TerminalPrompt {
    fn secret(&self, question: &str) -> Option<Passphrase> {
        let question = format!("{} ", question.trim_end());
        Passphrase::new(secret_input::ask(&question)?).ok()
    }

    fn line(&self, question: &str) -> Option<String> {
        let mut terminal = File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()?;
        write!(terminal, "{} ", question.trim_end()).ok()?;
        let mut answer = String::new();
        BufReader::new(terminal).read_line(&mut answer).ok()?;
        Some(answer.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let no = no.unwrap_or("no");
        let answer = self.line(&format!("{question} (y: {yes}, n: {no})"))?;
        Some(["y", "yes"].contains(&answer.to_ascii_lowercase().as_str()))
    }

    fn tell(&self, message: &str) {
        self.0.say(message);
    }
}
