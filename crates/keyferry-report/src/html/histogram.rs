//! How long replication took, drawn.
//!
//! Drawn twice, wide and narrow, since text in a drawing that is scaled to a telephone cannot be read; the
//! page shows one of them.

use maud::{Markup, html};

use super::drawn;
use crate::latencies::Bar;
use crate::size::{counted, grouped, human_seconds};
use crate::tally::Tally;

/// S3 Replication Time Control promises to be done within 15 minutes.
const PROMISE: f64 = 900.0;

pub(super) fn section(tally: &Tally) -> Markup {
    let latencies = &tally.latencies;
    let (Some(median), Some(most), Some(nearly), Some(longest)) = (
        latencies.quantile(0.5),
        latencies.quantile(0.95),
        latencies.quantile(0.99),
        latencies.longest(),
    ) else {
        return html! {};
    };
    let bars = latencies.bars();
    html! {
        section #latency {
            h2 { "How long replication took" }
            p.lead {
                "From the upload until the source's status was seen as COMPLETED, for the "
                (counted(latencies.count(), "object"))
                " of which the change was witnessed. Exact to the delay between two looks."
            }
            dl.quantiles {
                @for (what, seconds) in [
                    ("half within", median), ("95 % within", most), ("99 % within", nearly), ("longest", longest),
                ] {
                    div { dt { (what) } dd { (human_seconds(seconds)) } }
                }
            }
            figure {
                (drawing("wide", &bars, 1080.0, 240.0))
                (drawing("narrow", &bars, 340.0, 220.0))
                details {
                    summary { "As figures" }
                    dl {
                        @for bar in bars.iter().filter(|bar| bar.count > 0) {
                            dt { (span_of(bar)) }
                            dd { (counted(bar.count, "object")) }
                        }
                    }
                }
            }
        }
    }
}

fn drawing(class: &str, bars: &[Bar], width: f64, height: f64) -> Markup {
    let highest = bars.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
    let (left, top, bottom) = (4.0, 36.0, 28.0);
    let floor = height - bottom;
    let step = (width - 2.0 * left) / (bars.len().max(1) as f64);
    let thick = (step * 0.86).min(96.0);
    let at = |index: usize| left + step * index as f64;
    // Labels stand as close as their text allows.
    let every = (64.0 / step).ceil().max(1.0) as usize;
    let promise = bars.iter().position(|bar| bar.from == PROMISE);
    html! {
        svg class=(class) viewBox=(format!("0 0 {width} {height}")) role="img"
            aria-label="Histogram of replication latency; the figures follow" {
            line x1="0" x2=(drawn(width)) y1=(drawn(floor)) y2=(drawn(floor)) {}
            @if let Some(index) = promise {
                line.promise x1=(drawn(at(index))) x2=(drawn(at(index))) y1="4" y2=(drawn(floor)) {
                    title { "15 min: what S3 Replication Time Control promises" }
                }
                @let (x, anchor) = match at(index) > width - 110.0 {
                    true => (at(index) - 5.0, "end"),
                    false => (at(index) + 5.0, "start"),
                };
                text x=(drawn(x)) y="14" text-anchor=(anchor) { "15 min promise" }
            }
            @for (index, bar) in bars.iter().enumerate() {
                @let tall = (floor - top) * bar.count as f64 / highest as f64;
                // What is there is visible, however little it is.
                @let tall = if bar.count > 0 { tall.max(2.0) } else { 0.0 };
                @let centre = at(index) + step / 2.0;
                @if bar.count > 0 {
                    rect x=(drawn(centre - thick / 2.0)) y=(drawn(floor - tall)) width=(drawn(thick))
                        height=(drawn(tall)) rx="2" {
                        title { (span_of(bar)) ": " (counted(bar.count, "object")) }
                    }
                    @if step >= 34.0 || bar.count == highest {
                        text.value x=(drawn(centre)) y=(drawn(floor - tall - 6.0)) text-anchor="middle" {
                            (grouped(bar.count))
                        }
                    }
                }
            }
            @for index in (0..=bars.len()).step_by(every) {
                @let bound = bars.get(index).map_or_else(
                    || bars.last().map_or(0.0, |bar| bar.to), |bar| bar.from);
                @let anchor = if index == 0 { "start" } else if at(index) > width - 30.0 { "end" } else { "middle" };
                text x=(drawn(at(index))) y=(drawn(height - 8.0)) text-anchor=(anchor) { (human_seconds(bound)) }
            }
        }
    }
}

fn span_of(bar: &Bar) -> String {
    format!("{} to {}", human_seconds(bar.from), human_seconds(bar.to))
}
