//! One self-contained page: verdict first, then what was proven, what is wrong and what to do.
//!
//! The page needs no network, and its policy forbids it any: style and script are part of it and are named
//! by their digests, so that nothing that an object key or a server's answer brings along can run. Every
//! value is escaped by the template. It reads without the script, which only sorts and filters.

mod figures;
mod findings;
mod histogram;
mod objects;
mod verdict;

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyferry_verify::Verdict;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::run::Ending;
use crate::spool::Spool;
use crate::story::{self, Story};
use crate::tally::Tally;
use crate::verdict::{class, label};
use crate::{Run, printable};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Writes the page.
pub(crate) fn write(
    out: &mut dyn Write,
    run: &Run,
    tally: &Tally,
    ending: &Ending<'_>,
    spool: &mut Spool,
) -> io::Result<()> {
    let story = story::tell(run.level, ending);
    out.write_all(above(run, tally, ending, &story).into_string().as_bytes())?;
    objects::write(out, tally, ending.summary, spool)?;
    out.write_all(below(run, tally, ending).into_string().as_bytes())
}

fn above(run: &Run, tally: &Tally, ending: &Ending<'_>, story: &Story) -> Markup {
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        source_of(STYLE),
        source_of(SCRIPT)
    );
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\">"))
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            meta name="robots" content="noindex";
            meta name="generator" content=(format!("keyferry {}", run.version));
            title { (story.title) " keyferry verify" }
            link rel="icon" href="data:,";
            style { (PreEscaped(STYLE)) }
        }
        (PreEscaped("<body>"))
        header {
            strong { "keyferry verify" }
            span { (asked(run)) }
            time datetime=(ending.finished.to_string()) { (at(ending.finished)) }
        }
        (PreEscaped("<main>"))
        (verdict::section(tally, ending.summary, story))
        div.pair {
            (findings::ladder(run, tally))
            (findings::not_seen(tally, ending))
        }
        (findings::groups(tally))
        (histogram::section(tally))
    }
}

fn below(run: &Run, tally: &Tally, ending: &Ending<'_>) -> Markup {
    html! {
        (figures::facts(run, tally, ending))
        (figures::glossary(ending.summary))
        (PreEscaped("</main>"))
        footer {
            p {
                "Written by keyferry " (run.version) ". This page holds no customer key, and needs no \
                 network."
            }
        }
        script { (PreEscaped(SCRIPT)) }
        (PreEscaped("</body></html>\n"))
    }
}

/// What was to be verified, in a line.
fn asked(run: &Run) -> String {
    match run.asked.as_slice() {
        [one] => printable(one).into_owned(),
        [first, rest @ ..] => format!("{} and {} more", printable(first), rest.len()),
        [] => String::new(),
    }
}

/// A time as people read it.
fn at(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The source expression that allows exactly this text.
fn source_of(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// A figure as an attribute of drawings.
fn drawn(number: f64) -> String {
    format!("{number:.2}")
}

/// The share of one number in another, in percent.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

/// A verdict as a coloured word.
fn pill(verdict: Verdict) -> Markup {
    html! {
        span class=(format!("pill {}", class(verdict.conclusion()))) { (label(verdict)) }
    }
}

/// A name that others have chosen: no control characters, and no way to turn the text around it.
fn name(text: &str) -> Markup {
    html! { span.name { (printable(text)) } }
}

/// A sentence of ours, that others' names may be in: what stands between backticks is shown as code.
fn sentence(text: &str) -> Markup {
    let text = printable(text);
    let first = text.chars().next();
    html! {
        span.sentence {
            @for (index, piece) in text.split('`').enumerate() {
                @if index % 2 == 1 {
                    code { bdi { (piece) } }
                } @else if index == 0 {
                    @if let Some(first) = first.filter(|_| !piece.is_empty()) {
                        (first.to_uppercase()) (piece.get(first.len_utf8()..).unwrap_or_default())
                    }
                } @else {
                    (piece)
                }
            }
        }
    }
}
