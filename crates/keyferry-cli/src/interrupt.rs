//! Ctrl-C: the first time finish cleanly, the second time stop at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::terminal::Terminal;

/// A token that SIGINT or SIGTERM cancels.
pub(crate) fn token(terminal: Terminal) -> Result<CancellationToken, Failure> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for", "SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for", "SIGTERM")?;
    let cancelled = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if cancelled.is_cancelled() {
                // No destructor could be trusted to be quick here; nothing is under a final name yet.
                std::process::exit(Exit::Interrupted as i32);
            }
            terminal.say("\ninterrupted: finishing cleanly (once more to stop at once)");
            cancelled.cancel();
        }
    });
    Ok(token)
}
