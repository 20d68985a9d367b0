//! The table of objects: all that are not verified first, then verified ones while there is room.

use std::io::{self, Write};

use keyferry_verify::{Summary, Verdict};
use maud::{Markup, PreEscaped, html};

use super::{name, pill, sentence};
use crate::entry::Entry;
use crate::size::{counted, grouped, human_bytes, human_seconds};
use crate::spool::Spool;
use crate::tally::{LEVELS, Tally};
use crate::verdict::{WORST_FIRST, class, is_fine, label, rank};
use crate::wording::level_name;

/// Rows that a browser still sorts and filters at once, and that a telephone still loads.
const MOST_ROWS: u64 = 5_000;

/// Rows of verified objects: there is little to read in them.
const MOST_VERIFIED: u64 = 1_000;

/// Columns: the name that the script sorts by, the title, whether the largest is what people look for.
const COLUMNS: [(&str, &str, bool); 6] = [
    ("rank", "Verdict", false),
    ("name", "Object", false),
    ("why", "Why, and what to do", false),
    ("proven", "Proven", false),
    ("size", "Size", true),
    ("latency", "Took", true),
];

/// Writes the section.
pub(super) fn write(
    out: &mut dyn Write,
    tally: &Tally,
    summary: &Summary,
    spool: &mut Spool,
) -> io::Result<()> {
    let verified = tally.count(is_fine);
    let others = tally.objects - verified;
    let rows_of_others = others.min(MOST_ROWS);
    let rows_of_verified = verified.min(MOST_VERIFIED).min(MOST_ROWS - rows_of_others);
    if rows_of_others + rows_of_verified == 0 {
        return Ok(());
    }
    out.write_all(above(tally, summary).into_string().as_bytes())?;
    for wanted in [false, true] {
        let mut room = if wanted {
            rows_of_verified
        } else {
            rows_of_others
        };
        for entry in spool.entries()? {
            if room == 0 {
                break;
            }
            let entry = entry?;
            if is_fine(entry.verdict) == wanted {
                out.write_all(row(&entry).into_string().as_bytes())?;
                room -= 1;
            }
        }
    }
    let left_out = [
        (others - rows_of_others, "with something to do about"),
        (verified - rows_of_verified, "with nothing to do about"),
        (
            summary.total().saturating_sub(tally.objects),
            "from before this run was continued",
        ),
    ];
    out.write_all(below(left_out).into_string().as_bytes())
}

fn above(tally: &Tally, summary: &Summary) -> Markup {
    html! {
        (PreEscaped("<section id=\"objects-section\">"))
        h2 { "Objects" }
        p.lead { "The worst comes first, what is verified last." }
        div.controls {
            input #search type="search" placeholder="Filter by name, version, cause …"
                aria-label="Filter the table" autocomplete="off" spellcheck="false";
            select #order aria-label="Order of the table" {
                option value="rank" { "worst first" }
                option value="place" { "as found" }
                @for (key, title, _) in COLUMNS.into_iter().skip(1) {
                    option value=(key) { (title) ", ascending" }
                    option value={ "-" (key) } { (title) ", descending" }
                }
            }
            span #shown.soft aria-live="polite" data-all=(tally.objects) {}
            div.chips role="group" aria-label="Verdicts" {
                button type="button" value="" { "all" }
                @for verdict in WORST_FIRST.into_iter().filter(|verdict| summary.count(*verdict) > 0) {
                    button type="button" value=(verdict.name())
                        class=(class(verdict.conclusion())) {
                        (label(verdict)) " " (grouped(summary.count(verdict)))
                    }
                }
            }
        }
        (PreEscaped("<table id=\"objects\">"))
        thead {
            tr {
                @for (key, title, largest) in COLUMNS {
                    th scope="col" data-key=(key) data-first=[largest.then_some("largest")] { (title) }
                }
            }
        }
        (PreEscaped("<tbody>\n"))
    }
}

fn row(entry: &Entry) -> Markup {
    let rung = entry.level.as_ref().and_then(|level| {
        LEVELS
            .iter()
            .position(|known| level_name(*known) == level.as_str())
    });
    let (size, latency) = (entry.size, entry.latency);
    let verified = entry.verdict == Verdict::Verified;
    html! {
        tr data-verdict=(entry.verdict.name()) data-rank=(rank(entry.verdict))
            data-name=(entry.address()) data-why=(entry.group.as_deref().unwrap_or_default())
            data-proven=(given(rung)) data-size=(given(size))
            data-latency=(given(latency.map(|latency| latency.as_millis()))) {
            td { (pill(entry.verdict)) }
            td {
                div.key { (name(&entry.key)) }
                small { (name(&entry.bucket)) }
                @if let Some(version) = &entry.version_id { small { "version " (name(version)) } }
            }
            td {
                @if !verified {
                    div.why { (sentence(&entry.headline)) }
                    @if !entry.because.is_empty() {
                        ul.because { @for line in &entry.because { li { (sentence(line)) } } }
                    }
                    @if !entry.repairs.is_empty() {
                        ul.todo {
                            @for repair in &entry.repairs { li { "→ " (sentence(&repair.words)) } }
                        }
                    }
                }
                (more(entry))
            }
            td data-name="proven" { @if let Some(level) = &entry.level { (level) } }
            td data-name="size" { @if let Some(size) = size { (human_bytes(size)) } }
            td data-name="took" { @if let Some(latency) = latency { (human_seconds(latency.as_secs_f64())) } }
        }
        "\n"
    }
}

/// What is read of one object only: commands, and all that was seen.
fn more(entry: &Entry) -> Markup {
    let commands: Vec<_> = entry
        .repairs
        .iter()
        .filter_map(|repair| repair.command.as_ref())
        .collect();
    html! {
        @if !(commands.is_empty() && entry.evidence.is_empty() && entry.not_seen.is_empty()) {
            details {
                summary { @if commands.is_empty() { "what was seen" } @else { "command, and what was seen" } }
                @for command in commands { code.command { (name(command)) } }
                dl {
                    @for (what, line) in &entry.evidence { dt { (what) } dd { (name(line)) } }
                    @for line in &entry.not_seen { dt { "not seen" } dd { (sentence(line)) } }
                }
            }
        }
    }
}

fn below(left_out: [(u64, &str); 3]) -> Markup {
    html! {
        (PreEscaped("</tbody></table>"))
        p #none-left.none-left { "Nothing fits the filter." }
        @for (count, which) in left_out {
            @if count > 0 {
                p.lead {
                    "Not listed here: "
                    (counted(count, "object")) " " (which)
                    ". A report named `.ndjson` lists every one."
                }
            }
        }
        (PreEscaped("</section>"))
    }
}

fn given(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
