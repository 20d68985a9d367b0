//! What was proven, what was not seen, and what is wrong.

use maud::{Markup, html};

use super::{drawn, name, percent, pill, sentence};
use crate::Run;
use crate::run::Ending;
use crate::size::{counted, grouped, human_bytes};
use crate::story::rung;
use crate::tally::{Group, LEVELS, Tally};
use crate::verdict::meaning;
use crate::wording::{Repair, level_name};

/// The ladder of proof, the highest rung on top.
pub(super) fn ladder(run: &Run, tally: &Tally) -> Markup {
    let all = tally.needing_replica();
    html! {
        section {
            h2 { "What was proven" }
            p.lead { "Each rung includes those below it. The count is of objects that reach it." }
            ol.ladder {
                @for level in LEVELS.into_iter().rev() {
                    @let proven = tally.proven_at(level);
                    @let (proves, leaves_open) = rung(level);
                    li class=(if proven == 0 { "none" } else { "reached" }) {
                        span.name {
                            (level_name(level))
                            @if level == run.level { small { "asked for" } }
                        }
                        div { p { (proves) } p { (leaves_open) } }
                        span.count { (grouped(proven)) " of " (grouped(all)) }
                        svg.meter aria-hidden="true" {
                            rect width={ (drawn(percent(proven, all))) "%" } height="100%" {}
                        }
                    }
                }
            }
        }
    }
}

/// What could not be seen, and so does not count as proven.
pub(super) fn not_seen(tally: &Tally, ending: &Ending<'_>) -> Markup {
    html! {
        section {
            h2 { "What was not seen" }
            p.lead { "None of this counts as proven, whatever the verdict." }
            @let of_the_run = ending.not_seen();
            @if of_the_run.is_empty() && tally.not_seen.is_empty() {
                p { "Nothing was hidden from view at the level asked for." }
            }
            ul.list {
                @for line in &of_the_run {
                    li { span { (sentence(line)) } span.count { "everywhere" } }
                }
                @for (line, count) in &tally.not_seen {
                    li { span { (sentence(line)) } span.count { (counted(*count, "object")) } }
                }
            }
        }
    }
}

/// What is wrong, once for all objects of which it is.
pub(super) fn groups(tally: &Tally) -> Markup {
    let groups = tally.groups();
    if groups.is_empty() {
        return html! {};
    }
    html! {
        section #causes {
            h2 { "What is wrong, and what to do" }
            p.lead {
                "The same cause is shown once, for all objects that have it. The worst comes first."
            }
            @for group in groups { (group_of(group)) }
            @if tally.ungrouped > 0 {
                p.soft { "And " (counted(tally.ungrouped, "object")) " with other causes: see the table." }
            }
        }
    }
}

fn group_of(group: &Group) -> Markup {
    html! {
        div.group {
            div {
                (pill(group.verdict)) " "
                span.soft {
                    (counted(group.count, "object"))
                    @if group.bytes > 0 { ", " (human_bytes(group.bytes)) }
                }
                h3 { (sentence(&group.why)) }
                ul {
                    @for example in &group.examples { li { code { (name(example)) } } }
                    @if group.count > group.examples.len() as u64 {
                        li { "and " (grouped(group.count - group.examples.len() as u64)) " more" }
                    }
                }
            }
            div {
                p.label { "What to do" }
                (todo(&group.repairs))
                @if group.repairs.is_empty() { p.todo { (meaning(group.verdict)) } }
            }
        }
    }
}

/// What to do, with the commands that do it.
fn todo(repairs: &[Repair]) -> Markup {
    html! {
        @if !repairs.is_empty() {
            ul.todo {
                @for repair in repairs {
                    li {
                        (sentence(&repair.words))
                        @if let Some(command) = &repair.command { code.command { (name(command)) } }
                    }
                }
            }
        }
    }
}
