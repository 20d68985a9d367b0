//! Whether all that was sent arrived in the other region.

use std::time::{Duration, Instant};

use futures::stream::StreamExt;
use keyferry_key::CustomerKey;
use keyferry_verify::{Conclusion, ErrorKind, NotCovered, Outcome, Silent, Subject, Verification};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::sent::Sent;
use crate::args::WaitArgs;
use crate::aws::Aws;
use crate::commands::actions::Actions;
use crate::commands::{Invocation, verify};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::replica;
use crate::terminal::report;

/// How many replicas are looked at at once.
const AT_ONCE: usize = 16;

/// What all of it came to.
#[derive(Debug, Default, Serialize)]
pub(super) struct Replicas {
    verified: u64,
    not_confirmed: u64,
    failed: u64,
    not_replicated: u64,
}

/// What verification needs.
pub(super) struct Look<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) aws: &'a Aws,
    pub(super) key: &'a CustomerKey,
    pub(super) options: &'a WaitArgs,
    pub(super) cancel: &'a CancellationToken,
}

/// What became of one replica.
struct Seen {
    subject: Subject,
    status: &'static str,
    why: Option<Failure>,
    /// No rule of the bucket covers anything, so that nothing else needs to be asked.
    nothing_replicates: bool,
}

impl Replicas {
    /// Looks at the replicas of all that was sent.
    pub(super) async fn verify<T>(
        look: &Look<'_>,
        sent: Sent<T>,
        actions: &mut Actions,
    ) -> Result<Self, Failure>
    where
        T: Into<Subject> + Serialize + DeserializeOwned + 'static,
    {
        let mut replicas = Self::default();
        let total = sent.count();
        let mut sent = sent.read()?;
        let Some(first) = sent.next() else {
            return Ok(replicas);
        };
        let place =
            replica::Place::connect(look.invocation, look.aws, &look.options.replica).await?;
        let place = &place;
        let progress = look.invocation.terminal.progress("replicas");
        progress.status("waiting for replication");
        let started = Instant::now();
        // The first one tells whether there is replication at all, and whether both sides refuse who has
        // not the key: that does not depend on the object.
        let first = look
            .at(place, first?.into(), started, !look.options.no_probe)
            .await?;
        if first.nothing_replicates {
            replicas.not_replicated = total;
            progress.finish();
            if let Some(why) = first.why {
                look.invocation.terminal.warn(why.message());
                let hint = why.hint_text().unwrap_or("set up replication");
                look.invocation
                    .terminal
                    .hint(format!("{hint}; or give --no-wait"));
            }
            return Ok(replicas);
        }
        replicas.take_in(first, actions)?;
        let looks = futures::stream::iter(sent)
            .map(|sent| async move { look.at(place, sent?.into(), started, false).await });
        let mut looks = looks.buffer_unordered(AT_ONCE);
        while let Some(seen) = looks.next().await {
            match seen {
                Ok(seen) => replicas.take_in(seen, actions)?,
                Err(failure) if failure.exit() == Exit::Interrupted => break,
                Err(failure) => return Err(failure),
            }
            progress.status(&format!("{} of {total} looked at", replicas.seen()));
        }
        // What an interruption kept from being looked at.
        replicas.not_confirmed += total.saturating_sub(replicas.seen());
        progress.finish();
        Ok(replicas)
    }

    fn seen(&self) -> u64 {
        self.verified + self.not_confirmed + self.failed + self.not_replicated
    }

    fn take_in(&mut self, seen: Seen, actions: &mut Actions) -> Result<(), Failure> {
        let counter = match seen.status {
            "verified" => &mut self.verified,
            "failed" => &mut self.failed,
            "not-replicated" => &mut self.not_replicated,
            _ => &mut self.not_confirmed,
        };
        *counter += 1;
        let source = &seen.subject.source;
        let action = json!({
            "action": "verify-replica",
            "address": source,
            "version_id": seen.subject.version_id,
            "status": seen.status,
            "reason": seen.why.as_ref().map(Failure::message),
        });
        match seen.why {
            None => actions.done(&action, || format!("replica of {source} verified")),
            Some(why) => actions.failed(&action, why),
        }
    }

    /// How the run ends, for what is to be said of replicas.
    pub(super) fn exit(&self) -> Exit {
        if self.failed > 0 {
            Exit::Differs
        } else if self.not_confirmed + self.not_replicated > 0 {
            Exit::NotConfirmed
        } else {
            Exit::Done
        }
    }

    /// For people, behind the summary of the upload.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (count, what) in [
            (self.verified, "verified"),
            (self.not_confirmed, "not confirmed in time"),
            (self.failed, "failed or different"),
            (self.not_replicated, "not covered by any rule"),
        ] {
            if count > 0 {
                text.push_str(&format!("\n  replicas    {count} {what}"));
            }
        }
        text
    }
}

impl Look<'_> {
    /// Looks at one. All of them together wait no longer than was asked for.
    async fn at(
        &self,
        place: &replica::Place,
        subject: Subject,
        started: Instant,
        probe: bool,
    ) -> Result<Seen, Failure> {
        let verification = Verification {
            subject: &subject,
            key: Some(self.key),
            wait: self
                .options
                .wait
                .checked_sub(started.elapsed())
                .unwrap_or(Duration::ZERO),
            level: verify::level(self.options),
            read: keyferry_verify::ReadSides::Both,
            replica: place.given(self.invocation, &subject.source),
            probe,
        };
        let regions = place.regions();
        let verified =
            keyferry_verify::verify(regions, verification, &Silent, self.cancel.clone()).await;
        let mut nothing_replicates = false;
        let address = subject.source.clone();
        let said = |exit, what: &str, hint: Option<String>| {
            Some(Failure::new(exit, format!("`{address}`: {what}")).maybe_hint(hint))
        };
        let (status, why) = match verified {
            Ok(found) => {
                let outcome = &found.outcome;
                nothing_replicates = matches!(
                    outcome,
                    Outcome::NotCovered {
                        why: NotCovered::NoConfiguration | NotCovered::NotVersioned
                    }
                );
                let (status, exit) = match (outcome, outcome.conclusion()) {
                    (_, Conclusion::Verified) => ("verified", Exit::Done),
                    (Outcome::NotCovered { .. }, _) => ("not-replicated", Exit::NotConfirmed),
                    (_, Conclusion::Refuted) => ("failed", Exit::Differs),
                    (_, Conclusion::Pending) => ("pending", Exit::NotConfirmed),
                    (_, Conclusion::Undetermined) => ("unclear", Exit::NotConfirmed),
                };
                let why = match status {
                    "verified" => None,
                    _ => {
                        let what = format!("replication: {}", report::outcome(outcome));
                        said(exit, &what, report::hint(outcome))
                    }
                };
                (status, why)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error.into()),
            Err(error) => (
                "unclear",
                said(Exit::NotConfirmed, &chain(&error), error.hint()),
            ),
        };
        Ok(Seen {
            subject,
            status,
            why,
            nothing_replicates,
        })
    }
}
