//! Whether all that was sent arrived in the other region.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use keyferry_key::CustomerKey;
use keyferry_verify::{
    Checked, CheckedResult, Conclusion, ErrorKind, Keys, Many, ManyOptions, NotCovered, Outcome,
    Recorded, Silent, Subject, Verdict, VerifyError, What, verify_many,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::sent::Sent;
use crate::args::WaitArgs;
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::commands::actions::Actions;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::replica;
use crate::terminal::{Terminal, report};

/// How often progress is shown while nothing happens.
const TICK: Duration = Duration::from_millis(500);

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

impl Replicas {
    /// Looks at the replicas of all that was sent.
    pub(super) async fn verify<T>(
        look: &Look<'_>,
        sent: Sent<T>,
        actions: &mut Actions,
    ) -> Result<Self, Failure>
    where
        T: Into<Subject> + Serialize + DeserializeOwned + Send + 'static,
    {
        let mut replicas = Self::default();
        let total = sent.count();
        let mut sent = sent.read()?;
        let Some(first) = sent.next() else {
            return Ok(replicas);
        };
        let first: Subject = first?.into();
        let place = replica::Place::connect(look.invocation, look.aws, &look.options.replica)
            .await?
            .hearing(look.options.events.as_ref());
        let given = place.given(look.invocation, &first.source);
        let bucket = first.source.bucket.clone();
        let progress = look.invocation.terminal.progress("replicas");
        progress.status("waiting for replication");
        let subjects = std::iter::once(Ok(first)).chain(sent.map(|sent| match sent {
            Ok(sent) => Ok(sent.into()),
            Err(failure) => Err(VerifyError::Source {
                detail: failure.message().to_owned(),
            }),
        }));
        let recorded = subjects.map(|subject| Ok(Recorded::Subject(Box::new(subject?))));
        let many = Many {
            what: What::Recorded(stream::iter(recorded).boxed()),
            keys: Keys::One(look.key),
            options: ManyOptions {
                level: look.options.level(),
                probe: look.options.probe(),
                wait: look.options.wait,
                replicas: BTreeMap::from_iter(given.map(|given| (bucket, vec![given]))),
                ..ManyOptions::default()
            },
            state: None,
        };
        let cancel = look.cancel.clone();
        let mut run = pin!(verify_many(place.regions(), many, &Silent, cancel));
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => {
                    let waiting = run.progress().waiting;
                    let message = format!("{waiting} waiting for replication");
                    progress.counted(replicas.seen(), Some(total), &message);
                }
                next = run.next() => match next {
                    None => break,
                    Some(Ok(checked)) if nothing_replicates(&checked) => {
                        replicas.not_replicated = total;
                        progress.finish();
                        tell_nothing_replicates(look.invocation.terminal, &checked);
                        return Ok(replicas);
                    }
                    Some(Ok(checked)) => replicas.take_in(&checked, actions)?,
                    Some(Err(error)) if error.kind() == ErrorKind::Interrupted => break,
                    Some(Err(error)) => return Err(error.into()),
                },
            }
        }
        // What an interruption kept from being looked at.
        replicas.not_confirmed += total.saturating_sub(replicas.seen());
        progress.finish();
        Ok(replicas)
    }

    fn seen(&self) -> u64 {
        self.verified + self.not_confirmed + self.failed + self.not_replicated
    }

    fn take_in(&mut self, checked: &Checked, actions: &mut Actions) -> Result<(), Failure> {
        let (status, why) = said_of(checked);
        let counter = match status {
            "verified" => &mut self.verified,
            "failed" => &mut self.failed,
            "not-replicated" => &mut self.not_replicated,
            _ => &mut self.not_confirmed,
        };
        *counter += 1;
        let source = &checked.address;
        let action = json!({
            "action": "verify-replica",
            "address": source,
            "version_id": checked.version_id,
            "status": status,
            "reason": why.as_ref().map(Failure::message),
        });
        match why {
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

/// What is to be said of one.
fn said_of(checked: &Checked) -> (&'static str, Option<Failure>) {
    let address = &checked.address;
    let said = |exit, what: &str, hint: Option<String>| {
        Some(Failure::new(exit, format!("`{address}`: {what}")).maybe_hint(hint))
    };
    let outcome = match &checked.result {
        CheckedResult::Object(found) => &found.outcome,
        CheckedResult::Error(error) => {
            let why = said(Exit::NotConfirmed, &chain(error), error.hint());
            return ("unclear", why);
        }
        _ => return ("unclear", said(Exit::NotConfirmed, "it is gone", None)),
    };
    let (status, exit) = match (checked.verdict(), outcome.conclusion()) {
        (_, Conclusion::Verified) => return ("verified", None),
        (Verdict::NotCovered | Verdict::Replica, _) => ("not-replicated", Exit::NotConfirmed),
        (_, Conclusion::Refuted) => ("failed", Exit::Differs),
        (_, Conclusion::Pending) => ("pending", Exit::NotConfirmed),
        (_, Conclusion::Undetermined) => ("unclear", Exit::NotConfirmed),
    };
    let what = format!("replication: {}", report::outcome(outcome));
    (status, said(exit, &what, report::hint(outcome)))
}

/// Whether nothing of the bucket is replicated, whatever the object.
fn nothing_replicates(checked: &Checked) -> bool {
    let outcome = checked.report().map(|report| &report.outcome);
    matches!(
        outcome,
        Some(Outcome::NotCovered {
            why: NotCovered::NoConfiguration | NotCovered::NotVersioned
        })
    )
}

fn tell_nothing_replicates(terminal: Terminal, checked: &Checked) {
    let (_, why) = said_of(checked);
    if let Some(why) = why {
        terminal.warn(why.message());
        let hint = why.hint_text().unwrap_or("set up replication");
        terminal.hint(format!("{hint}; or give --no-wait"));
    }
}
