//! Waiting until what was sent is in the other region, and equal there.

use std::time::{Duration, Instant};

use futures::stream::StreamExt;
use keyferry_policy::Region;
use keyferry_transfer::ObjectAddress;
use keyferry_verify::{
    Conclusion, ErrorKind, Level, NotCovered, Outcome as Replicated, Silent, Subject, Verification,
};
use serde::Serialize;

use super::action::{Done, Outcome, What};
use super::key::Encrypting;
use super::{Moving, Tally};
use crate::commands::actions::Actions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::replica;
use crate::terminal::{printable, report};

/// How many replicas are looked at at once.
const AT_ONCE: usize = 16;

/// A version that was stored.
pub(super) struct Sent {
    address: ObjectAddress,
    version_id: Option<String>,
    size: u64,
}

impl Sent {
    pub(super) fn of(what: &What, done: &Done) -> Option<Self> {
        let address = what.stored.clone()?;
        matches!(done.outcome, Outcome::Moved(_)).then(|| Self {
            address,
            version_id: done.version_id.clone(),
            size: what.size,
        })
    }
}

/// What verifying one came to, as data.
#[derive(Serialize)]
struct Line {
    action: &'static str,
    address: ObjectAddress,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    hint: Option<String>,
    /// No rule of the bucket covers anything, so that nothing else needs to be asked.
    #[serde(skip)]
    nothing_replicates: bool,
}

/// Looks at the replicas of all that was sent. All of them together wait no longer than was asked for.
pub(super) async fn verify(
    moving: &Moving<'_>,
    region: &Region,
    encrypting: &Encrypting,
    mut sent: Vec<Sent>,
    actions: &mut Actions,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let Some(first) = sent.pop() else {
        return Ok(());
    };
    let progress = moving.invocation.terminal.progress("replicas");
    progress.status("waiting for replication");
    let look = Look {
        moving,
        region,
        encrypting,
        started: Instant::now(),
    };
    let total = sent.len() + 1;
    // The first one tells whether there is replication at all.
    let line = look.at(first).await;
    let nothing_replicates = line.nothing_replicates;
    tell(actions, tally, &line)?;
    if nothing_replicates {
        for object in sent {
            tell(actions, tally, &Line::new(object, "not-replicated"))?;
        }
        return Ok(());
    }
    let mut looks = futures::stream::iter(sent)
        .map(|object| look.at(object))
        .buffer_unordered(AT_ONCE);
    let mut count = 1;
    while let Some(line) = looks.next().await {
        count += 1;
        progress.status(&format!("{count} of {total} looked at"));
        tell(actions, tally, &line)?;
    }
    progress.finish();
    Ok(())
}

fn tell(actions: &mut Actions, tally: &mut Tally, line: &Line) -> Result<(), Failure> {
    let (count, exit) = match line.result {
        "verified" => (&mut tally.replicated, None),
        "not-replicated" => (&mut tally.not_replicated, None),
        "failed" | "differs" => (&mut tally.replication_failed, Some(Exit::Differs)),
        _ => (&mut tally.replication_pending, Some(Exit::NotConfirmed)),
    };
    *count += 1;
    let address = line.address.to_string();
    let Some(exit) = exit else {
        return actions.done(line, || {
            format!("replication of {}: {}", printable(&address), line.result)
        });
    };
    tally.ends_with(exit);
    let error = line.error.as_deref().unwrap_or(line.result);
    let failure = Failure::new(
        exit,
        format!("replication of `{}`: {error}", printable(&address)),
    );
    actions.failed(line, failure.maybe_hint(line.hint.clone()))
}

impl Line {
    fn new(sent: Sent, result: &'static str) -> Self {
        Self {
            action: "replication",
            address: sent.address,
            version_id: sent.version_id,
            result,
            error: None,
            hint: None,
            nothing_replicates: false,
        }
    }
}

struct Look<'a> {
    moving: &'a Moving<'a>,
    region: &'a Region,
    encrypting: &'a Encrypting,
    started: Instant,
}

impl Look<'_> {
    async fn at(&self, sent: Sent) -> Line {
        let moving = self.moving;
        let given = moving.arguments.replica.as_ref();
        let subject = Subject {
            region: self.region.clone(),
            version_id: sent.version_id.clone(),
            size: sent.size,
            etag: None,
            parts: None,
            checksum: None,
            sha256: None,
            key_id: Some(self.encrypting.id.clone()),
            key_md5: self.encrypting.key.md5(),
            uploaded: None,
            from_receipt: false,
            source: sent.address.clone(),
        };
        let verification = Verification {
            subject: &subject,
            key: &self.encrypting.key,
            wait: moving
                .arguments
                .wait
                .checked_sub(self.started.elapsed())
                .unwrap_or(Duration::ZERO),
            level: Level::Equal,
            replica: replica::given(moving.invocation, &subject.source, given),
            probe: false,
        };
        let connector = moving.aws.connector();
        let cancel = moving.cancel.clone();
        match keyferry_verify::verify(connector, verification, &Silent, cancel).await {
            Ok(found) => settled(sent, &found.outcome),
            Err(error) if error.kind() == ErrorKind::Interrupted => Line::new(sent, "pending"),
            Err(error) => {
                let mut line = Line::new(sent, "unclear");
                line.error = Some(error.to_string());
                line.hint = error.hint();
                line
            }
        }
    }
}

fn settled(sent: Sent, outcome: &Replicated) -> Line {
    let result = match (outcome, outcome.conclusion()) {
        (_, Conclusion::Verified) => "verified",
        (
            Replicated::NotCovered {
                why: NotCovered::OlderThanRule,
            },
            _,
        ) => "unclear",
        (Replicated::NotCovered { .. }, _) => "not-replicated",
        (Replicated::Failed { .. }, _) => "failed",
        (_, Conclusion::Refuted) => "differs",
        (_, Conclusion::Pending) => "pending",
        (_, Conclusion::Undetermined) => "unclear",
    };
    let mut line = Line::new(sent, result);
    line.nothing_replicates = matches!(
        outcome,
        Replicated::NotCovered {
            why: NotCovered::NoConfiguration | NotCovered::NotVersioned
        }
    );
    if !matches!(result, "verified" | "not-replicated") {
        line.error = Some(report::outcome(outcome).to_string());
        line.hint = report::hint(outcome);
    }
    line
}
