//! Waiting until the new versions are in the other region, and equal there.

use std::time::{Duration, Instant};

use futures::stream::StreamExt;
use keyferry_transfer::ObjectAddress;
use keyferry_verify::{
    Conclusion, ErrorKind, Level, NotCovered, Outcome, ReadSides, Silent, Subject, Verification,
    VerifyError,
};

use super::Course;
use super::line::Line;
use super::report::{Tally, name_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{replica, terminal::report};

/// How many replicas are looked at at once.
const AT_ONCE: usize = 16;

/// What verifying one came to.
struct Verified {
    line: Line,
    /// No rule of the bucket covers anything, so that nothing else needs to be asked.
    nothing_replicates: bool,
}

/// Looks at the replicas of all lines that await theirs.
pub(super) async fn verify(
    course: &Course<'_>,
    lines: Vec<Line>,
    tally: &mut Tally,
) -> Result<Vec<Line>, Failure> {
    let (mut awaiting, mut done): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|line| line.awaits_replica);
    if awaiting.is_empty() {
        return Ok(done);
    }
    let total = u64::try_from(awaiting.len()).unwrap_or(u64::MAX);
    let progress = course.invocation.terminal.progress("replicas");
    progress.status("waiting for replication");
    progress.items("replicas", 0, total);
    let region = course.aws.bucket_region(&course.target.bucket).await?;
    let place =
        replica::Place::connect(course.invocation, &course.aws, &course.arguments.replica).await?;
    let look = Look {
        course,
        place: &place,
        region: &region,
        started: Instant::now(),
    };
    // The first one tells whether there is replication at all.
    let first = match awaiting.pop() {
        Some(first) => look.at(first).await?,
        None => return Ok(done),
    };
    let nothing_replicates = first.nothing_replicates && !first.line.was_replicated;
    tally.replica(&first.line);
    done.push(first.line);
    if nothing_replicates {
        for mut line in awaiting {
            line.replication = Some("not replicated");
            tally.replica(&line);
            done.push(line);
        }
        return Ok(done);
    }
    let mut looks = futures::stream::iter(awaiting)
        .map(|line| look.at(line))
        .buffer_unordered(AT_ONCE);
    let mut count = 1;
    while let Some(verified) = looks.next().await {
        let line = verified?.line;
        count += 1;
        progress.items("replicas", count, total);
        progress.status(&format!("{count} of {total} looked at"));
        if let ("failed" | "differs", Some(reason)) =
            (line.replication.unwrap_or_default(), &line.reason)
        {
            let name = name_of(&course.target.bucket, &line.key);
            course.invocation.terminal.warn(format!("{name}: {reason}"));
        }
        tally.replica(&line);
        done.push(line);
    }
    progress.finish();
    done.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(done)
}

struct Look<'a> {
    course: &'a Course<'a>,
    place: &'a replica::Place,
    region: &'a keyferry_policy::Region,
    started: Instant,
}

impl Look<'_> {
    /// Verifies one. All of them together wait no longer than was asked for.
    async fn at(&self, mut line: Line) -> Result<Verified, Failure> {
        let course = self.course;
        let source = ObjectAddress::new(course.target.bucket.clone(), line.key.as_str())
            .map_err(|error| Failure::from_error(Exit::Failure, &error))?;
        let subject = Subject {
            region: self.region.clone(),
            version_id: line.new_version_id.clone(),
            size: line.size,
            etag: None,
            parts: None,
            checksum: None,
            sha256: None,
            key_id: Some(course.rekey.key_id.clone()),
            key_md5: Some(course.rekey.key.md5()),
            uploaded: None,
            from_receipt: false,
            receipt: None,
            source,
        };
        let verification = Verification {
            subject: &subject,
            key: Some(&course.rekey.key),
            wait: course
                .arguments
                .wait
                .checked_sub(self.started.elapsed())
                .unwrap_or(Duration::ZERO),
            level: Level::Equal,
            read: ReadSides::Both,
            replica: self.place.given(course.invocation, &subject.source),
            probe: false,
        };
        let regions = self.place.regions();
        let verified =
            keyferry_verify::verify(regions, verification, &Silent, course.cancel.clone()).await;
        let mut nothing_replicates = false;
        match verified {
            Ok(found) => {
                nothing_replicates = matches!(
                    found.outcome,
                    Outcome::NotCovered {
                        why: NotCovered::NoConfiguration | NotCovered::NotVersioned
                    }
                );
                settle(&mut line, &found.outcome);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(VerifyError::SourceMissing { .. }) => {
                line.replication = Some("unclear");
                line.reason = Some("the new version is not there any more".to_owned());
            }
            Err(error) => {
                line.replication = Some("unclear");
                line.reason = Some(error.to_string());
                line.hint = error.hint();
            }
        }
        Ok(Verified {
            line,
            nothing_replicates,
        })
    }
}

fn settle(line: &mut Line, outcome: &Outcome) {
    let word = match (outcome, outcome.conclusion()) {
        (_, Conclusion::Verified) => "verified",
        // S3 took the old version, or says that it should have taken this one.
        (
            Outcome::NotCovered {
                why: NotCovered::OlderThanRule,
            },
            _,
        ) => "unclear",
        (Outcome::NotCovered { .. }, _) if line.was_replicated => "unclear",
        (Outcome::NotCovered { .. }, _) => "not replicated",
        (Outcome::Failed { .. }, _) => "failed",
        (_, Conclusion::Refuted) => "differs",
        (_, Conclusion::Pending) => "pending",
        (_, Conclusion::Undetermined) => "unclear",
    };
    line.replication = Some(word);
    if !matches!(word, "verified" | "not replicated") {
        line.reason = Some(format!("replication: {}", report::outcome(outcome)));
        line.hint = report::hint(outcome);
    }
}
