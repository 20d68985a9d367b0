//! The top of the page: what it came to.

use keyferry_verify::{Conclusion, Summary, Verdict};
use maud::{Markup, PreEscaped, html};

use super::{drawn, name, percent};
use crate::size::{grouped, human_bytes};
use crate::story::Story;
use crate::tally::Tally;
use crate::verdict::{WORST_FIRST, class, label};

/// The conclusions in the order of tiles and of the bar.
const ORDER: [Conclusion; 4] = [
    Conclusion::Verified,
    Conclusion::Pending,
    Conclusion::Undetermined,
    Conclusion::Refuted,
];

pub(super) fn section(tally: &Tally, summary: &Summary, story: &Story) -> Markup {
    html! {
        section #verdict class=(class(Some(story.conclusion))) {
            (sign(story.conclusion))
            h1 { (story.title) }
            @for sentence in &story.sentences {
                p { (super::sentence(sentence)) }
            }
            (found(summary))
            @if let Some(route) = route(tally) {
                p.route { (route) }
            }
        }
        div.tiles {
            (tile(None, &grouped(summary.total()), if summary.total() == 1 { "object" } else { "objects" }))
            @for conclusion in ORDER {
                (tile(
                    Some(conclusion),
                    &grouped(summary.concluded(conclusion)),
                    meaning(conclusion),
                ))
            }
            (tile(None, &human_bytes(summary.bytes).to_string(), "of data"))
        }
        (share(summary))
    }
}

/// How many objects came to what is not plain success. A link filters the table.
fn found(summary: &Summary) -> Markup {
    let found: Vec<_> = WORST_FIRST
        .into_iter()
        .filter(|verdict| *verdict != Verdict::Verified && summary.count(*verdict) > 0)
        .collect();
    html! {
        @if !found.is_empty() && summary.total() > 1 {
            ul {
                @for verdict in found {
                    li {
                        a class=(format!("pill {}", class(verdict.conclusion())))
                            href=(format!("#verdict={}", verdict.name())) {
                            (grouped(summary.count(verdict))) " " (label(verdict))
                        }
                    }
                }
            }
        }
    }
}

fn tile(conclusion: Option<Conclusion>, figure: &str, what: &str) -> Markup {
    let classes = match conclusion {
        Some(conclusion) if figure != "0" => {
            format!("tile some {}", class(Some(conclusion)))
        }
        _ => "tile".to_owned(),
    };
    html! {
        div class=(classes) { b { (figure) } span { (what) } }
    }
}

fn meaning(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Verified => "verified",
        Conclusion::Pending => "still replicating",
        Conclusion::Undetermined => "not proven",
        Conclusion::Refuted => "wrong",
    }
}

/// All objects as one bar.
fn share(summary: &Summary) -> Markup {
    let mut from = 0.0;
    let pieces = ORDER.map(|conclusion| {
        let width = percent(summary.concluded(conclusion), summary.total());
        let piece = (class(Some(conclusion)), from, width);
        from += width;
        piece
    });
    html! {
        svg.share aria-hidden="true" preserveAspectRatio="none" {
            @for (class, from, width) in pieces {
                @if width > 0.0 {
                    rect class=(class) x={ (drawn(from)) "%" } width={ (drawn(width)) "%" } height="100%" {}
                }
            }
        }
    }
}

/// From which bucket to which.
fn route(tally: &Tally) -> Option<Markup> {
    let sources: Vec<_> = tally.sources.keys().collect();
    if sources.is_empty() {
        return None;
    }
    let replicas: Vec<_> = tally.replicas.iter().collect();
    Some(html! {
        @for (index, source) in sources.iter().enumerate() {
            @if index > 0 { ", " }
            code { (name(source)) }
        }
        " → "
        @if replicas.is_empty() { "no replica bucket is known" }
        @for (index, (bucket, (region, _))) in replicas.iter().enumerate() {
            @if index > 0 { ", " }
            code { (name(bucket)) }
            @if let Some(region) = region { " (" (region) ")" }
        }
    })
}

/// A sign that does not depend on colours.
fn sign(conclusion: Conclusion) -> Markup {
    let path = match conclusion {
        Conclusion::Verified => "M13 23l7 7 13-14",
        Conclusion::Refuted => "M15 15l14 14M29 15L15 29",
        Conclusion::Pending => "M22 12v11l7 5",
        Conclusion::Undetermined => {
            "M17 18a5 5 0 1 1 7.500 4.300c-1.700 1-2.500 1.900-2.500 3.700M22 31.500v.5"
        }
    };
    html! {
        svg viewBox="0 0 44 44" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="3.5"
            stroke-linecap="round" stroke-linejoin="round" {
            circle cx="22" cy="22" r="19.500" {}
            (PreEscaped(format!("<path d=\"{path}\"/>")))
        }
    }
}
