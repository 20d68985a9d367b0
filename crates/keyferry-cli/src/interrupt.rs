//! Ctrl-C: the first time finish cleanly, the second time stop at once; at a prompt give the
//! terminal back as it was.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::terminal::Terminal;

/// What an interruption has to look after.
struct Pending {
    listening: bool,
    /// Work that finishes cleanly, and where to say so.
    tokens: Vec<(Terminal, CancellationToken)>,
    /// A terminal that is being asked on, and how it was before.
    prompt: Option<(File, Termios)>,
}

static PENDING: Mutex<Pending> = Mutex::new(Pending {
    listening: false,
    tokens: Vec::new(),
    prompt: None,
});

fn pending() -> MutexGuard<'static, Pending> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A token that SIGINT or SIGTERM cancels.
pub(crate) fn token(terminal: Terminal) -> Result<CancellationToken, Failure> {
    listen().context("listen for", "SIGINT and SIGTERM")?;
    let token = CancellationToken::new();
    pending().tokens.push((terminal, token.clone()));
    Ok(token)
}

/// Listens for SIGINT and SIGTERM from now on. Where nothing has to be finished, they end the process
/// at once, as they would by themselves.
fn listen() -> io::Result<()> {
    if std::mem::replace(&mut pending().listening, true) {
        return Ok(());
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            let mut pending = pending();
            if pending.prompt.is_some() {
                leave_prompt(&mut pending);
            }
            let mut unfinished = pending
                .tokens
                .iter()
                .filter(|(_, token)| !token.is_cancelled())
                .peekable();
            match unfinished.peek() {
                Some((terminal, _)) => {
                    terminal.say("\ninterrupted: finishing cleanly (once more to stop at once)")
                }
                // No destructor could be trusted to be quick here; nothing is under a final name yet.
                None => std::process::exit(Exit::Interrupted as i32),
            }
            unfinished.for_each(|(_, token)| token.cancel());
        }
    });
    Ok(())
}

/// Asks on a terminal; if that is interrupted, the terminal is put back as it was and the process
/// ends.
pub(crate) fn at_prompt<T>(terminal: File, ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    listen()?;
    let before = tcgetattr(&terminal)?;
    pending().prompt = Some((terminal, before));
    let answer = ask();
    let mut pending = pending();
    if let Err(error) = &answer
        && error.kind() == io::ErrorKind::Interrupted
    {
        leave_prompt(&mut pending);
    }
    pending.prompt = None;
    answer
}

fn leave_prompt(pending: &mut Pending) -> ! {
    if let Some((mut terminal, before)) = pending.prompt.take() {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
        let _ = terminal.write_all(b"\n");
    }
    std::process::exit(Exit::Interrupted as i32);
}
