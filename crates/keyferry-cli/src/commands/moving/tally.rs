//! How many objects, and how it ends.

use keyferry_transfer::JobError;
use serde::Serialize;

use super::action::{Done, Outcome, Trouble, What};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::human_bytes;

/// How many.
#[derive(Debug, Default, Serialize)]
pub(in crate::commands) struct Tally {
    moved: u64,
    bytes: u64,
    planned: u64,
    planned_bytes: u64,
    same: u64,
    left_out: u64,
    failed: u64,
    pub(in crate::commands) deleted: u64,
    pub(in crate::commands) planned_deletions: u64,
    pub(super) replicated: u64,
    pub(super) not_replicated: u64,
    pub(super) replication_pending: u64,
    pub(super) replication_failed: u64,
    /// The exit code that the worst of all asks for.
    #[serde(skip)]
    worst: Option<Exit>,
}

impl Tally {
    pub(super) fn count(&mut self, what: &What, result: &Result<Done, Trouble>) {
        match result.as_ref().map(|done| &done.outcome) {
            Ok(Outcome::Moved(_)) => {
                self.moved += 1;
                self.bytes += what.size;
            }
            Ok(Outcome::Planned(_)) => {
                self.planned += 1;
                self.planned_bytes += what.size;
            }
            Ok(Outcome::Same) => self.same += 1,
            Ok(Outcome::LeftOut(_)) => self.left_out += 1,
            Ok(Outcome::Differs(_)) => self.fail(Exit::Differs),
            Err(trouble) if trouble.is_interruption() => {}
            Err(Trouble::Transfer(error)) => self.fail(match error.kind() {
                keyferry_transfer::ErrorKind::Key => Exit::Key,
                _ => Exit::Failure,
            }),
            Err(Trouble::Other(failure)) => self.fail(failure.exit()),
        }
    }

    /// One failed.
    pub(in crate::commands) fn fail(&mut self, exit: Exit) {
        self.failed += 1;
        self.ends_with(exit);
    }

    /// What is the same for all objects that did not do well; a plain failure where it is not.
    pub(super) fn ends_with(&mut self, exit: Exit) {
        self.worst = Some(match self.worst {
            None => exit,
            Some(worst) if worst == exit => exit,
            // That it is there and wrong is worse than that it is not there yet.
            Some(Exit::Differs) => Exit::Differs,
            Some(_) if exit == Exit::Differs => Exit::Differs,
            Some(Exit::NotConfirmed) => exit,
            Some(_) => Exit::Failure,
        });
    }

    pub(in crate::commands) fn failed(&self) -> u64 {
        self.failed
    }

    /// How many were, or would be, moved or removed.
    pub(in crate::commands) fn changes(&self) -> u64 {
        self.moved + self.planned + self.deleted + self.planned_deletions
    }

    pub(in crate::commands) fn exit(&self) -> Exit {
        self.worst.unwrap_or(Exit::Done)
    }

    /// For people.
    pub(in crate::commands) fn text(&self) -> String {
        let mut parts = Vec::new();
        if self.planned + self.planned_deletions > 0 {
            parts.push(format!(
                "would copy {} ({})",
                objects(self.planned),
                human_bytes(self.planned_bytes)
            ));
        } else {
            parts.push(format!(
                "copied {} ({})",
                objects(self.moved),
                human_bytes(self.bytes)
            ));
        }
        for (count, what) in [
            (self.same, "the same already"),
            (self.planned_deletions, "would be removed"),
            (self.deleted, "removed"),
            (self.left_out, "left out"),
            (self.failed, "failed"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let mut text = parts.join(", ");
        let replication: Vec<String> = [
            (self.replicated, "verified"),
            (self.not_replicated, "not replicated by any rule"),
            (self.replication_pending, "not confirmed"),
            (self.replication_failed, "failed"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if !replication.is_empty() {
            text.push_str(&format!("; replication: {}", replication.join(", ")));
        }
        text
    }

    /// Ends with what all came to.
    pub(in crate::commands) fn end(
        &self,
        actions: crate::commands::actions::Actions,
    ) -> Result<(), Failure> {
        actions.end(self, self.text())
    }
}

fn objects(count: u64) -> String {
    match count {
        1 => "1 object".to_owned(),
        _ => format!("{count} objects"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_unless_it_is_of_one_kind() {
        let ends = |exits: &[Exit]| {
            let mut tally = Tally::default();
            for exit in exits {
                tally.ends_with(*exit);
            }
            tally.exit()
        };
        assert_eq!(ends(&[]), Exit::Done);
        assert_eq!(ends(&[Exit::Key, Exit::Key]), Exit::Key);
        assert_eq!(ends(&[Exit::Key, Exit::Failure]), Exit::Failure);
        assert_eq!(ends(&[Exit::NotConfirmed, Exit::Key]), Exit::Key);
        assert_eq!(
            ends(&[Exit::Failure, Exit::Differs, Exit::Key]),
            Exit::Differs
        );
    }
}
