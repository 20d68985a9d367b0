//! A run as text for people: the verdict, what was proven, what was not seen, and what is wrong.

use std::io::{self, Write};

use keyferry_verify::{Level, Summary};

use crate::entry::Entry;
use crate::run::{BrokenOff, Ending};
use crate::size::{counted, grouped, human_seconds};
use crate::spool::Spool;
use crate::story;
use crate::tally::{LEVELS, Tally};
use crate::verdict::{WORST_FIRST, is_fine, label};
use crate::wording::level_name;
use crate::{Run, printable};

/// What all of a run came to, for a terminal.
#[must_use]
pub fn summary_text(asked: Level, summary: &Summary, complete: bool) -> String {
    let told_elsewhere = BrokenOff::default();
    let ending = Ending {
        finished: jiff::Timestamp::now(),
        broken_off: (!complete).then_some(&told_elsewhere),
        summary,
    };
    let told = story::tell(asked, &ending);
    let mut text = told.title;
    for sentence in told.sentences {
        text.push_str(&format!("\n  {sentence}"));
    }
    for line in ending.not_seen() {
        text.push_str(&format!("\n  not seen: {}", printable(&line)));
    }
    text
}

/// Writes the whole report.
pub(crate) fn write(
    out: &mut dyn Write,
    run: &Run,
    tally: &Tally,
    ending: &Ending<'_>,
    spool: &mut Spool,
) -> io::Result<()> {
    let told = story::tell(run.level, ending);
    writeln!(out, "{}", told.title)?;
    for sentence in &told.sentences {
        writeln!(out, "  {sentence}")?;
    }
    writeln!(out, "\nasked      {}", printable(&run.asked.join(", ")))?;
    writeln!(out, "level      {}", level_name(run.level))?;
    writeln!(out, "began      {}", run.started)?;
    writeln!(out, "ended      {}", ending.finished)?;
    writeln!(out, "keyferry   {}", run.version)?;
    writeln!(out, "\nVerdicts")?;
    for verdict in WORST_FIRST {
        let count = ending.summary.count(verdict);
        if count > 0 {
            writeln!(out, "  {:>10}  {}", grouped(count), label(verdict))?;
        }
    }
    writeln!(out, "\nProven, of {}", counted(tally.objects, "object"))?;
    for level in LEVELS {
        let proven = grouped(tally.proven_at(level));
        writeln!(
            out,
            "  {proven:>10}  {:<7} {}",
            level_name(level),
            story::rung(level).0
        )?;
    }
    let of_the_run = ending.not_seen();
    if !(of_the_run.is_empty() && tally.not_seen.is_empty()) {
        writeln!(out, "\nNot seen")?;
    }
    for line in of_the_run {
        writeln!(out, "  {:>10}  {}", "everywhere", printable(&line))?;
    }
    for (line, count) in &tally.not_seen {
        writeln!(out, "  {:>10}  {}", grouped(*count), printable(line))?;
    }
    if let (Some(median), Some(nearly), Some(longest)) = (
        tally.latencies.quantile(0.5),
        tally.latencies.quantile(0.99),
        tally.latencies.longest(),
    ) {
        writeln!(
            out,
            "\nReplication took, of {}\n  half within {}, 99 % within {}, the longest {}",
            counted(tally.latencies.count(), "object"),
            human_seconds(median),
            human_seconds(nearly),
            human_seconds(longest)
        )?;
    }
    let mut first = true;
    for entry in spool.entries()? {
        let entry = entry?;
        if !is_fine(entry.verdict) {
            if first {
                writeln!(out, "\nWhat is wrong, object by object")?;
                first = false;
            }
            writeln!(out, "\n{}", text_of(&entry))?;
        }
    }
    Ok(())
}

/// One object.
fn text_of(entry: &Entry) -> String {
    let mut text = format!(
        "{}: {}",
        printable(&entry.headline),
        printable(&entry.address())
    );
    if let Some(version) = &entry.version_id {
        text.push_str(&format!(" version {}", printable(version)));
    }
    let mut line = |name: &str, line: &str| {
        text.push_str(&format!("\n  {name:<10} {}", printable(line)));
    };
    for (name, seen) in &entry.evidence {
        line(name, seen);
    }
    for because in &entry.because {
        line("because", because);
    }
    for not_seen in &entry.not_seen {
        line("not seen", not_seen);
    }
    for repair in &entry.repairs {
        line("hint", &repair.words);
        if let Some(command) = &repair.command {
            line("", command);
        }
    }
    text
}
