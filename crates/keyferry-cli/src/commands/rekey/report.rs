//! What a run came to.

use keyferry_policy::BucketName;
use keyferry_transfer::{Left, Outcome, Totals};
use serde::Serialize;
use serde_json::{Value, json};

use super::line::Line;
use super::{Course, target};
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::human_bytes;

/// Counts of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Tally {
    pub(super) rekeyed: u64,
    pub(super) rekeyed_bytes: u64,
    pub(super) already: u64,
    pub(super) planned: u64,
    pub(super) differs: u64,
    pub(super) failed: u64,
    pub(super) unknown_key: u64,
    pub(super) other_key: u64,
    pub(super) no_customer_key: u64,
    pub(super) archived: u64,
    pub(super) replicas_left: u64,
    pub(super) deleted_meanwhile: u64,
    pub(super) overwritten_meanwhile: u64,
    pub(super) replication_verified: u64,
    pub(super) replication_not_confirmed: u64,
    pub(super) replication_failed: u64,
    pub(super) not_replicated: u64,
    /// Versions that are not current, and not known to be under the new key.
    pub(super) old_versions: u64,
    pub(super) old_bytes: u64,
    /// Message and hint.
    #[serde(skip)]
    pub(super) last_failure: Option<(String, Option<String>)>,
}

impl Tally {
    pub(super) fn take_in(&mut self, outcome: &Outcome, line: &Line) {
        if line.overwritten_meanwhile > 0 {
            self.overwritten_meanwhile += 1;
        }
        let counter = match outcome {
            Outcome::Rekeyed(made) | Outcome::Differs { rekeyed: made, .. } => {
                if made.version_id.is_some() && made.version_id != made.source_version {
                    self.old_versions += 1;
                    self.old_bytes += made.size;
                }
                if matches!(outcome, Outcome::Differs { .. }) {
                    &mut self.differs
                } else {
                    self.rekeyed_bytes += made.size;
                    &mut self.rekeyed
                }
            }
            Outcome::Already { .. } => &mut self.already,
            Outcome::Planned(_) => &mut self.planned,
            Outcome::Left(Left::UnknownKey { .. }) => &mut self.unknown_key,
            Outcome::Left(Left::OtherKey(_)) => &mut self.other_key,
            Outcome::Left(Left::NotCustomerKey) => &mut self.no_customer_key,
            Outcome::Left(Left::Archived(_)) => &mut self.archived,
            Outcome::Left(Left::Replica) => &mut self.replicas_left,
            Outcome::Left(_) => &mut self.deleted_meanwhile,
            _ => {
                self.last_failure = line.reason.clone().map(|why| (why, line.hint.clone()));
                &mut self.failed
            }
        };
        *counter += 1;
    }

    pub(super) fn replica(&mut self, line: &Line) {
        let counter = match line.replication {
            Some("verified") => &mut self.replication_verified,
            Some("not replicated") => &mut self.not_replicated,
            Some("failed" | "differs") => &mut self.replication_failed,
            _ => &mut self.replication_not_confirmed,
        };
        *counter += 1;
    }

    /// Whether nothing is left that the same command could put right.
    pub(super) fn is_clean(&self) -> bool {
        self.failed + self.differs + self.replication_failed + self.replication_not_confirmed == 0
    }

    pub(super) fn exit(&self) -> Exit {
        if self.differs + self.replication_failed > 0 {
            Exit::Differs
        } else if self.failed > 0 {
            Exit::Failure
        } else if self.unknown_key > 0 {
            Exit::Key
        } else if self.replication_not_confirmed > 0 {
            Exit::NotConfirmed
        } else {
            Exit::Done
        }
    }
}

/// An object as messages name it.
pub(super) fn name_of(bucket: &BucketName, key: &str) -> String {
    format!("`s3://{bucket}/{key}`")
}

/// All that is shown of a run.
pub(super) struct Shown {
    pub(super) tally: Tally,
    pub(super) lines: Vec<Line>,
    pub(super) totals: Totals,
    pub(super) plan: Option<Value>,
    /// The old versions, where they were asked for.
    pub(super) old: Option<Vec<Value>>,
}

impl Shown {
    pub(super) fn new(tally: Tally, lines: Vec<Line>, totals: Totals) -> Self {
        Self {
            tally,
            lines,
            totals,
            plan: None,
            old: None,
        }
    }
}

/// Prints what a complete run came to.
pub(super) fn summary(course: &Course<'_>, shown: &Shown) -> Result<(), Failure> {
    let (terminal, tally) = (course.invocation.terminal, &shown.tally);
    if !terminal.is_text() {
        return data(course, shown, true);
    }
    if course.arguments.dry_run {
        return Ok(());
    }
    terminal.print(text(course, tally))?;
    if shown.old.is_none() && tally.old_versions > 0 {
        let list = format!(
            "{} --all-versions --dry-run",
            target::command(course.arguments)
        );
        terminal.hint(format!(
            "`{list}` lists the old versions, with the commands that delete them"
        ));
    }
    if tally.failed + tally.differs > 0 {
        terminal.hint("the same command tries again what failed, and nothing else");
    }
    Ok(())
}

/// Prints what was done before a run stopped.
pub(super) fn stopped(course: &Course<'_>, shown: &Shown) -> Result<(), Failure> {
    if course.invocation.terminal.is_text() {
        course.invocation.terminal.print(text(course, &shown.tally))
    } else {
        data(course, shown, false)
    }
}

fn data(course: &Course<'_>, shown: &Shown, complete: bool) -> Result<(), Failure> {
    let terminal = course.invocation.terminal;
    let mut summary = json!({
        "bucket": course.target.bucket,
        "prefix": course.target.scope.prefix(),
        "key_id": course.rekey.key_id,
        "dry_run": course.arguments.dry_run,
        "complete": complete,
        "objects": shown.totals.objects,
        "bytes": shown.totals.bytes,
        "counts": shown.tally,
    });
    if let Some(fields) = summary.as_object_mut() {
        if let Some(plan) = &shown.plan {
            fields.insert("plan".to_owned(), plan.clone());
        }
        if let Some(old) = &shown.old {
            fields.insert("old_versions".to_owned(), old.clone().into());
        }
    }
    if terminal.output() == Output::Ndjson {
        for line in &shown.lines {
            terminal.json(line)?;
        }
        terminal.json(&json!({"summary": summary}))
    } else {
        terminal.json(&json!({"objects": shown.lines, "summary": summary}))
    }
}

fn text(course: &Course<'_>, tally: &Tally) -> String {
    let mut text = format!(
        "re-encrypted {}, {}, under key {}",
        objects(tally.rekeyed),
        human_bytes(tally.rekeyed_bytes),
        course.rekey.key_id
    );
    let mut row = |name: &str, count: u64, what: &str| {
        if count > 0 {
            text.push_str(&format!("\n  {name:<12} {count} {what}"));
        }
    };
    row("already", tally.already, "under the key before");
    row("failed", tally.failed, "could not be re-encrypted");
    row(
        "differs",
        tally.differs,
        "with a new version that is not as the old one",
    );
    row("left", tally.unknown_key, "under unknown keys");
    row(
        "left",
        tally.other_key,
        "under other keys than those asked for",
    );
    row(
        "left",
        tally.no_customer_key,
        "under no customer key (see --include-unencrypted)",
    );
    row("left", tally.archived, "archived");
    row(
        "left",
        tally.replicas_left,
        "that came by replication (see --include-replicas)",
    );
    row("deleted", tally.deleted_meanwhile, "meanwhile");
    row(
        "overwritten",
        tally.overwritten_meanwhile,
        "meanwhile, and done again",
    );
    row("replicas", tally.replication_verified, "verified");
    row("replicas", tally.replication_not_confirmed, "not confirmed");
    row("replicas", tally.replication_failed, "failed or different");
    row("replicas", tally.not_replicated, "not covered by any rule");
    let old = format!(
        "({}) stay as they were, under the keys they had",
        human_bytes(tally.old_bytes)
    );
    row("old versions", tally.old_versions, &old);
    text
}

pub(super) fn objects(count: u64) -> String {
    match count {
        1 => "1 object".to_owned(),
        count => format!("{count} objects"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides() {
        let mut tally = Tally::default();
        assert_eq!(tally.exit(), Exit::Done);
        type Step = fn(&mut Tally);
        let steps: [(Step, Exit); 5] = [
            (|tally| tally.archived += 1, Exit::Done),
            (
                |tally| tally.replication_not_confirmed += 1,
                Exit::NotConfirmed,
            ),
            (|tally| tally.unknown_key += 1, Exit::Key),
            (|tally| tally.failed += 1, Exit::Failure),
            (|tally| tally.differs += 1, Exit::Differs),
        ];
        for (step, exit) in steps {
            step(&mut tally);
            assert_eq!(tally.exit(), exit);
        }
    }
}
