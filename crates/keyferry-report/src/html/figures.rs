//! What the run was, and what the words mean.

use maud::{Markup, html};

use super::{at, name, pill};
use crate::run::Ending;
use crate::size::{counted, human_seconds};
use crate::tally::Tally;
use crate::wording::level_name;
use crate::{Run, Verdict};

pub(super) fn facts(run: &Run, tally: &Tally, ending: &Ending) -> Markup {
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
                dt { "Looked at" } dd { (counted(tally.objects, "object")) }
                dt { "Began" } dd { (at(run.started)) }
                dt { "Ended" }
                dd {
                    (at(ending.finished)) ", after " (human_seconds(took.max(0.0)))
                    @if !ending.complete { ", broken off" }
                }
                dt { "Waited for replication" } dd { "at most " (human_seconds(run.wait.as_secs_f64())) }
                @for (bucket, count) in &tally.sources {
                    dt { "Source" } dd { code { (name(bucket)) } " " (counted(*count, "object")) }
                }
                @for ((bucket, region), count) in &tally.replicas {
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

/// What the verdicts on this page mean.
pub(super) fn glossary(tally: &Tally) -> Markup {
    html! {
        section {
            h2 { "What the verdicts mean" }
            dl.facts {
                @for verdict in Verdict::ALL.into_iter().filter(|verdict| tally.of(*verdict) > 0) {
                    dt { (pill(verdict)) } dd { (verdict.meaning()) }
                }
            }
        }
    }
}
