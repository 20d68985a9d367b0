//! Asking before what cannot be undone.

use std::io::{self, IsTerminal, Write};

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::failure::{Context, Failure};

/// Asks a yes-or-no question on the terminal; anything but yes is a no, and Ctrl-C stops the run.
///
/// # Errors
/// `nobody` where there is no terminal to ask on: it says what was not done, and how to do it
/// without being asked.
pub(crate) async fn confirmed(
    question: String,
    cancel: &CancellationToken,
    nobody: impl FnOnce() -> Failure,
) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(nobody());
    }
    let asked = tokio::task::spawn_blocking(move || {
        let mut error = io::stderr();
        write!(error, "{question} [y/N] ")?;
        error.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok::<_, io::Error>(answer)
    });
    tokio::select! {
        () = cancel.cancelled() => Err(Failure::new(Exit::Interrupted, "nothing was changed")),
        answer = asked => {
            let answer = answer.context("ask on", "the terminal")?.context("read", "the answer")?;
            Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
        }
    }
}
