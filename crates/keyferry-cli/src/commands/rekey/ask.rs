//! Asking before anything is changed.

use std::io::{self, IsTerminal, Write};

use keyferry_transfer::Totals;

use super::Course;
use super::report::objects;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::terminal::human_bytes;

/// Asks on the terminal. Ctrl-C is a no.
pub(super) async fn confirm(course: &Course<'_>, totals: Totals) -> Result<(), Failure> {
    let what = format!(
        "re-encrypt {} ({}) in `{}` under key {} of ring `{}`",
        objects(totals.objects),
        human_bytes(totals.bytes),
        course.target.bucket,
        course.rekey.key_id,
        course.arguments.to
    );
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            format!("nothing was changed: nobody is there to ask whether to {what}"),
        )
        .hint("--yes does it without asking, --dry-run only looks"));
    }
    let question = format!("{what}? [y/N] ");
    let asked = tokio::task::spawn_blocking(move || {
        let mut error = io::stderr();
        write!(error, "{question}")?;
        error.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok::<_, io::Error>(answer)
    });
    tokio::select! {
        () = course.cancel.cancelled() => {
            Err(Failure::new(Exit::Interrupted, "nothing was changed"))
        }
        answer = asked => {
            let answer = answer.context("ask on", "the terminal")?.context("read", "the answer")?;
            if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
                Ok(())
            } else {
                Err(Failure::new(Exit::Failure, "nothing was changed"))
            }
        }
    }
}
