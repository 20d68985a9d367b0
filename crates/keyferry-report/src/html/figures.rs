//! What the run was, and what the words mean.

use keyferry_verify::{ProbeCounts, Summary};
use maud::{Markup, html};

use super::{at, name, pill};
use crate::Run;
use crate::run::Ending;
use crate::size::{counted, grouped, human_bytes, human_seconds};
use crate::tally::Tally;
use crate::verdict::{WORST_FIRST, meaning};
use crate::wording::level_name;

pub(super) fn facts(run: &Run, tally: &Tally, ending: &Ending<'_>) -> Markup {
    let took = ending.finished.duration_since(run.started).as_secs_f64();
    html! {
        section {
            h2 { "The run" }
            dl.facts {
                dt { "Asked for" }
                dd {
                    @for (index, asked) in run.asked.iter().enumerate() {
                        @if index > 0 { ", " }
                        code { (name(asked)) }
                    }
                    " at level " code { (level_name(run.level)) }
                }
                dt { "Looked at" }
                dd {
                    (counted(ending.summary.total(), "object")) ", " (human_bytes(ending.summary.bytes))
                    @if ending.summary.bytes_read > 0 {
                        ", of which " (human_bytes(ending.summary.bytes_read)) " were read and compared"
                    }
                }
                @if !ending.summary.encryption.is_empty() {
                    dt { "Encryption" } dd { (encryption(ending.summary)) }
                }
                dt { "Without the key" } dd { (probes(&ending.summary.probes)) }
                dt { "Began" } dd { (at(run.started)) }
                dt { "Ended" }
                dd {
                    (at(ending.finished)) ", after " (human_seconds(took.max(0.0)))
                    @if ending.broken_off.is_some() { ", broken off" }
                }
                dt { "Waited for replication" } dd { "at most " (human_seconds(run.wait.as_secs_f64())) }
                @for (bucket, count) in &tally.sources {
                    dt { "Source" } dd { code { (name(bucket)) } " " (counted(*count, "object")) }
                }
                @for (bucket, (region, count)) in &tally.replicas {
                    dt { "Replica" }
                    dd {
                        code { (name(bucket)) }
                        @if let Some(region) = region { " in " (region) }
                        ", " (counted(*count, "object"))
                    }
                }
                dt { "keyferry" } dd { (run.version) }
            }
        }
    }
}

/// How the objects are encrypted.
fn encryption(summary: &Summary) -> String {
    let counts: Vec<_> = summary
        .encryption
        .iter()
        .map(|(how, count)| {
            let how = match how.as_str() {
                "SSE-C" => "customer key (SSE-C)",
                "AES256" => "S3's keys (SSE-S3)",
                "aws:kms" => "AWS KMS",
                "aws:kms:dsse" => "AWS KMS, twice (DSSE-KMS)",
                "none" => "not said by the server",
                other => other,
            };
            format!("{how}: {}", counted(*count, "object"))
        })
        .collect();
    counts.join("; ")
}

/// What came of requests that had to be refused.
fn probes(probes: &ProbeCounts) -> String {
    if probes.objects == 0 {
        return "no request without the key, or with another, was tried".to_owned();
    }
    let mut text = format!(
        "{} without the key or with a throw-away key, for {}: {} refused",
        counted(probes.refused + probes.answered + probes.unclear, "request"),
        counted(probes.objects, "object"),
        if probes.answered + probes.unclear == 0 {
            "all".to_owned()
        } else {
            grouped(probes.refused)
        }
    );
    for (count, what) in [(probes.answered, "answered"), (probes.unclear, "unclear")] {
        if count > 0 {
            text.push_str(&format!(", {} {what}", grouped(count)));
        }
    }
    text
}

/// What the verdicts on this page mean.
pub(super) fn glossary(summary: &Summary) -> Markup {
    html! {
        section {
            h2 { "What the verdicts mean" }
            dl.facts {
                @for verdict in WORST_FIRST.into_iter().filter(|verdict| summary.count(*verdict) > 0) {
                    dt { (pill(verdict)) } dd { (meaning(verdict)) }
                }
            }
        }
    }
}
