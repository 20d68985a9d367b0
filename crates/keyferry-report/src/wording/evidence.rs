//! What was seen of one object, in lines.

use std::collections::BTreeSet;

use keyferry_verify::{Finding, Level, ObjectView, ReadSides, ReplicaSide, Report, Unseen};

use crate::size::human_bytes;

/// What was seen, a name and a line each.
#[must_use]
pub fn evidence(report: &Report) -> Vec<(&'static str, String)> {
    let key = report
        .subject
        .key_id
        .as_ref()
        .map(|id| format!("{id}, "))
        .unwrap_or_default();
    let mut steps = vec![
        (
            "key",
            match report.subject.key_md5 {
                Some(md5) => format!("{key}MD5 {md5}"),
                None => "not under a customer key".to_owned(),
            },
        ),
        (
            "source",
            format!(
                "{} ({}) {}",
                report.source.bucket,
                report.source.region,
                match report.source.was_seen() {
                    true => view(&report.source.view),
                    false => "not asked".to_owned(),
                }
            ),
        ),
    ];
    steps.extend(
        report
            .replicas
            .iter()
            .map(|side| ("replica", replica(side))),
    );
    if let Some(latency) = report.timings.status_latency {
        steps.push((
            "replicated",
            format!("{:.1} s after the upload", latency.as_secs_f64()),
        ));
    }
    if let Some(reached) = report.level_reached() {
        steps.push(("equal", compared(report, reached)));
    }
    if report.subject.key_md5.is_none() {
        let none = "not applicable: whoever may read the object needs no key";
        steps.push(("probes", none.to_owned()));
    }
    steps.extend(probes(report).map(|line| ("probes", line)));
    steps
}

/// What came of the requests that had to be refused.
fn probes(report: &Report) -> Option<String> {
    let mut refused = 0;
    let mut all = 0;
    let mut statuses = BTreeSet::new();
    for probe in report.probes() {
        all += 1;
        if let Some(refusal) = probe.refusal() {
            refused += 1;
            statuses.insert(refusal.status.to_string());
        }
    }
    let statuses = Vec::from_iter(statuses).join(", ");
    let requests = "requests without the key or with another";
    match (all, refused) {
        (0, _) => None,
        (_, 0) => Some(format!("{all} {requests}: none refused")),
        _ if all == refused => Some(format!("{all} {requests}: all refused ({statuses})")),
        _ => Some(format!("{all} {requests}: {refused} refused ({statuses})")),
    }
}

fn view(view: &ObjectView) -> String {
    let status = view
        .status
        .as_ref()
        .map_or_else(|| "no replication status".to_owned(), ToString::to_string);
    format!("{}, {status}", human_bytes(view.size))
}

fn replica(side: &ReplicaSide) -> String {
    let region = side
        .region
        .as_ref()
        .map_or_else(|| "region unknown".to_owned(), ToString::to_string);
    let seen = match (&side.view, &side.finding) {
        (Some(seen), _) => view(seen),
        (None, Finding::Unreachable { detail }) => format!("no answer: {detail}"),
        (None, _) => "not seen".to_owned(),
    };
    let at = side
        .endpoint
        .as_ref()
        .map(|endpoint| format!(" at {endpoint}"))
        .unwrap_or_default();
    let rule = side
        .rule
        .as_ref()
        .and_then(|rule| rule.id.as_ref())
        .map(|id| format!(", by rule `{id}`"))
        .unwrap_or_default();
    format!("{} ({region}){at} {seen}{rule}", side.bucket)
}

fn compared(report: &Report, reached: Level) -> String {
    // What a side does not tell was not compared.
    let unseen = |what: fn(&Unseen) -> bool| {
        let sides = report.replicas.iter();
        sides.flat_map(|side| &side.unseen).any(what)
    };
    let equal = [
        ("version", false),
        ("size", false),
        ("checksum", unseen(|what| matches!(what, Unseen::Checksum))),
        ("key MD5", unseen(|what| matches!(what, Unseen::KeyMd5))),
        ("metadata", false),
        ("tags", unseen(|what| matches!(what, Unseen::Tags { .. }))),
    ];
    let equal: Vec<&str> = equal
        .into_iter()
        .filter(|(_, is_unseen)| !is_unseen)
        .map(|(name, _)| name)
        .collect();
    let equal = equal.join(", ");
    match reached {
        Level::Status => "replication status only".to_owned(),
        Level::Equal => equal,
        Level::Sample => format!("{equal}; samples read on both sides"),
        Level::Deep => {
            let alone = |side: &ReplicaSide| {
                let content = side.content.as_ref();
                content.is_some_and(|content| content.read == ReadSides::Replica)
            };
            let read = match report.replicas.iter().any(alone) {
                true => "of the replica, against the receipt's SHA-256",
                false => "on both sides",
            };
            format!("{equal}; all {} {read}", human_bytes(report.subject.size))
        }
    }
}
